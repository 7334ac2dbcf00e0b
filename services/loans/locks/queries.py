"""The SQL of locked months, read under the organisation's write lock."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import text

from services.common.database import ReadSession


async def find_locked(session: ReadSession, months: Iterable[date]) -> set[date]:
    """Of these months, each by its first day, those that are locked."""
    rows = await session.connection.execute(
        _LOCKED, {"organisation": session.organisation_id, "months": list(months)}
    )
    return {row.month_on for row in rows}


# A lock holds until the reopening that follows it. Where nothing was ever locked, the primary key
# answers at once.
_LOCKED = text(
    """
    SELECT month_on FROM (
        SELECT DISTINCT ON (month_on) month_on, kind FROM period_events
        WHERE organisation_id = :organisation
          AND month_on = ANY(cast(:months AS date[])) AND kind IN ('locked', 'reopened')
        ORDER BY month_on, event_number DESC
    ) AS latest WHERE kind = 'locked'
    """
)
