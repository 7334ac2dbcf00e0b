"""Every SQL statement about repayments."""

from collections.abc import Coroutine, Sequence
from uuid import UUID

from sqlalchemy import Row, text

from services.common.bulk import stage_columns
from services.common.database import ReadSession, WriteSession, driver
from services.common.errors import JsonValue
from services.common.money import format_cents
from services.common.recording import OnRecord
from services.loans import tables
from services.loans.positions.facts import PaymentPurpose
from services.loans.repayments.drafts import RepaymentDraft, RepaymentDrafts


async def find_known(session: ReadSession, external_ids: Sequence[str]) -> dict[str, bytes]:
    """Fingerprints of the newest revisions on record, by the member's identifier."""
    connection = await driver(session)
    return dict(await connection.fetch(_KNOWN, session.organisation_id, list(external_ids)))


async def find_on_record(
    session: ReadSession, external_ids: Sequence[str]
) -> dict[str, OnRecord[RepaymentDraft]]:
    """The newest revision of each, as it was posted."""
    if not external_ids:
        return {}
    rows = await session.connection.execute(
        _ON_RECORD, {"organisation": session.organisation_id, "external_ids": list(external_ids)}
    )
    return {
        row.external_id: OnRecord(
            row.repayment_id,
            row.revision,
            row.is_reversed,
            RepaymentDraft(
                row.external_id,
                row.loan_external_id,
                row.paid_on,
                row.amount_cents,
                row.method,
                None if row.purpose is None else PaymentPurpose(row.purpose),
                row.surplus is not None,
            ),
        )
        for row in rows
    }


async def stage_repayments(
    session: WriteSession,
    drafts: RepaymentDrafts,
    repayment_ids: Sequence[UUID],
    loan_ids: Sequence[UUID],
    revisions: Sequence[int],
    recorded_by: str,
) -> Coroutine[object, object, object]:
    """Bring repayments not on record to the database, under these identifiers, each of its loan.

    What is returned inserts them, once it is awaited.
    """
    return await stage_columns(
        session,
        tables.Repayment,
        {
            "repayment_id": repayment_ids,
            "loan_id": loan_ids,
            "external_id": drafts.external_ids,
            "paid_on": drafts.paid_on,
            "amount_cents": drafts.amounts_cents,
            "method": drafts.methods,
            "purpose": drafts.purposes,
            "surplus": drafts.surpluses,
            "revision": revisions,
            "fingerprint": drafts.fingerprints,
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


_KNOWN = """
    SELECT external_id, fingerprint FROM repayments
    WHERE organisation_id = $1 AND external_id = ANY($2::text[])
    ORDER BY revision
"""
_ON_RECORD = text(
    """
    SELECT f.external_id, f.repayment_id, f.revision, f.paid_on, f.amount_cents, f.method,
           f.purpose, f.surplus,
           l.external_id AS loan_external_id, r.fact_id IS NOT NULL AS is_reversed
    FROM repayments f
    JOIN loans l USING (organisation_id, loan_id)
    LEFT JOIN reversals r ON r.organisation_id = f.organisation_id
                         AND r.fact_kind = 'repayment' AND r.fact_id = f.repayment_id
    WHERE f.organisation_id = :organisation
      AND f.external_id = ANY(cast(:external_ids AS text[]))
    ORDER BY f.revision
    """
)
_SELECT = """
    SELECT DISTINCT ON (external_id)
           repayment_id, external_id, loan_id, paid_on, amount_cents, method, purpose, surplus
    FROM repayments WHERE organisation_id = :organisation
"""
_NEWEST = "ORDER BY external_id, revision DESC"
_FIND = text(f"{_SELECT} AND external_id = :external_id {_NEWEST}")
_LIST = text(f"{_SELECT} AND loan_id = :loan AND external_id > :after {_NEWEST} LIMIT :limit")
