"""When the documents that an agreement obliges to are due."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

FISCAL_YEAR_END_MONTH = 3  # the network's and the ministry's fiscal year ends on 31 March


class Assurance(StrEnum):
    """How far an accountant answers for a document, from least to most."""

    NONE = "none"
    COMPILATION = "compilation"
    REVIEW = "review"
    AUDIT = "audit"


class DueAfter(StrEnum):
    FISCAL_YEAR_END = "fiscal_year_end"
    AGREEMENT_END = "agreement_end"


@dataclass(frozen=True, slots=True)
class DueRule:
    """So many months after each fiscal year of the agreement, or after its end."""

    after: DueAfter
    months: int


def list_due_dates(rule: DueRule, from_on: date, to_on: date) -> list[date]:
    """The dates the rule gives for an agreement of these dates, in order."""
    if rule.after is DueAfter.AGREEMENT_END:
        return [add_months(to_on, rule.months)]
    first, last = fiscal_year_end(from_on).year, fiscal_year_end(to_on).year
    ends = [date(year, FISCAL_YEAR_END_MONTH, 31) for year in range(first, last + 1)]
    return [add_months(end, rule.months) for end in ends]


def fiscal_year_end(day: date) -> date:
    """31 March of the fiscal year that holds the day."""
    year = day.year + (day.month > FISCAL_YEAR_END_MONTH)
    return date(year, FISCAL_YEAR_END_MONTH, 31)


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the last of the month: 31 March + 4 is 31 July."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
