"""Many rows, one statement: every type comes back as it went, and no row is lost silently."""

import uuid
from collections.abc import AsyncIterator
from datetime import date, timedelta

import numpy as np
import pytest
from asyncpg import UniqueViolationError
from pydantic import SecretStr

from services.common.binary_copy import Lists, encode_rows
from services.common.bulk import STAGED_ROWS_MIN, insert_columns, insert_encoded, insert_rows
from services.common.database import Database, WriteSession, driver, open_database
from services.common.identifiers import new_ids
from services.loans import tables
from services.loans.positions.daily_totals import MEASURES
from tests.support.databases import ClonedDatabase

Row = dict[str, object]
DESCRIBE_AGAIN = "(organisation_id, external_id) DO UPDATE SET given_name = excluded.given_name"


@pytest.fixture(scope="module")
async def loans(database: ClonedDatabase) -> AsyncIterator[Database]:
    opened = open_database(SecretStr(database.url("loans_app")), 2)
    yield opened
    await opened.close()


@pytest.fixture
async def session(loans: Database) -> AsyncIterator[WriteSession]:
    async with loans.write(uuid.uuid4()) as session:
        yield session


def borrower(session: WriteSession, external_id: str, **changes: object) -> Row:
    return {
        "organisation_id": session.organisation_id,
        "external_id": external_id,
        "is_registered": True,
        "kind": "person",
        "given_name": "Zoé",
        "birth_year": 1990,
        "clienteles": ["newcomer", "é, \"{}\\' 'NULL'"],
        "social_economy": None,
        "fingerprint": b"\x00\xff",
        "recorded_by": "key-1",
        **changes,
    }


async def read_back(session: WriteSession, columns: str) -> list[Row]:
    connection = await driver(session)
    rows = await connection.fetch(
        f"SELECT {columns} FROM borrowers WHERE organisation_id = $1 ORDER BY external_id",
        session.organisation_id,
    )
    return [dict(row) for row in rows]


async def test_values_come_back_as_they_went(session: WriteSession) -> None:
    rows = [
        borrower(session, "a"),
        borrower(
            session, "b", clienteles=[], given_name=None, birth_year=None, is_registered=False
        ),
        borrower(session, "c", clienteles=["x"], social_economy=True, given_name=""),
    ]
    await insert_rows(session, tables.Borrower, rows)
    assert await read_back(session, ", ".join(rows[0])) == rows


async def test_amounts_and_dates_come_back_as_they_went(session: WriteSession) -> None:
    rows: list[Row] = [
        {
            "organisation_id": session.organisation_id,
            "region_code": "06",
            "on_date": date.max if day == 1 else date(2026, 3, day),
            **dict.fromkeys(MEASURES, 10**15 - day),
        }
        for day in (2, 1)
    ]
    await insert_rows(session, tables.DailyTotals, rows)
    connection = await driver(session)
    found = await connection.fetch(
        f"SELECT {', '.join(rows[0])} FROM daily_totals"
        " WHERE organisation_id = $1 ORDER BY on_date",
        session.organisation_id,
    )
    assert [dict(row) for row in found] == rows


@pytest.mark.parametrize("count", [1, STAGED_ROWS_MIN])
async def test_lists_of_numbers_dates_and_identifiers(session: WriteSession, count: int) -> None:
    ids = [uuid.uuid4(), uuid.uuid4()]
    row: Row = {
        "repayment_ids": ids,
        "fees_cents": [0, 10**15],
        "interest_cents": [1, 2],
        "principal_cents": [3, 4],
        "from_on": [date(2026, 3, 1)],
        "outstanding_principal_cents": [5],
        "oldest_unpaid_due_on": [None],
        "credit_repayment_ids": ids[:1],
        "credit_fee_ids": ids[1:],
        "credit_used_on": [date(2026, 3, 2)],
        "credit_used_cents": [6],
    }
    empty = {name: [] if name in (*row,)[:4] else value for name, value in row.items()}
    columns = {name: [value] * count + [empty[name]] for name, value in row.items()}
    loan_ids = new_ids(count + 1)
    same = {"organisation_id": session.organisation_id}
    await insert_columns(session, tables.LoanFigures, {"loan_id": loan_ids, **columns}, same)
    connection = await driver(session)
    found = await connection.fetch(
        f"SELECT {', '.join(row)} FROM loan_figures WHERE organisation_id = $1 ORDER BY loan_id",
        session.organisation_id,
    )
    assert [dict(each) for each in found] == [*[row] * count, empty]


async def test_lists_written_by_column(session: WriteSession) -> None:
    """In the binary format of COPY: none, some, and dates that are missing among them."""
    loan_ids, repayment_ids = new_ids(3), new_ids(3)
    ids = np.frombuffer(b"".join(each.bytes for each in repayment_ids), dtype="V16")
    paid, stood, days = np.array([2, 2, 3]), np.array([1, 2, 4]), np.array([0, 9_000, -1, 5])
    cents = Lists("bigint", np.array([1, 10**15, 0]), paid)
    is_missing = np.array([False, True, False, True])
    columns = {
        "repayment_ids": Lists("uuid", ids, paid),
        "fees_cents": cents,
        "interest_cents": cents,
        "principal_cents": cents,
        "from_on": Lists("date", days, stood),
        "outstanding_principal_cents": Lists("bigint", days + 1, stood),
        "oldest_unpaid_due_on": Lists("date", days, stood, is_missing),
    }
    keys = np.frombuffer(b"".join(each.bytes for each in loan_ids), dtype="V16")
    empty = ("credit_repayment_ids", "credit_fee_ids", "credit_used_on", "credit_used_cents")
    same = {"organisation_id": session.organisation_id, **dict.fromkeys(empty, ())}
    rows = encode_rows(keys, list(columns.values()))
    await insert_encoded(session, tables.LoanFigures, ["loan_id", *columns], rows, same)
    connection = await driver(session)
    found = await connection.fetch(
        "SELECT loan_id, repayment_ids, fees_cents, from_on, oldest_unpaid_due_on"
        " FROM loan_figures WHERE organisation_id = $1 ORDER BY loan_id",
        session.organisation_id,
    )
    on = [date(2000, 1, 1) + timedelta(days=day) for day in days.tolist()]
    assert [tuple(row) for row in found] == [
        (loan_ids[0], repayment_ids[:2], [1, 10**15], on[:1], on[:1]),
        (loan_ids[1], [], [], on[1:2], [None]),
        (loan_ids[2], repayment_ids[2:], [0], on[2:], [on[2], None]),
    ]


