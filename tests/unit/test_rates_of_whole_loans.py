"""The rate of a whole loan: several disbursements, later fees, new schedules.

The arithmetic stands beside each figure. Most cases are of 1,000.00 lent on 15 January 2025 without
interest, paid back at once after a year: 73 days are a fifth of it, and, no payment coming before
the last, the cost at a rate is the rate on each dollar for as long as it is lent.
"""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from uuid import UUID

import pytest
import pyxirr
from hypothesis import assume, given
from hypothesis import strategies as st

from services.common.calendar import Frequency
from services.loans.loans.contract_terms import NOTHING_ADVANCED, check_flows, is_cheaper
from services.loans.positions.arithmetic import replay
from services.loans.positions.facts import (
    Accrual,
    AgreedTerms,
    Charge,
    LoanFacts,
    Loss,
    Moratorium,
    MoratoriumKind,
    Payment,
    PaymentPurpose,
    Rescheduling,
    Tranche,
)
from services.loans.positions.flows import lay_flows
from services.loans.schedules.apr import (
    CashFlows,
    CriminalRateLimit,
    RateBasis,
    annual_percentage_rate,
    cash_flows,
    find_rate_over,
    judge,
)
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import Fee, FeeCharged, NonWorkingDays, ScheduleTerms
from tests.unit.loan_histories import (
    FEW,
    MANY,
    Fact,
    add_fact,
    can_stand,
    histories,
    lay_loan,
)

START = date(2025, 1, 15)
FIFTH = START + timedelta(days=73)
"""A fifth of the year."""
END = date(2026, 1, 15)
LATER = FIFTH + timedelta(days=73)

YEARLY = ScheduleTerms(1000_00, Decimal(0), 1, START, repay_every=12)
MONTHLY = ScheduleTerms(1200_00, Decimal(12), 12, START)
LIMIT = CriminalRateLimit(Decimal(35), RateBasis.ANNUAL_PERCENTAGE_RATE)
FORMER_LIMIT = CriminalRateLimit(Decimal(60), RateBasis.EFFECTIVE_ANNUAL_RATE)


def fee(on: date, cents: int) -> Charge:
    return Charge(UUID(int=on.toordinal()), on, cents)


def more(on: date, cents: int, withheld: int = 0, number: int = 1) -> Tranche:
    return Tranche(UUID(int=number), on, cents, withheld)


def pay(on: date, cents: int, purpose: PaymentPurpose | None = None) -> Payment:
    return Payment(UUID(int=on.toordinal() + cents), f"R{on}{cents}", on, cents, purpose)


def live(terms: ScheduleTerms, *facts: Fact, accrual: Accrual = Accrual.SCHEDULED) -> LoanFacts:
    loan = lay_loan(terms, accrual)
    for fact in facts:
        loan = add_fact(loan, fact)
    return loan


def flows_of(*facts: Fact, terms: ScheduleTerms = YEARLY) -> CashFlows:
    return lay_flows(live(terms, *facts))


def timed(flows: CashFlows) -> list[tuple[Fraction, int]]:
    """Each payment with the years since the first day."""
    years, found = Fraction(0), []
    for cents, parts in zip(flows.payments_cents, flows.period_parts, strict=True):
        years += Fraction(parts, flows.parts_in_year)
        found.append((years, cents))
    return found


def percent(number: str) -> CriminalRateLimit:
    return replace(LIMIT, percent=Decimal(number))


# --- one disbursement -----------------------------------------------------------------------------


def test_a_fee_on_a_due_date_is_paid_with_it() -> None:
    """1,000.00 at 12 % and 30.00 more: 15 %."""
    terms = replace(YEARLY, annual_rate=Decimal(12))
    assert annual_percentage_rate(flows_of(fee(END, 30_00), terms=terms)) == 15
    two = (fee(END, 10_00), fee(END, 20_00))
    assert annual_percentage_rate(flows_of(*two, terms=terms)) == 15


def test_fees_of_the_contract_are_withheld_or_asked_for() -> None:
    fees = (Fee(30_00), Fee(5_00, FeeCharged.ADDED))
    flows = flows_of(terms=replace(YEARLY, fees=fees))
    assert (flows.advance_cents, flows.payments_cents) == (970_00, (1005_00,))


