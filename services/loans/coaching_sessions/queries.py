"""Every SQL statement about coaching sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Row, text

from services.common.bulk import insert_rows
from services.common.database import ReadSession, WriteSession
from services.common.errors import JsonValue
from services.common.recording import OnRecord
from services.loans import tables
from services.loans.coaching_sessions.schemas import CoachingSessionDraft
from services.loans.vocabulary import CoachingMode, CoachingStage


@dataclass(frozen=True, slots=True)
class Placed:
    """A draft with the objects it refers to; the region is that of the person coached."""

    draft: CoachingSessionDraft
    borrower_id: UUID
    loan_id: UUID | None
    region_code: str
    revision: int = 1


async def find_known(session: ReadSession, external_ids: Sequence[str]) -> dict[str, bytes]:
    rows = await session.connection.execute(
        _KNOWN, {"organisation": session.organisation_id, "external_ids": list(external_ids)}
    )
    return {row.external_id: row.fingerprint for row in rows}


async def find_on_record(
    session: ReadSession, external_ids: Sequence[str]
) -> dict[str, OnRecord[CoachingSessionDraft]]:
    """The newest revision of each, as it was posted."""
    if not external_ids:
        return {}
    rows = await session.connection.execute(
        _ON_RECORD, {"organisation": session.organisation_id, "external_ids": list(external_ids)}
    )
    return {
        row.external_id: OnRecord(
            row.coaching_session_id,
            row.revision,
            row.is_reversed,
            CoachingSessionDraft(
                external_id=row.external_id,
                borrower_external_id=row.borrower_external_id,
                loan_external_id=row.loan_external_id,
                coach=row.coach,
                held_on=row.held_on,
                duration_minutes=row.duration_minutes,
                mode=CoachingMode(row.mode),
                stage=CoachingStage(row.stage),
                topics=tuple(row.topics),
                next_action=row.next_action,
            ),
        )
        for row in rows
    }


async def insert_coaching_sessions(
    session: WriteSession, placed: Sequence[Placed], recorded_by: str
) -> None:
    rows = [
        {
            "organisation_id": session.organisation_id,
            "external_id": p.draft.external_id,
            "borrower_id": p.borrower_id,
            "loan_id": p.loan_id,
            "region_code": p.region_code,
            "coach": p.draft.coach,
            "held_on": p.draft.held_on,
            "duration_minutes": p.draft.duration_minutes,
            "mode": p.draft.mode.value,
            "stage": p.draft.stage.value,
            "topics": list(p.draft.topics),
            "next_action": p.draft.next_action,
            "fingerprint": p.draft.fingerprint,
            "recorded_by": recorded_by,
            "revision": p.revision,
        }
        for p in placed
    ]
    await insert_rows(session, tables.CoachingSession, rows)


async def find_coaching_session(session: ReadSession, external_id: str) -> dict[str, JsonValue]:
    row = (
        await session.connection.execute(
            _FIND, {"organisation": session.organisation_id, "external_id": external_id}
        )
    ).one()
    return _show(row)


async def list_coaching_sessions(
    session: ReadSession, after: str, limit: int
) -> list[dict[str, JsonValue]]:
    rows = await session.connection.execute(
        _LIST, {"organisation": session.organisation_id, "after": after, "limit": limit}
    )
    return [_show(row) for row in rows]


def _show(row: Row[tuple[object, ...]]) -> dict[str, JsonValue]:
    loan = row.loan_external_id
    return {
        "coaching_session_id": str(row.coaching_session_id),
        "external_id": row.external_id,
        "borrower": {"external_id": row.borrower_external_id},
        "loan": None if loan is None else {"external_id": loan},
        "coach": row.coach,
        "held_on": row.held_on.isoformat(),
        "duration_minutes": row.duration_minutes,
        "mode": row.mode,
        "stage": row.stage,
        "topics": list(row.topics),
        "next_action": row.next_action,
    }


_KNOWN = text(
    """
    SELECT external_id, fingerprint FROM coaching_sessions
    WHERE organisation_id = :organisation
      AND external_id = ANY(cast(:external_ids AS text[]))
    ORDER BY revision
    """
)
_SELECT = """
    SELECT DISTINCT ON (s.external_id)
           s.coaching_session_id, s.external_id, b.external_id AS borrower_external_id,
           l.external_id AS loan_external_id, s.coach, s.held_on, s.duration_minutes, s.mode,
           s.stage, s.topics, s.next_action, s.revision, r.fact_id IS NOT NULL AS is_reversed
    FROM coaching_sessions s
    JOIN borrowers b USING (organisation_id, borrower_id)
    LEFT JOIN loans l ON l.organisation_id = s.organisation_id AND l.loan_id = s.loan_id
    LEFT JOIN reversals r ON r.organisation_id = s.organisation_id
                         AND r.fact_kind = 'coaching_session' AND r.fact_id = s.coaching_session_id
    WHERE s.organisation_id = :organisation
"""
_NEWEST = "ORDER BY s.external_id, s.revision DESC"
_ON_RECORD = text(f"{_SELECT} AND s.external_id = ANY(cast(:external_ids AS text[])) {_NEWEST}")
_FIND = text(f"{_SELECT} AND s.external_id = :external_id {_NEWEST}")
_LIST = text(f"{_SELECT} AND s.external_id > :after {_NEWEST} LIMIT :limit")
