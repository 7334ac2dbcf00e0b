"""The demonstration's months go through the service's own commands, on days gone by."""

import json
from datetime import date

import asyncpg
from pydantic import SecretStr

from deploy.data_folder import AccessKeys
from deploy.demonstration import build_reported_months, first_asked_month
from deploy.demonstration_months import report_months
from services.common.identity import organisation_id
from services.loans.verify import verify
from services.registry.keys.arithmetic import make_key
from tests.support.databases import ClonedDatabase

TODAY = date(2026, 11, 22)


async def look(database: ClonedDatabase, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()


async def test_each_step_on_its_day_once(fresh_database: ClonedDatabase) -> None:
    reported = build_reported_months(TODAY)
    network, *members = [make_key(bytes([n] * 8), "s" * 43).text for n in range(len(reported) + 1)]
    keys = AccessKeys(network, "", "", "", members=dict(zip(reported, members, strict=True)))
    url = SecretStr(fresh_database.url("loans_app"))
    await report_months(url, keys, TODAY)

    steps = await look(
        fresh_database,
        "SELECT organisation_id, month_on, kind, recorded_on FROM loans.period_events"
        " ORDER BY organisation_id, month_on, event_number",
    )
    meant = {
        (organisation_id(slug), said.month, kind, on)
        for slug, months in reported.items()
        for said in months
        for kind, on in (
            ("submitted", said.submitted_on),
            ("rejected", said.rejected_on),
            ("approved", said.approved_on),
            ("locked", said.locked_on),
        )
        if on is not None
    }
    assert len(steps) == len(meant)
    assert {tuple(step) for step in steps} == meant
    [start] = await look(
        fresh_database,
        "SELECT month_on, asked_on FROM loans.reporting_starts ORDER BY version DESC LIMIT 1",
    )
    assert tuple(start) == (first_asked_month(TODAY), first_asked_month(TODAY))
    audited = await look(fresh_database, "SELECT entry FROM loans.audit_entries")
    subjects = {json.loads(row["entry"])["subject"] for row in audited}
    assert "00" * 8 in subjects  # the network's
    assert len(subjects) == 1 + len(reported)

    await report_months(url, keys, TODAY)
    again = await look(fresh_database, "SELECT count(*) AS n FROM loans.period_events")
    assert again[0]["n"] == len(steps)
    assert await verify(url, SecretStr(fresh_database.url("loans_totals"))) == []
