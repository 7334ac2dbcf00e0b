"""From an access key to a principal, and from a principal to a token the services trust.

The registry is asked for every request, so that a revoked key is refused at once. Requests that
wait for the same key share one question, but only a question asked after they came:

    asking     -> answers those who waited when it was asked
    waiting    -> those who came since; asked as soon as the one before is answered

A request that changes nothing may be on its way to its part meanwhile; its answer waits.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import structlog
from joserfc.jwk import OKPKey
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.limits import RateLimits
from gateway.parts import bad_answer, to_problem, unavailable
from gateway.routing import Part
from services.common.errors import Problem, Unauthenticated
from services.common.identity import Principal, Role, sign_principal
from services.common.text import Text

KEY_LENGTH_MAX = 512
ASKED_LENGTH_MAX = 500
"""A path of ours is far shorter; of another, the beginning is kept."""
TOKEN_REUSE_SECONDS = 20
"""A signed token serves this long of its minute: signing costs more than the rest of the way."""
REMEMBERED_MAX = 10_000

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="reseau"'}
_CHALLENGE_REFUSED = {"WWW-Authenticate": 'Bearer realm="reseau", error="invalid_token"'}
_REASONS = {
    "access.unknown": Text("Cette clé d'accès est inconnue.", "This access key is unknown."),
    "access.revoked": Text(
        "Cette clé d'accès a été révoquée.", "This access key has been revoked."
    ),
    "access.expired": Text("Cette clé d'accès est échue.", "This access key has expired."),
    "access.suspended": Text(
        "L'organisme de cette clé d'accès est inactif.",
        "The organisation of this access key is inactive.",
    ),
}
"""Why the registry refuses a key; it tells more than `access.unknown` only to who holds it."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Admission:
    """Whom the door let in, and the headers their answer carries."""

    principal: Principal
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Expected:
    """An admission that holds if the registry confirms it; it has already when there is no task."""

    admission: Admission
    confirmed: asyncio.Task[Principal] | None

    def abandon(self) -> None:
        if self.confirmed is not None:
            self.confirmed.cancel()


class KeyHolder(BaseModel):
    """What the registry knows of a key that is good now."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    key_id: str
    role: Role
    organisation: str | None
    region_codes: tuple[str, ...]
    made_by: str


class Registry:
    """Asks the registry whose key this is."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        timeout: aiohttp.ClientTimeout,
        signer: "TokenSigner",
    ) -> None:
        self._session = session
        self._url = f"{url}/internal/authenticate"
        self._readings_url = f"{url}/internal/readings"
        self._timeout = timeout
        self._signer = signer
        self._asking: dict[str, asyncio.Task[Principal | Problem]] = {}
        self._waiting: dict[str, asyncio.Task[Principal | Problem]] = {}

    async def find_principal(self, key: str, traceparent: str) -> Principal:
        """Raises Unauthenticated, or Unavailable and BadGateway when the registry fails."""
        question = self._waiting.get(key)
        if question is None:
            question = asyncio.create_task(self._ask_next(key, traceparent))
            self._waiting[key] = question
        found = await asyncio.shield(question)
        if isinstance(found, Problem):
            raise found
        return found

    async def record_reading(self, principal: Principal, asked: str, traceparent: str) -> None:
        """Put on the audit chain what the principal asks for. Raises Unavailable, BadGateway."""
        try:
            async with self._session.post(
                self._readings_url,
                json={"asked": asked[:ASKED_LENGTH_MAX]},
                headers={
                    "Authorization": f"Bearer {self._signer.sign(principal)}",
                    "traceparent": traceparent,
                    "Content-Type": "application/json",
                },
                timeout=self._timeout,
            ) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise to_problem(Part.REGISTRY, error) from error
        if status == 503:
            raise unavailable([Part.REGISTRY])
        if status != 204:
            _log.error("registry_answer_refused", status=status)
            raise bad_answer(Part.REGISTRY)

    async def _ask_next(self, key: str, traceparent: str) -> Principal | Problem:
        before = self._asking.get(key)
        if before is not None:
            await asyncio.wait([before])
        mine = self._waiting.pop(key)
        self._asking[key] = mine
        try:
            return await self._ask(key, traceparent)
        finally:
            if self._asking.get(key) is mine:
                del self._asking[key]

    async def _ask(self, key: str, traceparent: str) -> Principal | Problem:
        try:
            async with self._session.post(
                self._url,
                json={"key": key},
                headers={"traceparent": traceparent, "Content-Type": "application/json"},
                timeout=self._timeout,
            ) as response:
                body = await response.read()
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            return to_problem(Part.REGISTRY, error)
        if status == 401:
            return _refuse(body)
        if status == 503:
            return unavailable([Part.REGISTRY])
        try:
            if status != 200:
                raise ValueError(status)
            holder = KeyHolder.model_validate_json(body)
            is_consistent = (holder.role is Role.MEMBER) == (holder.organisation is not None)
            if holder.role is Role.SERVICE or not is_consistent:
                raise ValueError(holder.role)
        except (ValidationError, ValueError):
            _log.error("registry_answer_refused", status=status)
            return bad_answer(Part.REGISTRY)
        return Principal(
            holder.key_id, holder.role, holder.organisation, holder.region_codes, holder.made_by
        )


