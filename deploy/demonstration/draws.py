"""Repeatable draws: every person, loan and year has its own stream, named and not shared.

A stream depends on its name alone. So what is drawn for one loan never moves another, and a build
on a later day holds the same past as a build on an earlier one.
"""

from datetime import date, timedelta
from random import Random


def stream(*name: str | int) -> Random:
    """A text seed goes through SHA-512: the same on every machine, unlike `hash`."""
    return Random(":".join(str(part) for part in name))


def chance(draw: Random, percent: float) -> bool:
    return draw.random() * 100 < percent


def working_day(day: date) -> date:
    """Saturdays and Sundays move back to the Friday before."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def fiscal_year_start(fiscal_year: int) -> date:
    """1 April: the year 2025 is 2025-2026."""
    return date(fiscal_year, 4, 1)


def day_in_fiscal_year(draw: Random, fiscal_year: int) -> date:
    """A working day; the first days of April never move back into the year before."""
    start = fiscal_year_start(fiscal_year)
    return max(start, working_day(start + timedelta(days=draw.randrange(365))))
