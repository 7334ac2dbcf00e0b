"""Schedules laid anew, worked out by hand: the arithmetic stands beside each figure.

Most cases are of 1,200.00 lent on 31 January 2025 at 12 % over 12 months in equal parts of the
principal: 100.00 a month, and 1 % of what is owed.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from services.common.calendar import Frequency
from services.common.money import Rounding
from services.loans.positions.account import Impossible
from services.loans.positions.arithmetic import find_position, list_schedules, replay
from services.loans.positions.facts import (
    Accrual,
    AgreedTerms,
    LoanFacts,
    Loss,
    Moratorium,
    MoratoriumInterest,
    MoratoriumKind,
    Payment,
    PaymentPurpose,
    Rescheduling,
    Tranche,
)
from services.loans.positions.ladder import Instalment
from services.loans.schedules.terms import (
    Amortisation,
    InterestMethod,
    NonWorkingDays,
    ScheduleTerms,
)
from tests.unit.loan_histories import Fact, add_fact, lay_loan

Row = tuple[date, int, int]

TERMS = ScheduleTerms(
    principal_cents=1200_00,
    annual_rate=Decimal(12),
    instalments=12,
    disbursed_on=date(2025, 1, 31),
    amortisation=Amortisation.EQUAL_PRINCIPAL,
)
FEBRUARY, MARCH, MID_APRIL = date(2025, 2, 28), date(2025, 3, 31), date(2025, 4, 15)
PREPAYMENT, SHORTER_TERM = PaymentPurpose.PREPAYMENT, PaymentPurpose.SHORTER_TERM


def pay(on: date, cents: int, purpose: PaymentPurpose | None = None) -> Payment:
    return Payment(UUID(int=on.toordinal()), f"R{on}", on, cents, purpose)


def put_off(on: date, kind: MoratoriumKind, periods: int, interest: str = "deferred") -> Moratorium:
    return Moratorium(UUID(int=1), on, kind, periods, MoratoriumInterest(interest))


def live(terms: ScheduleTerms, *facts: Fact, accrual: Accrual = Accrual.SCHEDULED) -> LoanFacts:
    loan = lay_loan(terms, accrual)
    for fact in facts:
        loan = add_fact(loan, fact)
    return loan


# The first two instalments: 100.00 + 1 % of 1,200.00, then 100.00 + 1 % of 1,100.00.
TWO_PAID = (pay(FEBRUARY, 112_00), pay(MARCH, 111_00))


def rows_of(facts: LoanFacts) -> list[Row]:
    """The due date, principal and interest of each row of the newest schedule."""
    ladder = replay(facts).schedules[-1].laid.ladder
    return list(zip(ladder.due, ladder.principal_cents, ladder.interest_cents, strict=True))


def amounts_of(facts: LoanFacts) -> list[tuple[int, int]]:
    return [(principal, interest) for _, principal, interest in rows_of(facts)]


# The ten dates left after 31 March: each month returns to its last day.
DATES = [
    date(2025, 4, 30),
    date(2025, 5, 31),
    date(2025, 6, 30),
    date(2025, 7, 31),
    date(2025, 8, 31),
    date(2025, 9, 30),
    date(2025, 10, 31),
    date(2025, 11, 30),
    date(2025, 12, 31),
    date(2026, 1, 31),
    date(2026, 2, 28),
    date(2026, 3, 31),
]
# 100.00 a month with 1 % of 1,000.00, of 900.00, and so on down to 100.00.
TEN = [(100_00, 10_00 - number * 1_00) for number in range(10)]


@pytest.mark.parametrize("on", [MARCH, MID_APRIL])
def test_a_moratorium_on_capital_asks_for_interest_alone(on: date) -> None:
    """From mid-April: 5.00 of the 15 days run, then 1,000.00 x 12 % x 15/360 = 5.00: 10.00 too."""
    facts = live(TERMS, *TWO_PAID, put_off(on, MoratoriumKind.CAPITAL_ONLY, 2))
    assert [day for day, *_ in rows_of(facts)] == DATES
    assert amounts_of(facts) == [(0, 10_00), (0, 10_00), *TEN]


@pytest.mark.parametrize("on", [MARCH, MID_APRIL])
def test_a_moratorium_on_everything_defers_interest_without_interest_on_it(on: date) -> None:
    """10.00 for each of the two months put off fall due with the third: no 10.10."""
    facts = live(TERMS, *TWO_PAID, put_off(on, MoratoriumKind.CAPITAL_AND_INTEREST, 2))
    assert [day for day, *_ in rows_of(facts)] == DATES
    assert amounts_of(facts) == [(0, 0), (0, 0), (100_00, 30_00), *TEN[1:]]
    assert find_position(facts, date(2025, 6, 29)).days_past_due == 0
    # On 15 June: 10.00 of April, 10.00 of May, and 10.00 x 15/30 of June have run; none is due.
    position = find_position(facts, date(2025, 6, 15))
    assert (position.interest_due_cents, position.interest_accrued_cents) == (0, 25_00)
    assert position.payoff_cents == 1025_00


def test_a_moratorium_may_give_up_its_interest() -> None:
    everything = MoratoriumKind.CAPITAL_AND_INTEREST
    facts = live(TERMS, *TWO_PAID, put_off(MARCH, everything, 2, "waived"))
    assert amounts_of(facts) == [(0, 0), (0, 0), *TEN]
    # From mid-April what ran by then, 10.00 x 15/30, stays owed and is put off too.
    facts = live(TERMS, *TWO_PAID, put_off(MID_APRIL, everything, 2, "waived"))
    assert amounts_of(facts) == [(0, 0), (0, 0), (100_00, 15_00), *TEN[1:]]
    assert find_position(facts, date(2025, 5, 31)).payoff_cents == 1005_00


def test_a_moratorium_within_a_grace_comes_before_what_is_left_of_it() -> None:
    """Three months of grace, one gone; two put off: four more months without principal."""
    terms = replace(TERMS, principal_grace_periods=3)
    first = pay(FEBRUARY, 12_00)
    facts = live(terms, first, put_off(FEBRUARY, MoratoriumKind.CAPITAL_ONLY, 2))
    assert amounts_of(facts)[:5] == [(0, 12_00)] * 4 + [(133_33, 12_00)]
    assert len(rows_of(facts)) == 11 + 2


def test_a_prepayment_during_a_moratorium_leaves_it_to_its_end() -> None:
    suspended = put_off(MARCH, MoratoriumKind.CAPITAL_AND_INTEREST, 2)
    april = pay(date(2025, 4, 30), 510_00, PREPAYMENT)
    facts = live(TERMS, *TWO_PAID, suspended, april)
    # 10.00 run in April, 500.00 of principal: 500.00 left, 5.00 a month, one month still put off.
    assert amounts_of(facts)[:3] == [(0, 0), (50_00, 10_00), (50_00, 4_50)]
    assert len(rows_of(facts)) == 11


def test_a_rescheduling_takes_arrears_in_without_interest_on_their_interest() -> None:
    """Nothing paid: 12.00 and 11.00 due, 10.00 x 15/30 run since. 1,200.00 in 6 at 0.5 %."""
    agreed = AgreedTerms(instalments=6, annual_rate=Decimal(6))
    facts = live(TERMS, Rescheduling(UUID(int=1), MID_APRIL, agreed))
    # 6.00 + 28.00 carried, then 0.5 % of 1,000.00, 800.00, 600.00, 400.00 and 200.00.
    interest = [34_00, 5_00, 4_00, 3_00, 2_00, 1_00]
    assert amounts_of(facts) == [(200_00, cents) for cents in interest]
    assert [day for day, *_ in rows_of(facts)] == [date(2025, m, 15) for m in range(5, 11)]
    before, after = find_position(facts, date(2025, 4, 14)), find_position(facts, MID_APRIL)
    assert (before.arrears.total_cents, before.days_past_due) == (223_00, 45)
    assert (after.arrears.total_cents, after.days_past_due) == (0, 0)
    assert after.payoff_cents == 1200_00 + 28_00
    [(_, new_terms)] = list_schedules(facts)
    assert new_terms.annual_rate == 6


def test_a_rescheduling_may_space_the_instalments() -> None:
    """1,000.00 left on 31 March, in two instalments two months apart: 2 % each, then of 500.00."""
    agreed = Rescheduling(UUID(int=1), MARCH, AgreedTerms(instalments=2, repay_every=2))
    assert rows_of(live(TERMS, *TWO_PAID, agreed)) == [
        (date(2025, 5, 31), 500_00, 20_00),
        (date(2025, 7, 31), 500_00, 10_00),
    ]
    # Or in weeks: 7/360 of a year at 12 % each.
    weekly = AgreedTerms(instalments=2, frequency=Frequency.WEEKS)
    assert rows_of(live(TERMS, *TWO_PAID, Rescheduling(UUID(int=1), MARCH, weekly))) == [
        (date(2025, 4, 7), 500_00, 2_33),
        (date(2025, 4, 14), 500_00, 1_17),
    ]


def test_interest_paid_ahead_is_not_asked_for_twice() -> None:
    """Two instalments paid on the day of the loan, 23.00 of interest; rescheduled that day."""
    ahead = pay(TERMS.disbursed_on, 223_00)
    facts = live(TERMS, ahead, Rescheduling(UUID(int=1), TERMS.disbursed_on, AgreedTerms(10)))
    # 10.00, 9.00 and 4.00 of the 8.00 of the third month are paid already.
    assert amounts_of(facts) == [(100_00, 0), (100_00, 0), (100_00, 4_00), *TEN[3:]]
    assert find_position(facts, MARCH).payoff_cents == 1000_00
    # At no interest, what was paid ahead stays paid.
    free = Rescheduling(UUID(int=1), TERMS.disbursed_on, AgreedTerms(10, Decimal(0)))
    assert amounts_of(live(TERMS, ahead, free)) == [(100_00, 0)] * 10


def test_a_prepayment_lays_as_many_smaller_instalments() -> None:
    """5.00 run in 15 days; 300.00 of principal: 700.00 over the ten dates left."""
    facts = live(TERMS, *TWO_PAID, pay(MID_APRIL, 305_00, PREPAYMENT))
    split = replay(facts).allocations[-1]
    assert (split.interest_cents, split.principal_cents) == (5_00, 300_00)
    # 700.00 x 12 % x 15/360 = 3.50, then 1 % of 630.00, and so on.
    later = [(70_00, 70 * (10 - number)) for number in range(1, 10)]
    assert amounts_of(facts) == [(70_00, 3_50), *later]
    assert [day for day, *_ in rows_of(facts)] == DATES[:10]


@pytest.mark.parametrize("left", range(1, 10))
def test_a_prepayment_may_shorten_the_term(left: int) -> None:
    """So many hundreds left, in instalments of at most 100.00 of principal, as before."""
    facts = live(TERMS, *TWO_PAID, pay(MID_APRIL, 1005_00 - left * 100_00, SHORTER_TERM))
    # Half of 1 % for the 15 days, then 1 % of what is left.
    later = [(100_00, 1_00 * number) for number in range(left - 1, 0, -1)]
    assert amounts_of(facts) == [(100_00, 50 * left), *later]


def test_a_prepayment_of_no_more_than_is_due_lays_nothing() -> None:
    facts = live(TERMS, pay(FEBRUARY, 112_00, PREPAYMENT), pay(MID_APRIL, 116_00, PREPAYMENT))
    # In April 111.00 due; the 5.00 more are the interest of 15 days. The ladder stands.
    assert replay(facts).schedules == ()
    position = find_position(facts, MID_APRIL)
    assert (position.outstanding_principal_cents, position.payoff_cents) == (1000_00, 1000_00)
    assert position.unpaid[0] == Instalment(3, DATES[0], 0, 5_00, 100_00)


def test_too_little_for_every_instalment_gets_fewer() -> None:
    """Instalments are multiples of 50.00; 60.00 left over ten dates would round to none."""
    terms = replace(TERMS, instalment_multiple_cents=50_00)
    facts = live(terms, *TWO_PAID, pay(MID_APRIL, 945_00, PREPAYMENT))
    # As high as before at most, 100.00: one instalment. 60.00 x 12 % x 15/360 = 0.30.
    assert rows_of(facts) == [(DATES[0], 60_00, 30)]


def test_dates_laid_anew_are_counted_from_where_the_first_were() -> None:
    """31 days where the month has them, whatever the length of the month laid anew in."""

    def dates_of(terms: ScheduleTerms, *payments: tuple[date, int]) -> list[date]:
        facts = live(terms, *(pay(on, cents, PREPAYMENT) for on, cents in payments))
        return [day for day, *_ in rows_of(facts)]

    twice = ((MID_APRIL, 300_00), (date(2025, 4, 20), 300_00))
    assert dates_of(TERMS, *twice) == DATES[:10]
    stated = replace(TERMS, first_due_on=FEBRUARY)
    assert dates_of(stated, *twice) == DATES[:10]
    late = replace(TERMS, disbursed_on=date(2025, 2, 10), first_due_on=MARCH, instalments=3)
    assert dates_of(late, (date(2025, 4, 1), 600_00)) == DATES[:2]
    # Past the turn of the year: 1,100.00 and 77.00 of interest are due, 31 January is left.
    assert dates_of(TERMS, (date(2026, 1, 15), 1200_00)) == [date(2026, 1, 31)]


def test_the_payoff_in_mid_period() -> None:
    facts = live(TERMS, *TWO_PAID)
    assert find_position(facts, MID_APRIL).payoff_cents == 1000_00 + 5_00
    closed = live(TERMS, *TWO_PAID, pay(MID_APRIL, 1005_00, PaymentPurpose.PAYOFF))
    position = find_position(closed, date(2026, 1, 31))
    assert (position.is_closed, position.interest_paid_cents) == (True, 12_00 + 11_00 + 5_00)


def test_the_payoff_in_an_interest_grace() -> None:
    """Three months in which 100.00 of principal are due and no interest: it runs all the same."""
    terms = replace(TERMS, interest_grace_periods=3)
    facts = live(terms, pay(FEBRUARY, 100_00), pay(MARCH, 100_00))
    position = find_position(facts, MID_APRIL)
    assert (position.interest_due_cents, position.interest_accrued_cents) == (0, 28_00)
    assert position.payoff_cents == 1000_00 + 12_00 + 11_00 + 5_00


def test_a_second_disbursement_is_laid_over_the_dates_left() -> None:
    """600.00 in six, one paid; 400.00 more on 15 March: 900.00 over five dates."""
    terms = replace(TERMS, principal_cents=600_00, instalments=6)
    more = Tranche(UUID(int=1), date(2025, 3, 15), 400_00)
    facts = live(terms, pay(FEBRUARY, 106_00), more)
    # 5.00 x 15/31 = 2.42 run; 900.00 x 12 % x 16/360 = 4.80 (15 to 31 March, in 30/360, is 16).
    interest = [2_42 + 4_80, 7_20, 5_40, 3_60, 1_80]
    assert amounts_of(facts) == [(180_00, cents) for cents in interest]
    assert facts.lent_cents == 1000_00


def test_a_second_disbursement_keeps_what_is_left_of_the_grace() -> None:
    """Six months, three of them without principal; the second sum comes after one."""
    terms = replace(TERMS, principal_cents=600_00, instalments=6, principal_grace_periods=3)
    paid = pay(date(2025, 2, 27), 6_00)
    facts = live(terms, paid, Tranche(UUID(int=1), FEBRUARY, 300_00))
    assert amounts_of(facts) == [
        (0, 9_00),
        (0, 9_00),
        (300_00, 9_00),
        (300_00, 6_00),
        (300_00, 3_00),
    ]


def test_a_grace_longer_than_what_a_write_off_leaves_ends_before_the_last() -> None:
    terms = replace(TERMS, interest_grace_periods=11)
    lost = ("write_off", Loss(FEBRUARY, 1000_00))
    facts = live(terms, lost, put_off(MARCH, MoratoriumKind.CAPITAL_ONLY, 1))
    # 200.00 were asked for in February and March; the interest deferred to the last instalment went
    # with it. One instalment is left, and the month put off: 200.00 x 1 % for each.
    assert amounts_of(facts) == [(0, 2_00), (200_00, 2_00)]


def test_a_moratorium_after_a_write_off_within_a_grace() -> None:
    """400.00 of the 1,200.00 are left, over April and May once March is past: of the grace one
    period is left before the last. 4.00 a month; what was deferred went with the last instalment.
    """
    terms = replace(TERMS, interest_grace_periods=11)
    lost = ("write_off", Loss(FEBRUARY, 800_00))
    facts = live(terms, lost, put_off(MARCH, MoratoriumKind.CAPITAL_ONLY, 1))
    assert amounts_of(facts) == [(0, 0), (200_00, 8_00), (200_00, 2_00)]


def test_what_is_left_of_each_grace_goes_on() -> None:
    """One month of the twelve has passed, in the graces, when ten of its 1,200.00 are prepaid."""
    early = pay(FEBRUARY, 10_00, PREPAYMENT)
    free = live(replace(TERMS, interest_free_periods=3, principal_grace_periods=11), early)
    assert amounts_of(free) == [(0, 0)] * 2 + [(0, 11_90)] * 8 + [(1190_00, 11_90)]


def test_a_loan_that_has_ended_takes_no_disbursement_and_a_closed_one_no_change() -> None:
    end = date(2026, 2, 1)
    with pytest.raises(Impossible) as caught:
        replay(live(TERMS, Tranche(UUID(int=1), end, 1_00)))
    assert (caught.value.code, caught.value.on) == ("disbursement.loan_ended", end)
    whole = pay(FEBRUARY, 1212_00, PaymentPurpose.PAYOFF)
    changes: Sequence[tuple[Fact, str]] = [
        (Tranche(UUID(int=1), MARCH, 1_00), "disbursement.loan_ended"),
        (Rescheduling(UUID(int=1), MARCH, AgreedTerms(2)), "loan.closed"),
        (put_off(MARCH, MoratoriumKind.CAPITAL_ONLY, 1), "loan.closed"),
        (("write_off", Loss(MARCH, 1)), "write_off.exceeds_balance"),
        (("recovery", Loss(MARCH, 1)), "recovery.exceeds_balance"),
        (("refund", Loss(MARCH, 1)), "refund.exceeds_balance"),
    ]
    for change, code in changes:
        with pytest.raises(Impossible) as caught:
            replay(live(TERMS, whole, change))
        assert (caught.value.code, caught.value.on) == (code, MARCH)
        assert str(caught.value) == caught.value.message.en


def test_no_more_is_recovered_or_given_back_in_parts_than_at_once() -> None:
    recovered = [
        ("recovery", Loss(day, cents)) for day, cents in ((MARCH, 60_00), (MID_APRIL, 41_00))
    ]
    given_back = [("refund", Loss(day, cents)) for day, cents in ((MARCH, 6_00), (MID_APRIL, 5_00))]
    for before, parts in (
        (("write_off", Loss(FEBRUARY, 100_00)), recovered),
        (pay(FEBRUARY, 1200_00 + 78_00 + 10_00), given_back),
    ):
        replay(live(TERMS, before, parts[0]))
        with pytest.raises(Impossible) as caught:
            replay(live(TERMS, before, *parts))
        assert caught.value.on == MID_APRIL


def test_terms_that_cannot_be_laid_are_impossible() -> None:
    agreed = AgreedTerms(instalments=3, first_due_on=MARCH)
    with pytest.raises(Impossible) as caught:
        replay(live(TERMS, Rescheduling(UUID(int=1), MARCH, agreed)))
    assert caught.value.code == "schedule.first_due_before_disbursement"


def test_a_loan_past_its_end_is_put_off_from_that_day() -> None:
    """Nothing paid but interest, never the last 100.00: one instalment, a month put off first."""
    paid = pay(date(2026, 1, 31), 1278_00 - 101_00)
    suspended = put_off(date(2026, 2, 10), MoratoriumKind.CAPITAL_ONLY, 1)
    facts = live(TERMS, paid, suspended)
    assert rows_of(facts) == [(date(2026, 3, 10), 0, 2_00), (date(2026, 4, 10), 100_00, 1_00)]


def test_a_flat_loan_prepaid() -> None:
    """1,200.00 x 12 % in 12 parts of 12.00. In mid-April 6.00 have run; 500.00 of principal.

    The rest is flat on 500.00: 15 days and nine months, 12 % x (15/360 + 270/360) = 9.5 %, or
    47.50 in ten parts of 4.75.
    """
    terms = replace(TERMS, interest_method=InterestMethod.FLAT)
    two_paid = (pay(FEBRUARY, 112_00), pay(MARCH, 112_00))
    facts = live(terms, *two_paid, pay(MID_APRIL, 506_00, PREPAYMENT))
    assert amounts_of(facts) == [(50_00, 4_75)] * 10


def test_a_loan_with_a_down_payment_ends_where_its_write_off_leaves_it() -> None:
    """400.00, of which 100.00 down; April's 100.00 are written off: March is the last date."""
    terms = replace(TERMS, principal_cents=400_00, instalments=3, down_payment_percent=Decimal(25))
    loss, paid = ("write_off", Loss(date(2025, 3, 1), 100_00)), date(2025, 3, 15)
    # Due: 100.00, then 100.00 and 3.00. 15 days of March's 2.00 are 0.97; 56.03 of principal.
    facts = live(terms, loss, pay(paid, 260_00, PREPAYMENT))
    # 43.97 x 12 % x 16/360 = 0.23.
    assert rows_of(facts) == [(MARCH, 43_97, 23)]


