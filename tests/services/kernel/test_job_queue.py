"""The queue itself: installed by its owner, told in a transaction, and working through faults."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from pydantic import SecretStr

from services.common.database import open_database
from services.common.job_queue import Handle, TryAgain, enqueue, install, work
from tests.support.databases import ClonedDatabase, SharedCluster, clone_database, drop_database

SCHEMA = "loans_jobs"


@pytest.fixture(scope="module")
async def queue(cluster: SharedCluster) -> AsyncIterator[ClonedDatabase]:
    """A database whose jobs nobody else does."""
    database = await clone_database(cluster, f"queue_{uuid.uuid4().hex}")
    yield database
    await drop_database(database)


async def ask(queue: ClonedDatabase, payload: bytes, commits: bool = True) -> None:
    database = open_database(SecretStr(queue.url("loans_app")), 1)
    try:
        async with database.write_aside(uuid.uuid4()) as session:
            await enqueue(session, SCHEMA, payload)
            if not commits:
                await session.connection.rollback()
    finally:
        await database.close()


async def look(queue: ClonedDatabase, statement: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(queue.superuser_dsn)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
        return rows
    finally:
        await connection.close()


@asynccontextmanager
async def working(queue: ClonedDatabase, handle: Handle) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    task = asyncio.create_task(work(queue.dsn("loans_app"), SCHEMA, 6, handle, stopping))
    try:
        yield
    finally:
        stopping.set()
        await task


async def until_empty(queue: ClonedDatabase) -> None:
    async with asyncio.timeout(120):
        while True:
            if not await look(queue, f"SELECT FROM {SCHEMA}.pgqueuer"):
                return
            await asyncio.sleep(0.05)


async def test_only_what_was_committed_is_done(queue: ClonedDatabase) -> None:
    done: list[bytes] = []

    async def handle(payload: bytes) -> None:
        done.append(payload)

    await ask(queue, b"undone", commits=False)
    await ask(queue, b"first")
    async with working(queue, handle):
        await ask(queue, b"second")
        await until_empty(queue)
    assert sorted(done) == [b"first", b"second"]


async def test_a_job_that_fails_is_tried_again(
    queue: ClonedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.common.job_queue.RETRY_SECONDS", 0)
    tried: list[int] = []

    async def handle(payload: bytes) -> None:
        tried.append(len(tried))
        if len(tried) == 1:
            raise TryAgain
        if len(tried) == 2:
            raise ValueError("a defect")

    await ask(queue, b"x")
    async with working(queue, handle):
        await until_empty(queue)
    assert tried == [0, 1, 2]


async def test_the_job_of_a_dead_worker_is_taken_up(queue: ClonedDatabase) -> None:
    await ask(queue, b"x")
    await look(
        queue,
        f"UPDATE {SCHEMA}.pgqueuer SET status = 'picked', queue_manager_id = $1,"
        " heartbeat = now() - interval '1 minute'",
        uuid.uuid4(),
    )
    done: list[bytes] = []

    async def handle(payload: bytes) -> None:
        done.append(payload)

    async with working(queue, handle):
        await until_empty(queue)
    assert done == [b"x"]


async def test_a_worker_that_is_cut_off_comes_back(queue: ClonedDatabase) -> None:
    done: list[bytes] = []

    async def handle(payload: bytes) -> None:
        done.append(payload)

    async with working(queue, handle):
        await ask(queue, b"before")
        await until_empty(queue)
        cut = await look(
            queue,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        assert cut
        await ask(queue, b"after")
        await until_empty(queue)
    assert done == [b"before", b"after"]


async def test_installing_again_changes_nothing(queue: ClonedDatabase) -> None:
    versions = "SELECT oid, xmin::text FROM pg_class WHERE relnamespace = $1::regnamespace"
    before = await look(queue, versions, SCHEMA)
    connection = await asyncpg.connect(queue.dsn("loans_owner"))
    try:
        await install(connection, SCHEMA, "loans_app")
        await connection.execute("SELECT 1")
    finally:
        await connection.close()
    assert {row["oid"] for row in await look(queue, versions, SCHEMA)} == {
        row["oid"] for row in before
    }


async def test_the_service_may_change_rows_and_nothing_else(queue: ClonedDatabase) -> None:
    connection = await asyncpg.connect(queue.dsn("loans_app"))
    try:
        for statement in (
            f"DROP TABLE {SCHEMA}.pgqueuer",
            f"TRUNCATE {SCHEMA}.pgqueuer",
            f"CREATE TABLE {SCHEMA}.mine (id int)",
            "SELECT count(*) FROM funds_jobs.pgqueuer",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
