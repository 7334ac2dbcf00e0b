"""The SQL of reservations."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import text

from services.common.database import ReadSession, WriteSession
from services.funds.journal.arithmetic import Kind


class Decision(StrEnum):
    POSTED = "posted"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Reservation:
    reservation_id: str
    amount_cents: int
    reserved_at: datetime
    decision: Decision | None
    decided_on: date | None


async def find_reservation(session: ReadSession, reservation_id: str) -> Reservation | None:
    row = (
        await session.connection.execute(
            _FIND, {"organisation": session.organisation_id, "reservation": reservation_id}
        )
    ).first()
    if row is None:
        return None
    decision = None if row.decision is None else Decision(row.decision)
    return Reservation(
        row.reservation_id, row.amount_cents, row.recorded_at, decision, row.decided_on
    )


async def insert_reservation(
    session: WriteSession, reservation_id: str, amount_cents: int, subject: str
) -> Reservation:
    row = await session.connection.execute(
        _INSERT,
        {
            "organisation": session.organisation_id,
            "reservation": reservation_id,
            "amount": amount_cents,
            "subject": subject,
        },
    )
    return Reservation(reservation_id, amount_cents, row.scalar_one(), None, None)


async def insert_decision(
    session: WriteSession, reservation_id: str, decision: Decision, decided_on: date, subject: str
) -> None:
    await session.connection.execute(
        _DECIDE,
        {
            "organisation": session.organisation_id,
            "reservation": reservation_id,
            "decision": decision.value,
            "decided_on": decided_on,
            "subject": subject,
        },
    )


async def sum_pending(session: ReadSession) -> int:
    """Cents set aside and not decided, but for loans whose disbursement is in the journal."""
    total = await session.connection.execute(
        _PENDING,
        {"organisation": session.organisation_id, "disbursement": Kind.DISBURSEMENT.value},
    )
    return int(total.scalar_one())


_FIND = text(
    """
    SELECT r.reservation_id, r.amount_cents, r.recorded_at, d.decision, d.decided_on
    FROM reservations r
    LEFT JOIN reservation_decisions d ON d.organisation_id = r.organisation_id
                                     AND d.reservation_id = r.reservation_id
    WHERE r.organisation_id = :organisation AND r.reservation_id = :reservation
    """
)
_INSERT = text(
    """
    INSERT INTO reservations (organisation_id, reservation_id, amount_cents, recorded_by)
    VALUES (:organisation, :reservation, :amount, :subject)
    RETURNING recorded_at
    """
)
_DECIDE = text(
    """
    INSERT INTO reservation_decisions
        (organisation_id, reservation_id, decision, decided_on, recorded_by)
    VALUES (:organisation, :reservation, :decision, :decided_on, :subject)
    """
)
_PENDING = text(
    """
    SELECT coalesce(sum(r.amount_cents), 0) FROM reservations r
    WHERE r.organisation_id = :organisation
      AND NOT EXISTS (
          SELECT FROM reservation_decisions d
          WHERE d.organisation_id = r.organisation_id AND d.reservation_id = r.reservation_id
      )
      AND NOT EXISTS (
          SELECT FROM journal_transactions t
          WHERE t.organisation_id = r.organisation_id AND t.subject_id = r.reservation_id
            AND t.kind = :disbursement
      )
    """
)
