"""Interest on interest that fell due, where agreed (Civil Code, art. 1620): by hand, and as laws.

1,000.00 at 36.5 % on a year of 365 days: 0.1 % a day. 362.33, 354.00 and 343.34 are expected on
29 February, 31 March and 30 April 2024, of which 29.00, 20.67 and 10.00 of interest.
"""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.loans.loan_facts.arithmetic import without_fact
from services.loans.positions.arithmetic import find_position, replay
from services.loans.positions.explanation import explain
from services.loans.positions.facts import (
    Accrual,
    AgreedTerms,
    AllocationOrder,
    Charge,
    LoanFacts,
    Loss,
    MoratoriumKind,
    PaymentPurpose,
    Rescheduling,
    Tranche,
)
from services.loans.schedules.terms import ScheduleTerms
from tests.unit.loan_histories import (
    FEW,
    MANY,
    SPAN_DAYS,
    START,
    Fact,
    add_fact,
    days,
    lay_loan,
    loans,
)
from tests.unit.test_daily_interest import DAILY
from tests.unit.test_relaid_schedules import pay, put_off

FIRST, SECOND, LAST = date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)
LATE = date(2024, 3, 10)
EVERYTHING = MoratoriumKind.CAPITAL_AND_INTEREST


def live(*facts: Fact, terms: ScheduleTerms = DAILY) -> LoanFacts:
    loan = lay_loan(terms, Accrual.DAILY, is_compound=True)
    for fact in facts:
        loan = add_fact(loan, fact)
    return loan


def simple(loan: LoanFacts) -> LoanFacts:
    """The same loan, where nobody agreed to interest on interest."""
    conditions = replace(loan.conditions, interest_on_overdue_interest=False)
    return replace(loan, conditions=conditions)


def owed(loan: LoanFacts, day: date) -> tuple[int, int]:
    """Interest due, and accrued since."""
    position = find_position(loan, day)
    return position.interest_due_cents, position.interest_accrued_cents


def split(loan: LoanFacts) -> list[tuple[int, int]]:
    """Interest and principal of each payment."""
    return [(a.interest_cents, a.principal_cents) for a in replay(loan).allocations]


# --- what falls due and is not paid ---------------------------------------------------------------


def test_interest_that_fell_due_bears_interest_from_the_evening_of_its_due_date() -> None:
    loan = live()
    # 29 days of 1.00 fall due, and bear nothing until that evening.
    assert owed(loan, FIRST) == owed(simple(loan), FIRST) == (29_00, 0)
    # The first night after: 0.1 % of 1,029.00.
    assert owed(loan, FIRST + timedelta(days=1)) == (29_00, 1_03)
    # Ten days: 10.00 of the principal and 29.00 x 0.1 % x 10 = 0.29.
    assert owed(loan, LATE) == (29_00, 10_29)
    assert owed(simple(loan), LATE) == (29_00, 10_00)
    # 31 days of 1.029 = 31.899: with 29.00, 60.899 falls due.
    assert owed(loan, SECOND) == (60_90, 0)
    # 30 days of 0.1 % of 1,060.90 = 31.827: 92.726 falls due.
    assert owed(loan, LAST) == (92_73, 0)
    # Ten days of 0.1 % of 1,092.73 = 10.9273: 103.6533 in all, and nothing falls due any more.
    assert owed(loan, LAST + timedelta(days=10)) == (92_73, 10_92)
    # A year of 0.1 % of 1,092.73 = 398.84645: 491.57 in all.
    assert find_position(loan, LAST + timedelta(days=365)).payoff_cents == 1491_57


