"""Network-wide totals against sums made here, one loan and one day at a time."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import pytest

from services.common.identity import Role
from tests.services.loans.conftest import (
    Client,
    Document,
    Loans,
    loan_row,
    repayment_row,
    write_csv,
)

DIMENSIONS = ("product", "gender", "stage", "sector", "clientele", "funding")
ADDITIVE = ("product", "gender", "stage", "sector")
INSTALMENT = Decimal("100.00")
"""Of a loan of 1,200.00 at no interest over 12 months."""


@dataclass(frozen=True, slots=True)
class Lent:
    """A loan without interest and its payments: simple enough to follow by hand."""

    region: str
    gender: str
    disbursed_on: date
    paid: dict[date, Decimal] = field(default_factory=dict)

    def due_on(self, number: int) -> date:
        month = self.disbursed_on.month - 1 + number
        return date(self.disbursed_on.year + month // 12, month % 12 + 1, self.disbursed_on.day)

    def paid_until(self, day: date) -> Decimal:
        return sum((cents for on, cents in self.paid.items() if on <= day), Decimal(0))

    def outstanding(self, day: date) -> Decimal:
        if self.disbursed_on > day:
            return Decimal(0)
        return 12 * INSTALMENT - self.paid_until(day)

    def is_late(self, day: date, days: int) -> bool:
        return any(
            (day - self.due_on(n)).days > days and self.paid_until(day) < n * INSTALMENT
            for n in range(1, 13)
        )


def draw_loans(seed: int) -> list[Lent]:
    draw = random.Random(seed)
    drawn = []
    for _ in range(25):
        lent = Lent(
            draw.choice(("06", "13")),
            draw.choice(("woman", "man")),
            date(2024, 1, 5) + timedelta(days=draw.randrange(600)),
        )
        lent = Lent(lent.region, lent.gender, lent.disbursed_on.replace(day=5))
        for n in range(1, draw.randrange(13)):
            day = lent.due_on(n) + timedelta(days=draw.choice((-20, -1, 0, 3, 45)))
            if lent.disbursed_on < day <= date(2026, 3, 31):
                paid = lent.paid.get(day, Decimal(0))
                lent.paid[day] = paid + draw.choice((INSTALMENT, Decimal("60.25")))
        drawn.append(lent)
    return drawn


async def post(member: Client, lents: list[Lent]) -> None:
    sheet = write_csv(
        [
            loan_row(
                f"L{n}",
                region_code=lent.region,
                gender=lent.gender,
                annual_rate="0",
                contracted_on="",
                disbursed_on=lent.disbursed_on.isoformat(),
            )
            for n, lent in enumerate(lents)
        ]
    )
    assert (await member.send("loans", sheet)).status_code == 201
    payments = write_csv(
        [
            repayment_row(f"R{n}-{day}", f"L{n}", day.isoformat(), str(amount))
            for n, lent in enumerate(lents)
            for day, amount in lent.paid.items()
        ]
    )
    answer = await member.send("repayments", payments)
    assert answer.status_code == 201, answer.text


def figures_of(row: Mapping[str, Document]) -> dict[str, object]:
    portfolio, repayments = row["portfolio"], row["repayments"]
    return {
        "loans": row["loans"]["count"],
        "repayments": Decimal(str(repayments["amount"])),
        "active": portfolio["active_loans"],
        "outstanding": Decimal(str(portfolio["outstanding_principal"])),
        "par30": Decimal(str(portfolio["par30"])),
        "par90": Decimal(str(portfolio["par90"])),
    }


def expect(lents: list[Lent], first: date, last: date, as_of: date) -> dict[str, object]:
    return {
        "loans": sum(first <= lent.disbursed_on <= last for lent in lents),
        "repayments": sum(
            (amount for lent in lents for on, amount in lent.paid.items() if first <= on <= last),
            Decimal(0),
        ),
        "active": sum(lent.outstanding(as_of) > 0 for lent in lents),
        "outstanding": sum((lent.outstanding(as_of) for lent in lents), Decimal(0)),
        "par30": sum((x.outstanding(as_of) for x in lents if x.is_late(as_of, 30)), Decimal(0)),
        "par90": sum((x.outstanding(as_of) for x in lents if x.is_late(as_of, 90)), Decimal(0)),
    }


@pytest.mark.parametrize("seed", [1, 2])
async def test_totals_are_the_sum_of_the_loans(loans: Loans, seed: int) -> None:
    member = loans.as_member(None, "06", "13")
    lents = draw_loans(seed)
    await post(member, lents)
    for first, last, as_of in (
        (date(2024, 1, 1), date(2026, 3, 31), date(2026, 3, 31)),
        (date(2024, 4, 1), date(2025, 3, 31), date(2025, 3, 31)),
        (date(2025, 4, 1), date(2025, 9, 30), date(2024, 8, 5)),
        (date(2025, 4, 1), date(2026, 3, 31), date(2027, 6, 30)),
    ):
        period = {"from": str(first), "to": str(last), "as_of": str(as_of)}
        found = (await member.get("/internal/totals", **period)).json()["rows"]
        for region in ("06", "13"):
            [row] = [row for row in found if row["region_code"] == region]
            mine = [lent for lent in lents if lent.region == region]
            assert figures_of(row) == expect(mine, first, last, as_of), (region, period)
        by_gender = await member.get("/internal/totals", **period, group_by="gender")
        for row in by_gender.json()["rows"]:
            mine = [x for x in lents if (x.region, x.gender) == (row["region_code"], row["group"])]
            assert figures_of(row) == expect(mine, first, last, as_of), (row["group"], period)
    assert await loans.find_differences(member) == []


@pytest.mark.parametrize("dimension", ADDITIVE)
async def test_groups_add_up_to_the_daily_totals(loans: Loans, dimension: str) -> None:
    """What is summed from the figures kept by loan equals what is kept by day."""
    member = loans.as_member(None, "06", "13")
    await post(member, draw_loans(3))
    period = {"from": "2024-01-01", "to": "2025-12-31", "as_of": "2025-11-30"}
    whole = (await member.get("/internal/totals", **period)).json()["rows"]
    groups = await member.get("/internal/totals", **period, group_by=dimension)
    for row in whole:
        parts = [
            figures_of(one)
            for one in groups.json()["rows"]
            if one["region_code"] == row["region_code"]
        ]
        summed = {name: sum(Decimal(str(part[name])) for part in parts) for name in parts[0]}
        assert summed == {name: Decimal(str(v)) for name, v in figures_of(row).items()}


async def test_a_member_reads_its_own_and_the_network_reads_all(loans: Loans) -> None:
    one, other = loans.as_member(), loans.as_member()
    for client in (one, other):
        assert (await client.send("loans", write_csv([loan_row("L1")]))).status_code == 201
    period = {"from": "2025-04-01", "to": "2026-03-31"}
    ids = {str(one.organisation_id), str(other.organisation_id)}
    mine = (await one.get("/internal/totals", **period)).json()["rows"]
    assert {row["organisation_id"] for row in mine} == {str(one.organisation_id)}
    every = (await loans.as_role(Role.NETWORK).get("/internal/totals", **period)).json()["rows"]
    assert ids <= {row["organisation_id"] for row in every}
    refused = await loans.as_role(Role.OPERATOR).get("/internal/totals", **period)
    assert refused.status_code == 403


@pytest.mark.parametrize("dimension", DIMENSIONS)
async def test_every_dimension_answers_for_nobody(loans: Loans, dimension: str) -> None:
    member = loans.as_member()
    period = {"from": "2025-04-01", "to": "2026-03-31", "group_by": dimension}
    assert (await member.get("/internal/totals", **period)).json()["rows"] == []
