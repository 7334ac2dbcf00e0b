"""The database of the federation: its roles, its schemas, and who may do what in them.

    schema      migrates         serves         reads totals
    registry    registry_owner   registry_app
    funds       funds_owner      funds_app      funds_totals
    loans       loans_owner      loans_app      loans_totals
    funds_jobs  funds_owner      funds_app                     the queue of its long imports
    loans_jobs  loans_owner      loans_app                     the same

No role may enter another service's schema. Everything here can be run again at any time.
"""

import asyncpg

from deploy.data_folder import DataFolder, read_or_create_secret
from services.common.job_schema import queue_schema

DATABASE = "reseau"
SERVICES = ("registry", "funds", "loans")
SERVICES_WITH_TOTALS = ("funds", "loans")
SERVICES_WITH_JOBS = ("funds", "loans")

_HARMLESS = "LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEDB NOCREATEROLE NOREPLICATION"


def roles_of(service: str) -> tuple[str, ...]:
    """The owner of the schema first, then the roles that serve from it."""
    totals = (f"{service}_totals",) if service in SERVICES_WITH_TOTALS else ()
    return (f"{service}_owner", f"{service}_app", *totals)


def database_url(folder: DataFolder, port: int, role: str, database: str = DATABASE) -> str:
    """What SQLAlchemy opens as this role."""
    password = read_or_create_secret(folder, role)
    return f"postgresql+asyncpg://{role}:{password}@127.0.0.1:{port}/{database}"


async def provision(folder: DataFolder, superuser_dsn: str, database: str = DATABASE) -> None:
    """Make the database, the roles with the folder's passwords, the schemas and the grants.

    `superuser_dsn` names any existing database of the cluster.
    """
    connection = await asyncpg.connect(superuser_dsn)
    try:
        for existing in ("postgres", "template1"):
            await connection.execute(f"REVOKE ALL ON DATABASE {existing} FROM PUBLIC")
        for role in (role for service in SERVICES for role in roles_of(service)):
            await _provision_role(connection, role, read_or_create_secret(folder, role))
        if not await connection.fetchval(
            "SELECT count(*) FROM pg_database WHERE datname = $1", database
        ):
            await connection.execute(f"CREATE DATABASE {database}")
        await grant_database(connection, database)
    finally:
        await connection.close()
    await _provision_schemas(superuser_dsn, database)


async def grant_database(connection: asyncpg.Connection, database: str) -> None:
    """Who may connect. A database copied from a template starts with the rights of none."""
    await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    for service in SERVICES:
        for role in roles_of(service):
            await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {role}")
        # Imports are staged in temporary tables.
        await connection.execute(f"GRANT TEMPORARY ON DATABASE {database} TO {service}_app")


async def _provision_role(connection: asyncpg.Connection, role: str, password: str) -> None:
    exists = await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", role)
    verb = "ALTER" if exists else "CREATE"
    secret = await connection.fetchval("SELECT quote_literal($1::text)", password)
    await connection.execute(f"{verb} ROLE {role} {_HARMLESS} PASSWORD {secret}")
    schema = role.rpartition("_")[0]
    await connection.execute(f"ALTER ROLE {role} SET search_path = {schema}")
    # On a distributed PostgreSQL, SET LOCAL must reach the workers; elsewhere it says nothing.
    await connection.execute(f"ALTER ROLE {role} SET citus.propagate_set_commands = 'local'")


async def _provision_schemas(superuser_dsn: str, database: str) -> None:
    connection = await asyncpg.connect(superuser_dsn, database=database)
    try:
        await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for service in SERVICES:
            owner, *served = roles_of(service)
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {owner}")
            await connection.execute(f"REVOKE ALL ON SCHEMA {service} FROM PUBLIC")
            for role in served:
                await connection.execute(f"GRANT USAGE ON SCHEMA {service} TO {role}")
        for service in SERVICES_WITH_JOBS:
            owner, app, *_ = roles_of(service)
            schema = queue_schema(service)
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}")
            await connection.execute(f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC")
            await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {app}")
    finally:
        await connection.close()
