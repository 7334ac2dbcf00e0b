"""Who may do what in the database, asked of PostgreSQL itself as each role."""

import asyncpg
import pytest

from deploy.prepared import fingerprint, is_prepared, mark_prepared
from deploy.provisioning import DATABASE, SERVICES, provision, roles_of
from tests.support.databases import ClonedDatabase, SharedCluster

ROLES = [role for service in SERVICES for role in roles_of(service)]
FOREIGN = [
    (role, schema) for role in ROLES for schema in SERVICES if schema != role.partition("_")[0]
]


async def value(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        answer: object = await connection.fetchval(statement)
        return answer
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ROLES)
async def test_role_has_no_power_of_its_own(database: ClonedDatabase, role: str) -> None:
    flags = (
        "SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication"
        f" OR rolinherit FROM pg_roles WHERE rolname = '{role}'"
    )
    assert await value(database.dsn(role), flags) is False
    memberships = "SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole"
    assert await value(database.dsn(role), memberships) == 0


@pytest.mark.parametrize("role", ROLES)
async def test_role_works_in_its_own_schema(database: ClonedDatabase, role: str) -> None:
    assert await value(database.dsn(role), "SELECT current_schema()") == role.partition("_")[0]


@pytest.mark.parametrize(("role", "schema"), FOREIGN)
async def test_role_is_refused_by_foreign_schemas(
    database: ClonedDatabase, role: str, schema: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await value(database.dsn(role), f"SELECT count(*) FROM {schema}.alembic_version")


@pytest.mark.parametrize("role", ROLES)
async def test_role_creates_nothing_outside_its_schema(database: ClonedDatabase, role: str) -> None:
    for statement in ("CREATE TABLE public.t (n int)", "CREATE SCHEMA s"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await value(database.dsn(role), statement)
    if not role.endswith("_owner"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await value(database.dsn(role), "CREATE TABLE t (n int)")


@pytest.mark.parametrize("role", ROLES)
async def test_role_reaches_no_other_database(database: ClonedDatabase, role: str) -> None:
    for name in ("postgres", "template1"):
        dsn = database.dsn(role).rpartition("/")[0] + f"/{name}"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await value(dsn, "SELECT 1")


@pytest.mark.parametrize("service", SERVICES)
async def test_only_the_serving_role_stages_imports(database: ClonedDatabase, service: str) -> None:
    statement = "CREATE TEMPORARY TABLE staged (n int)"
    assert await value(database.dsn(f"{service}_app"), statement) is None
    for role in roles_of(service):
        if role != f"{service}_app":
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await value(database.dsn(role), statement)


async def test_provisioning_again_changes_nothing_and_mends_passwords(
    cluster: SharedCluster, fresh_database: ClonedDatabase
) -> None:
    await provision(cluster.folder, fresh_database.superuser_dsn, fresh_database.name)
    assert await value(fresh_database.dsn("loans_app"), "SELECT current_user") == "loans_app"


async def test_mark_is_gone_once_a_password_or_a_key_is(
    cluster: SharedCluster, fresh_database: ClonedDatabase
) -> None:
    folder, dsn = cluster.folder, fresh_database.superuser_dsn
    await value(dsn, f"CREATE DATABASE {DATABASE}")
    try:
        folder.access_keys.write_text("{}")
        folder.token_public_key.write_text("")
        assert not await is_prepared(folder, dsn)
        await mark_prepared(folder, dsn)
        assert await is_prepared(folder, dsn)
        folder.access_keys.unlink()
        assert not await is_prepared(folder, dsn)
    finally:
        await value(dsn, f"DROP DATABASE {DATABASE}")
    assert fingerprint(folder) == fingerprint(folder)
