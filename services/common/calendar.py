"""Dates of lending: due dates, day counts as exact fractions of a year, fiscal years."""

from calendar import isleap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

FISCAL_YEAR_FIRST_MONTH = 4
"""The network and the ministry count from 1 April to 31 March."""

_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Frequency(StrEnum):
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


class DayCount(StrEnum):
    """How much of a year lies between two dates."""

    PERIOD_FRACTION = "period_fraction"
    THIRTY_360 = "30/360"
    ACTUAL_365 = "actual/365"
    ACTUAL_360 = "actual/360"
    ACTUAL_364 = "actual/364"
    ACTUAL_ACTUAL_ISDA = "actual/actual-isda"
    ACTUAL_ACTUAL_31DEC = "actual/actual-31dec"
    ACTUAL_ACTUAL_FEB29 = "actual/actual-feb29"


def add_months(day: date, months: int) -> date:
    """Same day so many months later, or the last day of a month too short to hold it."""
    years, month_index = divmod(day.month - 1 + months, 12)
    year = day.year + years
    last = 29 if month_index == 1 and isleap(year) else _DAYS_IN_MONTH[month_index]
    return date(year, month_index + 1, min(day.day, last))


def add_periods(day: date, frequency: Frequency, periods: int) -> date:
    """The day so many days, weeks or months later."""
    if frequency is Frequency.MONTHS:
        return add_months(day, periods)
    return day + timedelta(days=periods * (7 if frequency is Frequency.WEEKS else 1))


@lru_cache(maxsize=256)
def due_dates(
    anchor: date, frequency: Frequency, repay_every: int, numbers: range
) -> tuple[date, ...]:
    """Due dates number by number, each counted from the anchor so that month ends return.

    Counting from the anchor, not from the date before, gives 31 Jan, 28 Feb, 31 Mar. Many loans
    of a fund are disbursed on one day: they share their dates.
    """
    if frequency is Frequency.MONTHS:
        return tuple(add_months(anchor, number * repay_every) for number in numbers)
    return tuple(add_periods(anchor, frequency, number * repay_every) for number in numbers)


def days_30_360(start: date, end: date) -> int:
    """Days between two dates in months of 30 days (ISDA 2006, 4.16(f), "30/360, bond basis")."""
    start_day = min(start.day, 30)
    end_day = 30 if end.day == 31 and start_day == 30 else end.day
    return 360 * (end.year - start.year) + 30 * (end.month - start.month) + end_day - start_day


def holds_29_february(start: date, end: date) -> bool:
    """Whether a 29 February lies after `start` and no later than `end`."""
    return any(
        start < date(year, 2, 29) <= end for year in range(start.year, end.year + 1) if isleap(year)
    )


def _actual_days(start: date, end: date) -> int:
    return end.toordinal() - start.toordinal()


# A year of 365 days and a year of 366 share the denominator 365 * 366: one day is 366 parts of
# the first and 365 parts of the second.
_PARTS_OF_BOTH_YEARS = 365 * 366


def _parts_of_day(year: int) -> int:
    return 365 if isleap(year) else 366


def _parts_isda(start: date, end: date) -> int:
    if start.year == end.year:
        return _actual_days(start, end) * _parts_of_day(start.year)
    first = _actual_days(start, date(start.year + 1, 1, 1)) * _parts_of_day(start.year)
    last = _actual_days(date(end.year, 1, 1), end) * _parts_of_day(end.year)
    return first + (end.year - start.year - 1) * _PARTS_OF_BOTH_YEARS + last


def _parts_31dec(start: date, end: date) -> int:
    # The year turns one day early: the night of 31 December counts in the new year.
    return _parts_isda(start + timedelta(days=1), end + timedelta(days=1))


def _parts_feb29(start: date, end: date) -> int:
    return _actual_days(start, end) * (365 if holds_29_february(start, end) else 366)


_YEAR_PARTS: dict[DayCount, tuple[Callable[[date, date], int], int]] = {
    DayCount.PERIOD_FRACTION: (days_30_360, 360),
    DayCount.THIRTY_360: (days_30_360, 360),
    DayCount.ACTUAL_365: (_actual_days, 365),
    DayCount.ACTUAL_360: (_actual_days, 360),
    DayCount.ACTUAL_364: (_actual_days, 364),
    DayCount.ACTUAL_ACTUAL_ISDA: (_parts_isda, _PARTS_OF_BOTH_YEARS),
    DayCount.ACTUAL_ACTUAL_31DEC: (_parts_31dec, _PARTS_OF_BOTH_YEARS),
    DayCount.ACTUAL_ACTUAL_FEB29: (_parts_feb29, _PARTS_OF_BOTH_YEARS),
}


_PARTS_OF_360 = {Frequency.MONTHS: 30, Frequency.WEEKS: 7, Frequency.DAYS: 1}


def year_parts(day_count: DayCount) -> tuple[Callable[[date, date], int], int]:
    """The counting function of a convention, and how many of its parts make a year.

    Integers over one denominator keep a whole schedule exact without a fraction per row.
    Between dates that are not whole periods, `period_fraction` counts as 30/360.
    """
    return _YEAR_PARTS[day_count]


def period_parts(frequency: Frequency, repay_every: int) -> int:
    """Parts of 360 that one whole period is under `period_fraction`: n/12, 7n/360 or n/360."""
    return _PARTS_OF_360[frequency] * repay_every


def year_fraction(day_count: DayCount, start: date, end: date) -> Fraction:
    """Exact fraction of a year from `start` to `end`; the start day counts, the end does not."""
    count, parts_in_year = year_parts(day_count)
    return Fraction(count(start, end), parts_in_year)


def last_days(first_days: Sequence[date]) -> list[date | None]:
    """When versions begin, in order: each lasts until the eve of the next, the last one for now."""
    return [*(day - timedelta(days=1) for day in first_days[1:]), None]


@dataclass(frozen=True, slots=True, order=True)
class FiscalYear:
    """1 April to 31 March, written by its two years: `2025-2026`."""

    first_year: int

    @classmethod
    def of(cls, day: date) -> "FiscalYear":
        return cls(day.year if day.month >= FISCAL_YEAR_FIRST_MONTH else day.year - 1)

    @classmethod
    def parse(cls, label: str) -> "FiscalYear":
        """Read `2025-2026`; ValueError unless it is two years in a row that dates can have."""
        year = label[:4]
        is_year = year.isdecimal() and MINYEAR <= int(year) < MAXYEAR
        if not is_year or cls(int(year)).label != label:
            raise ValueError("a fiscal year is two years in a row, such as 2025-2026")
        return cls(int(year))

    @property
    def label(self) -> str:
        return f"{self.first_year:04d}-{self.first_year + 1:04d}"

    @property
    def first_day(self) -> date:
        return date(self.first_year, FISCAL_YEAR_FIRST_MONTH, 1)

    @property
    def last_day(self) -> date:
        return date(self.first_year + 1, FISCAL_YEAR_FIRST_MONTH, 1) - timedelta(days=1)

    def __str__(self) -> str:
        return self.label
