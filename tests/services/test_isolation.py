"""What PostgreSQL itself refuses each role, whatever the code of the services says.

The tables of a database of the module's own each hold one row of NOTRE and one of AUTRE; checks and
references are dropped there, so that rows need not make sense.
"""

import subprocess
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest
from joserfc.jwk import OKPKey
from pydantic import SecretStr
from sqlalchemy import ARRAY, Column, Table

from deploy.cluster import find_programs
from deploy.provisioning import SERVICES, SERVICES_WITH_TOTALS, roles_of
from services.common.app import create_service
from services.common.database import driver, open_database
from services.common.identity import organisation_id
from services.common.settings import ServiceSettings, TotalsSettings
from services.common.tables import table_of
from services.funds.app import create_app as create_funds
from services.loans.app import create_app as create_loans
from services.registry.app import create_app as create_registry
from tests.support.databases import (
    ClonedDatabase,
    SharedCluster,
    clone_database,
    drop_database,
)
from tests.support.manifest import MANIFESTS, Manifest

NOTRE, AUTRE, NOBODY = (organisation_id(slug) for slug in ("notre", "autre", "nobody"))
ROLES = [(service, role) for service in SERVICES for role in roles_of(service)]
CREATE = {"registry": create_registry, "funds": create_funds, "loans": create_loans}

every_service = pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda each: each.service)


@pytest.fixture(scope="module")
async def crowded(cluster: SharedCluster) -> AsyncIterator[ClonedDatabase]:
    database = await clone_database(cluster, f"crowded_{uuid.uuid4().hex}")
    async with connect(database.superuser_dsn) as connection:
        for drop in await connection.fetch(_CONSTRAINTS, list(SERVICES)):
            await connection.execute(drop["statement"])
        for manifest in MANIFESTS:
            for table in tenant_tables(manifest):
                for organisation in (NOTRE, AUTRE):
                    row = make_row(table, organisation)
                    await connection.execute(insert(table, f"{manifest.service}."), *row)
    yield database
    await drop_database(database)


