"""What the service's own roles may not do to the loans: the tests of isolation hold it for all
tables; here are those that matter most, each refused by PostgreSQL itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from services.common.tables import table_of
from services.loans import tables
from tests.services.loans.conftest import Client, Loans, pay, record_loan

FACTS = (
    "loans",
    "disbursements",
    "schedule_versions",
    "instalments",
    "repayments",
    "write_offs",
    "recoveries",
    "coaching_sessions",
    "outcomes",
    "reversals",
    "period_events",
    "imports",
    "import_files",
    "events",
    "audit_entries",
)
NAMES = ("given_name", "family_name", "legal_name", "municipality", "postal_code", "external_id")


@asynccontextmanager
async def connect(loans: Loans, role: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(loans.database.dsn(role))
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("table", FACTS)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET organisation_id = organisation_id",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
        "DROP TABLE {}",
    ],
)
async def test_facts_are_never_changed(loans: Loans, table: str, statement: str) -> None:
    async with connect(loans, "loans_app") as connection:
        await connection.execute("SELECT set_org(gen_random_uuid())")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement.format(table))


async def test_a_borrower_may_be_described_again_and_never_taken_out(loans: Loans) -> None:
    async with connect(loans, "loans_app") as connection:
        await connection.execute("SELECT set_org(gen_random_uuid())")
        assert await connection.execute("UPDATE borrowers SET gender = NULL") == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM borrowers")


async def test_without_a_principal_nothing_is_read(loans: Loans, member: Client) -> None:
    lent = await record_loan(member)
    await pay(member, lent["loan_id"], ("2025-05-15", "106.62"))
    for table in (
        "borrowers",
        "loans",
        "repayments",
        "loan_figures",
        "loan_states",
        "daily_totals",
    ):
        async with connect(loans, "loans_app") as connection:
            with pytest.raises(asyncpg.PostgresError):
                await connection.fetch(f"SELECT * FROM {table}")
        async with connect(loans, "loans_totals") as connection:
            with pytest.raises(asyncpg.PostgresError):
                await connection.fetch(f"SELECT organisation_id FROM {table}")


async def test_one_organisation_never_reads_another(loans: Loans, member: Client) -> None:
    await record_loan(member)
    async with connect(loans, "loans_app") as connection:
        await connection.execute("SELECT set_org($1)", loans.as_member().organisation_id)
        assert await connection.fetchval("SELECT count(*) FROM loans") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "INSERT INTO outcomes (organisation_id, loan_id, external_id, observed_on,"
                " business_status, jobs_created, jobs_maintained, fingerprint, recorded_by)"
                " VALUES ($1, gen_random_uuid(), 'O', '2026-01-01', 'active', 0, 0, '', 'x')",
                member.organisation_id,
            )


@pytest.mark.parametrize("column", NAMES)
async def test_the_totals_role_reads_no_name_and_no_place(loans: Loans, column: str) -> None:
    assert column in {each.name for each in table_of(tables.Borrower).columns}
    async with connect(loans, "loans_totals") as connection:
        await connection.execute("SELECT set_reader('test')")
        await connection.fetch("SELECT organisation_id, gender FROM borrowers")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"SELECT {column} FROM borrowers")


async def test_the_totals_role_writes_nothing(loans: Loans) -> None:
    for statement in (
        "DELETE FROM daily_totals",
        "UPDATE daily_totals SET loans_count = 0",
        "INSERT INTO reversals (organisation_id) VALUES (gen_random_uuid())",
        "SELECT * FROM import_files",
        "SELECT * FROM idempotency_keys",
        "SELECT payload FROM events",
    ):
        async with connect(loans, "loans_totals") as connection:
            await connection.execute("SELECT set_reader('test')")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
