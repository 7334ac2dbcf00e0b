import csv
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyxirr import irr

from services.common.calendar import Frequency
from services.common.money import format_cents, parse_cents
from services.loans.schedules.apr import (
    CashFlows,
    RateBasis,
    Verdict,
    actuarial_rate,
    annual_percentage_rate,
    cash_flows,
    cost_of_borrowing_rate,
    criminal_rate_limit,
    find_rate_over,
    judge,
    measure_periods,
)
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import Fee, FeeCharged, ScheduleError, ScheduleTerms
from services.loans.vocabulary import BorrowerKind
from tests.support.properties import examples
from tests.unit.shared_files import shared_file

SIGNED_ON = date(2026, 1, 15)
LAST_DAY_OF_THE_FORMER_LIMIT = date(2024, 12, 31)
FIRST_DAY_OF_THE_LIMIT = date(2025, 1, 1)


def loan(
    principal: str, rate: str, instalments: int, fee: str = "0.00", charged: str = "withheld"
) -> ScheduleTerms:
    fees = (Fee(parse_cents(fee), FeeCharged(charged)),)
    return ScheduleTerms(
        parse_cents(principal), Decimal(rate), instalments, date(2026, 1, 15), fees=fees
    )


def flows_of(terms: ScheduleTerms) -> CashFlows:
    return cash_flows(terms, build_schedule(terms))


def verdict(
    terms: ScheduleTerms,
    signed_on: date = SIGNED_ON,
    kind: BorrowerKind = BorrowerKind.PERSON,
) -> Verdict:
    return judge(flows_of(terms), criminal_rate_limit(signed_on, kind, terms.principal_cents))


