"""The one way to the database: explicit transactions that carry the organisation they act for.

    async with database.read(organisation_id) as session: ...    READ ONLY, one moment
    async with database.write(organisation_id) as session: ...   one writer per organisation
    async with database.write_aside(organisation_id) as session: ...  no lock: progress alone
    async with database.read_totals(subject) as session: ...     READ ONLY, one moment, totals role

Each commits at the end of the block and rolls back on an error. Writers of one organisation queue
on its row in `organisation_counters`; those of different ones never wait for each other. That lock
is what makes allocation, kept totals, event and audit numbers exact under concurrency.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast
from weakref import WeakValueDictionary

import asyncpg
from pydantic import SecretStr
from sqlalchemy import URL, NullPool, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.common.errors import BadRequest, Problem, Unavailable
from services.common.messages import MESSAGES
from services.common.text import Text

STATEMENT_TIMEOUT_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 5
POOL_WAIT_SECONDS = 10

# SQLSTATE classes and codes after which the same request may be sent again, unchanged.
_RETRYABLE = ("08", "40001", "40P01", "53", "55P03", "57", "XX000")

# What the database cannot hold as text: U+0000 in a path or a query; bodies are checked before.
_NO_TEXT = ("22021", "22P05")


class ReadSession:
    """A transaction for one organisation (or none), in which nothing can be written."""

    def __init__(self, connection: AsyncConnection, organisation_id: uuid.UUID | None) -> None:
        self.connection = connection
        self._organisation_id = organisation_id

    @property
    def organisation_id(self) -> uuid.UUID:
        """Whom this transaction acts for; every statement on a tenant table names it."""
        assert self._organisation_id is not None, "this transaction acts for no organisation"
        return self._organisation_id


class AsideSession(ReadSession):
    """A transaction that may write what no figure rests on, such as how far an import has come."""


Beside = Callable[[], AbstractAsyncContextManager[ReadSession]]


class WriteSession(AsideSession):
    """A transaction that may write, holding its organisation's write lock."""

    beside: Beside | None = None
    """Opens a transaction on a connection of its own, which reads what was on record when this one
    began: for who knows that nothing of what it reads was written here. None where there is none.
    """


class Database:
    """The pool of one role of one service."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._turns: WeakValueDictionary[uuid.UUID, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def read(self, organisation_id: uuid.UUID | None) -> AsyncIterator[ReadSession]:
        async with self._read_only() as connection, connection.begin():
            if organisation_id is not None:
                await connection.execute(
                    text("SELECT set_org(:organisation)"), {"organisation": organisation_id}
                )
            yield ReadSession(connection, organisation_id)

    @asynccontextmanager
    async def read_totals(self, subject: str) -> AsyncIterator[ReadSession]:
        """Every organisation at once, through the totals role; `subject` says who reads."""
        async with self._read_only() as connection, connection.begin():
            await connection.execute(text("SELECT set_reader(:subject)"), {"subject": subject})
            yield ReadSession(connection, None)

    @asynccontextmanager
    async def write(self, organisation_id: uuid.UUID) -> AsyncIterator[WriteSession]:
        async with (
            self.turn(organisation_id),
            self.engine.connect() as connection,
            connection.begin(),
        ):
            await connection.execute(
                text("SELECT set_org(:organisation)"), {"organisation": organisation_id}
            )
            await connection.execute(_LOCK_ORGANISATION, {"organisation": organisation_id})
            yield WriteSession(connection, organisation_id)

    @asynccontextmanager
    async def write_aside(self, organisation_id: uuid.UUID) -> AsyncIterator[AsideSession]:
        """Write without waiting for the organisation's writers: an import holds them for long."""
        async with self.engine.connect() as connection, connection.begin():
            await connection.execute(
                text("SELECT set_org(:organisation)"), {"organisation": organisation_id}
            )
            yield AsideSession(connection, organisation_id)

    @asynccontextmanager
    async def turn(self, organisation_id: uuid.UUID) -> AsyncIterator[None]:
        """Queue this process's writers before they take a connection.

        Else those who wait for one long import of their organisation would hold the whole pool,
        and nobody of any other organisation could even read.
        """
        lock = self._turns.setdefault(organisation_id, asyncio.Lock())
        async with asyncio.timeout(STATEMENT_TIMEOUT_SECONDS):
            await lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @asynccontextmanager
    async def _read_only(self) -> AsyncIterator[AsyncConnection]:
        async with self.engine.connect() as connection:
            yield await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @asynccontextmanager
    async def apart(self) -> AsyncIterator["Database"]:
        """The same role for work on another event loop, with connections made for it alone."""
        database = Database(_make_engine(self.engine.url, poolclass=NullPool))
        try:
            yield database
        finally:
            await database.close()

    async def close(self) -> None:
        await self.engine.dispose()


