"""Long imports, from the side of who does them: one organisation's in order, others meanwhile.

What a job records and that it has ended are one transaction: whatever dies in the middle, and
whoever takes the job up again, its rows are recorded once. A job that was cancelled ends nowhere.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import structlog
from fastapi import FastAPI

from services.common.answers import describe_failure
from services.common.app import Background
from services.common.database import Database, to_problem
from services.common.errors import Internal, Problem
from services.common.idempotency import Answered, Session
from services.common.import_job_queries import (
    Advance,
    End,
    ImportJob,
    JobEnded,
    JobState,
    begin_attempt,
    end_job,
    find_job,
    is_waiting,
    load_job_file,
    report_advance,
)
from services.common.import_jobs import JobPlace, unpack_mapping, unpack_reason
from services.common.import_kinds import Kind, Measure
from services.common.import_parts import Step
from services.common.import_queries import drop_refused_files
from services.common.importing import Order, read_with, run_import
from services.common.job_queue import TryAgain, work
from services.common.job_schema import queue_schema
from services.common.text import Text

ATTEMPTS_MAX = 10
"""A file that ends its process ten times is not tried again: others wait behind it."""
REPORT_SECONDS = 0.5
RETRY_SECONDS = 5
RECORDING_COST = 2
"""Recording a row takes about twice the time of reading and checking it, for every kind."""

_log = structlog.get_logger()


class _Stopped(Exception):
    """Raised in the thread that imports, so that it lets go of the job."""


@dataclass(slots=True)
class Watch:
    """How far an import is; written by the threads that work, read by the one that reports."""

    expected: int | None
    state: JobState = "reading"
    rows: dict[Step, int] = field(default_factory=dict)
    is_stopped: bool = False
    began: float = field(default_factory=time.monotonic)
    checked_after_seconds: float = 0

    def tell(self, step: Step, rows: int) -> None:
        """What `run_import` calls as rows take a step. Raises when nobody wants the import."""
        if self.is_stopped:
            raise _Stopped
        self.rows[step] = rows
        if step == "read":
            self.state = "checking"
        elif step == "checked":
            self.checked_after_seconds = time.monotonic() - self.began

    async def record(
        self, session: Session, work: Callable[[Session], Awaitable[Answered]], /
    ) -> Answered:
        """The last step: it begins when the organisation's write lock is held."""
        self.state = "recording"
        return await work(session)

    def advance(self) -> Advance:
        return Advance(
            self.state,
            read=self.rows.get("read", 0),
            checked=self.rows.get("checked", 0),
            stored=self.rows.get("stored", 0),
            remaining_seconds=self._remaining_seconds(),
        )

    def _remaining_seconds(self) -> int | None:
        checked = self.rows.get("checked", 0)
        if not checked:
            return None
        elapsed = time.monotonic() - self.began
        if self.state == "recording":
            whole = self.checked_after_seconds * (1 + RECORDING_COST)
            return max(1, round(whole - elapsed))
        if self.expected is None:
            return None
        rows = max(checked, self.expected)
        per_row = self.checked_after_seconds / checked
        return max(1, round(per_row * rows * (1 + RECORDING_COST) - elapsed))


def import_worker(
    kinds: Sequence[Kind], service_name: str, measure: Measure | None = None
) -> Background:
    """Do the long imports of a service for as long as its application runs."""
    by_name = {kind.name: kind for kind in kinds}

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        database: Database = app.state.database
        stopping = asyncio.Event()
        url = database.engine.url.set(drivername="postgresql")

        async def handle(payload: bytes) -> None:
            place = JobPlace.unpack(payload)
            await run_job(database, by_name, service_name, place, stopping, measure)

        dsn = url.render_as_string(hide_password=False)
        working = asyncio.create_task(work(dsn, queue_schema(service_name), handle, stopping))
        try:
            yield
        finally:
            stopping.set()
            await working

    return run


async def run_job(
    database: Database,
    kinds: Mapping[str, Kind],
    service_name: str,
    place: JobPlace,
    stopping: asyncio.Event,
    measure: Measure | None = None,
) -> None:
    """Do one job as far as it goes. Raises TryAgain when it has to be taken up later."""
    try:
        job = await _begin(database, place)
        if job is None:
            return
        mapping = unpack_mapping(job.options)
        async with database.read(place.organisation_id) as session:
            kind = await read_with(session, kinds[job.kind], mapping)
        order = Order(
            service_name,
            kind,
            job.mode,
            dry_run=False,
            language="fr",
            job_id=job.import_id,
            reason=unpack_reason(job.options),
            measure=measure,
            mapping=mapping,
        )
        watch = Watch(job.expected)
        reporting = asyncio.create_task(_report(database, place, watch, stopping))
        try:
            await _import(database, place, job, order, watch)
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)
    except JobEnded:
        return
    except _Stopped:
        if stopping.is_set():
            raise TryAgain from None
    except TryAgain:
        raise
    except Exception as error:
        problem = error if isinstance(error, Problem) else to_problem(error)
        if problem is not None:  # a database that is down, a write lock held for long
            raise TryAgain(RETRY_SECONDS) from error
        _log.error("import_failed", **describe_failure(error))
        await _end(database, place, "failed", Internal())


async def _begin(database: Database, place: JobPlace) -> ImportJob | None:
    """The job, when it is its turn. Raises TryAgain before that; None when there is none left."""
    async with database.read(place.organisation_id) as session:
        if await is_waiting(session, place.import_id):
            raise TryAgain(1)
    async with database.write_aside(place.organisation_id) as session:
        if not await begin_attempt(session, place.import_id):
            return None
        job = await find_job(session, place.import_id)
        assert job is not None, "an attempt at a job was counted"
        if job.attempts > ATTEMPTS_MAX:
            await end_job(session, place.import_id, "failed", _gave_up())
            return None
        return job


async def _import(
    database: Database, place: JobPlace, job: ImportJob, order: Order, watch: Watch
) -> None:
    async with database.read(place.organisation_id) as session:
        file = await load_job_file(session, job)
    who, today = job.principal, job.accepted_on
    try:
        await run_import(database, who, order, file, today, watch.tell, watch.record)
    except Problem as problem:
        if problem.status >= 500:
            raise
        # Rows to mend are on record, and the job ended with them; the rest is told here.
        await _end(database, place, "refused", problem)


async def _end(database: Database, place: JobPlace, end: End, problem: Problem) -> None:
    async with database.write_aside(place.organisation_id) as session:
        with suppress(JobEnded):
            await end_job(session, place.import_id, end, problem)
            await drop_refused_files(session)


async def _report(
    database: Database, place: JobPlace, watch: Watch, stopping: asyncio.Event
) -> None:
    """Keep what the watch shows, twice a second; stop the import when nobody wants it any more."""
    while not watch.is_stopped:
        try:
            async with database.write_aside(place.organisation_id) as session:
                is_wanted = await report_advance(session, place.import_id, watch.advance())
        except Exception as error:
            if to_problem(error) is None:
                raise
            is_wanted = True  # the import itself finds out whether the database is gone
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), REPORT_SECONDS)
        watch.is_stopped = stopping.is_set() or not is_wanted


def _gave_up() -> Problem:
    return Internal(
        Text(
            "Cet import s'est interrompu trop souvent. Envoyez le fichier en plusieurs parties, "
            "ou écrivez au réseau.",
            "This import was interrupted too often. Send the file in several parts, "
            "or write to the network.",
        ),
        code="import.gave_up",
    )
