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
    return terms.first_due_on is None or terms.first_due_on == add_periods(
        terms.disbursed_on, terms.frequency, terms.repay_every
    )


def _due_dates(terms: ScheduleTerms) -> Sequence[date]:
    if terms.first_due_on is None or is_first_period_whole(terms):
        numbers = range(1, terms.instalments + 1)
        return due_dates(terms.disbursed_on, terms.frequency, terms.repay_every, numbers)
    numbers = range(terms.instalments)
    return due_dates(terms.first_due_on, terms.frequency, terms.repay_every, numbers)


def lay_periods(terms: ScheduleTerms) -> tuple[Sequence[date], Rates]:
    """Due dates, and each period's own rate. Interest-free periods have rate zero.

    Rates follow the dates of the calendar; the due dates are those, moved to working days if asked.
    """
    dates = _due_dates(terms)
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
