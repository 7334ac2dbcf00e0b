"""The SQL of the months that the loans service locks and reopens; services/common/locks.py asks."""

from collections.abc import Sequence

from sqlalchemy import text

from services.common.database import WriteSession
from services.funds.locks.events import LockStep


async def insert_steps(session: WriteSession, steps: Sequence[LockStep]) -> None:
    if steps:
        await session.connection.execute(
            _INSERT,
            {
                "organisation": session.organisation_id,
                "months": [step.month for step in steps],
                "numbers": [step.number for step in steps],
                "kinds": [step.kind for step in steps],
            },
        )


_INSERT = text(
    """
    INSERT INTO period_events (organisation_id, month_on, event_number, kind)
    SELECT :organisation, month_on, event_number, kind
    FROM unnest(cast(:months AS date[]), cast(:numbers AS bigint[]), cast(:kinds AS text[]))
        AS told (month_on, event_number, kind)
    """
)
