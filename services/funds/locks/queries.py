"""The SQL of the months that the loans service locks and reopens; services/common/locks.py asks."""

from collections.abc import Sequence

from sqlalchemy import text

from services.common.database import WriteSession
from services.funds.locks.events import LockStep


async def insert_steps(session: WriteSession, steps: Sequence[LockStep]) -> None:
    """A month is locked now and then: a row a statement is few."""
    if steps:
        await session.connection.execute(
            _INSERT,
            [
                {
                    "organisation": session.organisation_id,
                    "month": step.month,
                    "number": step.number,
                    "kind": step.kind,
                }
                for step in steps
            ],
        )


_INSERT = text(
    "INSERT INTO period_events (organisation_id, month_on, event_number, kind)"
    " VALUES (:organisation, :month, :number, :kind)"
)