def test_every_line_of_the_independent_calculator() -> None:
    with shared_file("data/vectors/apr.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert lines
    for line in lines:
        terms = loan(line["principal"], line["annual_rate"], int(line["months"]), fee=line["fee"])
        schedule = build_schedule(terms)
        rate = annual_percentage_rate(cash_flows(terms, schedule))
        assert format_cents(schedule.rows[0].payment_cents) == line["payment"]
        assert format_cents(schedule.rows[-1].payment_cents) == line["last_payment"]
        assert format_cents(schedule.totals.interest_cents) == line["interest"]
        assert rate.quantize(Decimal("0.0001")) == Decimal(line["apr"])
        assert verdict(terms) == line["verdict"]


@pytest.mark.parametrize(
    ("terms", "rate", "expected"),
    [
        (loan("5000.00", "7", 24), "6.9999", "accept"),
        (loan("5000.00", "7", 24, "150.00"), "10.0267", "accept"),
        (loan("500.00", "5", 6, "50.00"), "42.4361", "refuse"),
        (loan("300.00", "0", 3, "25.00"), "53.7603", "refuse"),
        (loan("10000.00", "35", 36), "34.9999", "accept"),
        (loan("10000.00", "35", 36, "1.00"), "35.0079", "refuse"),
        (loan("1000.00", "0", 10), "0.0000", "accept"),
    ],
)
def test_known_rates(terms: ScheduleTerms, rate: str, expected: str) -> None:
    apr = annual_percentage_rate(flows_of(terms))
    assert apr.quantize(Decimal("0.0001")) == Decimal(rate)
    assert verdict(terms) == expected


def test_a_fee_added_is_paid_with_the_first_instalment() -> None:
    flows = flows_of(loan("1000.00", "0", 2, "10.00", charged="added"))
    assert (flows.advance_cents, flows.payments_cents) == (100_000, (51_000, 50_000))


def test_a_down_payment_reduces_the_advance() -> None:
    terms = replace(loan("1000.00", "12", 4, "10.00"), down_payment_percent=Decimal(25))
    flows = flows_of(terms)
    assert flows.advance_cents == 100_000 - 25_000 - 1_000
    assert len(flows.payments_cents) == 4


def test_lengths_of_periods() -> None:
    """A month is 1/12 of a year, a week 1/52, a day 1/365, also in a broken first period."""

    def years(frequency: Frequency, every: int, first_due_on: date | None) -> list[Decimal]:
        terms = ScheduleTerms(
            100_000,
            Decimal(5),
            2,
            date(2026, 1, 31),
            frequency=frequency,
            repay_every=every,
            first_due_on=first_due_on,
        )
        flows = flows_of(terms)
        return [Decimal(parts) / flows.parts_in_year for parts in flows.period_parts]

    twelfth, week, day = Decimal(1) / 12, Decimal(1) / 52, Decimal(1) / 365
    near = pytest.approx
    assert years(Frequency.MONTHS, 3, None) == near([3 * twelfth, 3 * twelfth])
    assert years(Frequency.WEEKS, 2, None) == near([2 * week, 2 * week])
    assert years(Frequency.DAYS, 10, None) == near([10 * day, 10 * day])
    assert years(Frequency.DAYS, 10, date(2026, 2, 1)) == near([day, 10 * day])
    assert years(Frequency.WEEKS, 1, date(2026, 2, 16)) == near([2 * week + 2 * day, week])
    assert years(Frequency.MONTHS, 1, date(2026, 3, 10)) == near([twelfth + 10 * day, twelfth])
    assert years(Frequency.MONTHS, 1, date(2026, 2, 10)) == near([10 * day, twelfth])


def test_deferred_interest_bears_none_in_the_rate() -> None:
    """A loan without fees costs its nominal rate, even when its interest waits."""
    terms = replace(loan("1000000.00", "12", 24), principal_grace_periods=6)
    waiting = flows_of(replace(terms, interest_grace_periods=6))
    assert annual_percentage_rate(waiting) == pytest.approx(Decimal(12), abs=Decimal("0.0001"))
    assert actuarial_rate(waiting) < Decimal("0.119")
    assert annual_percentage_rate(flows_of(terms)) == pytest.approx(
        Decimal(12), abs=Decimal("0.0001")
    )


def test_a_payment_under_its_cost_after_one_over_it() -> None:
    """Nothing is paid in the second month, whose cost waits: the law lets it bear none itself."""
    waiting = CashFlows(1000_00, (100_00, 0, 1000_00), (1, 1, 1), 12)
    rate = annual_percentage_rate(waiting)
    assert rate == pytest.approx(100 * cost_of_borrowing_rate(waiting), rel=Decimal("1e-18"))
    assert rate > 100 * actuarial_rate(waiting) + Decimal("0.1")


def test_limits_by_date_borrower_and_amount() -> None:
    def limit(signed_on: date, kind: str, principal: str) -> tuple[str | None, RateBasis]:
        found = criminal_rate_limit(signed_on, BorrowerKind(kind), parse_cents(principal))
        return None if found.percent is None else str(found.percent), found.basis

    annual, effective = RateBasis.ANNUAL_PERCENTAGE_RATE, RateBasis.EFFECTIVE_ANNUAL_RATE
    day = FIRST_DAY_OF_THE_LIMIT
    assert limit(day, "person", "5000.00") == ("35", annual)
    assert limit(day, "person", "600000.00") == ("35", annual)
    assert limit(day, "legal_person", "10000.00") == ("35", annual)
    assert limit(day, "legal_person", "10000.01") == ("48", annual)
    assert limit(day, "legal_person", "500000.00") == ("48", annual)
    assert limit(day, "legal_person", "500000.01") == (None, annual)
    assert limit(LAST_DAY_OF_THE_FORMER_LIMIT, "person", "5000.00") == ("60", effective)
    assert limit(LAST_DAY_OF_THE_FORMER_LIMIT, "legal_person", "600000.00") == ("60", effective)


def test_verdicts_by_date_and_borrower() -> None:
    dear = loan("10000.01", "40", 36)
    assert verdict(dear) == "refuse"
    assert verdict(dear, kind=BorrowerKind.LEGAL_PERSON) == "accept"
    assert verdict(dear, signed_on=LAST_DAY_OF_THE_FORMER_LIMIT) == "accept"
    assert verdict(loan("500000.01", "99", 36), kind=BorrowerKind.LEGAL_PERSON) == "accept"
    # 60 % effective a year is 47.93 % nominal, compounded monthly.
    assert verdict(loan("90000.00", "47.92", 24), signed_on=date(2024, 6, 1)) == "accept"
    assert verdict(loan("90000.00", "47.94", 24), signed_on=date(2024, 6, 1)) == "refuse"


def test_the_limit_itself_is_lawful_and_a_cent_more_is_not() -> None:
    """One payment after a year: 135.00 for 100.00 is 35 % exactly, whatever decimals do."""
    flows = CashFlows(10_000, (13_500,), (1,), 1)
    limit = criminal_rate_limit(SIGNED_ON, BorrowerKind.PERSON, 10_000)
    assert judge(flows, limit) == "accept"
    assert judge(replace(flows, payments_cents=(13_501,)), limit) == "refuse"
    assert judge(replace(flows, advance_cents=9_999), limit) == "refuse"
    thirds = CashFlows(300_000_000, (0, 0, 405_000_000), (1, 1, 1), 3)
    assert judge(thirds, limit) == "accept"
    assert annual_percentage_rate(thirds) == 35
    former = criminal_rate_limit(LAST_DAY_OF_THE_FORMER_LIMIT, BorrowerKind.PERSON, 10_000)
    assert judge(CashFlows(10_000, (16_000,), (1,), 1), former) == "accept"
    assert judge(CashFlows(10_000, (16_001,), (1,), 1), former) == "refuse"
    # Lent for 17 years at 60 % exactly: 8 ** 17 for 5 ** 17. In 28 digits it would be over.
    assert judge(CashFlows(5**17, (8**17,), (17,), 1), former) == "accept"


def test_a_verdict_to_the_cent_on_few_cents_and_on_cost_left_unpaid() -> None:
    limit = criminal_rate_limit(SIGNED_ON, BorrowerKind.PERSON, 10_000)
    # 5 for 14 are 35.7 %.
    assert judge(CashFlows(14, (19,), (1,), 1), limit) == "refuse"
    # At 35 %, 1.00 is left after the first year, and 3.49 of its cost after ten more.
    assert judge(CashFlows(100_00, (134_00, 1), (1, 10), 1), limit) == "accept"


def test_a_whole_period_counted_from_an_anchor_is_one() -> None:
    """From 28 February to 30 April are two months of 31 December, and no day."""
    terms = ScheduleTerms(10_000, Decimal(12), 1, date(2025, 2, 28), repay_every=2)
    terms = replace(terms, first_due_on=date(2025, 4, 30), due_anchor=date(2024, 12, 31))
    assert measure_periods(terms, 1) == ([2 * 365], 12 * 365)


def test_a_rate_over_the_limit_is_told() -> None:
    limit = criminal_rate_limit(SIGNED_ON, BorrowerKind.PERSON, 10_000)
    assert find_rate_over(CashFlows(1, (2,), (1,), 1), limit) == 100
    assert find_rate_over(CashFlows(0, (2,), (1,), 1), limit) is None
    # 270.00 after a year for 100.00 at once and 182.00 after two are worth the same at 30 % and at
    # 40 %, and more between them: of the two it is the one over the limit.
    twice = CashFlows(100_00, (270_00, -182_00), (1, 1), 1)
    assert judge(twice, limit) == "refuse"
    assert find_rate_over(twice, limit) == 40


def test_extreme_costs_still_have_a_rate() -> None:
    assert annual_percentage_rate(CashFlows(1, (10**12,), (1,), 12)) == 1200 * (10**12 - 1)
    assert annual_percentage_rate(CashFlows(2, (2,), (1,), 12)) == 0
    almost_nothing = CashFlows(1, (10_000,) * 600, (1,) * 600, 12)
    assert annual_percentage_rate(almost_nothing) == pytest.approx(12 * 10_000 * 100, rel=1e-3)
    long = CashFlows(100_000, (2_917,) * 600, (1,) * 600, 12)
    assert annual_percentage_rate(long) == pytest.approx(Decimal("35.004"), abs=Decimal("0.001"))
    untold = CashFlows(1, (10**14,) * 2, (1, 1), 365)
    assert judge(untold, criminal_rate_limit(SIGNED_ON, BorrowerKind.PERSON, 1)) == "refuse"
    assert actuarial_rate(untold) == pytest.approx(365 * Decimal(10**14), rel=Decimal("1e-9"))
    almost_free = CashFlows(10**15 - 1, (0,) * 100 + (2 * 10**12,) * 500, (1,) * 600, 12)
    assert 0 < actuarial_rate(almost_free) < Decimal("1e-16")
    assert 0 < cost_of_borrowing_rate(almost_free) < Decimal("1e-16")
    bullet = CashFlows(100_000, (0,) * 599 + (1_700_000,), (1,) * 600, 12)
    assert annual_percentage_rate(bullet) == 32


@st.composite
def random_loans(draw: st.DrawFn) -> ScheduleTerms:
    principal_cents = draw(st.integers(10_000, 5_000_000))
    disbursed_on = draw(st.dates(date(2025, 1, 1), date(2030, 12, 31)))
    frequency = draw(st.sampled_from(Frequency))
    return ScheduleTerms(
        principal_cents=principal_cents,
        annual_rate=draw(st.decimals(0, 40, places=3)),
        instalments=draw(st.integers(1, 120)),
        disbursed_on=disbursed_on,
        frequency=frequency,
        repay_every=draw(st.integers(1, 3)),
        first_due_on=draw(
            st.none() | st.integers(1, 70).map(lambda days: disbursed_on + timedelta(days=days))
        ),
        fees=(
            Fee(draw(st.integers(0, principal_cents // 5))),
            Fee(draw(st.integers(0, 5_000)), FeeCharged.ADDED),
        ),
    )


@given(random_loans())
@examples(150)
def test_both_definitions_agree(terms: ScheduleTerms) -> None:
    try:
        flows = flows_of(terms)
    except ScheduleError:
        return
    actuarial, regulation = actuarial_rate(flows), cost_of_borrowing_rate(flows)
    if is_cost_paid(flows, actuarial):
        assert actuarial == pytest.approx(regulation, rel=Decimal("1e-15"), abs=Decimal("1e-15"))
    assert annual_percentage_rate(flows) == pytest.approx(
        100 * regulation, rel=Decimal("1e-15"), abs=Decimal("1e-15")
    )


def is_cost_paid(flows: CashFlows, rate: Decimal) -> bool:
    owed = Decimal(flows.advance_cents)
    for payment, parts in zip(flows.payments_cents[:-1], flows.period_parts, strict=False):
        cost = owed * rate * parts / flows.parts_in_year
        if payment < cost:
            return False
        owed += cost - payment
    return True


@given(random_loans())
@examples(150)
def test_pyxirr_agrees(terms: ScheduleTerms) -> None:
    terms = replace(terms, first_due_on=None)
    try:
        flows = flows_of(terms)
    except ScheduleError:
        return
    per_period = irr([-flows.advance_cents, *flows.payments_cents])
    if per_period is None:
        return
    periods_in_year = flows.parts_in_year / flows.period_parts[0]
    assert float(annual_percentage_rate(flows)) == pytest.approx(
        100 * per_period * periods_in_year, rel=1e-6, abs=1e-6
    )


@given(random_loans(), st.decimals("0.5", 80, places=3))
@examples(150)
def test_the_exact_verdict_follows_the_rate(terms: ScheduleTerms, percent: Decimal) -> None:
    try:
        flows = flows_of(terms)
    except ScheduleError:
        return
    limit = replace(criminal_rate_limit(SIGNED_ON, BorrowerKind.PERSON, 1), percent=percent)
    rate = annual_percentage_rate(flows)
    assert judge(flows, limit) == ("refuse" if rate > percent else "accept")


@pytest.mark.parametrize(
    ("frequency", "disbursed_on", "first_due_on", "parts"),
    [
        # Three months and five days, over the turn of the year: parts are of 12 x 365 a year.
        (Frequency.MONTHS, date(2025, 11, 10), date(2026, 2, 15), 3 * 365 + 5 * 12),
        (Frequency.MONTHS, date(2025, 11, 10), date(2026, 2, 10), 3 * 365),
        (Frequency.MONTHS, date(2025, 11, 10), date(2026, 2, 9), 2 * 365 + 30 * 12),
        # Two weeks and three days: parts are of 52 x 365.
        (Frequency.WEEKS, date(2025, 1, 1), date(2025, 1, 18), 2 * 365 + 3 * 52),
        (Frequency.WEEKS, date(2025, 1, 1), date(2025, 1, 22), 3 * 365),
        (Frequency.DAYS, date(2025, 1, 1), date(2025, 1, 18), 17),
    ],
)
def test_a_broken_first_period_is_whole_ones_and_days(
    frequency: Frequency, disbursed_on: date, first_due_on: date, parts: int
) -> None:
    terms = ScheduleTerms(
        100_000, Decimal(7), 3, disbursed_on, frequency, first_due_on=first_due_on
    )
    assert cash_flows(terms, build_schedule(terms)).period_parts[0] == parts
