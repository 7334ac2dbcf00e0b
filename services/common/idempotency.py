"""Answering a POST once: the `Idempotency-Key` is claimed, and its answer kept, in the transaction
that does the work. Sending the same request again gives the stored answer; nothing happens twice.

This is the convenience of HTTP clients. What protects the facts for ever is their `external_id`.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol, TypeVar, cast
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import text

from services.common.answers import json_response
from services.common.database import AsideSession, Database, WriteSession
from services.common.errors import InputError, JsonValue, Unprocessable
from services.common.identity import Principal
from services.common.text import Text

KEPT_FOR = timedelta(days=30)
KEY_LENGTH_MAX = 255
REPLAYED = {"Idempotent-Replayed": "true"}


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command answers: the status, the document, and headers such as Location."""

    status: int
    document: JsonValue
    headers: Mapping[str, str] = field(default_factory=dict)


def created(document: JsonValue, location: str) -> Answered:
    return Answered(201, document, {"Location": location})


def replayed(document: JsonValue, location: str) -> Answered:
    """The same facts were posted before: the same body again, and nothing changed."""
    return Answered(200, document, {"Location": location, **REPLAYED})


Work = Callable[[WriteSession], Awaitable[Answered]]
Session = TypeVar("Session", bound=AsideSession)


class Once(Protocol):
    """Runs work inside a transaction, unless what it would answer is kept already."""

    async def __call__(
        self, session: Session, work: Callable[[Session], Awaitable[Answered]], /
    ) -> Answered: ...


async def answer_once(
    request: Request, principal: Principal, work: Work, tenant: UUID | None = None
) -> Response:
    """Run `work` in one write transaction of the principal's organisation; commit, then answer.

    `tenant` is the organisation the network acts upon, where that is what the operation is for.
    Raises Unprocessable `idempotency_key.reused` when the key came with another request before.
    """
    database: Database = request.app.state.database
    once = work_once(request, principal, await request.body())
    async with database.write(tenant or principal.organisation_id) as session:
        answered = await once(session, work)
    return to_response(answered)


def to_response(answered: Answered) -> Response:
    return json_response(answered.document, answered.status, answered.headers)


async def at_once(session: Session, work: Callable[[Session], Awaitable[Answered]], /) -> Answered:
    """Run work that came without a key."""
    return await work(session)


def work_once(request: Request, principal: Principal, body: bytes) -> Once:
    """How to run what the request asks for; `body` is what identifies it beside its path.

    Raises Unprocessable for a key that is none.
    """
    key = read_key(request)
    if key is None:
        return at_once
    claim = _Claim(principal.subject, request.method, request.url.path, key)
    fingerprint = _fingerprint(request, body)

    async def run(session: Session, work: Callable[[Session], Awaitable[Answered]], /) -> Answered:
        kept = await _claim(session, claim, fingerprint)
        if kept is not None:
            return replace(kept, headers={**kept.headers, **REPLAYED})
        answered = await work(session)
        await _keep(session, claim, answered)
        return answered

    return run


def read_key(request: Request) -> str | None:
    """The Idempotency-Key, quoted (as its draft says) or bare; None when absent."""
    header = request.headers.get("idempotency-key")
    if header is None:
        return None
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not key or len(key) > KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        message = Text(
            f"La clé a de 1 à {KEY_LENGTH_MAX} caractères ASCII imprimables.",
            f"The key has 1 to {KEY_LENGTH_MAX} printable ASCII characters.",
        )
        raise Unprocessable(
            message,
            code="idempotency_key.form",
            errors=[InputError("", "idempotency_key.form", message)],
        )
    return key


@dataclass(frozen=True, slots=True)
class _Claim:
    client: str
    method: str
    path: str
    key: str


def _fingerprint(request: Request, body: bytes) -> bytes:
    digest = hashlib.sha256(request.url.query.encode() + b"\0")
    digest.update(body)
    return digest.digest()


async def _claim(session: AsideSession, claim: _Claim, fingerprint: bytes) -> Answered | None:
    """Take the key, or find the answer it was given before."""
    place = {
        "organisation": session.organisation_id,
        "client": claim.client,
        "method": claim.method,
        "path": claim.path,
        "key": claim.key,
    }
    await session.connection.execute(
        _FORGET, {"organisation": session.organisation_id, "kept_for": KEPT_FOR}
    )
    taken = await session.connection.execute(_TAKE, {**place, "fingerprint": fingerprint})
    if taken.first() is not None:
        return None
    row = (await session.connection.execute(_FIND, place)).one()
    if row.fingerprint != fingerprint:
        raise Unprocessable(
            Text(
                "Cette clé d'idempotence a déjà servi pour une autre requête.",
                "This idempotency key has already been used for another request.",
            ),
            code="idempotency_key.reused",
        )
    return Answered(row.status, json.loads(row.document), cast(dict[str, str], row.headers))


async def _keep(session: AsideSession, claim: _Claim, answered: Answered) -> None:
    await session.connection.execute(
        _KEEP,
        {
            "organisation": session.organisation_id,
            "client": claim.client,
            "method": claim.method,
            "path": claim.path,
            "key": claim.key,
            "status": answered.status,
            "document": json.dumps(answered.document, ensure_ascii=False),
            "headers": json.dumps(dict(answered.headers)),
        },
    )


_PLACE = (
    "organisation_id = :organisation AND client = :client AND method = :method"
    " AND path = :path AND key = :key"
)
_FORGET = text(
    "DELETE FROM idempotency_keys"
    " WHERE organisation_id = :organisation AND recorded_at < now() - cast(:kept_for AS interval)"
)
_TAKE = text(
    """
    INSERT INTO idempotency_keys (organisation_id, client, method, path, key, fingerprint)
    VALUES (:organisation, :client, :method, :path, :key, :fingerprint)
    ON CONFLICT DO NOTHING RETURNING key
    """
)
_FIND = text(f"SELECT fingerprint, status, document, headers FROM idempotency_keys WHERE {_PLACE}")
_KEEP = text(
    "UPDATE idempotency_keys SET status = :status, document = :document, headers = :headers"
    f" WHERE {_PLACE}"
)