def test_what_is_paid_and_written_off_on_one_day_before_a_new_schedule_both_count() -> None:
    lost = ("write_off", Loss(FIFTH, 100_00))
    again = Rescheduling(UUID(int=1), LATER, AgreedTerms(1))
    flows = flows_of(pay(FIFTH, 50_00), lost, again)
    assert flows.payments_cents == (150_00, 850_00)


def test_a_new_calendar_after_a_moratorium_counts_its_own_periods() -> None:
    put_off = Moratorium(UUID(int=1), FIFTH, MoratoriumKind.CAPITAL_ONLY, 1)
    weekly = AgreedTerms(2, frequency=Frequency.WEEKS)
    flows = flows_of(put_off, Rescheduling(UUID(int=2), LATER, weekly), terms=MONTHLY)
    (first, _), (second, _) = timed(flows)[-2:]
    assert second - first == Fraction(1, 52)


def test_a_fee_of_the_first_day_is_not_advanced() -> None:
    """1,120.00 for 1,000.00 - 120.00 = 880.00: 240/880."""
    terms = replace(YEARLY, annual_rate=Decimal(12))
    rate = annual_percentage_rate(flows_of(fee(START, 120_00), terms=terms))
    assert rate.quantize(Decimal("1e-9")) == Decimal("27.272727273")


def test_a_fee_within_a_period_cuts_it_by_its_days() -> None:
    """73 days are a fifth of the year: 1,000 = 50/(1 + r/5) + 1,120/((1 + r/5)(1 + 4r/5)).

    Multiplied out, 160 r^2 + 960 r - 170 = 0: r = (-960 + sqrt(960^2 + 4 x 160 x 170)) / 320.
    """
    terms = replace(YEARLY, annual_rate=Decimal(12))
    found = annual_percentage_rate(flows_of(fee(FIFTH, 50_00), terms=terms))
    exact = (-960 + Decimal(960**2 + 4 * 160 * 170).sqrt()) / 320
    assert abs(found - 100 * exact) < Decimal("1e-12")
    two = (fee(FIFTH, 20_00), fee(FIFTH, 30_00))
    assert annual_percentage_rate(flows_of(*two, terms=terms)) == found
    # A second within the rest of the period: the present value at the rate found is the advance.
    two = (fee(START + timedelta(days=219), 200_00), fee(FIFTH, 100_00))
    rate = annual_percentage_rate(flows_of(*two, terms=terms)) / 100
    fifth = 1 + rate / 5
    worth = 100 / fifth + 200 / fifth / (1 + 2 * rate / 5) + 1120 / fifth / (1 + 2 * rate / 5) ** 2
    assert abs(worth - 1000) < Decimal("1e-12")


def test_a_fee_after_the_last_instalment_waits_by_its_days() -> None:
    """73 days after the year: 1,000 = 1,120/(1 + r) + 50/((1 + r)(1 + r/5))."""
    late = fee(END + timedelta(days=73), 50_00)
    rate = annual_percentage_rate(flows_of(late, terms=replace(YEARLY, annual_rate=Decimal(12))))
    rate /= 100
    assert abs(1120 / (1 + rate) + 50 / (1 + rate) / (1 + rate / 5) - 1000) < Decimal("1e-12")


def test_a_fee_between_two_instalments() -> None:
    """Two half-years of 181 and 184 days; 10.00 after 46 days of the second, a quarter of it."""
    terms = replace(YEARLY, annual_rate=Decimal(12), instalments=2, repay_every=6)
    first, last = (row.payment_cents for row in build_schedule(terms).rows)
    between = fee(date(2025, 7, 15) + timedelta(days=46), 10_00)
    rate = annual_percentage_rate(flows_of(between, terms=terms)) / 100
    half, quarter = 1 + rate / 2, 1 + rate / 8
    worth = first / half + 10_00 / half / quarter + last / half / quarter / (1 + 3 * rate / 8)
    assert abs(worth - 1000_00) < Decimal("1e-9")


@pytest.mark.parametrize("cents", [1000_00, 5000_00])
def test_a_fee_that_leaves_nothing_is_over_any_rate(cents: int) -> None:
    found = check_flows(flows_of(fee(START, cents)), LIMIT, "/amount")
    assert found is not None
    assert (found.code, found.pointer) == ("loan.criminal_rate", "/amount")
    assert found.message == NOTHING_ADVANCED
    assert check_flows(flows_of(), LIMIT, "/amount") is None


