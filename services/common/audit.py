"""Who did what, one entry a request, each chained to the one before it by SHA-256.

h_n = SHA-256(h_{n-1} || canonical(entry_n)): an entry deleted, changed or moved breaks every hash
after it. Entries hold identifiers and counts, never the values of a person's data.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from sqlalchemy import text

from services.common.database import ReadSession, WriteSession
from services.common.errors import JsonValue
from services.common.identity import Principal
from services.common.strict_json import canonical

GENESIS = bytes(32)


async def append(
    session: WriteSession, principal: Principal, action: str, details: dict[str, JsonValue]
) -> None:
    """Add an entry to the organisation's chain, under its write lock."""
    last = (
        await session.connection.execute(_LAST, {"organisation": session.organisation_id})
    ).one()
    entry: dict[str, JsonValue] = {
        "number": last.last_audit_number + 1,
        "recorded_at": datetime.now(UTC).isoformat(),
        "subject": principal.subject,
        "role": principal.role.value,
        "action": action,
        "details": details,
    }
    digest = chain(last.last_audit_hash or GENESIS, entry)
    await session.connection.execute(
        _APPEND,
        {
            "organisation": session.organisation_id,
            "number": last.last_audit_number + 1,
            "entry": json.dumps(entry, ensure_ascii=False),
            "hash": digest,
        },
    )
    await session.connection.execute(
        _ADVANCE,
        {
            "organisation": session.organisation_id,
            "number": last.last_audit_number + 1,
            "hash": digest,
        },
    )


def chain(previous: bytes, entry: JsonValue) -> bytes:
    """The hash of an entry that follows the entry of hash `previous`."""
    return hashlib.sha256(previous + canonical(entry)).digest()


async def find_breaks(session: ReadSession) -> AsyncIterator[str]:
    """Walk the organisation's chain; yields a sentence for each entry that does not hold."""
    place = {"organisation": session.organisation_id}
    previous, expected = GENESIS, 1
    for row in await session.connection.execute(_CHAIN, place):
        if row.entry_number != expected:
            yield f"audit entry {expected} is missing before entry {row.entry_number}"
        if chain(previous, row.entry) != row.hash:
            yield f"audit entry {row.entry_number} does not match its hash"
        previous, expected = row.hash, row.entry_number + 1
    last = (await session.connection.execute(_LAST, place)).first()
    if last is not None and last.last_audit_number != expected - 1:
        yield f"the audit chain ends at entry {expected - 1}, not at {last.last_audit_number}"
    elif last is not None and (last.last_audit_hash or GENESIS) != previous:
        yield "the audit chain does not end with the hash on record"


_LAST = text(
    "SELECT last_audit_number, last_audit_hash FROM organisation_counters"
    " WHERE organisation_id = :organisation"
)
_APPEND = text(
    "INSERT INTO audit_entries (organisation_id, entry_number, entry, hash)"
    " VALUES (:organisation, :number, cast(:entry AS jsonb), :hash)"
)
_ADVANCE = text(
    "UPDATE organisation_counters SET last_audit_number = :number, last_audit_hash = :hash"
    " WHERE organisation_id = :organisation"
)
_CHAIN = text(
    "SELECT entry_number, entry, hash FROM audit_entries"
    " WHERE organisation_id = :organisation ORDER BY entry_number"
)
