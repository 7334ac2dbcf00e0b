"""Events for the other services, appended in the transaction of the fact they tell.

Each organisation numbers its own events 1, 2, 3, ... under its write lock, so a reader that asks
for "after n" can neither miss an event that commits late nor see one that does not last.
"""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from services.common.database import ReadSession, WriteSession
from services.common.errors import JsonValue


@dataclass(frozen=True, slots=True)
class Event:
    """One event; (source service, organisation_id, number) names it for ever."""

    organisation_id: uuid.UUID
    number: int
    type: str
    payload: JsonValue
    recorded_at: datetime


async def append(session: WriteSession, event_type: str, payload: JsonValue) -> None:
    """Add an event to the organisation's stream."""
    await append_all(session, event_type, [payload])


async def append_all(session: WriteSession, event_type: str, payloads: Iterable[JsonValue]) -> None:
    """Add events to the organisation's stream, in order, with one statement."""
    texts = [json.dumps(payload, ensure_ascii=False) for payload in payloads]
    if not texts:
        return
    await session.connection.execute(
        _APPEND,
        {
            "organisation": session.organisation_id,
            "type": event_type,
            "count": len(texts),
            "payloads": texts,
        },
    )


async def read_after(session: ReadSession, number: int, limit: int) -> list[Event]:
    """The organisation's events after `number`, in order."""
    rows = await session.connection.execute(
        _READ, {"organisation": session.organisation_id, "number": number, "limit": limit}
    )
    return [
        Event(r.organisation_id, r.event_number, r.type, r.payload, r.recorded_at) for r in rows
    ]


async def read_positions(session: ReadSession) -> dict[uuid.UUID, int]:
    """The number of each organisation's last event, through the totals role."""
    rows = await session.connection.execute(_POSITIONS)
    return {row.organisation_id: row.last_event_number for row in rows}


async def read_organisations(session: ReadSession) -> list[uuid.UUID]:
    """Every organisation that ever wrote here, through the totals role."""
    return [row.organisation_id for row in await session.connection.execute(_ORGANISATIONS)]


_ORGANISATIONS = text("SELECT organisation_id FROM organisation_counters ORDER BY organisation_id")
_POSITIONS = text(
    "SELECT organisation_id, last_event_number FROM organisation_counters"
    " WHERE last_event_number > 0 ORDER BY organisation_id"
)
_APPEND = text(
    """
    WITH numbered AS (
        UPDATE organisation_counters SET last_event_number = last_event_number + :count
        WHERE organisation_id = :organisation
        RETURNING organisation_id, last_event_number - :count AS number_before
    )
    INSERT INTO events (organisation_id, event_number, type, payload)
    SELECT organisation_id, number_before + position, :type, cast(payload AS jsonb)
    FROM numbered, unnest(cast(:payloads AS text[])) WITH ORDINALITY AS new (payload, position)
    ON CONFLICT DO NOTHING
    """
)
_READ = text(
    """
    SELECT organisation_id, event_number, type, payload, recorded_at FROM events
    WHERE organisation_id = :organisation AND event_number > :number
    ORDER BY event_number LIMIT :limit
    """
)
