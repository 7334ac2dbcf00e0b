"""The number of SQL statements of an import does not grow with its rows; single posts have few."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import asyncpg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.services.loans.conftest import (
    Client,
    Loans,
    loan,
    loan_row,
    record_borrower,
    record_loan,
    repayment,
    repayment_row,
    write_csv,
)
from tests.services.loans.test_imports import borrower_row, outcome_row, session_row

Rows = list[dict[str, object]]


_IS_COUNTED: ContextVar[bool] = ContextVar("is_counted", default=False)
"""Set for a block and for what it starts: not for the worker of long imports beside it."""


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """What is sent to PostgreSQL within the block, by SQLAlchemy and by its driver alone."""
    sent: list[str] = []
    execute, fetch = asyncpg.Connection.execute, asyncpg.Connection.fetch

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        keep(statement)

    def keep(statement: str) -> None:
        if _IS_COUNTED.get():
            sent.append(statement)

    async def note_execute(self: object, query: str, *arguments: object) -> object:
        keep(query)
        return await execute(self, query, *arguments)

    async def note_fetch(self: object, query: str, *arguments: object) -> object:
        keep(query)
        return await fetch(self, query, *arguments)

    token = _IS_COUNTED.set(True)
    event.listen(Engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncpg.Connection, "execute", note_execute)
        patch.setattr(asyncpg.Connection, "fetch", note_fetch)
        yield sent
    event.remove(Engine, "before_cursor_execute", note)
    _IS_COUNTED.reset(token)


def leave_out_staging(sent: list[str]) -> list[str]:
    """From a thousand rows of a table on, whatever their number, it takes two statements more."""
    staging = [each for each in sent if each.startswith(("CREATE TEMPORARY", "DROP TABLE staged"))]
    assert len(staging) == len(set(staging)), "each table is staged once"
    return [each for each in sent if each not in staging]


def make_rows(kind: str, count: int) -> Rows:
    """Rows of a kind; repayments are of as many loans as there are rows, up to fifty."""
    numbers = range(count)
    match kind:
        case "borrowers":
            return [borrower_row(f"E-{n}") for n in numbers]
        case "loans":
            return [loan_row(f"P-{n}") for n in numbers]
        case "coaching-sessions":
            return [session_row(f"S-{n}", f"L-{n % 50}") for n in numbers]
        case "outcomes":
            return [outcome_row(f"O-{n}", f"L-{n % 50}") for n in numbers]
    return [repayment_row(f"R-{n}", f"L-{n % 50}", amount="1.00") for n in numbers]


@pytest.mark.parametrize(
    "kind", ["borrowers", "loans", "repayments", "coaching-sessions", "outcomes"]
)
async def test_an_import_sends_as_many_statements_for_one_row_as_for_many(
    loans: Loans, kind: str
) -> None:
    counts = []
    for count in (1, 200):
        member = loans.as_member()
        known = write_csv([loan_row(f"L-{n}", instalments="2") for n in range(50)])
        assert (await member.send("loans", known)).status_code == 201
        sheet = write_csv(make_rows(kind, count))
        with counted_statements() as sent:
            assert (await member.send(kind, sheet)).status_code == 201
        counts.append(len(leave_out_staging(sent)))
        with counted_statements() as sent:
            assert (await member.send(kind, sheet)).status_code == 200
        counts.append(len(sent))
    first, first_again, many, many_again = counts
    assert (first, first_again) == (many, many_again)
    assert 10 <= first_again <= first <= 40


async def test_repayments_that_move_others_are_not_written_one_by_one(
    loans: Loans, member: Client
) -> None:
    """An early payment moves the split of every later one, in one statement."""
    known = write_csv([loan_row("L-0")])
    assert (await member.send("loans", known)).status_code == 201
    rows = [repayment_row(f"R-{n}", "L-0", f"2025-06-{n + 1:02d}", "20.00") for n in range(20)]
    await member.send("repayments", write_csv(rows))
    counts = []
    for name, day in (("last", "2025-07-01"), ("first", "2025-05-01")):
        with counted_statements() as sent:
            await member.send("repayments", write_csv([repayment_row(name, "L-0", day, "7.00")]))
        counts.append(len(sent))
    assert counts[0] == counts[1]
    assert await loans.find_differences(member) == []


async def test_single_posts_and_reads_have_few_statements(member: Client) -> None:
    """A bound on each, so that a query in a loop does not go unseen."""
    borrower_id = await record_borrower(member)
    lent = await record_loan(member)
    place = f"/v1/loans/{lent['loan_id']}"
    for bound, path, body in (
        (26, "/v1/loans", loan(borrower_id)),
        (26, f"{place}/repayments", repayment()),
    ):
        with counted_statements() as sent:
            assert (await member.post(path, body)).status_code == 201
        assert len(sent) <= bound, sent
    for bound, path in ((18, place), (8, "/v1/loans"), (8, "/v1/borrowers")):
        with counted_statements() as sent:
            assert (await member.get(path)).status_code == 200
        assert 0 < len(sent) <= bound, sent
