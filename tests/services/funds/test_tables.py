"""What the database itself refuses the service, whatever its code says."""

import asyncpg
import pytest

from services.common.identity import organisation_id
from services.common.schema import KERNEL_TABLES
from services.funds.tables import FACTS, TENANT_TABLES
from tests.services.funds.conftest import Client, Funds, contribution
from tests.support.manifest import names_of

MAY_CHANGE = {
    "funds": "name",
    "account_days": "amount_cents",
    "journal_cursors": "last_event_number",
}
READ_BY_TOTALS = {
    "funds",
    "contributions",
    "contribution_repayments",
    "contribution_reversals",
    "organisation_counters",
    "account_days",
    "journal_cursors",
    "period_events",
}


async def connect(funds: Funds, role: str) -> asyncpg.Connection:
    return await asyncpg.connect(funds.database.dsn(role))


@pytest.mark.parametrize("table", sorted(names_of(FACTS)))
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET organisation_id = organisation_id", "DELETE FROM {}", "TRUNCATE {}"],
)
async def test_facts_are_append_only(funds: Funds, table: str, statement: str) -> None:
    connection = await connect(funds, "funds_app")
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_org($1)", organisation_id("montreal"))
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement.format(table))
    finally:
        await connection.close()


async def test_only_the_named_columns_may_change(funds: Funds) -> None:
    rows = await funds.look(
        "SELECT table_name, column_name FROM information_schema.column_privileges"
        " WHERE grantee = 'funds_app' AND privilege_type = 'UPDATE' AND table_name = ANY($1)",
        list(names_of(TENANT_TABLES)),
    )
    assert {row["table_name"]: row["column_name"] for row in rows} == MAY_CHANGE
    assert len(rows) == len(MAY_CHANGE)


async def test_without_an_organisation_nothing_is_read(funds: Funds, member: Client) -> None:
    place = f"/v1/funds/{member.organisation}/contributions"
    await member.post(place, contribution())
    connection = await connect(funds, "funds_app")
    try:
        for table in names_of(TENANT_TABLES):
            with pytest.raises(asyncpg.PostgresError):
                await connection.fetch(f"SELECT organisation_id FROM {table}")
        async with connection.transaction():
            await connection.execute("SELECT set_org($1)", organisation_id("somebody-else"))
            assert await connection.fetch("SELECT organisation_id FROM contributions") == []
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(
                    "INSERT INTO funds VALUES ($1, 'x', 'x')", member.principal.organisation_id
                )
    finally:
        await connection.close()


async def test_the_totals_role_never_reads_a_name(funds: Funds, member: Client) -> None:
    await member.post(f"/v1/funds/{member.organisation}/contributions", contribution())
    connection = await connect(funds, "funds_totals")
    try:
        with pytest.raises(asyncpg.PostgresError):  # it has not said who reads
            await connection.fetch("SELECT amount_cents FROM contributions")
        for column in ("contributor", "external_id", "recorded_by"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT {column} FROM contributions")
        for table in {*names_of(TENANT_TABLES), *KERNEL_TABLES} - READ_BY_TOTALS:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT organisation_id FROM {table}")
        for table in READ_BY_TOTALS:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"INSERT INTO {table} DEFAULT VALUES")
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ["funds_app", "funds_totals"])
@pytest.mark.parametrize("schema", ["registry", "loans"])
async def test_other_services_schemas_are_closed(funds: Funds, role: str, schema: str) -> None:
    connection = await connect(funds, role)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"SELECT * FROM {schema}.events")
    finally:
        await connection.close()
