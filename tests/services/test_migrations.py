"""Each service's history leads from an empty schema to the tables it declares, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Connection,
    ForeignKeyConstraint,
    Inspector,
    String,
    Table,
    UniqueConstraint,
    inspect,
)
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.migrating import migrate, migrations_of
from deploy.provisioning import SERVICES, roles_of
from tests.support.databases import ClonedDatabase
from tests.support.manifest import MANIFESTS, Manifest

every_service = pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda each: each.service)


@asynccontextmanager
async def connect(database: ClonedDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def describe(database: ClonedDatabase, schema: str) -> list[str]:
    """All there is in a schema, one line each."""
    async with connect(database) as connection:
        return [row["line"] for row in await connection.fetch(_DESCRIBE, schema)]


async def empty(database: ClonedDatabase, schema: str) -> None:
    """Put the schema back to what provisioning made."""
    owner, *served = roles_of(schema)
    async with connect(database) as connection:
        await connection.execute(f"DROP SCHEMA {schema} CASCADE")
        await connection.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {owner}")
        await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {', '.join(served)}")


def constraints_of(inspector: Inspector, table: str) -> set[tuple[str | None, tuple[str, ...]]]:
    """The name and columns of every key of a table of the database."""
    primary = inspector.get_pk_constraint(table)
    return {
        (primary["name"], tuple(primary["constrained_columns"])),
        *(
            (each["name"], tuple(each["constrained_columns"]))
            for each in inspector.get_foreign_keys(table)
        ),
        *(
            (each["name"], tuple(each["column_names"]))
            for each in inspector.get_unique_constraints(table)
        ),
    }


def find_differences(connection: Connection, manifest: Manifest) -> list[object]:
    """What is not as declared: columns, types, defaults, indexes, and the names of all keys."""
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, kind, parents: name != "alembic_version",
    }
    context = MigrationContext.configure(connection, opts=options)
    found = list[object](compare_metadata(context, manifest.metadata))
    inspector = inspect(connection)
    for table in manifest.metadata.sorted_tables:
        declared = {
            (str(each.name), tuple(each.columns.keys()))
            for each in (table.primary_key, *table.constraints)
            if each is table.primary_key
            or isinstance(each, ForeignKeyConstraint | UniqueConstraint)
        }
        found += declared ^ constraints_of(inspector, table.name)
        found += declared_details(table) ^ details_of(inspector, table.name)
    return found


def details_of(inspector: Inspector, table: str) -> set[tuple[str | None, str]]:
    """Collations and the conditions of partial indexes, which Alembic does not compare."""
    return {
        *(
            (each["name"], each["type"].collation)
            for each in inspector.get_columns(table)
            if isinstance(each["type"], String) and each["type"].collation
        ),
        *(
            (each["name"], each["dialect_options"]["postgresql_where"].strip("()"))
            for each in inspector.get_indexes(table)
            if "postgresql_where" in each.get("dialect_options", {})
        ),
    }


def declared_details(table: Table) -> set[tuple[str | None, str]]:
    return {
        *(
            (each.name, each.type.collation)
            for each in table.columns
            if isinstance(each.type, String) and each.type.collation
        ),
        *(
            (str(each.name), str(each.dialect_options["postgresql"]["where"]))
            for each in table.indexes
            if each.dialect_options["postgresql"]["where"] is not None
        ),
    }


@every_service
async def test_declared_tables_are_those_of_the_database(
    database: ClonedDatabase, manifest: Manifest
) -> None:
    engine = create_async_engine(database.url(f"{manifest.service}_owner"))
    async with engine.connect() as connection:
        assert await connection.run_sync(find_differences, manifest) == []
    await engine.dispose()


@every_service
async def test_history_leads_from_empty_to_head_and_no_further(
    fresh_database: ClonedDatabase, manifest: Manifest
) -> None:
    service = manifest.service
    expected = await describe(fresh_database, service)
    await empty(fresh_database, service)
    assert await describe(fresh_database, service) == []
    owner = fresh_database.url(f"{service}_owner")
    await asyncio.to_thread(migrate, service, owner)
    assert await describe(fresh_database, service) == expected
    before = await _identities(fresh_database, service)
    await asyncio.to_thread(migrate, service, owner)
    assert await _identities(fresh_database, service) == before


async def test_second_run_waits_for_the_first(fresh_database: ClonedDatabase) -> None:
    await empty(fresh_database, "registry")
    async with connect(fresh_database) as first:
        await first.execute("SELECT pg_advisory_lock(hashtext('registry'))")
        owner = fresh_database.url("registry_owner")
        second = asyncio.create_task(asyncio.to_thread(migrate, "registry", owner))
        while not await first.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ):
            assert not second.done()
            await asyncio.sleep(0.01)
        assert await describe(fresh_database, "registry") == []
        await first.execute("SELECT pg_advisory_unlock(hashtext('registry'))")
        await second
    assert "table access_keys" in await describe(fresh_database, "registry")


async def test_figures_kept_before_are_those_kept_after(fresh_database: ClonedDatabase) -> None:
    await empty(fresh_database, "loans")
    owner = fresh_database.url("loans_owner")
    await asyncio.to_thread(migrate, "loans", owner, "0007")
    queries = [
        "SELECT * FROM loans.allocations ORDER BY loan_id, principal_cents",
        "SELECT * FROM loans.loan_states ORDER BY loan_id, from_on",
    ]
    async with connect(fresh_database) as connection:
        await connection.execute("SET session_replication_role = replica")  # no loan is needed
        await connection.execute(_KEPT_FIGURES)
        before = [await connection.fetch(query) for query in queries]
        await asyncio.to_thread(migrate, "loans", owner)
        after = [await connection.fetch(query) for query in queries]
        assert await connection.fetch("SELECT * FROM loans.credit_uses") == []
    assert [len(rows) for rows in before] == [2, 3]
    assert [[dict(row) for row in rows] for rows in after] == [
        [dict(row) for row in rows] for rows in before
    ]


_KEPT_FIGURES = """
    INSERT INTO loans.repayments (organisation_id, repayment_id, loan_id, external_id, paid_on,
                                  amount_cents, fingerprint, recorded_by)
    SELECT uuid_nil, id::uuid, uuid_nil, id, on_date, cents, '', ''
    FROM (VALUES ('00000000-0000-7000-8000-00000000000a', date '2026-03-01', 100),
                 ('00000000-0000-7000-8000-00000000000b', date '2026-02-01', 200)
         ) AS new (id, on_date, cents),
         (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS uuid_nil);
    INSERT INTO loans.allocations
    SELECT organisation_id, loan_id, repayment_id, 1, 2, amount_cents - 3 FROM loans.repayments;
    INSERT INTO loans.loan_states
    SELECT uuid_nil, loan_id::uuid, from_on, until_on, cents, oldest
    FROM (VALUES ('00000000-0000-0000-0000-000000000000', date '2026-01-01', date '2026-02-01',
                  300, date '2026-02-01'),
                 ('00000000-0000-0000-0000-000000000000', '2026-02-01', '9999-12-31', 0, NULL),
                 ('00000000-0000-0000-0000-000000000001', '2026-02-01', '9999-12-31', 5, NULL)
         ) AS new (loan_id, from_on, until_on, cents, oldest),
         (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS uuid_nil);
