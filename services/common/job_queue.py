"""Work that outlives its request, and the process that does it: a queue kept by pgqueuer.

All that knows the library is here. Its tables are in a schema of their own beside the service's;
its owner installs them, and the service's role only reads and writes rows. A job is enqueued in the
transaction of what asks for it; one whose worker died is taken up again when its heartbeat stops.

A job may therefore run twice: what it does must end in a transaction that finds out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import asyncpg
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel

from services.common.database import CONNECT_TIMEOUT_SECONDS, AsideSession, driver

POLL_SECONDS = 2
"""How late a lost notification makes a job, at the most."""
RECONNECT_SECONDS = 1
COMMAND_SECONDS = 30
RETRY_SECONDS = 5
JOBS_MAX = 2
"""Jobs a process works on at the same time: each may hold a whole file of facts in memory."""

_ENTRYPOINT = "job"
_INTERRUPTIONS = (
    OSError,
    TimeoutError,
    RuntimeError,  # the library's, when its tables are not there yet
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)
_log = structlog.get_logger()

Handle = Callable[[bytes], Awaitable[None]]


class TryAgain(Exception):
    """The job goes back into the queue, for no less than this."""

    def __init__(self, delay_seconds: int = 0) -> None:
        super().__init__(delay_seconds)
        self.delay = timedelta(seconds=delay_seconds)


async def install(connection: asyncpg.Connection, schema: str, app_role: str) -> None:
    """Bring the library's tables to what its installed version needs, as the schema's owner."""
    queries = _queries(connection, schema)
    if await queries.schema_is_installed():
        await queries.apply_upgrade()
    else:
        await queries.install(create_schema=False)
    await connection.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {app_role}"
    )
    await connection.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {app_role}")


async def enqueue(session: AsideSession, schema: str, payload: bytes) -> None:
    """Ask for a job once the transaction has committed."""
    queries = _queries(await driver(session), schema)
    await queries.enqueue(_ENTRYPOINT, payload)


async def work(
    dsn: str, schema: str, heartbeat_seconds: int, handle: Handle, stopping: asyncio.Event
) -> None:
    """Do the jobs of a queue until told to stop, through whatever happens to the database.

    A job whose worker has been silent for longer than the heartbeat is taken up by another.
    """
    while not stopping.is_set():
        try:
            await _work_on_one_connection(dsn, schema, heartbeat_seconds, handle, stopping)
        except _INTERRUPTIONS as error:
            _log.warning("job_queue_interrupted", schema=schema, error=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), RECONNECT_SECONDS)


async def _work_on_one_connection(
    dsn: str, schema: str, heartbeat_seconds: int, handle: Handle, stopping: asyncio.Event
) -> None:
    connection = await asyncpg.connect(
        dsn, timeout=CONNECT_TIMEOUT_SECONDS, command_timeout=COMMAND_SECONDS
    )
    try:
        queries = _queries(connection, schema)
        # What the jobs did is told by the tables of the service.
        await queries.clear_queue_log(_ENTRYPOINT)
        manager = QueueManager(queries, channel=Channel(schema))

        async def do(job: Job) -> None:
            try:
                await handle(job.payload or b"")
            except TryAgain as later:
                raise RetryRequested(later.delay) from None
            except asyncio.CancelledError:  # the library would take the job for cancelled
                raise RetryRequested from None
            except Exception as error:
                _log.error("job_failed", schema=schema, error=type(error).__name__)
                raise RetryRequested(timedelta(seconds=RETRY_SECONDS)) from None

        manager.entrypoint(_ENTRYPOINT, accepts_context=False)(do)
        ending = asyncio.create_task(_end(manager, stopping))
        try:
            await manager.run(
                dequeue_timeout=timedelta(seconds=POLL_SECONDS),
                batch_size=1,
                max_concurrent_tasks=JOBS_MAX,
                heartbeat_timeout=timedelta(seconds=heartbeat_seconds),
                log_aggregation_interval=timedelta(0),
            )
        finally:
            ending.cancel()
    finally:
        connection.terminate()


async def _end(manager: QueueManager, stopping: asyncio.Event) -> None:
    """Let the manager finish: a cancelled one would take its jobs for done."""
    await stopping.wait()
    manager.shutdown.set()


def _queries(connection: asyncpg.Connection, schema: str) -> Queries:
    settings = DBSettings(
        prefix="",
        db_schema=schema,
        channel=Channel(schema),
        queue_table="pgqueuer",
        queue_table_log="pgqueuer_log",
    )
    return Queries(
        AsyncpgDriver(connection),
        QueryBuilderEnvironment(settings),
        QueryQueueBuilder(settings),
        QuerySchedulerBuilder(settings),
    )