def test_disbursements_of_one_day_come_by_their_identifier() -> None:
    later, earlier = (Tranche(UUID(int=number), MARCH, number * 100_00) for number in (2, 1))
    facts = replace(lay_loan(TERMS), tranches=(later, earlier))
    laid = replay(facts).schedules
    assert [schedule.cause_id for schedule in laid] == [UUID(int=1), UUID(int=2)]


def test_schedules_of_one_day_are_laid_in_their_order_whatever_their_identifiers() -> None:
    facts = live(
        TERMS,
        put_off(MARCH, MoratoriumKind.CAPITAL_ONLY, 1),
        Rescheduling(UUID(int=5), MARCH, AgreedTerms(6)),
        Tranche(UUID(int=9), MARCH, 100_00),
    )
    causes = [laid.cause_kind for laid in replay(facts).schedules]
    assert causes == ["disbursement", "rescheduling", "moratorium"]


def test_interest_of_a_grace_runs_by_the_day_after_a_down_payment() -> None:
    """3.00 for February, 15 of 31 days of 2.00 for March: 3.97, none of it due."""
    terms = replace(TERMS, principal_cents=400_00, instalments=3, down_payment_percent=Decimal(25))
    facts = live(replace(terms, interest_grace_periods=2))
    position = find_position(facts, date(2025, 3, 15))
    assert (position.interest_due_cents, position.interest_accrued_cents) == (0, 3_97)


