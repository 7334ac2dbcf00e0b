"""What every migration of a service says the same way: tenant tables, grants, the kernel's tables.

Keeps the rules of a distributed PostgreSQL from the first migration on: organisation_id first in
every key of a tenant table, no triggers, one statement per execute, named constraints.
"""

import asyncio
import os
from collections.abc import Sequence
from logging.config import dictConfig

from alembic import context, op
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

# The kernel's own tenant tables, in every service.
KERNEL_TABLES = ("organisation_counters", "events", "audit_entries", "idempotency_keys")


def run_migrations(schema: str) -> None:
    """The whole of a service's `env.py`: migrate its schema as its owner role."""
    dictConfig({"version": 1, "disable_existing_loggers": False})

    def migrate(connection: Connection) -> None:
        context.configure(
            connection=connection,
            version_table_schema=schema,
            transaction_per_migration=True,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            context.run_migrations()

    async def connect() -> None:
        engine = create_async_engine(os.environ["RESEAU_DATABASE_URL"], poolclass=pool.NullPool)
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(hashtext(:s))"), {"s": schema})
            await connection.commit()
            await connection.run_sync(migrate)
            await connection.commit()
        await engine.dispose()

    asyncio.run(connect())


def create_kernel_tables(app_role: str) -> None:
    """set_org() and the kernel's tables: counters, events, audit entries, idempotency keys."""
    _create_functions()
    op.execute(
        """
        CREATE TABLE organisation_counters (
            organisation_id uuid CONSTRAINT organisation_counters_pkey PRIMARY KEY,
            last_event_number bigint NOT NULL DEFAULT 0,
            last_audit_number bigint NOT NULL DEFAULT 0,
            last_audit_hash bytea
        )
        """
    )
    op.execute(
        """
        CREATE TABLE events (
            organisation_id uuid NOT NULL,
            event_number bigint NOT NULL,
            type text NOT NULL,
            payload jsonb NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT events_pkey PRIMARY KEY (organisation_id, event_number)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE audit_entries (
            organisation_id uuid NOT NULL,
            entry_number bigint NOT NULL,
            entry jsonb NOT NULL,
            hash bytea NOT NULL,
            CONSTRAINT audit_entries_pkey PRIMARY KEY (organisation_id, entry_number)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE idempotency_keys (
            organisation_id uuid NOT NULL,
            client text NOT NULL,
            method text NOT NULL,
            path text NOT NULL,
            key text NOT NULL,
            fingerprint bytea NOT NULL,
            status integer,
            document text,
            headers jsonb,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT idempotency_keys_pkey
                PRIMARY KEY (organisation_id, client, method, path, key)
        )
        """
    )
    op.execute(
        "CREATE INDEX idempotency_keys_recorded_at"
        " ON idempotency_keys (organisation_id, recorded_at)"
    )
    for table in KERNEL_TABLES:
        protect_tenant_table(app_role, table)
    op.execute(f"GRANT EXECUTE ON FUNCTION set_org(uuid) TO {app_role}")
    grant(app_role, "SELECT, INSERT, UPDATE", ["organisation_counters"])
    grant(app_role, "SELECT, INSERT", ["events", "audit_entries"])
    grant(app_role, "SELECT, INSERT, UPDATE, DELETE", ["idempotency_keys"])


def _create_functions() -> None:
    """What says, for the length of a transaction, for whom it acts or who reads."""
    op.execute(
        """
        CREATE FUNCTION set_org(organisation uuid) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE format('SET LOCAL app.organisation_id = %L', organisation);
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION set_reader(subject text) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE format('SET LOCAL app.reader = %L', subject);
        END $$
        """
    )


def protect_tenant_table(app_role: str, table: str) -> None:
    """Row-level security, forced: rows of the organisation set by set_org(), and no other.

    The strict current_setting() makes a transaction without an organisation fail, not match.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"""
        CREATE POLICY {table}_organisation ON {table} TO {app_role}
        USING (organisation_id = current_setting('app.organisation_id')::uuid)
        WITH CHECK (organisation_id = current_setting('app.organisation_id')::uuid)
        """
    )


def grant(role: str, privileges: str, tables: Sequence[str]) -> None:
    """Give a role what it needs; nobody ever gets TRUNCATE, and facts never UPDATE or DELETE."""
    for table in tables:
        op.execute(f"GRANT {privileges} ON {table} TO {role}")


def open_to_totals(totals_role: str, table: str, columns: str) -> None:
    """Let the totals role read, beside organisation_id, these columns of every organisation.

    None of them names or locates a person: what a table declares as Personal is never here.

    A transaction that has not said who reads, with set_reader(), fails or sees nothing.
    """
    op.execute(f"GRANT SELECT (organisation_id, {columns}) ON {table} TO {totals_role}")
    op.execute(
        f"CREATE POLICY {table}_totals ON {table} FOR SELECT TO {totals_role}"
        " USING (current_setting('app.reader') <> '')"
    )
