"""Events for the other services, appended in the transaction of the fact they tell.

Each organisation numbers its own events 1, 2, 3, ... under its write lock, so a reader that asks
for "after n" can neither miss an event that commits late nor see one that does not last.
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from services.common.database import ReadSession, WriteSession, driver
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
    await append_texts(session, event_type, [to_text(payload)])


async def append_all(session: WriteSession, event_type: str, payloads: Iterable[JsonValue]) -> None:
    """Add events to the organisation's stream, in order, with one INSERT."""
    await append_texts(session, event_type, list(map(to_text, payloads)))


async def append_texts(session: WriteSession, event_type: str, payloads: Sequence[str]) -> None:
    """The same, of payloads written by `to_text`; several go through a temporary table."""
    count = len(payloads)
    if not count:
        return
    connection = await driver(session)
    if count == 1:
        source = "(SELECT 1 AS position, $4::text AS payload) AS new"
        statement = _APPEND.format(source=source)
        await connection.execute(statement, session.organisation_id, event_type, 1, *payloads)
        return
    await connection.execute(_STAGE)
    await connection.copy_records_to_table("staged_events", records=enumerate(payloads, 1))
    statement = _APPEND.format(source="staged_events")
    await connection.execute(statement, session.organisation_id, event_type, count)
    await connection.execute("DROP TABLE staged_events")


def to_text(payload: JsonValue) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


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
# EXTERNAL: a large text is not compressed for the moment that it stays there.
_STAGE = """
    CREATE TEMPORARY TABLE staged_events (position bigint, payload text STORAGE EXTERNAL)
    ON COMMIT DROP
"""
_APPEND = """
    WITH numbered AS (
        UPDATE organisation_counters SET last_event_number = last_event_number + $3
        WHERE organisation_id = $1
        RETURNING organisation_id, last_event_number - $3 AS number_before
    )
    INSERT INTO events (organisation_id, event_number, type, payload)
    SELECT organisation_id, number_before + position, $2, cast(payload AS jsonb)
    FROM numbered, {source}
    ON CONFLICT DO NOTHING
"""
_READ = text(
    """
    SELECT organisation_id, event_number, type, payload, recorded_at FROM events
    WHERE organisation_id = :organisation AND event_number > :number
    ORDER BY event_number LIMIT :limit
    """
)