class _Refusal(BaseModel):
    """What the gateway reads of the registry's problem document."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    code: str


def _refuse(body: bytes) -> Problem:
    try:
        code = _Refusal.model_validate_json(body).code
    except ValidationError:
        code = ""
    return Unauthenticated(
        _REASONS.get(code), code=code if code in _REASONS else "", headers=_CHALLENGE_REFUSED
    )


class Doorkeeper:
    """Reads the key, counts it, and lets its holder in."""

    def __init__(self, registry: Registry, limits: RateLimits) -> None:
        self._registry = registry
        self._limits = limits
        self._known: OrderedDict[bytes, Principal] = OrderedDict()

    async def admit(
        self, authorization: list[str], address: str, traceparent: str, asked: str
    ) -> Admission:
        """Raises Unauthenticated, TooManyRequests, or what a failing registry means.

        `asked` is the method and the path: an auditor reads nothing that is not on record.
        """
        key = read_key(authorization)
        known = self._known.get(_digest(key))
        headers: Mapping[str, str] = {}
        # Wrong keys from an address hold up those who guess there, not its members' known keys.
        if known is None:
            self._limits.refuse_held_up(address)
        else:
            headers = self._limits.count_request(known.subject)
        principal = await self._confirm(key, address, traceparent)
        if known is None:
            headers = self._limits.count_request(principal.subject)
        if principal.role is Role.AUDITOR:
            await self._registry.record_reading(principal, asked, traceparent)
        return Admission(principal, headers)

    def expect(self, authorization: list[str], address: str, traceparent: str) -> Expected | None:
        """Whom a known key stood for, while the registry is asked whether it still does.

        For requests that change nothing: the part may be asked at the same time, but its answer
        leaves only once `confirmed` has given the same principal. None for a key not known yet,
        and for an auditor's. Raises as `admit` does.
        """
        key = read_key(authorization)
        known = self._known.get(_digest(key))
        if known is None or known.role is Role.AUDITOR:
            return None
        headers = self._limits.count_request(known.subject)
        confirmed = asyncio.create_task(self._confirm(key, address, traceparent))
        confirmed.add_done_callback(_note_outcome)
        return Expected(Admission(known, headers), confirmed)

    async def _confirm(self, key: str, address: str, traceparent: str) -> Principal:
        digest = _digest(key)
        try:
            principal = await self._registry.find_principal(key, traceparent)
        except Unauthenticated:
            self._known.pop(digest, None)
            self._limits.count_refusal(address)
            raise
        self._known[digest] = principal
        if len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
        return principal


def _note_outcome(task: asyncio.Task[Principal]) -> None:
    """A refusal nobody waits for any more, because the client left, is no defect to report."""
    if not task.cancelled():
        task.exception()


def _digest(key: str) -> bytes:
    """What is remembered of a key: never the key itself."""
    return hashlib.sha256(key.encode()).digest()


def read_key(authorization: list[str]) -> str:
    """The key of the one Authorization header. Raises Unauthenticated."""
    scheme, _, key = authorization[0].partition(" ") if len(authorization) == 1 else ("", "", "")
    key = key.strip()
    is_key = 0 < len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable()
    if scheme.lower() != "bearer" or not is_key or " " in key:
        raise Unauthenticated(headers=_CHALLENGE)
    return key


class TokenSigner:
    """Signs principals; the same principal gets the same token for a while."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key
        self._recent: dict[Principal, tuple[float, str]] = {}

    def sign(self, principal: Principal) -> str:
        now = time.monotonic()
        signed_at, token = self._recent.get(principal, (-TOKEN_REUSE_SECONDS, ""))
        if now - signed_at < TOKEN_REUSE_SECONDS and token:
            return token
        if len(self._recent) >= REMEMBERED_MAX:
            self._recent.clear()
        token = sign_principal(principal, self._key)
        self._recent[principal] = (now, token)
        return token
