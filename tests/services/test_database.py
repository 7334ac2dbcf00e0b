"""How the pool of a service behaves when writers wait and when PostgreSQL goes away."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine

from services.common.database import Database, open_database, to_problem
from tests.support.databases import ClonedDatabase

CONNECTIONS_MAX = 2
PATIENCE_SECONDS = 60
"""Longer than any machine is busy: reached by a defect alone."""


@pytest.fixture
async def pool(database: ClonedDatabase) -> AsyncIterator[Database]:
    opened = open_database(SecretStr(database.url("loans_app")), CONNECTIONS_MAX)
    yield opened
    await opened.close()


async def write_nothing(pool: Database, organisation: uuid.UUID) -> None:
    async with pool.write(organisation):
        pass


def status_of(error: Exception) -> int:
    problem = to_problem(error)
    assert problem is not None, "a defect of ours"
    return problem.status


def test_a_turn_that_never_comes_answers_503() -> None:
    assert status_of(TimeoutError()) == 503


async def test_those_who_wait_for_a_writer_leave_the_pool_to_other_organisations(
    pool: Database,
) -> None:
    busy, other = uuid.uuid4(), uuid.uuid4()
    async with pool.write(busy):
        waiting = [asyncio.create_task(write_nothing(pool, busy)) for _ in range(5)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            await write_nothing(pool, other)
            async with pool.read(other):
                pass
        assert not any(task.done() for task in waiting)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*waiting)


async def test_a_pool_without_a_free_connection_answers_503(database: ClonedDatabase) -> None:
    engine = create_async_engine(
        database.url("loans_app"), pool_size=1, max_overflow=0, pool_timeout=0.05
    )
    pool = Database(engine)
    async with pool.read(uuid.uuid4()):
        with pytest.raises(PoolTimeoutError) as caught:
            await write_nothing(pool, uuid.uuid4())
    await pool.close()
    assert status_of(caught.value) == 503


async def test_a_connection_lost_at_commit_answers_503(
    pool: Database, database: ClonedDatabase
) -> None:
    superuser = await asyncpg.connect(database.superuser_dsn)

    async def lose_the_connection() -> None:
        async with pool.write(uuid.uuid4()) as session:
            backend = await session.connection.scalar(text("SELECT pg_backend_pid()"))
            await superuser.execute("SELECT pg_terminate_backend($1, 5000)", backend)

    with pytest.raises(DBAPIError) as caught:
        await lose_the_connection()
    await superuser.close()
    assert status_of(caught.value) == 503
    await write_nothing(pool, uuid.uuid4())