def test_the_oldest_interest_is_paid_first() -> None:
    """20.00 on 10 March, of 29.00 overdue and 10.29 run since: 9.00 stays overdue."""
    loan = live(pay(LATE, 20_00))
    assert split(loan) == [(20_00, 0)]
    assert owed(loan, LATE) == (9_00, 10_29)
    # 21 days of 0.1 % of 1,009.00 = 21.189, with 29.00 + 10.29 - 20.00: 40.479.
    assert owed(loan, SECOND) == (40_48, 0)
    # With 335.00 more, 15.71 of the principal: 984.29, and nothing overdue. 21 days: 20.67009.
    more = add_fact(loan, pay(LATE, 35_00)._replace(external_id="S", repayment_id=UUID(int=3)))
    assert split(more) == [(20_00, 0), (19_29, 15_71)]
    assert owed(more, LATE) == (0, 0)
    assert owed(more, SECOND) == (20_67, 0)


def test_what_is_paid_by_its_date_bears_nothing() -> None:
    loan = live(pay(FIRST, 29_00))
    assert owed(loan, SECOND) == owed(simple(loan), SECOND) == (31_00, 0)
    # What a payment of another order leaves of the interest is not overdue: all was paid that
    # was expected.
    order = AllocationOrder.PRINCIPAL_FEES_INTEREST
    loan = live(pay(FIRST, 362_33))
    loan = replace(loan, conditions=replace(loan.conditions, order=order))
    assert split(loan) == [(0, 362_33)]
    # 29.00, and 31 days of 637.67: 19.76777. 354.00 are expected, so much of it interest.
    assert owed(loan, LATE) == owed(simple(loan), LATE) == (0, 29_00 + 6_38)
    assert owed(loan, SECOND) == owed(simple(loan), SECOND) == (48_77, 0)
    # Ten days of 0.1 % of 637.67 + 48.77 = 6.8644.
    assert owed(loan, date(2024, 4, 10)) == (48_77, 6_86)


def test_what_no_instalment_asks_for_is_not_overdue() -> None:
    """Interest alone until the last: 29.00 and 31.00 are asked for by 31 March, and not 60.899."""
    loan = live(terms=replace(DAILY, principal_grace_periods=2))
    assert owed(loan, SECOND) == (60_00, 90)
    # 30 days of 0.1 % of 1,060.00 = 31.80: all of 92.699 is asked for with the last.
    assert owed(loan, LAST) == (92_70, 0)


def test_deferred_interest_is_not_due_before_it_is_asked_for() -> None:
    """Principal in February and March, their interest with April's."""
    loan = live(terms=replace(DAILY, interest_grace_periods=2))
    assert owed(loan, LATE) == owed(simple(loan), LATE) == (0, 39_00)
    assert find_position(loan, LATE).arrears.principal_cents == 333_33
    assert owed(loan, LAST) == owed(simple(loan), LAST) == (90_00, 0)
    # Ten days of 0.1 % of 1,090.00.
    assert owed(loan, LAST + timedelta(days=10)) == (90_00, 10_90)


def test_a_grace_is_counted_after_the_down_payment() -> None:
    """100.00 down; 29 days of 0.90 by 29 February, asked for on 31 March: 60 days, 54.00."""
    terms = replace(DAILY, down_payment_percent=Decimal(10), interest_grace_periods=1)
    loan = live(pay(terms.disbursed_on, 100_00), terms=terms)
    assert owed(loan, LATE) == (0, 35_10)
    assert owed(loan, SECOND) == (54_00, 0)
    # Ten days of 0.1 % of 954.00.
    assert owed(loan, date(2024, 4, 10)) == (54_00, 9_54)


@pytest.mark.parametrize("on", [FIRST, date(2024, 3, 5), SECOND, date(2024, 4, 10)])
def test_a_fee_bears_no_interest(on: date) -> None:
    loan = live(Charge(UUID(int=1), on, 50_00))
    assert owed(loan, LAST) == (92_73, 0)
    assert find_position(loan, LAST).payoff_cents == 1142_73


# --- schedules laid anew, losses, reversals -------------------------------------------------------