def test_a_loan_with_a_down_payment_rescheduled() -> None:
    """1,000.00 less 100.00 on the first day; 900.00 in nine, one paid: 800.00 in four at 1 %."""
    terms = replace(TERMS, principal_cents=1000_00, instalments=9, down_payment_percent=Decimal(10))
    paid = (pay(TERMS.disbursed_on, 100_00), pay(FEBRUARY, 109_00))
    facts = live(terms, *paid, Rescheduling(UUID(int=1), FEBRUARY, AgreedTerms(4)))
    assert amounts_of(facts) == [(200_00, 8_00), (200_00, 6_00), (200_00, 4_00), (200_00, 2_00)]
    # In mid-March without it: 8.00 x 15/31 have run.
    assert find_position(live(terms, *paid), date(2025, 3, 15)).interest_accrued_cents == 3_87
    # And as many dates are left as there are instalments.
    prepaid = live(terms, *paid, pay(MARCH, 108_00 + 350_00, PREPAYMENT))
    assert amounts_of(prepaid)[0] == (50_00, 3_50)
    assert len(rows_of(prepaid)) == 7


def test_due_dates_off_holidays_laid_anew_keep_their_calendar() -> None:
    """24 June is a holiday, 24 August a Sunday: 25 June, 24 July, 25 August; interest as ever."""
    terms = ScheduleTerms(
        300_00,
        Decimal(12),
        3,
        date(2025, 5, 24),
        amortisation=Amortisation.EQUAL_PRINCIPAL,
        non_working_days=NonWorkingDays.MOVE_LATER,
    )
    first = pay(date(2025, 6, 25), 103_00)
    prepaid = pay(date(2025, 7, 9), 101_00, PREPAYMENT)
    # 2.00 x 15/30 have run; 100.00 of principal; 100.00 over two dates, 100.00 x 12 % x 15/360.
    assert rows_of(live(terms, first, prepaid)) == [
        (date(2025, 7, 24), 50_00, 50),
        (date(2025, 8, 25), 50_00, 50),
    ]
    # The day before, nothing is due; on 24 June the whole month has run, and is due the day after.
    position = find_position(live(terms), date(2025, 6, 24))
    assert (position.interest_due_cents, position.interest_accrued_cents) == (0, 3_00)