@asynccontextmanager
async def connect(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def acting_for(
    database: ClonedDatabase, role: str, organisation: uuid.UUID
) -> AsyncIterator[asyncpg.Connection]:
    """A transaction of the role for an organisation; it is rolled back."""
    async with connect(database.dsn(role)) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT set_org($1)", organisation)
        yield connection
        await transaction.rollback()


def tenant_tables(manifest: Manifest) -> list[Table]:
    return [table_of(each) for each in manifest.tenant_tables]


def make_value(column: Column[object]) -> object:
    """Something of the column's type, another one each time where the type is wide enough."""
    if isinstance(column.type, ARRAY):
        return []
    kind = str(column.type)
    if kind.startswith(("TEXT", "CHAR")):
        return uuid.uuid4().hex
    if kind == "JSONB":
        return "{}"
    samples: dict[type, object] = {
        uuid.UUID: uuid.uuid4(),
        int: uuid.uuid4().int % 1_000_000,
        bool: True,
        bytes: uuid.uuid4().bytes,
        date: date(2026, 3, 31),
        datetime: datetime(2026, 3, 31, tzinfo=UTC),
        Decimal: Decimal("4.5"),
    }
    return samples[column.type.python_type]


def make_row(table: Table, organisation: uuid.UUID) -> list[object]:
    first, *others = table.columns
    assert first.name == "organisation_id"
    return [organisation, *(make_value(column) for column in others)]


def insert(table: Table, schema: str = "") -> str:
    """Columns are named: those that a later migration added come last in the database."""
    names = [column.name for column in table.columns]
    values = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    return f"INSERT INTO {schema}{table.name} ({', '.join(names)}) VALUES ({values})"


def run_psql(database: ClonedDatabase, role: str, *statements: str) -> tuple[str, list[str]]:
    """What the real client prints, and what it is refused, statement by statement."""
    commands = [part for statement in statements for part in ("-c", statement)]
    result = subprocess.run(
        [find_programs() / "psql", "-X", "-A", "-t", "-q", database.dsn(role), *commands],
        capture_output=True,
        text=True,
        env={"LC_ALL": "C"},
        timeout=120,
    )
    return result.stdout.strip(), [
        line for line in result.stderr.splitlines() if line.startswith("ERROR")
    ]


@pytest.mark.parametrize(("service", "role"), ROLES)
def test_psql_is_refused_every_foreign_schema(
    crowded: ClonedDatabase, service: str, role: str
) -> None:
    foreign = [manifest for manifest in MANIFESTS if manifest.service != service]
    statements = [
        statement.format(f"{manifest.service}.{table_of(each).name}")
        for manifest in foreign
        for each in manifest.tables
        for statement in ("SELECT count(*) FROM {}", "DELETE FROM {}")
    ]
    printed, refused = run_psql(crowded, role, *statements)
    assert printed == ""
    assert len(refused) == len(statements)
    assert set(refused) == {
        f"ERROR:  permission denied for schema {manifest.service}" for manifest in foreign
    }


@pytest.mark.parametrize("service", SERVICES)
def test_psql_sees_nothing_before_it_says_for_whom(crowded: ClonedDatabase, service: str) -> None:
    printed, refused = run_psql(
        crowded,
        f"{service}_app",
        "SELECT count(*) FROM events",
        "BEGIN",
        f"SELECT set_org('{NOTRE}')",
        "SELECT organisation_id FROM events",
        "COMMIT",
        "SELECT count(*) FROM events",
        "SET row_security = off",
        "SELECT count(*) FROM events",
    )
    assert printed.split() == [str(NOTRE)]
    assert refused == [
        'ERROR:  unrecognized configuration parameter "app.organisation_id"',
        'ERROR:  invalid input syntax for type uuid: ""',
        'ERROR:  query would be affected by row-level security policy for table "events"',
    ]


@every_service
async def test_without_an_organisation_nothing_is_read_or_written(
    crowded: ClonedDatabase, manifest: Manifest
) -> None:
    async with connect(crowded.dsn(f"{manifest.service}_app")) as connection:
        for table in tenant_tables(manifest):
            with pytest.raises(asyncpg.UndefinedObjectError):
                await connection.fetch(f"SELECT organisation_id FROM {table}")
            row = make_row(table, NOTRE)
            with pytest.raises(asyncpg.PostgresError):
                await connection.execute(insert(table), *row)


@every_service
async def test_an_organisation_reads_its_own_rows(
    crowded: ClonedDatabase, manifest: Manifest
) -> None:
    app = f"{manifest.service}_app"
    for organisation, seen in ((NOTRE, [NOTRE]), (AUTRE, [AUTRE]), (NOBODY, [])):
        async with acting_for(crowded, app, organisation) as connection:
            for table in tenant_tables(manifest):
                rows = await connection.fetch(f"SELECT organisation_id FROM {table}")
                assert [row["organisation_id"] for row in rows] == seen, table


@every_service
async def test_an_organisation_writes_for_itself_alone(
    crowded: ClonedDatabase, manifest: Manifest
) -> None:
    async with acting_for(crowded, f"{manifest.service}_app", NOTRE) as connection:
        for table in tenant_tables(manifest):
            row = make_row(table, AUTRE)
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with connection.transaction():
                    await connection.execute(insert(table), *row)


@every_service
async def test_what_may_change_changes_for_its_organisation_alone(
    crowded: ClonedDatabase, manifest: Manifest
) -> None:
    """Each UPDATE and DELETE is tried; whatever is granted meets one row, of whoever acts."""
    facts = {table_of(each).name for each in manifest.facts}
    async with acting_for(crowded, f"{manifest.service}_app", NOTRE) as connection:
        for table in tenant_tables(manifest):
            last = list(table.columns)[-1].name
            for statement in (f"UPDATE {table} SET {last} = {last}", f"DELETE FROM {table}"):
                transaction = connection.transaction()
                await transaction.start()
                try:
                    tag = await connection.execute(statement)
                    assert tag in ("UPDATE 1", "DELETE 1"), tag
                    assert table.name not in facts, statement
                except asyncpg.InsufficientPrivilegeError:
                    pass
                await transaction.rollback()
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute(f"TRUNCATE {table}")


@every_service
async def test_owner_sees_no_row(crowded: ClonedDatabase, manifest: Manifest) -> None:
    """The owner migrates; row-level security is forced on it and no policy is its own."""
    async with acting_for(crowded, f"{manifest.service}_owner", NOTRE) as connection:
        for table in tenant_tables(manifest):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table
            row = make_row(table, NOTRE)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute(insert(table), *row)


@pytest.mark.parametrize("service", SERVICES_WITH_TOTALS)
async def test_totals_role_reads_once_it_says_for_whom(
    crowded: ClonedDatabase, service: str
) -> None:
    manifest = next(each for each in MANIFESTS if each.service == service)
    async with connect(crowded.dsn(f"{service}_totals")) as connection:
        opened = {
            row["table_name"]: row["columns"]
            for row in await connection.fetch(
                "SELECT table_name, string_agg(column_name, ', ') AS columns"
                " FROM information_schema.column_privileges"
                " WHERE grantee = current_user AND table_schema = $1 GROUP BY table_name",
                service,
            )
        }
        assert opened
        for table in tenant_tables(manifest):
            columns = opened.get(table.name, "organisation_id")
            select = f"SELECT {columns} FROM {table}"
            async with connect(crowded.dsn(f"{service}_totals")) as silent:
                with pytest.raises(asyncpg.PostgresError):
                    await silent.fetch(select)
            if table.name in opened:
                async with connection.transaction():
                    await connection.execute("SELECT set_reader('rapport')")
                    seen = {row["organisation_id"] for row in await connection.fetch(select)}
                    assert seen == {NOTRE, AUTRE}
                assert await connection.fetch(select) == []
            closed = set(table.columns.keys()) - set(opened.get(table.name, "").split(", "))
            for statement in (
                *(f"SELECT {column} FROM {table}" for column in closed),
                f"INSERT INTO {table} DEFAULT VALUES",
                f"UPDATE {table} SET organisation_id = organisation_id",
                f"DELETE FROM {table}",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)


async def test_set_org_ends_with_its_transaction(crowded: ClonedDatabase) -> None:
    async with connect(crowded.dsn("loans_app")) as connection:
        async with connection.transaction():
            await connection.execute("SELECT set_org($1)", NOTRE)
        for _ in range(2):
            with pytest.raises(asyncpg.InvalidTextRepresentationError):
                async with connection.transaction():
                    await connection.fetch("SELECT FROM loans")
        async with connection.transaction():
            await connection.execute("SELECT set_org($1)", NOTRE)
            savepoint = connection.transaction()
            await savepoint.start()
            await connection.execute("SELECT set_org($1)", AUTRE)
            await savepoint.rollback()
            assert await connection.fetchval("SELECT organisation_id FROM loans") == NOTRE


async def test_pooled_connection_carries_nothing_over(crowded: ClonedDatabase) -> None:
    """One connection for all: reading for one, writing for another, then for nobody."""
    pool = open_database(SecretStr(crowded.url("loans_app")), connections_max=1)
    try:
        async with pool.read(NOTRE) as session:
            connection = await driver(session)
            assert await connection.fetchval("SELECT organisation_id FROM loans") == NOTRE
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                async with connection.transaction():
                    await connection.execute("DELETE FROM daily_totals")
        async with pool.write(AUTRE) as writing:
            assert await driver(writing) is connection
            moved = "UPDATE daily_totals SET loans_count = loans_count + 1"
            assert await connection.execute(moved) == "UPDATE 1"
        async with pool.read(None):
            with pytest.raises(asyncpg.InvalidTextRepresentationError):
                await connection.fetchval("SELECT organisation_id FROM loans")
    finally:
        await pool.close()


@pytest.fixture(scope="module")
def public_key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("isolation") / "public.pem"
    path.write_bytes(OKPKey.generate_key("Ed25519").as_pem(private=False))
    return path


@pytest.mark.parametrize("service", SERVICES)
async def test_service_refuses_to_start_as_an_owner(
    database: ClonedDatabase,
    service: str,
    public_key_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESEAU_DATABASE_URL", database.url(f"{service}_owner"))
    monkeypatch.setenv("RESEAU_TOTALS_DATABASE_URL", database.url(f"{service}_owner"))
    monkeypatch.setenv("RESEAU_TOKEN_PUBLIC_KEY_FILE", str(public_key_file))
    app = CREATE[service]()
    with pytest.raises(RuntimeError, match=f"{service}_owner is unsafe: owns_tables"):
        async with app.router.lifespan_context(app):
            pass


@pytest.mark.parametrize(
    ("privilege", "flaw"),
    [
        ("SUPERUSER", "superuser, bypasses_row_level_security, owns_tables"),
        ("BYPASSRLS", "bypasses_row_level_security"),
        ("IN ROLE loans_owner", "owns_tables"),
    ],
)
async def test_service_refuses_to_start_with_a_role_that_sees_more(
    database: ClonedDatabase, public_key_file: Path, privilege: str, flaw: str
) -> None:
    role = f"unsafe_{uuid.uuid4().hex}"
    safe, unsafe = (
        SecretStr(database.url("loans_app")),
        SecretStr(database.url("loans_app").replace("loans_app:", f"{role}:")),
    )
    password = safe.get_secret_value().partition("loans_app:")[2].partition("@")[0]
    async with connect(database.superuser_dsn) as superuser:
        await superuser.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}' {privilege}")
        await superuser.execute(f"GRANT CONNECT ON DATABASE {database.name} TO {role}")
        try:
            for url, totals_url in ((unsafe, safe), (safe, unsafe)):
                settings = TotalsSettings(
                    database_url=url,
                    totals_database_url=totals_url,
                    token_public_key_file=public_key_file,
                )
                app = create_service("Essai", settings, [])
                with pytest.raises(RuntimeError, match=f"unsafe: {flaw}$"):
                    async with app.router.lifespan_context(app):
                        pass
        finally:
            await superuser.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM {role}")
            await superuser.execute(f"DROP ROLE {role}")


async def test_service_starts_with_its_own_role(
    database: ClonedDatabase, public_key_file: Path
) -> None:
    settings = ServiceSettings(
        database_url=SecretStr(database.url("loans_app")), token_public_key_file=public_key_file
    )
    app = create_service("Essai", settings, [])
    async with app.router.lifespan_context(app):
        pass


_CONSTRAINTS = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS statement
    FROM pg_constraint
    WHERE contype IN ('c', 'f') AND connamespace = ANY($1::text[]::regnamespace[])
"""