def test_overdue_interest_of_a_moratorium_bears_nothing_until_it_is_asked_for_again() -> None:
    """29.00 + 10.29 on 10 March; nothing is asked for in March and April."""
    loan = live(put_off(LATE, EVERYTHING, 2))
    # 71 days of 1.00 until 20 May.
    assert owed(loan, date(2024, 5, 20)) == (0, 39_29 + 71_00)
    # 82 days by 31 May, when it is due; then ten days of 0.1 % of 1,121.29 = 11.2129.
    assert owed(loan, date(2024, 5, 31)) == (121_29, 0)
    assert owed(loan, date(2024, 6, 10)) == (121_29, 11_21)


def test_overdue_interest_rescheduled_is_due_with_the_first_instalment() -> None:
    loan = live(Rescheduling(UUID(int=1), LATE, AgreedTerms(3)))
    # 31 days of 1.00 until 10 April.
    assert owed(loan, date(2024, 4, 9)) == (0, 39_29 + 30_00)
    assert owed(loan, date(2024, 4, 10)) == (70_29, 0)
    # Ten days of 0.1 % of 1,070.29 = 10.7029.
    assert owed(loan, date(2024, 4, 20)) == (70_29, 10_70)


def test_nothing_runs_in_an_interest_free_period_not_even_on_overdue_interest() -> None:
    free = AgreedTerms(3, interest_free_periods=2)
    loan = live(Rescheduling(UUID(int=1), LATE, free))
    for day in (date(2024, 4, 10), date(2024, 5, 10)):
        assert owed(loan, day) == (39_29, 0)
    # From 10 May: ten days of 0.1 % of 1,039.29 = 10.3929.
    assert owed(loan, date(2024, 5, 20)) == (39_29, 10_39)


def test_more_lent_puts_overdue_interest_on_the_next_due_date() -> None:
    """29.00 + 10.29, then 21 days of 0.1 % of 1,500.00 = 31.50 until 31 March."""
    loan = live(Tranche(UUID(int=1), LATE, 500_00))
    assert owed(loan, SECOND) == (70_79, 0)
    # Lent after two due dates, 60.899 and ten days of 1.06090 = 10.609 have run: 71.508. The
    # half cent and less stays exact: with 20 days of 0.1 % of 1,500.00, 101.508.
    assert owed(live(Tranche(UUID(int=1), date(2024, 4, 10), 500_00)), LAST) == (101_51, 0)


def test_a_prepayment_pays_interest_on_interest_before_principal() -> None:
    loan = live(pay(LATE, 539_29, PaymentPurpose.PREPAYMENT))
    assert split(loan) == [(39_29, 500_00)]
    # 21 days of 0.1 % of 500.00, and nothing is left of what was overdue.
    assert owed(loan, SECOND) == (10_50, 0)


def test_the_payoff_holds_interest_on_interest() -> None:
    payoff = find_position(live(), LATE).payoff_cents
    assert payoff == 1039_29
    closed = live(pay(LATE, payoff, PaymentPurpose.PAYOFF))
    assert replay(closed).surplus_cents == 0
    for day in (LATE, SECOND, date(2034, 1, 1)):
        assert find_position(closed, day).is_closed
    assert find_position(closed, SECOND).interest_paid_cents == 39_29


def test_a_write_off_leaves_overdue_interest_bearing_until_it_is_whole() -> None:
    loan = live(("write_off", Loss(LATE, 500_00)))
    # 29.00 + 10.29, then 21 days of 0.1 % of 529.00 = 11.109: 50.399.
    assert owed(loan, SECOND) == (50_40, 0)
    # On 10 April, after two due dates: 71.508, and 0.1 % of 560.90 a day; 5 days, then 20.
    later = live(("write_off", Loss(date(2024, 4, 10), 500_00)))
    assert owed(later, date(2024, 4, 15)) == (60_90, 13_41)
    assert owed(later, LAST) == (82_73, 0)
    lost = add_fact(loan, ("write_off", Loss(SECOND, 500_00)))
    assert find_position(lost, date(2034, 1, 1)).payoff_cents == 0