"""


@pytest.mark.parametrize("service", SERVICES)
def test_history_is_one_line(service: str) -> None:
    configuration = Config()
    configuration.set_main_option("script_location", str(migrations_of(service)))
    assert len(ScriptDirectory.from_config(configuration).get_heads()) == 1


async def _identities(database: ClonedDatabase, schema: str) -> list[tuple[int, str]]:
    """Which versions of which catalogue rows there are: any statement of DDL changes one."""
    async with connect(database) as connection:
        rows = await connection.fetch(_IDENTITIES, schema)
        return [(row["oid"], row["xmin"]) for row in rows]


_IDENTITIES = """
    SELECT oid, xmin::text FROM pg_class WHERE relnamespace = $1::regnamespace
    UNION ALL
    SELECT oid, xmin::text FROM pg_proc WHERE pronamespace = $1::regnamespace
    UNION ALL
    SELECT oid, xmin::text FROM pg_constraint WHERE connamespace = $1::regnamespace
    ORDER BY 1
"""
_DESCRIBE = """
    SELECT 'table ' || table_name AS line FROM information_schema.tables WHERE table_schema = $1
    UNION ALL
    SELECT format('column %s.%s %s %s %s', table_name, column_name, data_type, is_nullable,
                  column_default)
    FROM information_schema.columns WHERE table_schema = $1
    UNION ALL
    SELECT format('constraint %s on %s: %s', conname, conrelid::regclass,
                  pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = to_regnamespace($1)
    UNION ALL
    SELECT indexdef FROM pg_indexes WHERE schemaname = $1
    UNION ALL
    SELECT format('policy %s on %s to %s: %s / %s', policyname, tablename, roles, qual, with_check)
    FROM pg_policies WHERE schemaname = $1
    UNION ALL
    SELECT format('grant %s on %s (%s) to %s', privilege_type, table_name, column_name, grantee)
    FROM information_schema.column_privileges WHERE table_schema = $1
    UNION ALL
    SELECT format('grant %s on %s to %s', privilege_type, table_name, grantee)
    FROM information_schema.table_privileges WHERE table_schema = $1
    UNION ALL
    SELECT format('function %s acl %s', oid::regprocedure, proacl)
    FROM pg_proc WHERE pronamespace = to_regnamespace($1)
    ORDER BY 1
"""
