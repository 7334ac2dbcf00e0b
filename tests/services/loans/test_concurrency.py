"""The same facts from several sides at once: each is recorded once, every figure follows."""

import asyncio
import random
from decimal import Decimal

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
