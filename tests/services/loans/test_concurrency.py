"""The same facts from several sides at once: each is recorded once, every figure follows."""

import asyncio
import random
from decimal import Decimal

from pydantic import SecretStr

from services.common.errors import JsonValue
from services.loans.verify import verify
from tests.services.loans.conftest import (
    Client,
    Loans,
    loan_row,
    pay,
    record_loan,
    repayment,
    repayment_row,
    write_csv,
)
from tests.services.loans.portfolio import (
    REASON,
    change,
    make_book,
    make_portfolio,
    read_state,
    send_all,
)
from tests.support.workbooks import XLSX


async def test_one_fact_posted_ten_times_at_once_is_recorded_once(
    loans: Loans, member: Client
) -> None:
    loan = await record_loan(member)
    body = repayment()
    path = f"/v1/loans/{loan['loan_id']}/repayments"
    answers = await asyncio.gather(*(member.post(path, body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.text for answer in answers}) == 1
    assert (await loans.count_rows(member))["repayments"] == 1
    assert await loans.find_differences(member) == []


async def test_parallel_repayments_never_pay_more_than_is_owed(
    loans: Loans, member: Client
) -> None:
    loan = await record_loan(member)
    path = f"/v1/loans/{loan['loan_id']}/repayments"
    answers = await asyncio.gather(
        *(member.post(path, repayment("300.00", "2025-06-01")) for _ in range(10))
    )
    # 1,279.42 is owed in all: four payments of 300 fit, a fifth does not.
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [422] * 6
    assert await loans.find_differences(member) == []


async def test_ten_overlapping_files_at_once(loans: Loans, member: Client) -> None:
    draw = random.Random(20260331)
    everything = [loan_row(f"L{n}") for n in range(60)]
    files = [write_csv(draw.sample(everything, 40)) for _ in range(10)]
    answers = await asyncio.gather(*(member.send("loans", file) for file in files))
    assert all(answer.is_success for answer in answers), [answer.text for answer in answers]
    created = sum(answer.json()["counts"]["created"] for answer in answers)
    sent = {line.partition(",")[0] for file in files for line in file.splitlines()[1:]}
    assert created == len(sent) == (await loans.count_rows(member))["loans"]
    assert await loans.find_differences(member) == []


async def test_the_order_of_arrival_does_not_matter(loans: Loans) -> None:
    """The same facts, posted in three orders by three organisations: the same positions."""
    rows = [
        repayment_row(f"R{n}", f"L{n % 4}", f"2025-{5 + n % 7:02}-{10 + n:02}", f"{50 + 7 * n}.25")
        for n in range(12)
    ]
    seen = []
    for seed in (1, 2, 3):
        member = loans.as_member()
        draw = random.Random(seed)
        sheet = [loan_row(f"L{n}") for n in range(4)]
        draw.shuffle(sheet)
        assert (await member.send("loans", write_csv(sheet))).status_code == 201
        mixed = draw.sample(rows, len(rows))
        half = draw.randrange(1, len(mixed) - 1)
        for part in (mixed[:half], mixed[half:]):
            answer = await member.send("repayments", write_csv(part))
            assert answer.status_code == 201, answer.text
        listed = (await member.get("/v1/loans")).json()["items"]
        positions = []
        for one in sorted(listed, key=lambda item: str(item["external_id"])):
            shown = (await member.get(f"/v1/loans/{one['loan_id']}")).json()
            splits = [
                (fact["external_id"], fact["allocation"])
                for fact in shown["facts"]
                if fact["kind"] == "repayment"
            ]
            positions.append((shown["position"], splits))
        seen.append(positions)
        assert await loans.find_differences(member) == []
    assert seen[0] == seen[1] == seen[2]


async def test_a_late_fact_changes_the_split_of_those_after_it(
    loans: Loans, member: Client
) -> None:
    loan = await record_loan(member)
    await pay(member, loan["loan_id"], ("2025-07-15", "106.62"), ("2025-05-20", "50.00"))
    shown = (await member.get(f"/v1/loans/{loan['loan_id']}")).json()
    splits = [fact["allocation"] for fact in shown["facts"] if fact["kind"] == "repayment"]
    # First 12.00 of interest and 38.00 of principal; then the rest of the first instalment, and
    # of the second its 11.05 of interest before its principal.
    assert splits[0] == {"fees": "0.00", "interest": "12.00", "principal": "38.00"}
    assert splits[1] == {"fees": "0.00", "interest": "11.05", "principal": "95.57"}
    assert sum(Decimal(part) for split in splits for part in split.values()) == Decimal("156.62")
    assert await loans.find_differences(member) == []


async def totals_of(client: Client) -> object:
    answer = await client.get("/internal/totals", **{"from": "2025-01-01", "to": "2026-03-31"})
    return [
        {name: value for name, value in row.items() if name != "organisation_id"}
        for row in answer.json()["rows"]
    ]


async def test_the_same_facts_from_two_sides_at_once(loans: Loans) -> None:
    """Two programs of a member post all of its facts at once, each in an order of its own."""
    quiet, busy = loans.as_member(), loans.as_member()
    sheet = write_csv([loan_row(f"L{n}") for n in range(5)])
    facts = [(n % 5, repayment(f"{20 + n}.50", f"2025-{5 + n // 5:02d}-20")) for n in range(25)]
    for client in (quiet, busy):
        assert (await client.send("loans", sheet)).status_code == 201
    quiet_paths, busy_paths = [
        [
            f"/v1/loans/{item['loan_id']}/repayments"
            for item in (await client.get("/v1/loans")).json()["items"]
        ]
        for client in (quiet, busy)
    ]
    for number, body in facts:
        assert (await quiet.post(quiet_paths[number], body)).status_code == 201
    draw = random.Random(7)
    twice = draw.sample(facts, len(facts)) + draw.sample(facts, len(facts))
    answers = await asyncio.gather(*(busy.post(busy_paths[n], body) for n, body in twice))
    assert sorted(answer.status_code for answer in answers) == [200] * 25 + [201] * 25
    assert await totals_of(busy) == await totals_of(quiet)
    assert await loans.find_differences(busy) == []


async def test_ten_overlapping_files_of_repayments_at_once(loans: Loans, member: Client) -> None:
    """Of each loan more is offered than it can take: what is taken is never too much."""
    await member.send("loans", write_csv([loan_row(f"L{n}", instalments="3") for n in range(4)]))
    draw = random.Random(11)
    rows = [
        repayment_row(f"R{n}", f"L{n % 4}", f"2025-{5 + n % 8:02d}-{1 + n % 28:02d}", "97.31")
        for n in range(80)
    ]
    files = [write_csv(draw.sample(rows, 40)) for _ in range(10)]
    answers = await asyncio.gather(
        *(member.send("repayments", file, mode="partial") for file in files)
    )
    assert {answer.status_code for answer in answers} <= {200, 201}
    for item in (await member.get("/v1/loans")).json()["items"]:
        shown = (await member.get(f"/v1/loans/{item['loan_id']}")).json()
        asked = sum(Decimal(row["payment"]) for row in shown["schedule"])
        paid = sum(Decimal(f["amount"]) for f in shown["facts"] if f["kind"] == "repayment")
        assert asked - Decimal("97.31") < paid <= asked
    assert await loans.find_differences(member) == []


async def test_losses_and_repayments_at_once_share_one_principal(
    loans: Loans, member: Client
) -> None:
    path = f"/v1/loans/{(await record_loan(member))['loan_id']}"
    losses = [
        {"external_id": f"W{n}", "written_off_on": "2026-01-31", "amount": "400.00", "reason": "x"}
        for n in range(4)
    ]
    answers = await asyncio.gather(
        *(member.post(f"{path}/write-offs", {**body}) for body in losses),
        *(member.post(f"{path}/repayments", repayment("300.00", "2026-01-15")) for _ in range(4)),
    )
    assert {answer.status_code for answer in answers} == {201, 422}
    position = (await member.get(path)).json()["position"]
    parts = ("outstanding_principal", "principal_paid", "written_off")
    assert sum(Decimal(position[part]) for part in parts) == 1_200
    assert await loans.find_differences(member) == []


async def test_one_fact_is_reversed_once_by_five_at_once(loans: Loans, member: Client) -> None:
    path = f"/v1/loans/{(await record_loan(member))['loan_id']}"
    body = repayment()
    await member.post(f"{path}/repayments", body)
    fact: JsonValue = {"kind": "repayment", "external_id": body["external_id"]}
    taken_out: JsonValue = {"fact": fact, "reason": "Saisi en double"}
    answers = await asyncio.gather(*(member.post(f"{path}/reversals", taken_out) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [201]
    assert (await loans.count_rows(member))["reversals"] == 1
    assert await loans.sum_told(member) == {"amount": 0, "principal": 0, "interest": 0}
    assert await loans.find_differences(member) == []


async def test_verifying_finds_a_kept_figure_that_was_changed(loans: Loans, member: Client) -> None:
    """As `reseau verify` does, over every organisation; only this test's is looked at."""
    await record_loan(member)

    async def find() -> list[str]:
        urls = [SecretStr(loans.database.url(role)) for role in ("loans_app", "loans_totals")]
        found = await verify(*urls)
        return [line for line in found if str(member.organisation_id) in line]

    assert await find() == []
    for table, column in (
        ("daily_totals", "loans_cents"),
        ("daily_totals", "par30_change_cents"),
        ("loan_figures", "outstanding_principal_cents[1]"),
    ):
        change = f"UPDATE {table} SET {column} = {column} {{}} 1 WHERE organisation_id = $1"
        await loans.look(change.format("+"), member.organisation_id)
        assert await find() != []
        await loans.look(change.format("-"), member.organisation_id)
    assert await find() == []


async def test_ten_imports_of_overlapping_files_come_to_the_same_as_one(
    loans: Loans, member: Client
) -> None:
    """Each sends two thirds of the portfolio, as separate sheets or as one workbook."""
    portfolio = make_portfolio(9)
    files = []
    for turn in range(10):
        kept = {f"{number:03d}" for number in range(1, 10) if (number + turn) % 3}
        part = {
            kind: [row for row in rows if str(row["external_id"]).split("-")[1] in kept]
            for kind, rows in portfolio.items()
        }
        files.append(make_book(part, list(portfolio)[:: 1 if turn % 2 else -1]))
    answers = await asyncio.gather(*(member.send("workbook", file, XLSX) for file in files))
    assert {answer.status_code for answer in answers} <= {200, 201}
    created = sum(answer.json()["counts"]["created"] for answer in answers)
    assert created == sum(map(len, portfolio.values()))
    fresh = loans.as_member()
    await send_all(fresh, portfolio)
    assert await read_state(loans, member) == await read_state(loans, fresh)
    assert await loans.find_differences(member) == []


async def test_ten_imports_that_correct_the_same_rows(loans: Loans, member: Client) -> None:
    """One prevails after the other: every revision but the last is reversed, once."""
    portfolio = make_portfolio(3)
    await send_all(member, portfolio)
    books = [
        make_book(
            change(
                change(portfolio, "loans", "P-001", annual_rate=str(rate)),
                "repayments",
                "R-002-1",
                amount=f"{100 - rate}.00",
            )
        )
        for rate in range(1, 11)
    ]
    answers = await asyncio.gather(
        *(member.send("workbook", book, XLSX, **REASON) for book in books)
    )
    assert [answer.status_code for answer in answers] == [201] * 10
    assert {answer.json()["corrected"] for answer in answers} == {2}
    [row] = await loans.look(
        """
        SELECT count(*) AS revisions, max(revision) AS newest,
               count(*) FILTER (WHERE EXISTS (
                   SELECT FROM reversals r WHERE r.organisation_id = l.organisation_id
                   AND r.fact_kind = 'loan' AND r.fact_id = l.loan_id)) AS reversed
        FROM loans l WHERE organisation_id = $1 AND external_id = 'P-001'
        """,
        member.organisation_id,
    )
    assert tuple(row) == (11, 11, 10)
    assert await loans.find_differences(member) == []
