"""The rates of loans with new schedules; pyxirr is the oracle."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import pyxirr
from hypothesis import given
from hypothesis import strategies as st

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
from services.loans.schedules.terms import ScheduleTerms
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
        loan = add_fact(loan, change._replace(paid_on=on))
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
