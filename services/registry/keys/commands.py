"""Making and revoking access keys, and deciding on the one a client shows."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.common import audit, outbox
from services.common.clock import LEGAL_TIME
from services.common.database import ReadSession, WriteSession
from services.common.errors import (
    InputError,
    JsonValue,
    Unauthenticated,
    Unprocessable,
    not_found,
)
from services.common.idempotency import Answered, created
from services.common.identity import Principal, Role, forbidden, organisation_id
from services.common.text import Text
from services.registry.keys import queries
from services.registry.keys.arithmetic import (
    AUDITOR_DAYS_MAX,
    AccessKey,
    find_expiry,
    hash_key,
    is_key_id,
    make_key,
    matches,
    read_key,
)
from services.registry.keys.queries import Credential, KeyRecord, NewKey
from services.registry.keys.schemas import to_document
from services.registry.organisations.commands import find_or_refuse


@dataclass(frozen=True, slots=True)
class KeyDraft:
    """What is asked of a key to be made; `organisation` (a slug) is a member's."""

    role: Role
    organisation: str | None
    label: str | None
    expires_on: date | None


def may_manage(manager: Role, role: Role) -> bool:
    """Who hands out, lists and revokes keys of which role.

    The operator answers for every key. The network office invites members, the funder and auditors,
    but cannot multiply its own keys nor make an operator: a stolen network key stays one key.
    """
    if manager is Role.OPERATOR:
        return True
    return manager is Role.NETWORK and role in (Role.MEMBER, Role.FUNDER, Role.AUDITOR)


def draw_key() -> AccessKey:
    """A new key from the system's source of chance."""
    return make_key(secrets.token_bytes(8), secrets.token_urlsafe(32))


async def create_key(
    session: WriteSession, principal: Principal, draft: KeyDraft, key: AccessKey, today: date
) -> Answered:
    """Record the hash of a key. The answer, which may be kept for a replay, is without its secret.

    Raises Forbidden, NotFound (organisation), or Unprocessable at `/expires_on`.
    """
    if not may_manage(principal.role, draft.role):
        raise forbidden([Role.OPERATOR])
    refuse_expiry(draft, today)
    if draft.organisation is not None:
        await find_or_refuse(session, draft.organisation)
    record = await _insert(session, principal, to_new_key(draft, key))
    document: dict[str, JsonValue] = {**to_document(record), "key": None}
    return created(document, f"/v1/keys/{key.key_id}")


def to_new_key(draft: KeyDraft, key: AccessKey) -> NewKey:
    expires_on = draft.expires_on
    return NewKey(
        key_id=key.key_id,
        secret_hash=hash_key(key),
        role=draft.role,
        organisation_id=organisation_id(draft.organisation) if draft.organisation else None,
        label=draft.label,
        expires_at=None if expires_on is None else find_expiry(expires_on, LEGAL_TIME),
    )


async def _insert(session: WriteSession, principal: Principal, key: NewKey) -> KeyRecord:
    (record,) = await queries.insert_keys(session, [key], principal.subject)
    details = _name_key(record)
    await outbox.append(session, "access_key.created", details)
    await audit.append(session, principal, "access_key.create", details)
    return record


def _name_key(record: KeyRecord) -> dict[str, JsonValue]:
    return {
        "key_id": record.key_id,
        "role": record.role.value,
        "organisation": record.organisation,
    }


def refuse_expiry(draft: KeyDraft, today: date) -> None:
    """Raises Unprocessable for a last day that is past, or an auditor's missing or too far."""
    if draft.expires_on is None:
        if draft.role is Role.AUDITOR:
            raise _refuse_expiry(
                "missing",
                Text(
                    "La clé d'un vérificateur a un dernier jour.",
                    "An auditor's key has a last day.",
                ),
            )
        return
    if draft.expires_on < today:
        raise _refuse_expiry(
            "date.past", Text("Ce jour est déjà passé.", "This day has already passed.")
        )
    last_day = today + timedelta(days=AUDITOR_DAYS_MAX)
    if draft.role is Role.AUDITOR and draft.expires_on > last_day:
        raise _refuse_expiry(
            "date.too_late",
            Text(
                f"La clé d'un vérificateur sert jusqu'au {last_day} au plus tard.",
                f"An auditor's key serves until {last_day} at the latest.",
            ),
        )


def _refuse_expiry(code: str, message: Text) -> Unprocessable:
    return Unprocessable(message, code=code, errors=[InputError("/expires_on", code, message)])


async def find_managed(session: ReadSession, principal: Principal, key_id: str) -> KeyRecord:
    """A key the principal may see and revoke; any other is not found. Raises NotFound."""
    record = await queries.find_key(session, key_id) if is_key_id(key_id) else None
    if record is None or not may_manage(principal.role, record.role):
        raise not_found(Text("Clé d'accès", "Access key"))
    return record


async def revoke_key(
    session: WriteSession, principal: Principal, key_id: str, now: datetime
) -> None:
    """Refuse a key from now on; once revoked it stays so, and revoking again changes nothing."""
    record = await find_managed(session, principal, key_id)
    if record.revoked_at is not None:
        return
    await queries.revoke_key(session, key_id, now, principal.subject)
    details = _name_key(record)
    await outbox.append(session, "access_key.revoked", details)
    await audit.append(session, principal, "access_key.revoke", details)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Whom a key stands for."""

    key_id: str
    credential: Credential


async def authenticate(session: ReadSession, text: str, now: datetime) -> Authenticated:
    """Whom a key stands for, now.

    Raises Unauthenticated: `access.unknown` for whatever is not a key or not its secret; only to
    who holds the secret, `access.revoked`, `access.expired`, or `access.suspended` when the
    organisation is inactive.
    """
    key = read_key(text)
    if key is None:
        raise _refuse_key("access.unknown", _UNKNOWN)
    credential = await queries.find_credential(session, key.key_id)
    is_right = matches(key, credential.secret_hash if credential else None)
    if credential is None or not is_right:
        raise _refuse_key("access.unknown", _UNKNOWN)
    if credential.revoked_at is not None:
        raise _refuse_key("access.revoked", _REVOKED)
    if credential.expires_at is not None and credential.expires_at <= now:
        raise _refuse_key("access.expired", _EXPIRED)
    if not credential.is_organisation_active:
        raise _refuse_key("access.suspended", _SUSPENDED)
    return Authenticated(key.key_id, credential)


def _refuse_key(code: str, message: Text) -> Unauthenticated:
    return Unauthenticated(message, code=code)


_UNKNOWN = Text("Cette clé d'accès est inconnue.", "This access key is unknown.")
_REVOKED = Text("Cette clé d'accès a été révoquée.", "This access key has been revoked.")
_EXPIRED = Text("Cette clé d'accès est échue.", "This access key has expired.")
_SUSPENDED = Text(
    "L'organisme de cette clé d'accès est inactif.",
    "The organisation of this access key is inactive.",
)
