"""Every SQL statement about outcomes."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, text

from services.common.bulk import insert_rows
from services.common.database import ReadSession, WriteSession
from services.common.errors import JsonValue
from services.common.money import format_cents
from services.common.recording import OnRecord
from services.loans import tables
from services.loans.outcomes.schemas import OutcomeDraft
from services.loans.vocabulary import BusinessStatus


async def find_known(session: ReadSession, external_ids: Sequence[str]) -> dict[str, bytes]:
    rows = await session.connection.execute(
        _KNOWN, {"organisation": session.organisation_id, "external_ids": list(external_ids)}
    )
    return {row.external_id: row.fingerprint for row in rows}


async def find_on_record(
    session: ReadSession, external_ids: Sequence[str]
) -> dict[str, OnRecord[OutcomeDraft]]:
    """The newest revision of each, as it was posted."""
    if not external_ids:
        return {}
    rows = await session.connection.execute(
        _ON_RECORD, {"organisation": session.organisation_id, "external_ids": list(external_ids)}
    )
    return {
        row.external_id: OnRecord(
            row.outcome_id,
            row.revision,
            row.is_reversed,
            OutcomeDraft(
                row.external_id,
                row.loan_external_id,
                row.observed_on,
                BusinessStatus(row.business_status),
                row.jobs_created,
                row.jobs_maintained,
                row.turnover_cents,
                row.other_financing_cents,
            ),
        )
        for row in rows
    }


async def insert_outcomes(
    session: WriteSession,
    drafts: Sequence[OutcomeDraft],
    loan_ids: Sequence[UUID],
    revisions: Sequence[int],
    recorded_by: str,
) -> None:
    rows = [
        {
            "organisation_id": session.organisation_id,
            "loan_id": loan_id,
            "external_id": draft.external_id,
            "observed_on": draft.observed_on,
            "business_status": draft.business_status.value,
            "jobs_created": draft.jobs_created,
            "jobs_maintained": draft.jobs_maintained,
            "turnover_cents": draft.turnover_cents,
            "other_financing_cents": draft.other_financing_cents,
            "fingerprint": draft.fingerprint,
            "recorded_by": recorded_by,
            "revision": revision,
        }
        for draft, loan_id, revision in zip(drafts, loan_ids, revisions, strict=True)
    ]
    await insert_rows(session, tables.Outcome, rows)


async def find_outcome(session: ReadSession, external_id: str) -> dict[str, JsonValue]:
    row = (
        await session.connection.execute(
            _FIND, {"organisation": session.organisation_id, "external_id": external_id}
        )
    ).one()
    return _show(row)


async def list_outcomes(session: ReadSession, after: str, limit: int) -> list[dict[str, JsonValue]]:
    rows = await session.connection.execute(
        _LIST, {"organisation": session.organisation_id, "after": after, "limit": limit}
    )
    return [_show(row) for row in rows]


def _show(row: Row[tuple[object, ...]]) -> dict[str, JsonValue]:
    return {
        "outcome_id": str(row.outcome_id),
        "external_id": row.external_id,
        "loan": {"external_id": row.loan_external_id},
        "observed_on": row.observed_on.isoformat(),
        "business_status": row.business_status,
        "jobs_created": row.jobs_created,
        "jobs_maintained": row.jobs_maintained,
        "turnover": _amount(row.turnover_cents),
        "other_financing": _amount(row.other_financing_cents),
    }


def _amount(cents: int | None) -> str | None:
    return None if cents is None else format_cents(cents)


_KNOWN = text(
    """
    SELECT external_id, fingerprint FROM outcomes
    WHERE organisation_id = :organisation
      AND external_id = ANY(cast(:external_ids AS text[]))
    ORDER BY revision
    """
)
_SELECT = """
    SELECT DISTINCT ON (o.external_id)
           o.outcome_id, o.external_id, l.external_id AS loan_external_id, o.observed_on,
           o.business_status, o.jobs_created, o.jobs_maintained, o.turnover_cents,
           o.other_financing_cents, o.revision, r.fact_id IS NOT NULL AS is_reversed
    FROM outcomes o JOIN loans l USING (organisation_id, loan_id)
    LEFT JOIN reversals r ON r.organisation_id = o.organisation_id
                         AND r.fact_kind = 'outcome' AND r.fact_id = o.outcome_id
    WHERE o.organisation_id = :organisation
"""
_NEWEST = "ORDER BY o.external_id, o.revision DESC"
_ON_RECORD = text(f"{_SELECT} AND o.external_id = ANY(cast(:external_ids AS text[])) {_NEWEST}")
_FIND = text(f"{_SELECT} AND o.external_id = :external_id {_NEWEST}")
_LIST = text(f"{_SELECT} AND o.external_id > :after {_NEWEST} LIMIT :limit")
