"""Long imports, from the side of who does them: one organisation's in order, others meanwhile.

What a job records and that it has ended are one transaction: whatever dies in the middle, and
whoever takes the job up again, its rows are recorded once. A job that was cancelled ends nowhere.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from fastapi import FastAPI

from services.common import audit
from services.common.answers import describe_failure
from services.common.app import Background
from services.common.database import Database, to_problem
from services.common.errors import Internal, Problem
from services.common.import_job_queries import (
    End,
    ImportJob,
    JobEnded,
    begin_attempt,
    claim_cancellation,
    end_job,
    find_job,
    is_waiting,
    load_job_file,
    report_advance,
)
from services.common.import_jobs import JobPlace, unpack_order
from services.common.import_kinds import Kind, Measure
from services.common.import_progress import ImportStopped, Watch
from services.common.import_queries import drop_refused_files
from services.common.import_schemas import format_import_id
from services.common.importing import run_import
from services.common.job_queue import TryAgain, work
from services.common.job_schema import queue_schema
from services.common.settings import ImportSettings
from services.common.text import Text

ATTEMPTS_MAX = 10
"""A file that ends its process ten times is not tried again: others wait behind it."""
REPORT = timedelta(milliseconds=500)
RETRY_SECONDS = 5

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ImportingService:
    """A service that members send files to: its kinds by name, and how its totals are read."""

    name: str
    kinds: Mapping[str, Kind]
    measure: Measure | None = None


def import_worker(
    kinds: Sequence[Kind], service_name: str, measure: Measure | None = None
) -> Background:
    """Do the long imports of a service for as long as its application runs."""
    service = ImportingService(service_name, {kind.name: kind for kind in kinds}, measure)

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        database: Database = app.state.database
        settings: ImportSettings = app.state.settings
        stopping = asyncio.Event()
        url = database.engine.url.set(drivername="postgresql")

        async def handle(payload: bytes) -> None:
            place = JobPlace.unpack(payload)
            await run_job(database, service, place, stopping)

        dsn = url.render_as_string(hide_password=False)
        schema, heartbeat_seconds = queue_schema(service_name), settings.job_heartbeat_seconds
        working = asyncio.create_task(work(dsn, schema, heartbeat_seconds, handle, stopping))
        try:
            yield
        finally:
            stopping.set()
            await working

    return run


async def run_job(
    database: Database, service: ImportingService, place: JobPlace, stopping: asyncio.Event
) -> None:
    """Do one job as far as it goes. Raises TryAgain when it has to be taken up later."""
    try:
        if not await _attempt(database, service, place, stopping):
            if stopping.is_set():
                raise TryAgain
            await _audit_cancellation(database, service, place)
    except TryAgain:
        raise
    except Exception as error:
        problem = error if isinstance(error, Problem) else to_problem(error)
        if problem is not None:  # a database that is down, a write lock held for long
            raise TryAgain(RETRY_SECONDS) from error
        _log.error("import_failed", **describe_failure(error))
        await _end(database, place, "failed", Internal())


async def _attempt(
    database: Database, service: ImportingService, place: JobPlace, stopping: asyncio.Event
) -> bool:
    """False when the job had ended, or was stopped on the way."""
    try:
        job = await _begin(database, place)
        if job is None:
            return True
        watch = Watch(job.expected)
        reporting = asyncio.create_task(_report(database, place, watch, stopping))
        try:
            await _import(database, service, place, job, watch)
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)
    except (JobEnded, ImportStopped):
        return False
    return True


async def _audit_cancellation(
    database: Database, service: ImportingService, place: JobPlace
) -> None:
    """Say in the audit chain who cancelled the job. The queue keeps the job until this is done."""
    async with database.write(place.organisation_id) as session:
        claimed = await claim_cancellation(session, place.import_id)
        if claimed is not None:
            who, details = claimed
            import_id = format_import_id(service.name, place.import_id)
            await audit.append(
                session, who, "import.cancelled", {"import_id": import_id, **details}
            )


async def _begin(database: Database, place: JobPlace) -> ImportJob | None:
    """The job, when it is its turn; None when it is given up. Raises TryAgain before, JobEnded."""
    async with database.read(place.organisation_id) as session:
        if await is_waiting(session, place.import_id):
            raise TryAgain(1)
    async with database.write_aside(place.organisation_id) as session:
        if not await begin_attempt(session, place.import_id):
            raise JobEnded
        job = await find_job(session, place.import_id)
        assert job is not None, "an attempt at a job was counted"
        if job.attempts > ATTEMPTS_MAX:
            await end_job(session, place.import_id, "failed", problem=_gave_up())
            return None
        return job


async def _import(
    database: Database, service: ImportingService, place: JobPlace, job: ImportJob, watch: Watch
) -> None:
    async with database.read(place.organisation_id) as session:
        kind = service.kinds[job.kind]
        order = await unpack_order(session, job, kind, service.name, service.measure)
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
            await end_job(session, place.import_id, end, problem=problem)
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
            await asyncio.wait_for(stopping.wait(), REPORT.total_seconds())
        if stopping.is_set() or not is_wanted:
            watch.stop()


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