def test_a_payment_found_later_undoes_the_interest_it_should_have_spared() -> None:
    loan, found = live(pay(LATE, 339_00)), pay(FIRST, 362_33)
    assert split(loan) == [(39_29, 299_71)]
    late = add_fact(loan, found)
    # 29.00 and 333.33 on the day; ten days of 666.67 are 6.6667, and nothing was overdue.
    assert split(late) == split(simple(late)) == [(29_00, 333_33), (6_67, 332_33)]
    without = without_fact(late, "repayment", found.repayment_id, FIRST, 362_33)
    assert replay(without) == replay(loan)


def test_the_reason_of_interest_names_the_article() -> None:
    loan = live()
    why = explain(loan, find_position(loan, LATE))
    plain = explain(simple(loan), find_position(simple(loan), LATE))
    for figure in ("interest_due", "interest_accrued"):
        for rule in (why[figure].rule.fr, why[figure].rule.en):
            assert "1620" in rule
        assert "1620" not in plain[figure].rule.fr
    assert [part.amount_cents for part in why["interest_accrued"].parts] == [10_29]


# --- laws -----------------------------------------------------------------------------------------

compound_loans = loans(Accrual.DAILY).map(
    lambda loan: replace(
        loan, conditions=replace(loan.conditions, interest_on_overdue_interest=True)
    )
)


def pay_on_time(loan: LoanFacts) -> LoanFacts:
    """Each instalment as it was expected; with the last, all that is left."""
    *before, last = loan.ladder.instalments
    for instalment in before:
        if instalment.total_cents:
            loan = add_fact(loan, pay(instalment.due_on, instalment.total_cents))
    left = find_position(loan, last.due_on).payoff_cents
    return add_fact(loan, pay(last.due_on, left)) if left else loan


@MANY
@given(loan=compound_loans, day=days)
def test_a_loan_always_paid_on_time_costs_the_same(loan: LoanFacts, day: date) -> None:
    paid = pay_on_time(loan)
    assert replay(paid) == replay(simple(paid))
    assert find_position(paid, day) == find_position(simple(paid), day)
    assert find_position(paid, paid.ladder.due[-1]).is_closed


payments = st.lists(
    st.tuples(st.integers(0, SPAN_DAYS), st.integers(1, 20_000)),
    max_size=5,
    unique_by=lambda p: p[0],
)


@FEW
@given(loan=compound_loans, made=payments, day=days)
def test_it_never_costs_less_than_simple_interest(
    loan: LoanFacts, made: list[tuple[int, int]], day: date
) -> None:
    for number, cents in made:
        loan = add_fact(loan, pay(START + timedelta(days=number), cents))
    position, plain = find_position(loan, day), find_position(simple(loan), day)
    assert position.payoff_cents >= plain.payoff_cents
    assert position.outstanding_principal_cents >= plain.outstanding_principal_cents
    assert position.days_past_due == plain.days_past_due or plain.is_closed


@FEW
@given(loan=compound_loans, delay=st.integers(1, 60), day=days)
def test_what_is_paid_later_never_costs_less(loan: LoanFacts, delay: int, day: date) -> None:
    """Fees first: paid after interest, one left unpaid would bear none in its place."""
    order = AllocationOrder.FEES_INTEREST_PRINCIPAL
    loan = replace(loan, conditions=replace(loan.conditions, order=order))
    on, cents = loan.ladder.due[0], loan.ladder.instalments[0].total_cents or 1
    early, late = (add_fact(loan, pay(when, cents)) for when in (on, on + timedelta(days=delay)))
    after = max(day, on + timedelta(days=delay))
    assert find_position(late, after).payoff_cents >= find_position(early, after).payoff_cents


@pytest.mark.parametrize("order", AllocationOrder)
def test_each_order_pays_nothing_more_when_paid_on_time(order: AllocationOrder) -> None:
    loan = live()
    paid = pay_on_time(replace(loan, conditions=replace(loan.conditions, order=order)))
    assert split(paid) == split(simple(paid))