@FEW
@given(
    terms=st.builds(
        ScheduleTerms,
        st.integers(10_000, 5_000_000),
        st.sampled_from(["0", "7.25", "34"]).map(Decimal),
        st.integers(1, 40),
        st.dates(date(2025, 1, 1), date(2027, 12, 31)),
        frequency=st.sampled_from(Frequency),
        repay_every=st.integers(1, 3),
        down_payment_percent=st.sampled_from([None, Decimal(10)]),
        fees=st.sampled_from([(), (Fee(500), Fee(700, FeeCharged.ADDED))]),
        non_working_days=st.sampled_from(NonWorkingDays),
    ),
    broken=st.none() | st.integers(1, 70),
)
def test_a_loan_without_facts_flows_as_its_contract(
    terms: ScheduleTerms, broken: int | None
) -> None:
    if broken is not None:
        terms = replace(terms, first_due_on=terms.disbursed_on + timedelta(days=broken))
    contract, found = cash_flows(terms, build_schedule(terms)), flows_of(terms=terms)
    assert found.advance_cents == contract.advance_cents
    assert timed(found) == timed(contract)


# --- several disbursements ------------------------------------------------------------------------


def test_a_fee_weighs_on_every_disbursement_for_its_time() -> None:
    """500.00 more after a fifth of the year: 1,000 x 1 + 500 x 4/5 = 1,400 dollars for a year.

    At 10 %, 140.00. On the first alone, it would be 14 %.
    """
    flows = flows_of(more(FIFTH, 500_00), fee(END, 140_00))
    assert flows.advance_cents == 1000_00
    assert timed(flows) == [(Fraction(1, 5), -500_00), (Fraction(1), 1640_00)]
    assert judge(flows, percent("10")) == "accept"
    flows = flows_of(more(FIFTH, 500_00), fee(END, 140_01))
    assert judge(flows, percent("10")) == "refuse"
    assert find_rate_over(flows, percent("10")) == Decimal("10.000715")  # 140.01/1,400, rounded up


def test_what_is_withheld_counts_with_the_fees_before_it() -> None:
    """480.00 received of 500.00: 1,000 x 1/5 + 1,480 x 4/5 = 1,384; at 35 %, 484.40.

    20.00 of it is withheld, 464.40 is a fee. Alone, the second disbursement costs 20.00 for
    480 x 4/5 = 384 dollars for a year: 5.2 %.
    """
    facts = (more(FIFTH, 500_00, 20_00), fee(END, 464_40))
    flows = flows_of(*facts)
    assert timed(flows) == [(Fraction(1, 5), -480_00), (Fraction(1), 1964_40)]
    assert judge(flows, LIMIT) == "accept"
    assert judge(flows_of(facts[0], fee(END, 464_41)), LIMIT) == "refuse"
    assert judge(flows_of(more(FIFTH, 500_00, 20_01), facts[1]), LIMIT) == "refuse"


def test_a_fee_dated_before_a_disbursement_is_asked_for_with_what_was_laid_anew() -> None:
    """Unpaid, the fee of the first day falls due at the end; paid, it is paid that day."""
    facts = (fee(FIFTH, 50_00), more(LATER, 500_00))
    assert timed(flows_of(*facts)) == [(Fraction(2, 5), -500_00), (Fraction(1), 1550_00)]
    assert timed(flows_of(*facts, pay(FIFTH, 50_00))) == [
        (Fraction(1, 5), 50_00),
        (Fraction(2, 5), -500_00),
        (Fraction(1), 1500_00),
    ]
    assert timed(flows_of(facts[1], fee(LATER, 50_00))) == timed(flows_of(*facts))
    day_after = LATER + timedelta(days=1)
    assert timed(flows_of(facts[1], fee(day_after, 50_00)))[1] == (Fraction(147, 365), 50_00)


def test_a_payment_comes_before_the_disbursement_of_its_day() -> None:
    """50.00 paid and 500.00 advanced: the payment settles cost first, so they are kept apart."""
    flows = flows_of(more(FIFTH, 500_00), pay(FIFTH, 50_00))
    assert timed(flows) == [
        (Fraction(1, 5), 50_00),
        (Fraction(1, 5), -500_00),
        (Fraction(1), 1450_00),
    ]