def test_a_prepayment_on_a_date_moved_earlier_leaves_the_dates_after_it() -> None:
    """Due on 23 June for the 24th: 103.00, and 100.00 of the principal to come.

    30 of the 31 days have run, 2.90 of the 3.00 paid. From 23 June, 31 days of 100.00 in 30/360
    cost 1.03, of which 0.10 is paid.
    """
    terms = ScheduleTerms(
        300_00,
        Decimal(12),
        3,
        date(2025, 5, 24),
        amortisation=Amortisation.EQUAL_PRINCIPAL,
        non_working_days=NonWorkingDays.MOVE_EARLIER,
    )
    assert rows_of(live(terms, pay(date(2025, 6, 23), 203_00, PREPAYMENT))) == [
        (date(2025, 7, 24), 50_00, 93),
        (date(2025, 8, 22), 50_00, 50),
    ]


def test_a_write_off_of_the_evening_comes_after_a_schedule_laid_that_day() -> None:
    suspended = put_off(MARCH, MoratoriumKind.CAPITAL_ONLY, 2)
    facts = live(TERMS, *TWO_PAID, ("write_off", Loss(MARCH, 400_00)), suspended)
    assert sum(principal for principal, _ in amounts_of(facts)) == 1000_00
    assert sum(i.principal_cents for i in find_position(facts, MARCH).unpaid) == 600_00


