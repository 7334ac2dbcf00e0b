"""What the record says of contracts: one loan's, and the loans of borrowers in their order."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text

from services.common.database import ReadSession
from services.loans.loans.cycles import BorrowedLoan
from services.loans.positions.facts import Accrual, AllocationOrder, MoratoriumKind
from services.loans.products.arithmetic import AgreedMoratorium
from services.loans.schedules.terms import ScheduleTerms
from services.loans.vocabulary import BorrowerKind

_TERMS = TypeAdapter(ScheduleTerms)


@dataclass(frozen=True, slots=True)
class Contract:
    """A loan as it was signed; `product_version` is None when none was known then.

    `terms` are for the whole sum agreed, however much of it was disbursed first.
    """

    external_id: str
    borrower_external_id: str
    borrower_kind: BorrowerKind
    product: str
    product_version: int | None
    stage: str | None
    contracted_on: date
    terms: ScheduleTerms
    interest_accrual: Accrual | None
    allocation_order: AllocationOrder | None
    interest_on_overdue_interest: bool | None
    moratoria: tuple[AgreedMoratorium, ...]


async def find_contract(session: ReadSession, loan_id: UUID) -> Contract | None:
    row = (
        await session.connection.execute(
            _CONTRACT, {"organisation": session.organisation_id, "loan": loan_id}
        )
    ).first()
    if row is None:
        return None
    return Contract(
        external_id=row.external_id,
        borrower_external_id=row.borrower_external_id,
        borrower_kind=BorrowerKind(row.borrower_kind),
        product=row.product,
        product_version=row.product_version,
        stage=row.stage,
        contracted_on=row.contracted_on,
        terms=_TERMS.validate_json(row.terms),
        interest_accrual=None if row.interest_accrual is None else Accrual(row.interest_accrual),
        allocation_order=(
            None if row.allocation_order is None else AllocationOrder(row.allocation_order)
        ),
        interest_on_overdue_interest=row.interest_on_overdue_interest,
        moratoria=tuple(
            AgreedMoratorium(MoratoriumKind(kind), periods)
            for kind, periods in zip(row.moratorium_kinds, row.moratorium_periods, strict=True)
        ),
    )


async def list_borrowed(
    session: ReadSession, borrower_external_ids: Collection[str]
) -> Mapping[str, list[BorrowedLoan]]:
    """The loans of these borrowers that stand, by borrower."""
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


_CONTRACT = text(
    """
    SELECT l.external_id, b.external_id AS borrower_external_id, b.kind AS borrower_kind,
           l.product, l.product_version, l.stage, l.contracted_on, cast(l.terms AS text) AS terms,
           l.interest_accrual, l.allocation_order, l.interest_on_overdue_interest,
           m.kinds AS moratorium_kinds, m.periods AS moratorium_periods
    FROM loans l
    JOIN borrowers b USING (organisation_id, borrower_id)
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(f.kind ORDER BY f.starts_on), '{}') AS kinds,
               coalesce(array_agg(f.periods ORDER BY f.starts_on), '{}') AS periods
        FROM moratoria f
        WHERE f.organisation_id = l.organisation_id AND f.loan_id = l.loan_id
          AND NOT EXISTS (SELECT FROM reversals r
                          WHERE r.organisation_id = f.organisation_id
                            AND r.fact_kind = 'moratorium' AND r.fact_id = f.moratorium_id)
    ) m
    WHERE l.organisation_id = :organisation AND l.loan_id = :loan
    """
)
_BORROWED = text(
    """
    SELECT b.external_id, l.external_id, l.contracted_on, max(s.until_on) AS owing_until
    FROM borrowers b
    JOIN loans l USING (organisation_id, borrower_id)
    LEFT JOIN loan_states s ON s.organisation_id = l.organisation_id AND s.loan_id = l.loan_id
                           AND s.outstanding_principal_cents > 0
    WHERE b.organisation_id = :organisation AND b.external_id = ANY(cast(:borrowers AS text[]))
      AND NOT EXISTS (SELECT FROM reversals r WHERE r.organisation_id = l.organisation_id
                      AND r.fact_kind = 'loan' AND r.fact_id = l.loan_id)
    GROUP BY 1, 2, 3
    """
)
