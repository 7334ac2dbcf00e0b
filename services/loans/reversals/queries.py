"""The SQL of reversals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text

from services.common.bulk import insert_rows
from services.common.database import ReadSession, WriteSession
from services.loans import tables
from services.loans.reversals.schemas import FollowUpKind


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A coaching session or an outcome on record, with its reversal if it has one."""

    external_id: str
    on: date
    reversal_id: UUID | None
    reason: str | None


_TABLES = {
    "loan": ("loans", "loan_id", "disbursed_on"),
    "repayment": ("repayments", "repayment_id", "paid_on"),
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


async def insert_reversals(
    session: WriteSession, kind: str, fact_ids: Sequence[UUID], reason: str, recorded_by: str
) -> None:
    """Reverse facts of one kind that stand, with one statement."""
    rows = [
        {
            "organisation_id": session.organisation_id,
            "fact_kind": kind,
            "fact_id": fact_id,
            "reason": reason,
            "recorded_by": recorded_by,
        }
        for fact_id in fact_ids
    ]
    await insert_rows(session, tables.Reversal, rows)


async def count_absent(session: ReadSession, kind: str, external_ids: Sequence[str]) -> int:
    """How many facts of a kind stand and are none of these."""
    table, key, _ = _TABLES[kind]
    row = await session.connection.execute(
        text(
            f"""
            SELECT count(*) FROM {table} f
            WHERE f.organisation_id = :organisation
              AND NOT EXISTS (SELECT FROM unnest(cast(:external_ids AS text[])) AS sent (name)
                              WHERE sent.name = f.external_id)
              AND NOT EXISTS (SELECT FROM reversals r
                              WHERE r.organisation_id = f.organisation_id
                                AND r.fact_kind = :kind AND r.fact_id = f.{key})
            """
        ),
        {
            "organisation": session.organisation_id,
            "kind": kind,
            "external_ids": list(external_ids),
        },
    )
    return int(row.scalar_one())


_REVERSE = text(
    """
    INSERT INTO reversals (organisation_id, fact_kind, fact_id, reason, recorded_by)
    VALUES (:organisation, :kind, :fact, :reason, :by)
    RETURNING reversal_id
    """
)