def test_a_shorter_term_in_a_grace_has_one_instalment_after_it_at_least() -> None:
    """Two of three months of grace left; 12.00 run, all but 50.00 of the principal prepaid."""
    terms = replace(TERMS, principal_grace_periods=3)
    facts = live(terms, pay(FEBRUARY, 1162_00, SHORTER_TERM))
    assert amounts_of(facts) == [(0, 50), (0, 50), (50_00, 50)]


def test_a_write_off_takes_out_the_interest_of_the_instalments_it_takes_out() -> None:
    """Ten instalments of twelve: 200.00 with 12.00 and 11.00 of interest are still asked for."""
    facts = live(TERMS, ("write_off", Loss(FEBRUARY, 1000_00)))
    assert find_position(facts, date(2025, 12, 31)).payoff_cents == 200_00 + 23_00


@pytest.mark.parametrize(
    ("frequency", "days"), [(Frequency.WEEKS, 7), (Frequency.WEEKS, 14), (Frequency.DAYS, 10)]
)
def test_weeks_and_days_keep_their_calendar(frequency: Frequency, days: int) -> None:
    """Nine of twelve parts of 100.00 paid at no interest; 150.00 of the 300.00 left a day later."""
    every = days // 7 if frequency is Frequency.WEEKS else days
    terms = replace(TERMS, annual_rate=Decimal(0), frequency=frequency, repay_every=every)
    due = [TERMS.disbursed_on + timedelta(days=days * number) for number in range(1, 13)]
    nine = [pay(day, 100_00) for day in due[:9]]
    facts = live(terms, *nine, pay(due[8] + timedelta(days=1), 150_00, PREPAYMENT))
    assert rows_of(facts) == [(day, 50_00, 0) for day in due[9:]]
    # Laid anew once more, and on a due date.
    again = live(terms, *nine, put_off(due[8], MoratoriumKind.CAPITAL_ONLY, 1))
    later = [*due[9:], due[11] + timedelta(days=days)]
    assert rows_of(again) == [(later[0], 0, 0), *((day, 100_00, 0) for day in later[1:])]


