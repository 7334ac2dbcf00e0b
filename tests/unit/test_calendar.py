from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.calendar import (
    DayCount,
    FiscalYear,
    Frequency,
    add_months,
    add_periods,
    due_dates,
    holds_29_february,
    last_days,
    period_parts,
    year_fraction,
)

DAYS = st.dates(date(1950, 1, 1), date(2150, 12, 31))


def test_month_ends_return_to_their_day() -> None:
    dates = due_dates(date(2027, 12, 31), Frequency.MONTHS, 1, range(1, 5))
    assert [str(day) for day in dates] == ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]
    dates = due_dates(date(2026, 10, 30), Frequency.MONTHS, 2, range(4))
    assert [str(day) for day in dates] == ["2026-10-30", "2026-12-30", "2027-02-28", "2027-04-30"]


def test_days_and_weeks() -> None:
    assert add_periods(date(2026, 12, 28), Frequency.WEEKS, 2) == date(2027, 1, 11)
    assert add_periods(date(2028, 2, 28), Frequency.DAYS, 2) == date(2028, 3, 1)


@given(DAYS, st.integers(-600, 600))
def test_months_land_in_the_right_month(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(1)).day == 1)


def test_whole_periods_are_fractions_of_360() -> None:
    assert Fraction(period_parts(Frequency.MONTHS, 1), 360) == Fraction(1, 12)
    assert Fraction(period_parts(Frequency.WEEKS, 2), 360) == Fraction(14, 360)
    assert Fraction(period_parts(Frequency.DAYS, 10), 360) == Fraction(10, 360)


@pytest.mark.parametrize(
    ("day_count", "start", "end", "numerator", "denominator"),
    [
        ("30/360", "2023-10-31", "2023-11-30", 30, 360),
        ("30/360", "2024-01-31", "2024-02-29", 29, 360),
        ("30/360", "2024-02-29", "2024-03-31", 32, 360),
        ("30/360", "2024-01-30", "2024-03-31", 60, 360),
        ("30/360", "2024-01-15", "2025-01-31", 376, 360),
        ("period_fraction", "2024-01-15", "2024-03-01", 46, 360),
        ("actual/365", "2024-01-15", "2024-03-15", 60, 365),
        ("actual/360", "2024-01-15", "2024-03-15", 60, 360),
        ("actual/364", "2024-01-15", "2024-03-15", 60, 364),
        ("actual/actual-isda", "2023-12-12", "2024-01-12", 20 * 366 + 11 * 365, 365 * 366),
        ("actual/actual-31dec", "2023-12-12", "2024-01-12", 19 * 366 + 12 * 365, 365 * 366),
        ("actual/actual-isda", "2022-12-31", "2025-01-02", 2 * 365 + 1 + 1, 365),
        ("actual/actual-31dec", "2023-12-31", "2024-12-31", 1, 1),
        ("actual/actual-feb29", "2023-12-12", "2024-01-12", 31, 365),
        ("actual/actual-feb29", "2024-02-12", "2024-03-12", 29, 366),
        ("actual/actual-feb29", "2024-01-31", "2024-02-29", 29, 366),
        ("actual/actual-feb29", "2024-02-29", "2024-03-31", 31, 365),
        ("actual/actual-feb29", "2023-12-15", "2024-03-15", 91, 366),
    ],
)
def test_day_counts(day_count: str, start: str, end: str, numerator: int, denominator: int) -> None:
    fraction = year_fraction(
        DayCount(day_count), date.fromisoformat(start), date.fromisoformat(end)
    )
    assert fraction == Fraction(numerator, denominator)


@given(DAYS, DAYS, DAYS, st.sampled_from([c for c in DayCount if c != "actual/actual-feb29"]))
def test_a_day_count_adds_up_over_any_cut(
    one: date, two: date, three: date, day_count: DayCount
) -> None:
    start, middle, end = sorted((one, two, three))
    whole = year_fraction(day_count, start, end)
    parts = year_fraction(day_count, start, middle) + year_fraction(day_count, middle, end)
    # In months of 30 days a cut on a 31st or in February moves a few days, and no more.
    tolerance = Fraction(3, 360) if day_count in ("30/360", "period_fraction") else 0
    assert abs(whole - parts) <= tolerance
    assert whole >= 0 or day_count in ("30/360", "period_fraction")


@given(DAYS, st.integers(0, 1500))
def test_a_leap_day_is_found_wherever_it_lies(start: date, length: int) -> None:
    days = [start + timedelta(days=offset) for offset in range(1, length + 1)]
    assert holds_29_february(start, start + timedelta(days=length)) == any(
        (day.month, day.day) == (2, 29) for day in days
    )


def test_fiscal_years() -> None:
    year = FiscalYear.parse("2025-2026")
    assert (year.first_day, year.last_day) == (date(2025, 4, 1), date(2026, 3, 31))
    assert FiscalYear.of(date(2026, 3, 31)) == year
    assert FiscalYear.of(date(2026, 4, 1)) == FiscalYear(2026) > year
    assert (year.label, str(year)) == ("2025-2026", "2025-2026")
    assert FiscalYear.parse("0001-0002") == FiscalYear(1)
    assert FiscalYear.parse("9998-9999").last_day == date(9999, 3, 31)


@pytest.mark.parametrize(
    "label",
    [
        "",
        "2025",
        "2025-2025",
        "2025-2027",
        "2025/2026",
        "2025-26",
        "0000-0001",
        "9999-10000",
        "2025-2026 ",
        "²025-2026",
        "２０２５-２０２６",
    ],
)
def test_other_labels_are_refused(label: str) -> None:
    with pytest.raises(
        ValueError, match=r"^a fiscal year is two years in a row, such as 2025-2026$"
    ):
        FiscalYear.parse(label)


@given(DAYS)
def test_every_day_is_in_its_fiscal_year(day: date) -> None:
    year = FiscalYear.of(day)
    assert year.first_day <= day <= year.last_day
    assert FiscalYear.parse(year.label) == year


def test_a_version_lasts_until_the_eve_of_the_next() -> None:
    assert last_days([date(2025, 1, 1), date(2025, 3, 1)]) == [date(2025, 2, 28), None]
