"""The SQL of the access keys. Each statement runs in a transaction of NO_ORGANISATION."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, text

from services.common.database import ReadSession, WriteSession
from services.common.identity import Role
from services.registry.organisations.arithmetic import Status


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What may be told of a key: everything but its secret."""

    key_id: str
    role: Role
    organisation: str | None
    label: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Credential:
    """What deciding on a key takes."""

    role: Role
    secret_hash: bytes
    expires_at: datetime | None
    revoked_at: datetime | None
    organisation: str | None
    is_organisation_active: bool
    region_codes: tuple[str, ...]
    created_by: str


@dataclass(frozen=True, slots=True)
class NewKey:
    key_id: str
    secret_hash: bytes
    role: Role
    organisation_id: uuid.UUID | None
    label: str | None
    expires_at: datetime | None


async def find_credential(session: ReadSession, key_id: str) -> Credential | None:
    row = (await session.connection.execute(_FIND_CREDENTIAL, {"key_id": key_id})).first()
    if row is None:
        return None
    return Credential(
        role=Role(row.role),
        secret_hash=row.secret_hash,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        organisation=row.organisation,
        is_organisation_active=row.status in (None, Status.ACTIVE),
        region_codes=tuple(row.region_codes),
        created_by=row.created_by,
    )


async def find_key(session: ReadSession, key_id: str) -> KeyRecord | None:
    row = (await session.connection.execute(_FIND, {"key_id": key_id})).first()
    return None if row is None else _to_record(row)


async def list_keys(
    session: ReadSession,
    roles: Sequence[Role],
    organisation_id: uuid.UUID | None,
    after: str,
    limit: int,
) -> list[KeyRecord]:
    """Keys of the given roles, in order of their identifiers, of one organisation if given."""
    rows = await session.connection.execute(
        _LIST,
        {
            "roles": [role.value for role in roles],
            "organisation": organisation_id,
            "after": after,
            "limit": limit,
        },
    )
    return [_to_record(row) for row in rows]


async def insert_keys(
    session: WriteSession, keys: Sequence[NewKey], created_by: str
) -> list[KeyRecord]:
    """Insert keys; those whose identifier is known, revoked or not, are left as they are."""
    rows = await session.connection.execute(
        _INSERT,
        {
            "key_ids": [key.key_id for key in keys],
            "organisations": [key.organisation_id for key in keys],
            "roles": [key.role.value for key in keys],
            "labels": [key.label for key in keys],
            "hashes": [key.secret_hash for key in keys],
            "expires": [key.expires_at for key in keys],
            "created_by": created_by,
        },
    )
    inserted = [row.key_id for row in rows]
    found = await session.connection.execute(_FIND_MANY, {"key_ids": inserted})
    return [_to_record(row) for row in found]


async def revoke_key(session: WriteSession, key_id: str, now: datetime, revoked_by: str) -> None:
    await session.connection.execute(
        _REVOKE, {"key_id": key_id, "now": now, "revoked_by": revoked_by}
    )


async def has_keys(session: ReadSession) -> bool:
    return (await session.connection.execute(_ANY)).first() is not None


def _to_record(row: Row[tuple[object, ...]]) -> KeyRecord:
    return KeyRecord(
        key_id=row.key_id,
        role=Role(row.role),
        organisation=row.organisation,
        label=row.label,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


_FIND_CREDENTIAL = text(
    """
    SELECT k.role, k.secret_hash, k.expires_at, k.revoked_at, k.created_by,
           o.slug AS organisation, o.status,
           ARRAY(SELECT r.region_code::text FROM organisation_regions r
                 WHERE r.organisation_id = k.organisation_id
                 ORDER BY r.region_code) AS region_codes
    FROM access_keys k LEFT JOIN organisations o ON o.organisation_id = k.organisation_id
    WHERE k.key_id = :key_id
    """
)
_RECORD = """
    SELECT k.key_id, k.role, o.slug AS organisation, k.label, k.created_at, k.created_by,
           k.expires_at, k.revoked_at
    FROM access_keys k LEFT JOIN organisations o ON o.organisation_id = k.organisation_id
"""
_FIND = text(f"{_RECORD} WHERE k.key_id = :key_id")
_FIND_MANY = text(f"{_RECORD} WHERE k.key_id = ANY(:key_ids) ORDER BY k.key_id")
_LIST = text(
    f"""
    {_RECORD}
    WHERE k.role = ANY(:roles) AND k.key_id > :after
      AND (cast(:organisation AS uuid) IS NULL
           OR k.organisation_id = cast(:organisation AS uuid))
    ORDER BY k.key_id
    LIMIT :limit
    """
)
_INSERT = text(
    """
    INSERT INTO access_keys (key_id, organisation_id, role, label, secret_hash, expires_at,
                             created_by)
    SELECT *, :created_by
    FROM unnest(cast(:key_ids AS text[]), cast(:organisations AS uuid[]), cast(:roles AS text[]),
                cast(:labels AS text[]), cast(:hashes AS bytea[]),
                cast(:expires AS timestamptz[]))
    ON CONFLICT (key_id) DO NOTHING RETURNING key_id
    """
)
_REVOKE = text(
    """
    UPDATE access_keys SET revoked_at = :now, revoked_by = :revoked_by
    WHERE key_id = :key_id AND revoked_at IS NULL
    """
)
_ANY = text("SELECT key_id FROM access_keys LIMIT 1")
