"""Loans whose interest runs by the day, and late fees: the arithmetic stands beside each figure."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from services.common.calendar import DayCount
from services.loans.positions.account import Impossible
from services.loans.positions.arithmetic import find_position, replay
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
from services.loans.positions.ladder import Instalment
from services.loans.positions.views import show_position
from services.loans.schedules.terms import (
    Amortisation,
    ScheduleTerms,
)
from tests.unit.loan_histories import Fact, add_fact, lay_loan
from tests.unit.test_relaid_schedules import live, pay, put_off

# --- interest by the day --------------------------------------------------------------------------

# 1,000.00 at 36.5 % on a year of 365 days: 1.00 a day. Due on 29 February, 31 March, 30 April 2024.
DAILY = ScheduleTerms(
    1000_00,
    Decimal("36.5"),
    3,
    date(2024, 1, 31),
    day_count=DayCount.ACTUAL_365,
    amortisation=Amortisation.EQUAL_PRINCIPAL,
)


def live_daily(*facts: Fact, terms: ScheduleTerms = DAILY) -> LoanFacts:
    return live(terms, *facts, accrual=Accrual.DAILY)


def test_a_daily_loan_paid_late_then_early_over_a_leap_day() -> None:
    late, early = pay(date(2024, 3, 10), 339_00), pay(date(2024, 3, 20), 207_00)
    # 29 days until 29 February: 29.00, and 333.33 of principal, due and unpaid ten days later.
    before = find_position(live_daily(), date(2024, 3, 10))
    assert (before.interest_due_cents, before.interest_accrued_cents) == (29_00, 10_00)
    assert (before.days_past_due, before.arrears.total_cents) == (10, 362_33)
    # 39 days to 10 March, through 29 February: 39.00. Ten days of 700.00: 7.00.
    facts = live_daily(late, early)
    splits = [(a.interest_cents, a.principal_cents) for a in replay(facts).allocations]
    assert splits == [(39_00, 300_00), (7_00, 200_00)]
    # 41 days of 500.00 to 30 April: 20.50.
    payoff = find_position(facts, date(2024, 4, 30)).payoff_cents
    assert payoff == 520_50
    closing = pay(date(2024, 4, 30), payoff, PaymentPurpose.PAYOFF)
    assert find_position(live_daily(late, early, closing), date(2024, 5, 1)).is_closed


def test_overdue_interest_bears_none_unless_agreed() -> None:
    """9.00 of the 29.00 due on 29 February are paid; by 31 March, 60.00 have run in all."""
    facts = live_daily(pay(date(2024, 2, 29), 9_00))
    assert find_position(facts, date(2024, 3, 31)).payoff_cents == 1051_00


def test_what_stays_overdue_at_the_next_due_date_goes_on_bearing_interest() -> None:
    """Where it is agreed, 20.00 are overdue from 29 February: 31 days of 1,020.00 are 31.62. Of
    60.62 in all, 51.62 are then overdue; ten days of 1,051.62 are 10.52.
    """
    facts = add_fact(lay_loan(DAILY, Accrual.DAILY, is_compound=True), pay(date(2024, 2, 29), 9_00))
    assert find_position(facts, date(2024, 3, 31)).payoff_cents == 1051_62
    assert find_position(facts, date(2024, 4, 10)).payoff_cents == 1062_14
    # Nothing is overdue after a free month: 31 days of 3.38 are 10.478 cents, of 3.39 over 10.5.
    terms = replace(DAILY, principal_cents=3_38, interest_free_periods=1)
    tiny = lay_loan(terms, Accrual.DAILY, is_compound=True)
    assert find_position(tiny, date(2024, 3, 31)).payoff_cents == 3_48


def test_a_daily_loan_that_ends_within_its_grace_asks_for_its_interest_last() -> None:
    """By 500.00 it takes two instalments, both within the grace: 60 days of 1,000.00 by March."""
    terms = replace(DAILY, instalment_multiple_cents=500_00, interest_grace_periods=2)
    facts = live_daily(terms=terms)
    assert find_position(facts, date(2024, 3, 30)).interest_due_cents == 0
    assert find_position(facts, date(2024, 3, 31)).interest_due_cents == 60_00


def test_a_daily_loan_that_has_paid_all_it_was_asked_for_has_no_date_left() -> None:
    """1,059.67 the day before the last date: 89 days take 89.00, and 29.33 of principal are left.
    A month put off asks for interest alone, 30 days of it and then 31.
    """
    eve = date(2024, 4, 29)
    facts = live_daily(pay(eve, 1059_67), put_off(eve, MoratoriumKind.CAPITAL_ONLY, 1))
    ladder = replay(facts).schedules[-1].laid.ladder
    assert ladder.due == [date(2024, 5, 29), date(2024, 6, 29)]
    assert list(ladder.principal_cents) == [0, 29_33]
    with pytest.raises(Impossible) as caught:
        replay(live_daily(pay(eve, 1059_67), Tranche(UUID(int=1), eve, 1_00)))
    assert caught.value.code == "disbursement.loan_ended"


def test_what_a_daily_loan_asks_for_once_it_is_late() -> None:
    first = Instalment(1, date(2024, 2, 29), 0, 29_00, 333_33)
    for day in (28, 29):
        unpaid = find_position(live_daily(), date(2024, 2, day)).unpaid
        assert (unpaid[0], [each.number for each in unpaid]) == (first, [1, 2, 3])
    # 362.33 paid on 10 March settle 39.00 and leave 676.67; 354.00 on the 31st settle 21 days of
    # it, 14.21, and leave 336.88, which 30 days more make 10.11.
    assert find_position(live_daily(), date(2024, 3, 10)).unpaid == (
        first,
        Instalment(2, date(2024, 3, 31), 0, 14_21, 339_79),
        Instalment(3, date(2024, 4, 30), 0, 10_11, 336_88),
    )


def test_a_daily_loan_whose_principal_is_paid_first_asks_for_no_more_than_expected() -> None:
    """340.00 on 10 February leave 660.00: 10.00 and 19 days of 0.66 make 22.54 of interest. Of the
    377.33 expected with the fee of 15.00, 37.33 are left: 22.33 of interest once it is paid.
    """
    facts = lay_loan(DAILY, Accrual.DAILY, AllocationOrder.PRINCIPAL_FEES_INTEREST)
    facts = add_fact(facts, pay(date(2024, 2, 10), 340_00))
    facts = add_fact(facts, Charge(UUID(int=1), date(2024, 2, 20), 15_00))
    assert find_position(facts, date(2024, 2, 29)).interest_due_cents == 22_33
    arrears = find_position(facts, date(2024, 3, 1)).arrears
    assert (arrears.fees_cents, arrears.interest_cents, arrears.principal_cents) == (
        15_00,
        22_33,
        0,
    )


def test_what_a_daily_loan_paid_late_still_owes_is_due_with_the_last_instalment() -> None:
    """All that was expected is paid on 30 April: 90 days cost more than the schedule said."""
    expected = lay_loan(DAILY).ladder.total_cents
    # 29.00, then 31 days of 666.67 (20.67) and 30 days of 333.34 (10.00): 59.67 of interest.
    assert expected == 1059_67
    facts = live_daily(pay(date(2024, 4, 30), expected))
    # 90 days of 1,000.00 are 90.00: 30.33 of the principal is left. Ten days later 0.30 has run.
    position = find_position(facts, date(2024, 5, 10))
    assert position.outstanding_principal_cents == 30_33
    assert (position.days_past_due, position.arrears.instalments) == (10, 1)
    assert (position.arrears.total_cents, position.payoff_cents) == (30_33, 30_63)
    assert position.unpaid == (Instalment(3, date(2024, 4, 30), 0, 0, 30_33),)
    # A fee of that day is due, but late the day after; it makes nothing else less late.
    charged = live_daily(
        pay(date(2024, 4, 30), expected), Charge(UUID(int=1), date(2024, 5, 10), 5)
    )
    position = find_position(charged, date(2024, 5, 10))
    assert (position.arrears.total_cents, position.fees_due_cents) == (30_33, 5)
    paid = add_fact(charged, pay(date(2024, 5, 10), 5))
    assert find_position(paid, date(2024, 5, 10)).days_past_due == 10


def test_a_daily_loan_paid_ahead_is_asked_for_no_more_than_it_will_owe() -> None:
    """362.33, 354.00 and 343.34 were expected. Ten days cost 10.00, whatever is paid then."""
    february = date(2024, 2, 10)
    # 690.00 of principal: 310.00 are left. Of what was expected, 700.00 leave 16.33 of the second.
    # 50 days of 310.00: 15.50. Then 30 days of 309.17: 9.28, and not 343.34 in all.
    position = find_position(live_daily(pay(february, 700_00)), february)
    assert position.unpaid == (
        Instalment(2, date(2024, 3, 31), 0, 15_50, 83),
        Instalment(3, date(2024, 4, 30), 0, 9_28, 309_17),
    )
    assert position.next_due == position.unpaid[0]
    # 990.00 of principal: 80 days of 10.00 are 0.80. Of the 59.67 expected, so much is owed.
    position = find_position(live_daily(pay(february, 1000_00)), february)
    assert position.unpaid == (Instalment(3, date(2024, 4, 30), 0, 80, 10_00),)
    late = find_position(live_daily(pay(february, 1000_00)), date(2024, 5, 10))
    assert late.unpaid == (Instalment(3, date(2024, 4, 30), 0, 80, 10_00),)
    assert (late.arrears.total_cents, late.interest_accrued_cents) == (10_80, 10)
    ahead = find_position(live_daily(pay(february, 1059_67)), february)
    assert (ahead.is_closed, ahead.credit_cents) == (True, 49_67)


def test_the_arrears_of_a_daily_loan_are_told_apart_by_age_to_the_cent() -> None:
    """362.33, 354.00 and 343.34 were expected; 90 days unpaid make 90.00, and not 59.67: the last
    instalment takes the 30.33 more.
    """
    position = find_position(live_daily(), date(2024, 5, 10))
    assert position.arrears.total_cents == 1090_00
    ages = show_position(position, {}, "fr")["arrears_by_age"]
    assert isinstance(ages, list)
    told = [age["amount"] for age in ages if isinstance(age, dict)]
    assert told == ["373.67", "354.00", "362.33", "0.00", "0.00"]


def test_a_daily_loan_bears_no_interest_in_its_free_periods() -> None:
    terms = replace(DAILY, interest_free_periods=1)
    assert find_position(live_daily(terms=terms), date(2024, 3, 10)).interest_accrued_cents == 10_00
    everything = MoratoriumKind.CAPITAL_AND_INTEREST
    waived = put_off(date(2024, 1, 31), everything, 2, "waived")
    assert find_position(live_daily(waived), date(2024, 4, 10)).payoff_cents == 1010_00
    # New terms put an end to it: interest runs from the day they are agreed.
    agreed = Rescheduling(UUID(int=2), date(2024, 2, 10), AgreedTerms(3))
    assert find_position(live_daily(waived, agreed), date(2024, 2, 20)).payoff_cents == 1010_00


def test_a_prepayment_of_just_what_is_due_is_settled_in_the_order_of_the_loan() -> None:
    """29.00 of interest and 333.33 due on 29 February: 362.33, all of it to principal first."""
    loan, day = live_daily(), date(2024, 2, 29)
    order = AllocationOrder.PRINCIPAL_FEES_INTEREST
    loan = replace(loan, conditions=replace(loan.conditions, order=order))
    for cents, parts in (
        (362_33, (0, 362_33)),
        (362_34, (29_00, 333_34)),  # what is due, then the principal
    ):
        [split] = replay(add_fact(loan, pay(day, cents, PaymentPurpose.PREPAYMENT))).allocations
        assert (split.interest_cents, split.principal_cents) == parts


def test_half_a_cent_paid_stays_paid_when_a_schedule_is_laid_anew() -> None:
    """0.50 lent at 36.5 %: on the tenth day half a cent has run, and a whole one is owed."""
    terms = replace(DAILY, principal_cents=50)
    day = date(2024, 2, 10)
    facts = live_daily(pay(day, 1 + 20, PaymentPurpose.PREPAYMENT), terms=terms)
    position = find_position(facts, day)
    assert (position.interest_paid_cents, position.outstanding_principal_cents) == (1, 30)
    assert position.payoff_cents == 30


# --- fees -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("accrual", Accrual)
def test_a_fee_after_the_last_instalment_is_due_that_day(accrual: Accrual) -> None:
    """1,000.00 repaid whole; 10.00 charged a month later, of which 4.00 was paid too much."""
    closing = pay(date(2024, 4, 30), 1090_00 + 4_00, PaymentPurpose.PAYOFF)
    loan = live(replace(DAILY, amortisation=Amortisation.EQUAL_INSTALMENTS), accrual=accrual)
    owed = find_position(loan, date(2024, 4, 30)).payoff_cents
    loan = add_fact(loan, closing._replace(amount_cents=owed + 4_00))
    assert find_position(loan, date(2024, 5, 30)).credit_cents == 4_00
    charged = add_fact(loan, Charge(UUID(int=1), date(2024, 5, 31), 10_00))
    position = find_position(charged, date(2024, 6, 30))
    assert (position.fees_due_cents, position.days_past_due) == (6_00, 30)
    assert (position.credit_cents, position.payoff_cents, position.is_closed) == (0, 6_00, False)
    paid = add_fact(charged, pay(date(2024, 6, 30), 6_00))
    assert find_position(paid, date(2024, 6, 30)).is_closed


def test_a_daily_loan_written_off_whole_asks_for_nothing_but_a_later_fee() -> None:
    day = date(2024, 3, 10)
    lost = live_daily(pay(day, 339_00), ("write_off", Loss(day, 700_00)))
    assert find_position(lost, date(2024, 5, 1)).is_closed
    with pytest.raises(Impossible) as caught:
        replay(live_daily(pay(day, 339_00), ("write_off", Loss(day, 700_01))))
    assert (caught.value.code, caught.value.on) == ("write_off.exceeds_balance", day)
    charged = add_fact(lost, Charge(UUID(int=1), date(2024, 5, 1), 7))
    # Years later no interest has run on anything.
    assert find_position(charged, date(2034, 5, 1)).payoff_cents == 7
    # Of a due date before the loss, nothing is asked any more.
    soon = find_position(
        add_fact(lost, Charge(UUID(int=1), date(2024, 3, 20), 7)), date(2024, 3, 20)
    )
    assert (soon.interest_due_cents, soon.fees_due_cents, soon.payoff_cents) == (0, 7, 7)