def test_a_disbursement_of_the_first_day_is_advanced_with_it() -> None:
    """10.00 asked for that day and not paid falls due with what was laid anew."""
    flows = flows_of(more(START, 500_00, 20_00), fee(START, 10_00))
    assert flows.advance_cents == 1480_00
    assert timed(flows) == [(Fraction(1), 1510_00)]
    paid = flows_of(more(START, 500_00, 20_00), fee(START, 10_00), pay(START, 10_00))
    assert paid.advance_cents == 1470_00
    assert timed(paid) == [(Fraction(1), 1500_00)]


def test_a_new_schedule_on_the_calendar_leaves_its_periods_whole() -> None:
    """Months of 31 and 28 days; more is lent 14 days into the second, half of it."""
    half_february = date(2025, 3, 1)
    flows = flows_of(more(half_february, 600_00), terms=MONTHLY)
    months = [years * 12 for years, _ in timed(flows)]
    assert months == [Fraction(3, 2), *range(2, 13)]
    # Put off by two months, on the same calendar.
    pause = Moratorium(UUID(int=3), half_february, MoratoriumKind.CAPITAL_AND_INTEREST, 2)
    months = [years * 12 for years, cents in timed(flows_of(pause, terms=MONTHLY)) if cents]
    assert months == [*range(4, 15)]


def test_a_rescheduling_counts_time_its_own_way_from_its_day() -> None:
    """After two months and a half, four weeks: a week is 1/52 of a year."""
    weekly = AgreedTerms(4, frequency=Frequency.WEEKS)
    on = date(2025, 3, 31)  # 16 days of 31 into the third month
    flows = flows_of(Rescheduling(UUID(int=3), on, weekly), terms=MONTHLY)
    passed = Fraction(1, 12) * (2 + Fraction(16, 31))
    assert [years for years, _ in timed(flows)] == [
        passed + Fraction(week, 52) for week in range(1, 5)
    ]


def test_a_moratorium_after_the_last_instalment_begins_a_calendar() -> None:
    """Five days after the end, one month put off: one and the month after, each 1/12."""
    pause = Moratorium(UUID(int=3), END + timedelta(days=5), MoratoriumKind.CAPITAL_AND_INTEREST, 1)
    [*_, (last, cents)] = timed(flows_of(pause))
    assert (last, cents) == (1 + Fraction(5, 365) + 2, 1000_00)  # the periods of YEARLY are years


# --- how it is paid -------------------------------------------------------------------------------


def test_late_and_early_payments_change_nothing() -> None:
    agreed = flows_of(fee(FIFTH, 30_00), terms=MONTHLY)
    for paid in (pay(END, 300_00), pay(START, 600_00)):
        assert flows_of(fee(FIFTH, 30_00), paid, terms=MONTHLY) == agreed


def test_what_was_paid_before_a_new_schedule_counts_the_day_it_was_paid() -> None:
    """Two instalments of 106.62 asked for, one paid, late: the rest is in the new schedule."""
    paid, on = pay(date(2025, 3, 20), 106_62), date(2025, 4, 1)
    loan = live(MONTHLY, paid, Rescheduling(UUID(int=3), on, AgreedTerms(24)))
    flows = timed(lay_flows(loan))
    assert flows[0] == (Fraction(1, 12) * (2 + Fraction(5, 31)), 106_62)
    asked = sum(i.total_cents for i in replay(loan).schedules[-1].laid.ladder.instalments)
    assert sum(cents for _, cents in flows[1:]) == asked
    assert len(flows) == 25


def test_what_is_prepaid_counts_and_what_follows_it_that_day_does_not() -> None:
    """600.00 prepaid leaves 400.00; 100.00 more that day is only early."""
    prepaid = pay(FIFTH, 600_00, PaymentPurpose.PREPAYMENT)._replace(external_id="A")
    early = pay(FIFTH, 100_00)._replace(external_id="B")
    asked = [(Fraction(1, 5), 600_00), (Fraction(1), 400_00)]
    assert timed(flows_of(prepaid)) == timed(flows_of(prepaid, early)) == asked
    first = early._replace(external_id="0")
    asked = [(Fraction(1, 5), 700_00), (Fraction(1), 300_00)]
    assert timed(flows_of(first, prepaid)) == asked


