"""When the documents that an agreement obliges to are due."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.common.calendar import FiscalYear, add_months


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
    first, last = FiscalYear.of(from_on), FiscalYear.of(to_on)
    years = map(FiscalYear, range(first.first_year, last.first_year + 1))
    return [add_months(year.last_day, rule.months) for year in years]
