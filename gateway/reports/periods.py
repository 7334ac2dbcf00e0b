"""What a report is asked for: its period, its date, its refinement. Pure."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

MONTHS_MAX = 60
"""Months a report by month may span: each is a question to the loans service."""


class Dimension(StrEnum):
    """What `group_by` may refine each line of the regional report by."""

    ORGANISATION = "organisation"
    MONTH = "month"
    PRODUCT = "product"
    GENDER = "gender"
    STAGE = "stage"
    SECTOR = "sector"
    CLIENTELE = "clientele"
    FUNDING = "funding"

    @property
    def is_additive(self) -> bool:
        """Whether each loan counts in one group alone, at one date: groups add up to their line.

        A loan may serve several clienteles and have several funding sources; a portfolio at the
        end of each month is not a part of the portfolio at the end.
        """
        return self not in (Dimension.CLIENTELE, Dimension.FUNDING, Dimension.MONTH)

    @property
    def has_capital(self) -> bool:
        """Whether the capital of the funds can be told apart by group."""
        return self is Dimension.ORGANISATION


@dataclass(frozen=True, slots=True)
class Period:
    """Flows are dated in [first, last]; positions are those at the end of `as_of`."""

    first: date
    last: date
    as_of: date

    def query(self) -> dict[str, str]:
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "as_of": self.as_of.isoformat(),
        }

    @property
    def months_count(self) -> int:
        return 12 * (self.last.year - self.first.year) + self.last.month - self.first.month + 1

    def months(self) -> Iterator[tuple[str, "Period"]]:
        """Each calendar month (`2025-04`) cut to the period; its positions at its own end."""
        for offset in range(self.months_count):
            years, month_index = divmod(self.first.month - 1 + offset, 12)
            year, month = self.first.year + years, month_index + 1
            first = max(self.first, date(year, month, 1))
            last = min(self.last, date(year, month, monthrange(year, month)[1]))
            yield f"{year:04d}-{month:02d}", Period(first, last, last)