def test_a_prepayment_is_not_agreed_with_the_borrower() -> None:
    """What was agreed is 1,000.00 after a year, and 500.00 more lent; fees are asked for anyway."""
    prepaid, charged = pay(FIFTH, 600_00, PaymentPurpose.PREPAYMENT), fee(LATER, 50_00)

    def agreed(*facts: Fact) -> list[tuple[Fraction, int]]:
        return timed(lay_flows(live(YEARLY, *facts), with_prepayments=False))

    assert agreed(prepaid, charged) == timed(flows_of(charged))
    lent_after = (prepaid, more(LATER, 500_00))
    assert agreed(*lent_after) == timed(flows_of(*lent_after))
    lent_before = (more(START, 500_00), charged)
    assert agreed(*lent_before, prepaid) == timed(flows_of(*lent_before))


def test_principal_written_off_counts_as_paid_once_the_schedule_no_longer_asks_for_it() -> None:
    """Else 300.00 in fees could be hidden behind 300.00 given up in the books alone."""
    given_up = ("write_off", Loss(FIFTH, 300_00))
    assert timed(flows_of(given_up)) == [(Fraction(1), 1000_00)]
    flows = flows_of(given_up, more(LATER, 500_00))
    assert timed(flows) == [
        (Fraction(1, 5), 300_00),
        (Fraction(2, 5), -500_00),
        (Fraction(1), 1200_00),
    ]
    # Of one day, the write-off comes last: the new schedule still asks for it.
    flows = flows_of(("write_off", Loss(FIFTH, 300_00)), more(FIFTH, 500_00))
    assert timed(flows) == [(Fraction(1, 5), -500_00), (Fraction(1), 1500_00)]


# --- one question at the limit --------------------------------------------------------------------


def quarterly(advance: int, *payments: int) -> CashFlows:
    return CashFlows(advance, payments, (1,) * len(payments), 4)


def test_what_is_paid_beyond_what_was_advanced_bears_interest_for_the_borrower() -> None:
    """At 40 % a year, 10 % a quarter: 100 becomes 110; 210 paid leaves -100, then -110; 1,000 more
    makes 890, then 979.
    """
    flows = quarterly(100_00, 210_00, -1000_00, 979_00)
    assert judge(flows, percent("40")) == "accept"
    assert judge(quarterly(100_00, 210_00, -1000_00, 979_01), percent("40")) == "refuse"
    assert judge(quarterly(100_00, 210_01, -1000_00, 979_00), percent("40")) == "refuse"


def test_several_rates_may_make_flows_worth_the_same_and_the_limit_is_one() -> None:
    """100 - 220/(1+i) + 120/(1+i)^2 = 0 at 0 % and at 20 % a quarter: 0 and 80 % a year.

    Between them what is paid is worth more than what is advanced, so over them it is not.
    """
    flows = quarterly(100_00, 220_00, -120_00)
    assert judge(flows, percent("35")) == "refuse"
    assert find_rate_over(flows, LIMIT) == 80
    assert judge(flows, percent("80")) == "accept"
    assert judge(flows, percent("79.999999")) == "refuse"
    assert judge(flows, percent("90")) == "accept"


def test_a_first_day_that_leaves_less_than_nothing_may_still_be_lawful() -> None:
    """110.00 asked of 100.00 the first day, then 1,000.00 advanced for three quarters of a year."""
    flows = quarterly(-10_00, -1000_00, 0, 0, 1000_00)
    assert judge(flows, LIMIT) == "accept"
    # 10.00 bears 35 % for the borrower until then: 10.875; 989.125 for 0.75 year is 259.6453125.
    assert judge(quarterly(-10_00, -1000_00, 0, 0, 1248_77), LIMIT) == "accept"
    assert judge(quarterly(-10_00, -1000_00, 0, 0, 1248_78), LIMIT) == "refuse"


def test_flows_over_any_rate_have_none() -> None:
    found = check_flows(quarterly(-100_00, -1_00, 200_00), LIMIT, "/amount")
    assert found is not None
    assert found.message == NOTHING_ADVANCED
    assert find_rate_over(quarterly(-1_00, 500_00), LIMIT) is None


def test_the_former_limit_compounds_once_a_year() -> None:
    """1,000 x 1.6 + 500 x 1.6^0.8 = 2,328.228 after a year."""
    worth = 1000 * Decimal("1.6") + 500 * Decimal("1.6") ** Decimal("0.8")
    cents = int(worth * 100)
    advances = (more(FIFTH, 500_00), fee(END, cents - 1500_00))
    assert judge(flows_of(*advances), FORMER_LIMIT) == "accept"
    flows = flows_of(advances[0], fee(END, cents - 1500_00 + 1))
    assert judge(flows, FORMER_LIMIT) == "refuse"
    # As the rate is counted now: 828.23 for 1,400 dollars a year.
    found = check_flows(flows, FORMER_LIMIT, "/amount")
    assert found is not None
    assert "is 59.159286 %, an effective rate over 60 %" in found.message.en


