"""Rebuilding every figure kept beside the facts, and telling where the record differs from it."""

from collections.abc import AsyncIterator, Mapping
from typing import TypeVar
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import text

from services.common import audit
from services.common.database import Database, ReadSession, open_database
from services.loans.positions import queries
from services.loans.positions.arithmetic import replay
from services.loans.positions.daily_totals import sum_days

Key = TypeVar("Key")
Value = TypeVar("Value")


async def verify(database_url: SecretStr, totals_database_url: SecretStr) -> list[str]:
    """The differences, one sentence each; empty when every kept figure follows from the facts."""
    database = open_database(database_url, 1)
    totals_database = open_database(totals_database_url, 1)
    try:
        return [
            difference
            for organisation in await _list_organisations(totals_database)
            async for difference in _verify_organisation(database, organisation)
        ]
    finally:
        await database.close()
        await totals_database.close()


async def _list_organisations(totals_database: Database) -> list[UUID]:
    async with totals_database.read_totals("verify") as session:
        rows = await session.connection.execute(
            text("SELECT organisation_id FROM organisation_counters ORDER BY organisation_id")
        )
        return [row.organisation_id for row in rows]


async def _verify_organisation(database: Database, organisation: UUID) -> AsyncIterator[str]:
    async with database.read(organisation) as session:
        async for difference in _find_differences(session):
            yield f"organisation {organisation}: {difference}"
        async for broken in audit.find_breaks(session):
            yield f"organisation {organisation}: {broken}"


async def _find_differences(session: ReadSession) -> AsyncIterator[str]:
    loans = await queries.load_facts(session, await queries.list_loan_ids(session))
    replayed = [(facts, replay(facts)) for facts in loans]
    kept_allocations = await queries.load_allocations(session)
    kept_states = await queries.load_states(session)
    for difference in (
        *_compare(
            "allocations of loan",
            {f.loan_id: list(r.allocations) for f, r in replayed if r.allocations},
            kept_allocations,
        ),
        *_compare("states of loan", {f.loan_id: list(r.states) for f, r in replayed}, kept_states),
        *_compare("totals of day", sum_days(replayed), await queries.load_daily_totals(session)),
    ):
        yield difference


def _compare(name: str, expected: Mapping[Key, Value], kept: Mapping[Key, Value]) -> list[str]:
    return [
        f"{name} {key}: kept {kept.get(key)}, from the facts {expected.get(key)}"
        for key in expected.keys() | kept.keys()
        if expected.get(key) != kept.get(key)
    ]
