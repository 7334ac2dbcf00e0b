"""Imports over HTTP with everything on, each beside psql COPY of the rows it stores, in one run.

10,000 loans of 24 instalments, then 100,000 repayments of them, for one organisation a round. The
bound copies the same rows into tables with the same columns, keys, checks, indexes and foreign
keys, without row-level security. Import and COPY alternate; a first round is not counted.
"""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

import asyncpg
import httpx

from deploy.cluster import find_programs, superuser_dsn
from deploy.data_folder import require_running
from deploy.provisioning import DATABASE
from services.common.identity import organisation_id
from tests.benchmarks.processes import family, peak_megabytes, processor_seconds
from tests.support.federations import Federation, running_federation

LOANS = 10_000
INSTALMENTS = 24
REPAYMENTS_PER_LOAN = 10
WARM_UP = "montreal"
ROUNDS = ("estrie", "laval", "outaouais")
IDLE_SECONDS, IDLE_SHARE = 1.0, 0.1
SPREAD_MAX = 2.0
"""A bound that takes twice as long in one round as in another measures the machine, not us."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is imported: its target, and the tables whose rows it stores, parents first."""

    name: str
    target: float
    tables: Sequence[str]
    rows: int


KINDS = (
    Kind(
        "loans",
        0.40,
        ("borrowers", "loans", "disbursements", "schedule_versions", "instalments"),
        LOANS * (4 + INSTALMENTS),
    ),
    Kind("repayments", 0.50, ("repayments",), LOANS * REPAYMENTS_PER_LOAN),
)


@dataclass(frozen=True, slots=True)
class Measure:
    """Seconds of the import by the clock and of our processes' processors, and of COPY."""

    imported: float
    processors: float
    copied: float


def measure() -> Iterator[str]:
    """One round per organisation: each import, then COPY of what it stored."""
    directory = Path(mkdtemp(prefix="reseau-bench-"))
    measures: dict[str, list[Measure]] = {kind.name: [] for kind in KINDS}
    try:
        with running_federation(directory) as federation:
            processes = family(federation.process.pid)
            bound = _Bound(federation, directory)
            bound.create_tables()
            for organisation in (WARM_UP, *ROUNDS):
                for kind in KINDS:
                    measured = _measure(federation, bound, organisation, kind)
                    if organisation != WARM_UP:
                        measures[kind.name].append(measured)
            peak = peak_megabytes(processes)
    finally:
        shutil.rmtree(directory)
    yield f"load of the machine: {os.getloadavg()[0]:.1f}; largest process {peak:.0f} MB"
    for kind in KINDS:
        yield _report(kind, measures[kind.name])


def _measure(federation: Federation, bound: "_Bound", organisation: str, kind: Kind) -> Measure:
    processes = family(federation.process.pid)
    _wait_until_idle(processes)  # the journal of the funds follows the import before
    bound.settle()
    sheet = _SHEETS[kind.name]()
    used, began = processor_seconds(processes), time.monotonic()
    _import(federation, organisation, kind, sheet)
    imported = time.monotonic() - began
    used = processor_seconds(processes) - used
    return Measure(imported, used, bound.copy(organisation, kind))


def _wait_until_idle(processes: Collection[int]) -> None:
    used = -1.0
    while (now := processor_seconds(processes)) - used > IDLE_SHARE * IDLE_SECONDS:
        used = now
        time.sleep(IDLE_SECONDS)


def _report(kind: Kind, measures: Sequence[Measure]) -> str:
    ratios = sorted(each.copied / each.imported for each in measures)
    copies = sorted(each.copied for each in measures)
    is_steady = copies[-1] <= SPREAD_MAX * copies[0]
    return (
        f"{kind.name}: {median(ratios):.2f} of COPY ({ratios[0]:.2f} to {ratios[-1]:.2f}),"
        f" target {kind.target}; import {median(each.imported for each in measures):.2f} s,"
        f" of which {median(each.processors for each in measures):.2f} s in our processes;"
        f" COPY {median(copies):.2f} s ({copies[0]:.2f} to {copies[-1]:.2f})"
        f"{'' if is_steady else ': NOT STEADY, measure again'}"
    )