def test_what_brings_a_loan_nearer_the_limit_is_cheaper() -> None:
    """500.00 asked for 1,000.00 over a year is 50 %; on 1,400 it is 35.7 %, on 1,440 34.7 %."""
    over = flows_of(fee(END, 500_00))
    nearer, farther = flows_of(fee(END, 500_00), more(FIFTH, 500_00)), flows_of(fee(END, 500_01))
    assert is_cheaper(nearer, over, LIMIT)
    assert not is_cheaper(farther, over, LIMIT)
    assert not is_cheaper(over, over, LIMIT)
    assert not is_cheaper(over, flows_of(), LIMIT)  # it was lawful
    beyond = flows_of(fee(START, 1000_00))
    assert is_cheaper(over, beyond, LIMIT)
    assert not is_cheaper(beyond, over, LIMIT)


# --- properties -----------------------------------------------------------------------------------

amounts = st.integers(-200_000, 60_000)


@st.composite
def mixed_flows(draw: st.DrawFn) -> CashFlows:
    parts = draw(st.lists(st.integers(0, 40), min_size=1, max_size=12))
    return CashFlows(
        draw(st.integers(10_000, 300_000)),
        tuple(draw(st.lists(amounts, min_size=len(parts), max_size=len(parts)))),
        tuple(parts),
        draw(st.sampled_from([12, 52, 365])),
    )


def owed_after(flows: CashFlows, rate: Fraction) -> tuple[Fraction, bool]:
    """What is left owed, by a plain reading of the regulation, and whether it is the present
    value's too: no cost waits, no advance comes while some does.
    """
    principal, cost, is_plain = Fraction(flows.advance_cents), Fraction(0), True
    for cents, parts in zip(flows.payments_cents, flows.period_parts, strict=True):
        cost += principal * rate * parts / flows.parts_in_year
        if cost < 0:  # owed to the borrower: he has it at once
            principal, cost = principal + cost, Fraction(0)
        if cents < 0:
            principal -= cents
        elif cents < cost:
            cost -= cents
        else:
            principal, cost = principal - (cents - cost), Fraction(0)
        is_plain = is_plain and not cost
    return principal + cost, is_plain


def worth(flows: CashFlows, rate: Decimal) -> Decimal:
    """The payments less the advances, each at its value on the first day."""
    value, factor = Decimal(-flows.advance_cents), Decimal(1)
    for cents, parts in zip(flows.payments_cents, flows.period_parts, strict=True):
        factor /= 1 + rate * parts / flows.parts_in_year
        value += cents * factor
    return value


@MANY
@given(mixed_flows(), st.integers(1, 400).map(lambda tenths: Decimal(tenths) / 10))
def test_the_exact_verdict_is_that_of_a_plain_reading(flows: CashFlows, limit: Decimal) -> None:
    left, is_plain = owed_after(flows, Fraction(limit) / 100)
    assert judge(flows, replace(LIMIT, percent=limit)) == ("refuse" if left < 0 else "accept")
    value = worth(flows, limit / 100)
    if is_plain and abs(value) > Decimal("1e-15"):
        assert (left < 0) is (value > 0)


@MANY
@given(mixed_flows())
def test_the_rate_told_is_where_a_plain_reading_turns(flows: CashFlows) -> None:
    assume(judge(flows, LIMIT) == "refuse")
    assume(all(flows.period_parts) or min(flows.payments_cents) < 0)  # only an advance waits not
    found = find_rate_over(flows, LIMIT)
    if found is None:
        return
    assert found > 35
    rate, step = Fraction(found) / 100, Fraction(1, 100_000_000)
    assert owed_after(flows, rate)[0] >= 0
    assert owed_after(flows, rate - step)[0] < 0


