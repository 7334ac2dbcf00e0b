"""The rates of loans with fees and new schedules; pyxirr is the oracle."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import pyxirr
from hypothesis import given
from hypothesis import strategies as st

from services.loans.loan_facts.queries import Contract
from services.loans.loan_facts.refusals import refuse_rate
from services.loans.positions.arithmetic import replay
from services.loans.positions.facts import (
    AgreedTerms,
    LoanFacts,
    Moratorium,
    MoratoriumKind,
    Payment,
    PaymentPurpose,
    Rescheduling,
    Tranche,
    facts_until,
)
from services.loans.schedules.apr import add_fees, annual_percentage_rate, cash_flows
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import ScheduleTerms
from services.loans.vocabulary import BorrowerKind
from tests.unit.loan_histories import FEW, Fact, add_fact, lay_loan

START = date(2025, 1, 15)
FIRST = date(2025, 2, 15)


def months_after(number: int) -> date:
    return date(2025 + number // 12, 1 + number % 12, 15)


changes = st.sampled_from(
    [
        Payment(UUID(int=999), "Z", START, 200_00, PaymentPurpose.PREPAYMENT),
        Payment(UUID(int=999), "Z", START, 200_00, PaymentPurpose.SHORTER_TERM),
        Tranche(UUID(int=1), START, 400_00),
        Rescheduling(UUID(int=1), START, AgreedTerms(7)),
        Moratorium(UUID(int=1), START, MoratoriumKind.CAPITAL_ONLY, 2),
    ]
)


@FEW
@given(
    cents=st.integers(100_000, 2_000_000),
    rate=st.sampled_from(["1", "7.25", "12", "34"]),
    count=st.integers(4, 24),
    month=st.integers(1, 3),
    change=changes,
)
def test_the_flows_of_a_whole_life_are_worth_nothing_at_the_rate_of_the_loan(
    cents: int, rate: str, count: int, month: int, change: Fact
) -> None:
    """A new schedule on a due date has whole periods: the internal rate stays that of the contract.

    A line of interest is rounded to the cent, so the rate is found to about 0.01 %.
    """
    loan = lay_loan(ScheduleTerms(cents, Decimal(rate), count, START))
    on = months_after(month)
    for number in range(1, month + 1):
        loan = pay_due(loan, months_after(number))
    if isinstance(change, Payment):
        loan = add_fact(loan, replace(change, paid_on=on))
    elif not isinstance(change, tuple):
        loan = add_fact(loan, replace(change, on=on))
    for number in range(month + 1, month + count + 12):
        loan = pay_due(loan, months_after(number))
    flows = [0] * (month + count + 12)
    flows[0] -= loan.principal_cents
    for tranche in loan.tranches:
        flows[months_between(tranche.on)] -= tranche.amount_cents
    for payment in loan.payments:
        flows[months_between(payment.paid_on)] += payment.amount_cents
    assert replay(loan).states[-1].outstanding_principal_cents == 0
    found = pyxirr.irr(flows)
    assert found is not None
    assert abs(found * 1200 - float(rate)) < 0.01


def months_between(on: date) -> int:
    return 12 * (on.year - START.year) + on.month - START.month


def pay_due(loan: LoanFacts, on: date) -> LoanFacts:
    """What the schedule in force asks for on that day."""
    ladders = [loan.ladder, *(s.laid.ladder for s in replay(facts_until(loan, on)).schedules)]
    asked = sum(i.total_cents for i in ladders[-1].instalments if i.due_on == on)
    payment = Payment(UUID(int=on.toordinal()), f"R{on}", on, asked)
    return add_fact(loan, payment) if asked else loan


# --- fees charged later ---------------------------------------------------------------------------

# 1,000.00 at 12 % paid back at once after a year: 1,120.00.
YEARLY = ScheduleTerms(1000_00, Decimal(12), 1, START, repay_every=12)


def rate_with(fees: list[tuple[date, int]], terms: ScheduleTerms = YEARLY) -> Decimal:
    schedule = build_schedule(terms)
    flows = cash_flows(terms, schedule)
    due = [row.due_on for row in schedule.rows]
    return annual_percentage_rate(add_fees(flows, terms.disbursed_on, due, fees))


def test_a_fee_on_a_due_date_is_paid_with_it() -> None:
    assert rate_with([(date(2026, 1, 15), 30_00)]) == 15
    assert rate_with([(date(2026, 1, 15), 10_00), (date(2026, 1, 15), 20_00)]) == 15


def test_a_fee_of_the_first_day_is_not_advanced() -> None:
    """1,120.00 for 1,000.00 - 120.00 = 880.00: 240/880."""
    rate = rate_with([(START, 120_00)])
    assert rate.quantize(Decimal("1e-9")) == Decimal("27.272727273")


def test_a_fee_within_a_period_cuts_it_by_its_days() -> None:
    """73 days are a fifth of the year: 1,000 = 50/(1 + r/5) + 1,120/((1 + r/5)(1 + 4r/5)).

    Multiplied out, 160 r^2 + 960 r - 170 = 0: r = (-960 + sqrt(960^2 + 4 x 160 x 170)) / 320.
    """
    found = rate_with([(START + timedelta(days=73), 50_00)])
    exact = (-960 + Decimal(960**2 + 4 * 160 * 170).sqrt()) / 320
    assert abs(found - 100 * exact) < Decimal("1e-12")
    # Two on one day are one.
    day = START + timedelta(days=73)
    assert rate_with([(day, 20_00), (day, 30_00)]) == found
    # A second within the rest of the period: the present value at the rate found is the advance.
    rate = rate_with([(START + timedelta(days=219), 200_00), (day, 100_00)]) / 100
    fifth = 1 + rate / 5
    worth = 100 / fifth + 200 / fifth / (1 + 2 * rate / 5) + 1120 / fifth / (1 + 2 * rate / 5) ** 2
    assert abs(worth - 1000) < Decimal("1e-12")


def test_a_fee_after_the_last_instalment_waits_by_its_days() -> None:
    """73 days after the year: 1,000 = 1,120/(1 + r) + 50/((1 + r)(1 + r/5))."""
    rate = rate_with([(date(2026, 1, 15) + timedelta(days=73), 50_00)]) / 100
    assert abs(1120 / (1 + rate) + 50 / (1 + rate) / (1 + rate / 5) - 1000) < Decimal("1e-12")


def test_a_fee_between_two_instalments() -> None:
    """Two half-years of 184 and 181 days; 10.00 after 46 days, a quarter of the first."""
    terms = replace(YEARLY, instalments=2, repay_every=6, first_due_on=None)
    first, last = (row.payment_cents for row in build_schedule(terms).rows)
    rate = rate_with([(date(2025, 7, 15) + timedelta(days=46), 10_00)], terms) / 100
    half, quarter = 1 + rate / 2, 1 + rate / 8
    worth = first / half + 10_00 / half / quarter + last / half / quarter / (1 + 3 * rate / 8)
    # The second half-year has 184 days: 46 are its quarter.
    assert abs(worth - 1000_00) < Decimal("1e-9")


@pytest.mark.parametrize("cents", [999_99, 1000_00, 5000_00])
def test_a_fee_that_leaves_nothing_is_over_any_rate(cents: int) -> None:
    contract = Contract("P", START, BorrowerKind.PERSON, 1000_00, "individual_loan", None)
    flows = cash_flows(YEARLY, build_schedule(YEARLY))
    flows = add_fees(flows, START, [date(2026, 1, 15)], [(START, cents)])
    [error] = refuse_rate(flows, contract, "/amount")
    assert (error.code, error.pointer) == ("loan.criminal_rate", "/amount")
    assert refuse_rate(cash_flows(YEARLY, build_schedule(YEARLY)), contract, "/amount") == []
