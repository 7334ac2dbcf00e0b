"""Who is asking: a principal, carried from the gateway to the services in a signed token.

Services decide on the subject of the token they verified themselves, never on a plain header.
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fastapi import Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jwt import JWTClaimsRegistry

from services.common.errors import Forbidden, Unauthenticated
from services.common.text import Text

ORGANISATION_NAMESPACE = uuid.UUID("5f0c7a0e-6f5b-5d0f-9a43-8f3c1d2b7e61")
NO_ORGANISATION = uuid.UUID(int=0)  # the tenant of what belongs to the network itself

TOKEN_SECONDS = 60
CLOCK_SKEW_SECONDS = 10
TOKEN_ISSUER = "reseau-gateway"
TOKEN_AUDIENCE = "reseau-services"
TOKEN_TYPE = "at+jwt"


class Role(StrEnum):
    MEMBER = "member"
    NETWORK = "network"
    FUNDER = "funder"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    SERVICE = "service"  # a service of the federation reading another's events; never a key


def organisation_id(slug: str) -> uuid.UUID:
    """The identifier of an organisation, derived from its slug: the same in every service."""
    return uuid.uuid5(ORGANISATION_NAMESPACE, slug)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever acts: the key or service (`subject`), its role and, if a member, its organisation.

    `made_by` is the key that made this one: who made a key has seen it, and may hold both.
    """

    subject: str
    role: Role
    organisation: str | None = None
    region_codes: tuple[str, ...] = ()
    made_by: str | None = None

    def may_be(self, subject: str, made_by: str | None) -> bool:
        """Whether one person may hold this key and that of `subject`."""
        return self.subject in (subject, made_by) or self.made_by == subject

    @property
    def organisation_id(self) -> uuid.UUID:
        """The member's organisation, or NO_ORGANISATION for the roles of the network."""
        return organisation_id(self.organisation) if self.organisation else NO_ORGANISATION


def sign_principal(principal: Principal, key: OKPKey, now: float | None = None) -> str:
    """A token the services accept for one minute."""
    issued = int(time.time() if now is None else now)
    claims = {
        "iss": TOKEN_ISSUER,
        "aud": TOKEN_AUDIENCE,
        "sub": principal.subject,
        "role": principal.role.value,
        "organisation": principal.organisation,
        "region_codes": list(principal.region_codes),
        "made_by": principal.made_by,
        "iat": issued,
        "exp": issued + TOKEN_SECONDS,
        "jti": uuid.uuid4().hex,
    }
    return jwt.encode({"alg": "Ed25519", "typ": TOKEN_TYPE}, claims, key, algorithms=["Ed25519"])


_CLAIMS = JWTClaimsRegistry(
    leeway=CLOCK_SKEW_SECONDS,
    iss={"essential": True, "value": TOKEN_ISSUER},
    aud={"essential": True, "value": TOKEN_AUDIENCE},
    sub={"essential": True},
    exp={"essential": True},
    iat={"essential": True},
)


def verify_token(token: str, key: OKPKey) -> Principal:
    """The principal of a token of the gateway. Raises Unauthenticated on any flaw."""
    try:
        decoded = jwt.decode(token, key, algorithms=["Ed25519"])
        _CLAIMS.validate(decoded.claims)
        claims = decoded.claims
        if decoded.header.get("typ") != TOKEN_TYPE or claims["exp"] - claims["iat"] > TOKEN_SECONDS:
            raise Unauthenticated(code="token.invalid")
        return Principal(
            subject=str(claims["sub"]),
            role=Role(claims["role"]),
            organisation=claims["organisation"],
            region_codes=tuple(claims["region_codes"]),
            made_by=claims["made_by"],
        )
    except (JoseError, KeyError, ValueError, TypeError) as error:
        raise Unauthenticated(code="token.invalid") from error


class Requires:
    """The scope of an operation: the roles that may call it, checked before the route runs."""

    def __init__(self, *roles: Role) -> None:
        self.roles: Sequence[Role] = roles

    async def __call__(self, request: Request) -> Principal:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated()
        principal = verify_token(token, request.app.state.token_key)
        if principal.role not in self.roles:
            raise forbidden(self.roles)
        if principal.role is Role.MEMBER and principal.organisation is None:
            raise Unauthenticated(code="token.invalid")
        return principal


def forbidden(roles: Sequence[Role]) -> Forbidden:
    names = ", ".join(roles)
    return Forbidden(
        Text(
            f"Cette opération est réservée au(x) rôle(s) : {names}.",
            f"This operation is reserved for the role(s): {names}.",
        )
    )


class Public:
    """The scope of an operation open to all: it says so, and carries nothing of anyone."""

    async def __call__(self) -> None:
        return None
