"""What a matrix sets aside for a loan."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.common.money import round_cents
from services.loans.provisions.rules import MatrixRules


@dataclass(frozen=True, slots=True)
class Matrix:
    """In force from `effective_on` until the next one."""

    effective_on: date
    rules: MatrixRules

    @property
    def days_over(self) -> list[int]:
        return [each.days_over for each in self.rules.classes]

    @property
    def rates(self) -> list[Decimal]:
        """That of loans not late, then those of the classes."""
        return [self.rules.current_rate, *(each.rate for each in self.rules.classes)]


@dataclass(frozen=True, slots=True)
class Provision:
    """A percentage of the outstanding principal, and what that makes in cents."""

    rate: Decimal
    amount_cents: int


def find_provision(
    matrix: Matrix, outstanding_cents: int, days_past_due: int, *, is_rescheduled: bool
) -> Provision:
    """Rounded half-up to the cent for each loan, so that the loans of a report add up to it."""
    rate = matrix.rates[bisect_left(matrix.days_over, days_past_due)]
    if is_rescheduled:
        rate = max(rate, matrix.rules.rescheduled_rate_min)
    return Provision(rate, round_cents(outstanding_cents * rate.scaleb(-2)))
