"""The SQL of reversals."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text

from services.common.database import ReadSession, WriteSession
from services.loans.reversals.schemas import FollowUpKind


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A coaching session or an outcome on record, with its reversal if it has one."""

    external_id: str
    on: date
    reversal_id: UUID | None
    reason: str | None


_TABLES = {
    "coaching_session": ("coaching_sessions", "coaching_session_id", "held_on"),
    "outcome": ("outcomes", "outcome_id", "observed_on"),
}


async def find_follow_up(
    session: ReadSession, kind: FollowUpKind, fact_id: UUID
) -> FollowUp | None:
    table, key, on = _TABLES[kind]
    row = (
        await session.connection.execute(
            text(
                f"""
                SELECT f.external_id, f.{on}, r.reversal_id, r.reason
                FROM {table} f
                LEFT JOIN reversals r ON r.organisation_id = f.organisation_id
                                     AND r.fact_kind = :kind AND r.fact_id = f.{key}
                WHERE f.organisation_id = :organisation AND f.{key} = :fact
                """
            ),
            {"organisation": session.organisation_id, "kind": kind, "fact": fact_id},
        )
    ).first()
    return None if row is None else FollowUp(*row)


async def insert_reversal(
    session: WriteSession, kind: str, fact_id: UUID, reason: str, recorded_by: str
) -> UUID:
    row = await session.connection.execute(
        _REVERSE,
        {
            "organisation": session.organisation_id,
            "kind": kind,
            "fact": fact_id,
            "reason": reason,
            "by": recorded_by,
        },
    )
    return UUID(str(row.scalar_one()))


_REVERSE = text(
    """
    INSERT INTO reversals (organisation_id, fact_kind, fact_id, reason, recorded_by)
    VALUES (:organisation, :kind, :fact, :reason, :by)
    RETURNING reversal_id
    """
)