@FEW
@given(
    later=st.lists(
        st.tuples(st.integers(1, 11), st.integers(10_000, 200_000), st.integers(0, 3_000)),
        min_size=1,
        max_size=3,
        unique_by=lambda each: each[0],
    ),
    charged=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 20_000)), max_size=3),
    rate=st.sampled_from(["0", "7.25", "12", "30"]),
)
def test_pyxirr_agrees_on_the_rate_of_a_whole_loan(
    later: list[tuple[int, int, int]], charged: list[tuple[int, int]], rate: str
) -> None:
    """Facts on due dates, what is due paid before more is lent: whole months, one internal rate."""
    loan = lay_loan(replace(MONTHLY, annual_rate=Decimal(rate)))
    for month in range(1, 13):
        on = date(2025 + month // 12, 1 + month % 12, 15)
        for number, (_, cents) in enumerate(each for each in charged if each[0] == month):
            loan = add_fact(loan, Charge(UUID(int=100 * month + number), on, cents))
        ladders = [loan.ladder, *(s.laid.ladder for s in replay(loan).schedules)]
        asked = sum(i.total_cents for i in ladders[-1].instalments if i.due_on == on)
        asked += sum(charge.amount_cents for charge in loan.charges if charge.on == on)
        loan = add_fact(loan, pay(on, asked))
        for at, cents, withheld in later:
            if at == month:
                loan = add_fact(loan, more(on, cents, withheld, number=month))
    flows = lay_flows(loan)
    by_month = [-flows.advance_cents, *[0] * 12]
    for years, cents in timed(flows):
        assert (years * 12).denominator == 1
        by_month[int(years * 12)] += cents
    signs = [cents > 0 for cents in by_month if cents]
    assume(sum(a != b for a, b in pairwise(signs)) == 1)
    found = pyxirr.irr(by_month)
    assert found is not None
    limits = (Decimal(str(round(found * 1200 + shift, 6))) for shift in (-0.001, 0.001))
    verdicts = [judge(flows, replace(LIMIT, percent=limit)) for limit in limits if limit > 0]
    assert verdicts[-1] == "accept"
    assert verdicts[:-1] in ([], ["refuse"])


@MANY
@given(histories())
def test_each_cent_is_there_once(facts: LoanFacts) -> None:
    """What is paid and asked for beyond what is advanced is interest and fees, and nothing else."""
    flows = lay_flows(facts)
    replayed = replay(facts)
    interest = sum(facts.ladder.interest_cents)
    if replayed.schedules:
        last = replayed.schedules[-1]
        before = [p.repayment_id for p in facts.payments if p.paid_on <= last.laid.on]
        if last.cause_id in before:
            before = before[: before.index(last.cause_id) + 1]
        splits = {a.repayment_id: a for a in replayed.allocations}
        interest = sum(last.laid.ladder.interest_cents)
        interest += sum(splits[each].interest_cents for each in before)
    fees = sum(facts.ladder.fees_cents) + sum(c.amount_cents for c in facts.charges)
    assert sum(flows.payments_cents) - flows.advance_cents == interest + fees


@MANY
@given(histories(), st.integers(1, 60_000), st.integers(1, 60_000), st.integers(0, 300))
def test_splitting_a_disbursement_changes_nothing(
    facts: LoanFacts, one: int, other: int, days: int
) -> None:
    on = facts.disbursed_on + timedelta(days=days)
    facts = replace(facts, payments=(), write_offs=(), recoveries=(), refunds=())
    # Instalments of a multiple may become fewer with the first part, and stay so with the second.
    terms = facts.conditions.terms
    assume(terms is not None and terms.instalment_multiple_cents is None)
    whole = add_fact(facts, Tranche(UUID(int=50), on, one + other, 5))
    parts = add_fact(
        add_fact(facts, Tranche(UUID(int=50), on, one, 2)), Tranche(UUID(int=51), on, other, 3)
    )
    assume(can_stand(whole) and can_stand(parts))
    assert lay_flows(parts) == lay_flows(whole)


@MANY
@given(histories(), st.integers(1, 30_000), st.integers(1, 30_000), st.integers(0, 400))
def test_a_higher_fee_never_makes_a_loan_lawful(
    facts: LoanFacts, cents: int, extra: int, days: int
) -> None:
    on = facts.disbursed_on + timedelta(days=days)
    less, dearer = (
        add_fact(facts, Charge(UUID(int=50), on, each)) for each in (cents, cents + extra)
    )
    assume(can_stand(less) and can_stand(dearer))
    if judge(lay_flows(less), LIMIT) == "refuse":
        assert judge(lay_flows(dearer), LIMIT) == "refuse"
