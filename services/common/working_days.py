"""Working days in Québec: neither a weekend day nor a public holiday of the province."""

from datetime import date, timedelta
from functools import cache

from holidays import country_holidays

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


@cache
def quebec_holidays(year: int) -> frozenset[date]:
    """Public holidays kept in a year, with the Monday that stands for one on a Sunday.

    The calendar is known to 2100; later years have weekends alone.
    """
    return frozenset(country_holidays("CA", subdiv="QC", years=year))


def is_working_day(day: date) -> bool:
    return day.weekday() < _SATURDAY and day not in quebec_holidays(day.year)


def working_day_from(day: date) -> date:
    """That day if it is a working day, else the first one after it."""
    while not is_working_day(day):
        day += _ONE_DAY
    return day


def working_day_until(day: date) -> date:
    """That day if it is a working day, else the last one before it."""
    while not is_working_day(day):
        day -= _ONE_DAY
    return day
