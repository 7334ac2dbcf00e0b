"""The loans of a borrower in their order: which rank a loan has, which one was still owed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from services.common.database import ReadSession


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


async def list_borrowed(
    session: ReadSession, borrower_external_ids: Collection[str]
) -> Mapping[str, list[BorrowedLoan]]:
    """The loans on record of these borrowers, by borrower."""
    found: dict[str, list[BorrowedLoan]] = {}
    if borrower_external_ids:
        rows = await session.connection.execute(
            _BORROWED,
            {
                "organisation": session.organisation_id,
                "borrowers": sorted(borrower_external_ids),
            },
        )
        for borrower, *loan in rows:
            found.setdefault(borrower, []).append(BorrowedLoan(*loan))
    return found


_BORROWED = text(
    """
    SELECT b.external_id, l.external_id, l.contracted_on, max(s.until_on) AS owing_until
    FROM borrowers b
    JOIN loans l USING (organisation_id, borrower_id)
    LEFT JOIN loan_states s ON s.organisation_id = l.organisation_id AND s.loan_id = l.loan_id
                           AND s.outstanding_principal_cents > 0
    WHERE b.organisation_id = :organisation AND b.external_id = ANY(cast(:borrowers AS text[]))
    GROUP BY 1, 2, 3
    """
)
