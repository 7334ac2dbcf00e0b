"""Every SQL statement about repayments."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, text

from services.common.bulk import insert_columns
from services.common.database import ReadSession, WriteSession
from services.common.errors import JsonValue
from services.common.money import format_cents
from services.loans import tables
from services.loans.repayments.drafts import RepaymentDraft


async def find_known(session: ReadSession, external_ids: Sequence[str]) -> dict[str, bytes]:
    """Fingerprints of repayments on record, by the member's identifier."""
    rows = await session.connection.execute(
        _KNOWN, {"organisation": session.organisation_id, "external_ids": list(external_ids)}
    )
    return {row.external_id: row.fingerprint for row in rows}


async def insert_repayments(
    session: WriteSession,
    drafts: Sequence[RepaymentDraft],
    repayment_ids: Sequence[UUID],
    loan_ids: Sequence[UUID],
    recorded_by: str,
) -> None:
    """Insert repayments not on record, under these identifiers, each of its loan."""
    await insert_columns(
        session,
        tables.Repayment,
        {
            "repayment_id": repayment_ids,
            "loan_id": loan_ids,
            "external_id": [draft.external_id for draft in drafts],
            "paid_on": [draft.paid_on for draft in drafts],
            "amount_cents": [draft.amount_cents for draft in drafts],
            "method": [draft.method for draft in drafts],
            "purpose": [draft.purpose for draft in drafts],
            "surplus": ["credit" if draft.keeps_surplus else None for draft in drafts],
            "fingerprint": [draft.fingerprint for draft in drafts],
        },
        {"organisation_id": session.organisation_id, "recorded_by": recorded_by},
    )


async def find_repayment(session: ReadSession, external_id: str) -> dict[str, JsonValue]:
    row = (
        await session.connection.execute(
            _FIND, {"organisation": session.organisation_id, "external_id": external_id}
        )
    ).one()
    return _show(row)


async def list_repayments(
    session: ReadSession, loan_id: UUID, after: str, limit: int
) -> list[dict[str, JsonValue]]:
    rows = await session.connection.execute(
        _LIST,
        {
            "organisation": session.organisation_id,
            "loan": loan_id,
            "after": after,
            "limit": limit,
        },
    )
    return [_show(row) for row in rows]


def _show(row: Row[tuple[object, ...]]) -> dict[str, JsonValue]:
    return {
        "repayment_id": str(row.repayment_id),
        "external_id": row.external_id,
        "loan_id": str(row.loan_id),
        "paid_on": row.paid_on.isoformat(),
        "amount": format_cents(row.amount_cents),
        "method": row.method,
        "purpose": row.purpose,
        "surplus": row.surplus,
    }


_KNOWN = text(
    """
    SELECT external_id, fingerprint FROM repayments
    WHERE organisation_id = :organisation
      AND external_id = ANY(cast(:external_ids AS text[]))
    """
)
_SELECT = """
    SELECT repayment_id, external_id, loan_id, paid_on, amount_cents, method, purpose, surplus
    FROM repayments WHERE organisation_id = :organisation
"""
_FIND = text(f"{_SELECT} AND external_id = :external_id")
_LIST = text(
    f"{_SELECT} AND loan_id = :loan AND external_id > :after ORDER BY external_id LIMIT :limit"
)