def loans_sheet() -> bytes:
    header = (
        "external_id,borrower_external_id,gender,birth_year,"
        "principal,annual_rate,instalments,disbursed_on"
    )
    rows = [
        f"L{n},B{n},{('femme', 'homme')[n % 2]},{1960 + n % 45},"
        f"{3000 + n % 9000}.00,7,{INSTALMENTS},2024-{n % 12 + 1:02}-15"
        for n in range(LOANS)
    ]
    return "\n".join([header, *rows]).encode()


def repayments_sheet() -> bytes:
    header = "external_id,loan_external_id,paid_on,amount,method"
    rows = [
        f"R{n}-{k},L{n},2025-{k + 1:02}-20,{100 + n % 40}.50,virement"
        for n in range(LOANS)
        for k in range(REPAYMENTS_PER_LOAN)
    ]
    return "\n".join([header, *rows]).encode()


_SHEETS = {"loans": loans_sheet, "repayments": repayments_sheet}


def _import(federation: Federation, organisation: str, kind: Kind, sheet: bytes) -> None:
    response = httpx.post(
        f"{federation.url}/v1/imports?kind={kind.name}",
        content=sheet,
        headers={
            "Authorization": f"Bearer {federation.keys.members[organisation]}",
            "Content-Type": "text/csv",
            "Idempotency-Key": f"{organisation}-{kind.name}",
        },
        timeout=600,
    )
    assert response.status_code == 201, response.text[:500]
    assert response.json()["counts"]["created"] == sheet.count(b"\n")


class _Bound:
    """psql COPY of an organisation's rows into tables of their own beside the service's."""

    def __init__(self, federation: Federation, directory: Path) -> None:
        port = require_running(federation.folder).postgresql_port
        self._dsn = superuser_dsn(federation.folder, port, DATABASE)
        self._directory = directory

    def create_tables(self) -> None:
        asyncio.run(_create_tables(self._dsn, [t for kind in KINDS for t in kind.tables]))

    def settle(self) -> None:
        """Leave no dirty page behind: neither side writes those of the other."""
        self._run("CHECKPOINT")

    def copy(self, organisation: str, kind: Kind) -> float:
        """Seconds of COPY of the organisation's rows, in one transaction."""
        files = {table: self._directory / f"{table}.copy" for table in kind.tables}
        of = f"organisation_id = '{organisation_id(organisation)}'"
        for table, file in files.items():
            self._run(f"\\copy (SELECT * FROM loans.{table} WHERE {of}) TO '{file}'")
        self.settle()
        copies = [f"\\copy bench.{table} FROM '{file}'" for table, file in files.items()]
        began = time.monotonic()
        copied = self._run(*copies)
        seconds = time.monotonic() - began
        assert sum(int(line.removeprefix("COPY ")) for line in copied) == kind.rows, copied
        return seconds

    def _run(self, *commands: str) -> list[str]:
        """Run them in one transaction, or alone; returns the lines that psql prints."""
        options = ["--no-psqlrc", "--set=ON_ERROR_STOP=1"]
        options += ["--single-transaction"] if len(commands) > 1 else []
        options += [f"--command={command}" for command in commands]
        done = subprocess.run(
            [str(find_programs() / "psql"), *options, self._dsn],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


async def _create_tables(dsn: str, tables: Sequence[str]) -> None:
    """The same tables in a schema of their own, with foreign keys among themselves."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE SCHEMA bench")
        for table in tables:
            await connection.execute(
                f"CREATE TABLE bench.{table} (LIKE loans.{table} INCLUDING ALL)"
            )
        for table in tables:
            for row in await connection.fetch(_FOREIGN_KEYS, f"loans.{table}"):
                definition = row["definition"].replace(" loans.", " bench.")
                await connection.execute(f"ALTER TABLE bench.{table} ADD {definition}")
    finally:
        await connection.close()


_FOREIGN_KEYS = """
    SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
    WHERE contype = 'f' AND conrelid = cast($1 AS text)::regclass
"""
