"""Due dates of a schedule, and the rate of each of its periods."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import gcd

from services.common.calendar import (
    DayCount,
    Frequency,
    add_periods,
    due_dates,
    period_parts,
    year_parts,
)
from services.common.working_days import working_day_from, working_day_until
from services.loans.schedules.terms import NonWorkingDays, ScheduleTerms


@dataclass(frozen=True, slots=True)
class Rates:
    """Each period's own rate as an integer over one denominator, so that nothing is rounded."""

    numerators: tuple[int, ...]
    denominator: int


def is_first_period_whole(terms: ScheduleTerms) -> bool:
    """Stating the date that would have been derived changes nothing."""
    if terms.first_due_on is None:
        return True
    if terms.due_anchor is None:
        start = add_periods(terms.disbursed_on, terms.frequency, terms.repay_every)
        return terms.first_due_on == start
    before = _number_from(terms.due_anchor, terms) - 1
    periods = before * terms.repay_every
    return terms.disbursed_on == add_periods(terms.due_anchor, terms.frequency, periods)


def grid_dates(terms: ScheduleTerms) -> Sequence[date]:
    """The due dates that the calendar gives, before any is moved to a working day."""
    every = terms.repay_every
    if terms.due_anchor is not None:
        first = _number_from(terms.due_anchor, terms)
        numbers = range(first, first + terms.instalments)
        return due_dates(terms.due_anchor, terms.frequency, every, numbers)
    if terms.first_due_on is None or is_first_period_whole(terms):
        numbers = range(1, terms.instalments + 1)
        return due_dates(terms.disbursed_on, terms.frequency, every, numbers)
    return due_dates(terms.first_due_on, terms.frequency, every, range(terms.instalments))


def find_anchor(terms: ScheduleTerms) -> date:
    """The day from which the due dates of these terms are counted."""
    if terms.due_anchor is not None:
        return terms.due_anchor
    if terms.first_due_on is None or is_first_period_whole(terms):
        return terms.disbursed_on
    return terms.first_due_on


def _number_from(anchor: date, terms: ScheduleTerms) -> int:
    """Which date counted from the anchor the first due date is: 0 for the anchor itself."""
    first = terms.first_due_on
    assert first is not None, "an anchored schedule says when it is first due"
    if terms.frequency is Frequency.MONTHS:
        months = 12 * (first.year - anchor.year) + first.month - anchor.month
        return months // terms.repay_every
    days = terms.repay_every * (7 if terms.frequency is Frequency.WEEKS else 1)
    return (first - anchor).days // days


def lay_periods(terms: ScheduleTerms) -> tuple[Sequence[date], Rates]:
    """Due dates, and each period's own rate. Interest-free periods have rate zero.

    Rates follow the dates of the calendar; the due dates are those, moved to working days if asked.
    """
    dates = grid_dates(terms)
    count, parts_in_year = year_parts(terms.day_count)
    if terms.day_count is DayCount.PERIOD_FRACTION:
        parts = [period_parts(terms.frequency, terms.repay_every)] * terms.instalments
        if not is_first_period_whole(terms):
            # A broken first period counts its time: months as 30/360, weeks and days as days,
            # which is what whole periods of either amount to.
            in_months = terms.frequency is Frequency.MONTHS
            count_broken = count if in_months else year_parts(DayCount.ACTUAL_360)[0]
            parts[0] = count_broken(terms.disbursed_on, dates[0])
    else:
        starts = [terms.disbursed_on, *dates[:-1]]
        parts = [count(start, end) for start, end in zip(starts, dates, strict=True)]
    rate, rate_denominator = terms.annual_rate.as_integer_ratio()
    numerators = [rate * part for part in parts]
    numerators[: terms.interest_free_periods] = [0] * terms.interest_free_periods
    denominator = rate_denominator * 100 * parts_in_year
    common = gcd(denominator, *numerators)
    if terms.non_working_days is not NonWorkingDays.KEEP:
        dates = _move_to_working_days(terms, dates)
    return dates, Rates(tuple(number // common for number in numerators), denominator // common)


def _move_to_working_days(terms: ScheduleTerms, dates: Sequence[date]) -> list[date]:
    """Each on a working day, and after the one before it: two are never due together."""
    moved: list[date] = []
    before = terms.disbursed_on
    for day in dates:
        if terms.non_working_days is NonWorkingDays.MOVE_LATER:
            due_on = working_day_from(day)
        else:
            due_on = working_day_until(day)
        if due_on <= before:
            due_on = working_day_from(before + timedelta(days=1))
        moved.append(due_on)
        before = due_on
    return moved