async def test_returned_columns(session: WriteSession) -> None:
    rows = [borrower(session, name) for name in ("a", "b")]
    found = await insert_rows(
        session, tables.Borrower, rows, returning=("external_id", "borrower_id")
    )
    assert [row["external_id"] for row in found] == ["a", "b"]
    assert all(isinstance(row["borrower_id"], uuid.UUID) for row in found)


async def test_rows_in_conflict_are_left_out_or_updated(session: WriteSession) -> None:
    await insert_rows(session, tables.Borrower, [borrower(session, "a")])
    again = [borrower(session, "a", given_name="Léo"), borrower(session, "b")]
    found = await insert_rows(
        session, tables.Borrower, again, returning=("external_id",), on_conflict="DO NOTHING"
    )
    assert [row["external_id"] for row in found] == ["b"]
    await insert_rows(
        session,
        tables.Borrower,
        again,
        on_conflict=DESCRIBE_AGAIN,
    )
    assert [row["given_name"] for row in await read_back(session, "given_name")] == ["Léo", "Zoé"]


@pytest.mark.parametrize("on_conflict", ["", "DO NOTHING"])
async def test_a_row_left_out_unexpectedly_is_loud(session: WriteSession, on_conflict: str) -> None:
    await insert_rows(session, tables.Borrower, [borrower(session, "a")])
    with pytest.raises((AssertionError, UniqueViolationError), match=r"1 of 2 rows|external_id"):
        await insert_rows(
            session,
            tables.Borrower,
            [borrower(session, "a"), borrower(session, "b")],
            on_conflict=on_conflict,
        )


async def test_columns_and_what_every_row_has(session: WriteSession) -> None:
    columns: dict[str, list[object]] = {
        "external_id": ["a", "b"],
        "birth_year": [1990, None],
        "clienteles": [["x", "y"], []],
    }
    same = {name: v for name, v in borrower(session, "").items() if name not in columns}
    await insert_columns(session, tables.Borrower, columns, same)
    found = await read_back(session, "external_id, birth_year, clienteles, kind, fingerprint")
    assert found == [
        {
            "external_id": a,
            "birth_year": b,
            "clienteles": c,
            "kind": "person",
            "fingerprint": same["fingerprint"],
        }
        for a, b, c in (("a", 1990, ["x", "y"]), ("b", None, []))
    ]
    with pytest.raises(AssertionError, match="differ"):
        await insert_columns(session, tables.Borrower, {**columns, "birth_year": [1990]}, same)


async def test_rows_name_the_same_columns(session: WriteSession) -> None:
    short = borrower(session, "b")
    del short["given_name"]
    with pytest.raises(AssertionError, match="same columns"):
        await insert_rows(session, tables.Borrower, [borrower(session, "a"), short])
    other = {**short, "family_name": "Roy"}
    with pytest.raises(KeyError, match="given_name"):
        await insert_rows(session, tables.Borrower, [borrower(session, "a"), other])
    with pytest.raises(KeyError, match="name_given"):
        await insert_rows(session, tables.Borrower, [borrower(session, "a", name_given="x")])


async def test_no_row_is_no_statement(session: WriteSession) -> None:
    assert await insert_rows(session, tables.Borrower, []) == []


async def test_rows_staged_come_back_as_they_went(session: WriteSession) -> None:
    names = [f"{number:05d}" for number in range(STAGED_ROWS_MIN)]
    rows = [borrower(session, name) for name in names]
    rows[1] |= {"clienteles": [], "given_name": None, "social_economy": False}
    found = await insert_rows(session, tables.Borrower, rows, returning=("external_id",))
    assert [row["external_id"] for row in found] == names
    assert await read_back(session, ", ".join(rows[0])) == rows
    with pytest.raises(UniqueViolationError, match="external_id"):
        await insert_rows(session, tables.Borrower, rows)


async def test_ten_thousand_rows_are_one_insert(session: WriteSession) -> None:
    rows = [borrower(session, f"{number:05d}") for number in range(10_000)]
    await insert_rows(session, tables.Borrower, rows)
    await insert_rows(session, tables.Borrower, rows, on_conflict=DESCRIBE_AGAIN)
    connection = await driver(session)
    # A row says which command of its transaction made it.
    [found] = await connection.fetch(
        "SELECT count(*) AS rows, count(DISTINCT cmin::text) AS commands FROM borrowers"
        " WHERE organisation_id = $1",
        session.organisation_id,
    )
    assert dict(found) == {"rows": 10_000, "commands": 1}