def test_a_second_disbursement_of_a_loan_paid_ahead_keeps_its_dates() -> None:
    """Three paid in February, 50.00 more: 950.00 over the eleven dates left, not ten of 95.00."""
    ahead, more = pay(FEBRUARY, 112_00 + 111_00 + 110_00), date(2025, 3, 1)
    facts = live(TERMS, ahead, Tranche(UUID(int=1), more, 50_00))
    assert [principal for principal, _ in amounts_of(facts)] == [86_36] * 10 + [86_40]


def test_what_is_carried_into_a_schedule_that_ends_within_its_grace_falls_due_last() -> None:
    """By 100.00 a month, 300.00 take four instalments of the twelve, all in the grace: the last
    asks for the interest of them all, 6.14, and for the 3.00 that were owed.
    """
    terms = ScheduleTerms(300_00, Decimal(12), 12, date(2026, 1, 1), rounding=Rounding.UP)
    terms = replace(terms, instalment_multiple_cents=100_00)
    agreed = AgreedTerms(instalments=12, interest_grace_periods=11)
    facts = live(terms, Rescheduling(UUID(int=1), date(2026, 2, 1), agreed))
    assert amounts_of(facts) == [(97_00, 0), (97_97, 0), (98_95, 0), (6_08, 9_14)]
