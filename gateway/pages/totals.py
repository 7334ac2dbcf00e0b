"""What the home page asks for: the report of `GET /v1/reports/regional-totals`.

Only the keys the page reads are named. Money is a decimal string in dollars, dates are ISO 8601.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import TypedDict


class Period(TypedDict("_From", {"from": str, "to": str})):
    """Both days included."""


class LoanTotals(TypedDict):
    count: int
    amount: str


class CoachingTotals(TypedDict):
    people: int


class OutcomeTotals(TypedDict):
    jobs_created: int
    jobs_maintained: int


class Totals(TypedDict):
    organisations: int
    loans: LoanTotals
    coaching: CoachingTotals
    outcomes: OutcomeTotals


class RegionTotals(Totals):
    region_code: str
    region_name: str


class RegionalTotals(TypedDict):
    period: Period
    regions: Sequence[RegionTotals]
    total: Totals


class PartUnavailable(Exception):
    """The totals cannot be whole: these services (`registry`, `funds`, `loans`) did not answer."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(", ".join(missing))
        self.missing = tuple(missing)


# First and last day -> the network's exact totals; raises PartUnavailable, never gives a part.
LoadTotals = Callable[[date, date], Awaitable[RegionalTotals]]
