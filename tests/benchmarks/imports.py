"""Imports over HTTP with everything on, each beside COPY of the rows it stores, in the same run.

10,000 loans of 24 instalments, then 100,000 repayments of them, for one organisation a round. The
bound copies the same rows into tables with the same columns, keys and checks.
"""

import asyncio
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

import asyncpg
import httpx

from deploy.cluster import superuser_dsn
from deploy.data_folder import require_running
from deploy.provisioning import DATABASE
from services.common.identity import organisation_id
from tests.support.federations import Federation, running_federation

LOANS = 10_000
REPAYMENTS_PER_LOAN = 10
ROUNDS = ("estrie", "laval", "outaouais")
TARGETS = {"loans": 0.40, "repayments": 0.50}
STORED = {
    "loans": ("loans", "disbursements", "schedule_versions", "instalments"),
    "repayments": ("repayments",),
}


def measure() -> Iterator[str]:
    """One round per organisation: the import, then COPY of what it stored."""
    directory = Path(mkdtemp(prefix="reseau-bench-"))
    try:
        with running_federation(directory) as federation:
            port = require_running(federation.folder).postgresql_port
            dsn = superuser_dsn(federation.folder, port, DATABASE)
            seconds: dict[str, list[tuple[float, float]]] = {kind: [] for kind in TARGETS}
            for organisation in ROUNDS:
                for kind, sheet in (("loans", _loans()), ("repayments", _repayments())):
                    imported = _import(federation, organisation, kind, sheet)
                    copied = asyncio.run(_copy(dsn, organisation, STORED[kind]))
                    seconds[kind].append((imported, copied))
        for kind, target in TARGETS.items():
            ratios = sorted(copied / imported for imported, copied in seconds[kind])
            imports, copies = (sorted(column) for column in zip(*seconds[kind], strict=True))
            yield (
                f"{kind}: {median(ratios):.2f} of COPY ({ratios[0]:.2f} to {ratios[-1]:.2f}),"
                f" target {target}; import {median(imports):.1f} s, COPY {median(copies):.1f} s"
            )
    finally:
        shutil.rmtree(directory)


def _loans() -> bytes:
    header = "external_id,borrower_external_id,principal,annual_rate,instalments,disbursed_on"
    rows = [f"L{n},B{n},{3000 + n % 9000}.00,7,24,2024-{n % 12 + 1:02}-15" for n in range(LOANS)]
    return "\n".join([header, *rows]).encode()


def _repayments() -> bytes:
    header = "external_id,loan_external_id,paid_on,amount,method"
    rows = [
        f"R{n}-{k},L{n},2025-{k + 1:02}-20,{100 + n % 40}.50,virement"
        for n in range(LOANS)
        for k in range(REPAYMENTS_PER_LOAN)
    ]
    return "\n".join([header, *rows]).encode()


def _import(federation: Federation, organisation: str, kind: str, sheet: bytes) -> float:
    began = time.monotonic()
    response = httpx.post(
        f"{federation.url}/v1/imports?kind={kind}",
        content=sheet,
        headers={
            "Authorization": f"Bearer {federation.keys.members[organisation]}",
            "Content-Type": "text/csv",
        },
        timeout=600,
    )
    seconds = time.monotonic() - began
    assert response.status_code == 201, response.text[:500]
    assert response.json()["counts"]["created"] == sheet.count(b"\n")
    return seconds


async def _copy(dsn: str, organisation: str, tables: Sequence[str]) -> float:
    """Seconds to COPY the organisation's rows of these tables into copies of them."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CHECKPOINT")
        rows = {
            table: await connection.fetch(
                f"SELECT * FROM loans.{table} WHERE organisation_id = $1",
                organisation_id(organisation),
            )
            for table in tables
        }
        for table in tables:
            await connection.execute(
                f"CREATE TABLE IF NOT EXISTS bench_{table} (LIKE loans.{table} INCLUDING ALL)"
            )
        began = time.monotonic()
        async with connection.transaction():
            for table in tables:
                await connection.copy_records_to_table(f"bench_{table}", records=rows[table])
        return time.monotonic() - began
    finally:
        await connection.close()
