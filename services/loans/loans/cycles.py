"""The loans of a borrower in their order: which rank a loan has, which one was still owed. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class BorrowedLoan:
    """`owing_until` is the day its principal was settled; None when that is not known yet."""

    external_id: str
    contracted_on: date
    owing_until: date | None = None


@dataclass(frozen=True, slots=True)
class Cycle:
    """The place of a loan among its borrower's, from 1, and whether one before was still owed."""

    rank: int
    is_previous_open: bool


def rank_loans(loans: Iterable[BorrowedLoan]) -> dict[str, Cycle]:
    """The cycle of each loan of one borrower, in the order they were signed, by identifier."""
    cycles: dict[str, Cycle] = {}
    owing_until = date.min
    ordered = sorted(loans, key=lambda loan: (loan.contracted_on, loan.external_id))
    for rank, loan in enumerate(ordered, 1):
        cycles[loan.external_id] = Cycle(rank, owing_until > loan.contracted_on)
        owing_until = max(owing_until, loan.owing_until or date.min)
    return cycles
