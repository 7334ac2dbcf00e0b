"""Flat interest and settings that meet: graces, multiples, smoothing."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.common.calendar import DayCount
from services.common.money import Rounding
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import Amortisation, InterestMethod, ScheduleTerms
from tests.unit.test_schedules import columns, payments

# 100.00 at 10 % for a year: 10.00 of interest, 0.83 a month and 0.87 in the last.
FLAT = ScheduleTerms(100_00, Decimal(10), 12, date(2026, 1, 1), interest_method=InterestMethod.FLAT)


def test_flat_interest_on_equal_principal() -> None:
    equal = replace(FLAT, amortisation=Amortisation.EQUAL_PRINCIPAL)
    grace = replace(equal, principal_grace_periods=2)
    assert columns(grace) == [(0, 83)] * 2 + [(10_00, 83)] * 9 + [(10_00, 87)]
    # 8.33 rounds to 10.00: ten instalments, the last with the interest of those that fall away.
    tens = replace(equal, instalment_multiple_cents=10_00)
    assert build_schedule(tens).instalment_cents == 10_00
    assert columns(tens) == [(10_00, 83)] * 9 + [(10_00, 83 + 170)]


@pytest.mark.parametrize(
    ("rounding", "interests", "principals"),
    [
        (Rounding.HALF_UP, (1, [1, 0]), [51, 50]),
        (Rounding.HALF_EVEN, (0, [0, 1]), [50, 51]),
        (Rounding.UP, (1, [1, 0]), [51, 50]),
    ],
)
def test_flat_halves_of_a_cent(
    rounding: Rounding, interests: tuple[int, list[int]], principals: list[int]
) -> None:
    """1.00 at 6 % costs half a cent a month; 1.01 in two makes 50 cents and a half."""
    month = replace(FLAT, principal_cents=100, annual_rate=Decimal(6), instalments=1)
    month = replace(month, rounding=rounding)
    whole, parts = interests
    assert [interest for _, interest in columns(month)] == [whole]
    assert [interest for _, interest in columns(replace(month, instalments=2))] == parts
    free = replace(month, principal_cents=101, annual_rate=Decimal(0), instalments=2)
    assert [principal for principal, _ in columns(free)] == principals


def test_flat_instalments_after_a_grace() -> None:
    # 10.00 of principal and 0.83 of interest: 11.00 once rounded to the dollar.
    dollars = replace(FLAT, principal_grace_periods=2, instalment_multiple_cents=1_00)
    assert build_schedule(dollars).instalment_cents == 11_00
    # All the interest of three months, 2.70, in the one instalment that asks for some.
    short = replace(FLAT, principal_cents=90_00, annual_rate=Decimal(12), instalments=3)
    deferred = build_schedule(replace(short, interest_grace_periods=2))
    assert deferred.instalment_cents == 32_70
    assert list(deferred.interest_cents) == [0, 0, 2_70]
    # The only instalment with principal is the last: it repays all, whatever it rounds to.
    alone = replace(FLAT, principal_cents=12_12, annual_rate=Decimal(100), instalments=3)
    alone = replace(alone, principal_grace_periods=2, instalment_multiple_cents=100_00)
    assert columns(alone) == [(0, 1_01), (0, 1_01), (12_12, 1_01)]


def test_flat_instalments_are_smoothed_among_those_that_repay() -> None:
    """10.83 leaves 0.07 too much to the last of ten, more than 0.05: they are 10.84."""
    terms = replace(FLAT, principal_cents=100_03, principal_grace_periods=2)
    assert payments(terms)[-2:] == ["10.83", "10.90"]
    assert payments(replace(terms, smoothing=True))[-2:] == ["10.84", "10.81"]


def test_smoothing_moves_an_instalment_rounded_up() -> None:
    """A cent up for each of 36 leaves the last 0.54 less; 54 // 36 is a cent down again."""
    terms = ScheduleTerms(57_113, Decimal("29.28"), 36, date(2026, 1, 1), rounding=Rounding.UP)
    assert payments(terms)[-2:] == ["24.03", "23.49"]
    assert payments(replace(terms, smoothing=True))[-2:] == ["24.02", "24.07"]
    # A single one is what it is.
    alone = replace(terms, instalments=1)
    assert build_schedule(replace(alone, smoothing=True)) == build_schedule(alone)


def test_smoothing_at_its_bounds() -> None:
    """0.53 in 24 of 0.02, with 0.01 of interest: the last is 0.12 more, half a cent for each."""
    half = replace(FLAT, principal_cents=53, annual_rate=Decimal("29.45"), instalments=24)
    assert payments(replace(half, smoothing=True))[-2:] == ["0.03", "0.15"]
    # 0.14 more is over a third of a cent for each of 36, and under half of one.
    third = replace(FLAT, principal_cents=180, annual_rate=Decimal("22.53"), instalments=36)
    third = replace(third, rounding=Rounding.UP, day_count=DayCount.ACTUAL_365, smoothing=True)
    assert payments(third)[-2:] == ["0.08", "0.22"]
    # 0.90 more is 2.5 cents each: three, which make 0.60 of 0.58; or two, which leave 0.55.
    tie = ScheduleTerms(15_31, Decimal("19.89"), 36, date(2026, 1, 1), smoothing=True)
    tie = replace(tie, day_count=DayCount.ACTUAL_365, instalment_multiple_cents=5)
    assert payments(tie)[-2:] == ["0.60", "0.24"]
    assert payments(replace(tie, rounding=Rounding.HALF_EVEN))[-2:] == ["0.55", "1.45"]
    # At 0.15 it would be repaid before the sixth: a last one of nothing is no nearer.
    short = replace(FLAT, principal_cents=52, annual_rate=Decimal("87.2"), instalments=6)
    short = replace(short, instalment_multiple_cents=5)
    assert payments(replace(short, smoothing=True)) == payments(short)


def test_halves_of_a_cent_on_equal_principal() -> None:
    equal = ScheduleTerms(100, Decimal(6), 1, date(2026, 1, 1))
    equal = replace(equal, amortisation=Amortisation.EQUAL_PRINCIPAL)
    assert columns(equal) == [(100, 1)]
    assert columns(replace(equal, rounding=Rounding.HALF_EVEN)) == [(100, 0)]


def test_a_loan_repaid_within_its_interest_grace_pays_it_last() -> None:
    """300.00 at 1 % a month by 100.00: 3.00, 2.03, 1.05 and 0.06 of interest, all in the fourth."""
    terms = ScheduleTerms(300_00, Decimal(12), 12, date(2026, 1, 1), rounding=Rounding.UP)
    terms = replace(terms, instalment_multiple_cents=100_00, interest_grace_periods=11)
    assert columns(terms) == [(97_00, 0), (97_97, 0), (98_95, 0), (6_08, 6_14)]
