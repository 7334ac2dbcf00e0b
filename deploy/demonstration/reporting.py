"""What became of each month: submitted, some late; approved; locked by quarters; one missing.

The member whose key the guides use owes its latest month, and none of its months is locked: a
newcomer can submit, and send the examples of the guides.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile
from random import Random

from deploy.demonstration.draws import chance, fiscal_year_start, stream, working_day
from services.common.calendar import add_months

OF_THE_GUIDES = "montreal"
GIVEN_BACK_BY = "estrie"
"""The member whose latest month the network gave back."""

DUE_DAYS = 15
_LATE_PERCENT = 15
_SHOWN_MONTHS = 6


@dataclass(frozen=True, slots=True)
class ReportedMonth:
    """A month by its first day, and the days on which it took each step; None for not yet."""

    month: date
    submitted_on: date
    rejected_on: date | None = None
    approved_on: date | None = None
    locked_on: date | None = None


def first_asked_month(today: date) -> date:
    """That of the fiscal year in progress, or of the one before while it is young."""
    then = add_months(today, -_SHOWN_MONTHS)
    year = then.year if then >= fiscal_year_start(then.year) else then.year - 1
    return fiscal_year_start(year)


def draw_reported_months(seed: int, slug: str, today: date) -> list[ReportedMonth]:
    """Those a member submitted by `today`, in their order."""
    month, found = first_asked_month(today), list[ReportedMonth]()
    while add_months(month, 1) + timedelta(days=DUE_DAYS) <= today:
        is_latest = add_months(month, 2) + timedelta(days=DUE_DAYS) > today
        if not (is_latest and slug == OF_THE_GUIDES):
            found.append(_draw_month(stream(seed, slug, "report", f"{month}"), slug, month))
            if is_latest and slug == GIVEN_BACK_BY:
                found[-1] = _give_back(found[-1])
        month = add_months(month, 1)
    return [_until(each, today) for each in takewhile(lambda m: m.submitted_on <= today, found)]


def _draw_month(draw: Random, slug: str, month: date) -> ReportedMonth:
    over = add_months(month, 1)
    is_late = chance(draw, _LATE_PERCENT)
    days = draw.randint(DUE_DAYS + 3, 40) if is_late else draw.randint(4, DUE_DAYS - 1)
    submitted_on = working_day(over + timedelta(days=days))
    approved_on = working_day(submitted_on + timedelta(days=draw.randint(4, 12)))
    quarter_over = add_months(month.replace(month=(month.month - 1) // 3 * 3 + 1), 3)
    locked_on = None if slug == OF_THE_GUIDES else working_day(add_months(quarter_over, 3))
    return ReportedMonth(month, submitted_on, None, approved_on, locked_on)


def _give_back(said: ReportedMonth) -> ReportedMonth:
    return ReportedMonth(said.month, said.submitted_on, rejected_on=said.approved_on)


def _until(said: ReportedMonth, today: date) -> ReportedMonth:
    def by_today(day: date | None) -> date | None:
        return day if day is not None and day <= today else None

    return ReportedMonth(
        said.month,
        said.submitted_on,
        by_today(said.rejected_on),
        by_today(said.approved_on),
        by_today(said.locked_on),
    )
