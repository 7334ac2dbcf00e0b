"""A large sheet of repayments is recorded at once, and leaves what small ones leave."""

from collections.abc import Sequence
from datetime import date, timedelta

from xlsxwriter.workbook import Workbook

from services.loans.repayments.plain_loans import ROWS_MIN
from tests.services.loans.conftest import (
    Client,
    Loans,
    loan_row,
    record_loan,
    repayment_row,
    terms,
    write_csv,
)
from tests.services.loans.portfolio import FRENCH, read_state, to_table
from tests.support.workbooks import XLSX, workbook, write

LOANS = 60
EACH = ROWS_MIN // LOANS + 2

Row = dict[str, object]


def loan_rows() -> list[Row]:
    return [
        {**loan_row(f"P{n:02}"), "principal": f"{1200 + n}", "region_code": ("06", "13")[n % 2]}
        for n in range(LOANS)
    ]


def payment_rows() -> list[Row]:
    """So many of each loan, the late ones first, two of them on one day."""
    return [
        repayment_row(
            f"R{number:02}-{payment % 7}{payment}",
            f"P{number:02}",
            str(date(2026, 1, 15) - timedelta(days=10 * (payment // 2))),
            "5.00",
        )
        for payment in range(EACH)
        for number in range(LOANS)
    ]


async def lend(client: Client) -> None:
    """Plain loans, three with a payment; one with a fee, and one with daily interest."""
    rows = loan_rows()
    sent = await client.send("loans", write_csv(rows[:-1]))
    assert sent.status_code == 201, sent.text
    for number in range(3):
        await send(client, [repayment_row(f"OLD-{number}", f"P0{number}", "2025-12-01", "30.00")])
    fee = {"charged_on": "2025-06-01", "amount": "15.00", "reason": "Chèque sans provision"}
    posted = await client.post(
        f"{await find_place(client, 'P03')}/fees", {"external_id": "F", **fee}
    )
    assert posted.status_code == 201, posted.text
    name, daily = f"P{LOANS - 1}", terms(day_count="actual/365")
    await record_loan(client, external_id=name, terms=daily, interest_accrual="daily")


async def find_place(client: Client, external_id: str) -> str:
    found = await client.get("/v1/loans", external_id=external_id)
    [shown] = found.json()["items"]
    return f"/v1/loans/{shown['loan_id']}"


async def send(client: Client, rows: Sequence[Row], **query: str) -> dict[str, int]:
    """The counts of an import of repayments."""
    answer = await client.send("repayments", write_csv(rows), **query)
    assert answer.status_code in (200, 201), answer.text
    counts: dict[str, int] = answer.json()["counts"]
    return counts


async def test_a_large_sheet_leaves_what_small_ones_leave(loans: Loans, member: Client) -> None:
    rows, other = payment_rows(), loans.as_member()
    assert len(rows) >= ROWS_MIN
    for client in (member, other):
        await lend(client)
    tried = await member.send("repayments", write_csv(rows), dry_run="true")
    assert (await send(member, rows))["created"] == len(rows)
    assert tried.json()["counts"]["created"] == len(rows)
    for start in range(0, len(rows), ROWS_MIN // 2):
        await send(other, rows[start : start + ROWS_MIN // 2])
    assert await read_state(loans, member) == await read_state(loans, other)
    assert await loans.find_differences(member) == []
    assert (await send(member, rows))["unchanged"] == len(rows)


async def test_a_row_that_a_loan_cannot_take_keeps_no_other_out(
    loans: Loans, member: Client
) -> None:
    """What was inserted while the loans were looked at is undone; the sound rows are recorded."""
    rows, other = payment_rows(), loans.as_member()
    for client in (member, other):
        await lend(client)
    wrong = repayment_row("WRONG", "P07", "2026-01-20", "99999.00")
    mixed = [*rows[:700], wrong, *rows[700:]]
    refused = await member.send("repayments", write_csv(mixed), mode="atomic")
    assert refused.status_code == 422, refused.text
    assert (await loans.count_rows(member))["repayments"] == 3
    counts = await send(member, mixed, mode="partial")
    assert (counts["created"], counts["rejected"]) == (len(rows), 1)
    await send(other, rows)
    assert await read_state(loans, member) == await read_state(loans, other)
    assert await loans.find_differences(member) == []


async def test_payments_of_loans_of_the_same_workbook(loans: Loans, member: Client) -> None:
    """What was recorded a moment before is seen, however many payments there are."""
    lent, paid = loan_rows(), payment_rows()

    def fill(book: Workbook) -> None:
        for kind, rows in (("repayments", paid), ("loans", lent)):
            write(book, book.add_worksheet(FRENCH[kind]), to_table(rows))

    answer = await member.send("workbook", workbook(fill), XLSX)
    assert answer.status_code == 201, answer.text
    assert answer.json()["counts"]["created"] == len(lent) + len(paid)
    other = loans.as_member()
    assert (await other.send("loans", write_csv(lent))).status_code == 201
    await send(other, paid)
    assert await read_state(loans, member) == await read_state(loans, other)
    assert await loans.find_differences(member) == []


async def test_corrections_among_many_new_rows(loans: Loans, member: Client) -> None:
    rows = payment_rows()
    await lend(member)
    await send(member, rows[:50])
    changed: list[Row] = [{**row, "amount": "6.00"} for row in rows[:10]]
    answer = await member.send(
        "repayments",
        write_csv([*changed, *rows[10:]]),
        on_change="correct",
        reason="Montants mal saisis",
    )
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert (document["corrected"], document["counts"]["unchanged"]) == (10, 40)
    other = loans.as_member()
    await lend(other)
    await send(other, [*changed, *rows[10:]])
    mine, theirs = await read_state(loans, member), await read_state(loans, other)
    assert mine == theirs
    assert await loans.find_differences(member) == []