_LOCK_ORGANISATION = text(
    """
    INSERT INTO organisation_counters (organisation_id) VALUES (:organisation)
    ON CONFLICT (organisation_id)
    DO UPDATE SET last_event_number = organisation_counters.last_event_number
    """
)


def open_database(url: SecretStr, connections_max: int) -> Database:
    """A pool that checks a connection before use: a restarted PostgreSQL is found again."""
    engine = _make_engine(
        make_url(url.get_secret_value()),
        pool_size=connections_max,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=True,
    )
    return Database(engine)


def _make_engine(url: URL, **pool: object) -> AsyncEngine:
    return create_async_engine(
        url,
        **pool,
        hide_parameters=True,  # no value of a request reaches a log
        connect_args={
            "timeout": CONNECT_TIMEOUT_SECONDS,
            "server_settings": {
                "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
                "lock_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
                "idle_in_transaction_session_timeout": "60s",
            },
        },
    )


async def driver(session: ReadSession) -> asyncpg.Connection:
    """The driver's connection inside the session's transaction, for COPY.

    SQLAlchemy starts the driver's transaction at its first statement; read() and write() always
    send one (`set_org`) before they hand the session out, so a COPY here can never escape it.
    """
    raw = await session.connection.get_raw_connection()
    connection = cast(Any, raw.driver_connection)
    assert connection.is_in_transaction(), "no transaction is open on the driver's connection"
    return cast("asyncpg.Connection", connection)


async def refuse_unsafe_role(database: Database) -> None:
    """Stop the service when its role could see past row-level security.

    Raises RuntimeError for a superuser, a role with BYPASSRLS, or an owner of tables.
    """
    async with database.engine.connect() as connection:
        row = (await connection.execute(_ROLE_FLAGS)).one()
    flaws = [name for name, is_set in row._mapping.items() if is_set and name != "role_name"]
    if flaws:
        raise RuntimeError(f"database role {row.role_name} is unsafe: {', '.join(flaws)}")


_ROLE_FLAGS = text(
    """
    SELECT current_user AS role_name,
           bool_or(r.rolsuper) AS superuser,
           bool_or(r.rolbypassrls) AS bypasses_row_level_security,
           EXISTS (SELECT FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner
                   WHERE pg_has_role(current_user, o.oid, 'MEMBER')
                     AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace
                                                WHERE nspname LIKE 'pg\\_%')) AS owns_tables
    FROM pg_roles r WHERE pg_has_role(current_user, r.oid, 'MEMBER')
    """
)


def to_problem(error: Exception) -> Problem | None:
    """What a failure of the database means for the client; None when it is a defect of ours."""
    cause: BaseException | None = error
    if isinstance(error, DBAPIError):
        cause = error.orig
        if error.connection_invalidated:
            return _unavailable()
    code = str(getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or "")
    if code.startswith(_RETRYABLE) or isinstance(error, PoolTimeoutError | TimeoutError | OSError):
        return _unavailable()
    if isinstance(cause, asyncpg.InterfaceError) and "connection is closed" in str(cause):
        return _unavailable()
    if code in _NO_TEXT:
        return BadRequest(MESSAGES["text.control"], code="text.control")
    return None


def _unavailable() -> Unavailable:
    return Unavailable(
        Text(
            # A connection lost at COMMIT leaves it open whether the facts are on record.
            "La base de données ne répond pas à temps. Renvoyez la même requête : "
            "ce qui serait déjà inscrit ne le sera pas deux fois.",
            "The database did not answer in time. Send the same request again: "
            "what may already be recorded will not be recorded twice.",
        ),
        code="database.unavailable",
        headers={"Retry-After": "2"},
    )
