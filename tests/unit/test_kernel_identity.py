"""Whatever is wrong with a token, no principal comes of it; a right one decides by its role."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import Depends, FastAPI, Response
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from services.common.answers import install_problem_handlers, json_response
from services.common.app import refuse_unscoped_operations, service_router
from services.common.errors import JsonValue, Unauthenticated
from services.common.identity import (
    CLOCK_SKEW_SECONDS,
    NO_ORGANISATION,
    TOKEN_AUDIENCE,
    TOKEN_ISSUER,
    TOKEN_SECONDS,
    TOKEN_TYPE,
    Principal,
    Public,
    Requires,
    Role,
    organisation_id,
    sign_principal,
    verify_token,
)

KEY = OKPKey.generate_key("Ed25519")
OTHER_KEY = OKPKey.generate_key("Ed25519")
PUBLIC_KEY = OKPKey.import_key(KEY.as_pem(private=False))
MEMBER = Principal("key-1", Role.MEMBER, "montreal", ("06", "13"))
NETWORK = Principal("key-2", Role.NETWORK, made_by="key-3")


def claims(**changes: object) -> dict[str, object]:
    """Those of a sound token of a member; None takes one away."""
    now = int(time.time())
    sound = {
        "iss": TOKEN_ISSUER,
        "aud": TOKEN_AUDIENCE,
        "sub": "key-1",
        "role": "member",
        "organisation": "montreal",
        "region_codes": ["06", "13"],
        "made_by": None,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "jti": uuid.uuid4().hex,
    }
    return {name: value for name, value in (sound | changes).items() if value is not ...}


def sign(
    payload: dict[str, object], key: OKPKey = KEY, algorithm: str = "Ed25519", **header: str
) -> str:
    return jwt.encode(
        {"alg": algorithm, "typ": TOKEN_TYPE, **header}, payload, key, algorithms=[algorithm]
    )


def encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def assemble(header: JsonValue, payload: object, signature: bytes) -> str:
    """A token put together by hand."""
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(encode(part) for part in parts)


def sign_hmac(secret: bytes) -> str:
    """HS256 with the public key as its secret: a verifier that trusts `alg` would take it."""
    unsigned = assemble({"alg": "HS256", "typ": TOKEN_TYPE}, claims(), b"").rstrip(".")
    digest = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{encode(digest)}"


def tamper(token: str, **changes: object) -> str:
    """The same signature under other claims."""
    header, payload, signature = token.split(".")
    read = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return f"{header}.{encode(json.dumps(read | changes).encode())}.{signature}"


def test_a_signed_principal_comes_back() -> None:
    for principal in (MEMBER, NETWORK):
        assert verify_token(sign_principal(principal, KEY), PUBLIC_KEY) == principal
    assert verify_token(sign(claims()), PUBLIC_KEY) == MEMBER
    assert MEMBER.organisation_id == organisation_id("montreal")
    assert NETWORK.organisation_id == NO_ORGANISATION


NOW = int(time.time())
RSA_KEY = RSAKey.generate_key(2048)
EC_KEY = ECKey.generate_key("P-256")
PUBLIC_JWK = {k: str(v) for k, v in OTHER_KEY.as_dict(private=False).items()}
ATTACKS = {
    "empty": "",
    "one part": "a",
    "two parts": "a.b",
    "five parts": "a.b.c.d.e",
    "not base64": "é.é.é",
    "not ascii": "\u2028",
    "not json": f"{encode(b'{')}.{encode(b'{')}.{encode(b'x')}",
    "header is a list": assemble([], claims(), b"x"),
    "no signature": sign(claims()).rpartition(".")[0] + ".",
    "alg none": assemble({"alg": "none", "typ": TOKEN_TYPE}, claims(), b""),
    "alg None": assemble({"alg": "None", "typ": TOKEN_TYPE}, claims(), b""),
    "alg absent": assemble({"typ": TOKEN_TYPE}, claims(), b"x"),
    "HS256 with the public PEM": sign_hmac(KEY.as_pem(private=False)),
    "HS256 with the public bytes": sign_hmac(base64.urlsafe_b64decode(str(PUBLIC_JWK["x"]) + "=")),
    "RS256": jwt.encode({"alg": "RS256", "typ": TOKEN_TYPE}, claims(), RSA_KEY),
    "ES256": jwt.encode({"alg": "ES256", "typ": TOKEN_TYPE}, claims(), EC_KEY),
    "HS256 of its own": jwt.encode(
        {"alg": "HS256", "typ": TOKEN_TYPE}, claims(), OctKey.generate_key(256)
    ),
    "another key": sign(claims(), OTHER_KEY),
    "another key, told by kid": sign(claims(), OTHER_KEY, kid="../../etc/passwd"),
    "another key, told by jku": sign(claims(), OTHER_KEY, jku="https://evil.example/jwks.json"),
    "another key, in the header": assemble(
        {"alg": "Ed25519", "typ": TOKEN_TYPE, "jwk": PUBLIC_JWK}, claims(), bytes(64)
    ),
    "zero signature": assemble({"alg": "Ed25519", "typ": TOKEN_TYPE}, claims(), bytes(64)),
    "typ JWT": sign(claims(), typ="JWT"),
    "other issuer": sign(claims(iss="reseau-registry")),
    "no issuer": sign(claims(iss=...)),
    "other audience": sign(claims(aud="reseau-gateway")),
    "no audience": sign(claims(aud=...)),
    "no subject": sign(claims(sub=...)),
    "no role": sign(claims(role=...)),
    "unknown role": sign(claims(role="admin")),
    "role is a list": sign(claims(role=["member", "network"])),
    "no organisation": sign(claims(organisation=...)),
    "no regions": sign(claims(region_codes=...)),
    "no maker": sign(claims(made_by=...)),
    "expired": sign(claims(iat=NOW - 120, exp=NOW - 60)),
    "no expiry": sign(claims(exp=...)),
    "expiry is text": sign(claims(exp=str(NOW + 60))),
    "long life": sign(claims(exp=NOW + TOKEN_SECONDS + 1, iat=NOW)),
    "eternal": sign(claims(exp=2**40)),
    "no issue time": sign(claims(iat=...)),
    "issued in the future": sign(claims(iat=NOW + 3600, exp=NOW + 3660)),
    "not yet valid": sign(claims(nbf=NOW + 3600)),
    "role tampered": tamper(sign(claims()), role="network"),
    "organisation tampered": tamper(sign(claims()), organisation="laval"),
    "expiry tampered": tamper(sign(claims()), exp=NOW + 50),
}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands where the attacks were made: none is refused for its age alone."""
    monkeypatch.setattr(time, "time", lambda: float(NOW))


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("token", ATTACKS.values(), ids=ATTACKS.keys())
def test_attacks(token: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        verify_token(token, PUBLIC_KEY)
    assert caught.value.code == "token.invalid"


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("ahead_seconds", "is_taken"),
    [
        (-TOKEN_SECONDS - CLOCK_SKEW_SECONDS - 1, False),
        (-TOKEN_SECONDS - CLOCK_SKEW_SECONDS + 1, True),
        (-5, True),
        (CLOCK_SKEW_SECONDS, True),
        (CLOCK_SKEW_SECONDS + 1, False),
    ],
)
def test_clocks_may_differ_by_some_seconds(ahead_seconds: int, is_taken: bool) -> None:
    token = sign_principal(MEMBER, KEY, NOW + ahead_seconds)
    if is_taken:
        assert verify_token(token, PUBLIC_KEY) == MEMBER
    else:
        with pytest.raises(Unauthenticated):
            verify_token(token, PUBLIC_KEY)


def make_app() -> FastAPI:
    app = FastAPI()
    app.state.token_key = PUBLIC_KEY
    router = service_router()

    @router.get("/members")
    async def get_members(principal: Principal = Depends(Requires(Role.MEMBER))) -> Response:
        return json_response({"organisation": principal.organisation})

    @router.get("/offices")
    async def get_offices(
        principal: Principal = Depends(Requires(Role.NETWORK, Role.AUDITOR)),
    ) -> Response:
        return json_response({"role": principal.role.value})

    @router.get("/open", dependencies=[Depends(Public())])
    async def get_open() -> Response:
        return json_response({})

    refuse_unscoped_operations(router)
    app.include_router(router)
    install_problem_handlers(app)
    return app


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic abc", "Token abc", "Bearer a b", "abc"]
)
async def test_without_a_token_nobody_is_let_in(client: httpx.AsyncClient, header: str) -> None:
    response = await client.get("/members", headers={"Authorization": header} if header else {})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["code"] in ("access.unauthenticated", "token.invalid")


@pytest.mark.parametrize("role", Role)
async def test_a_role_does_what_its_scope_says(client: httpx.AsyncClient, role: Role) -> None:
    organisation = "montreal" if role is Role.MEMBER else None
    token = sign_principal(Principal("key", role, organisation), KEY)
    headers = {"Authorization": f"bearer {token}"}
    members = await client.get("/members", headers=headers)
    offices = await client.get("/offices", headers=headers)
    assert members.status_code == (200 if role is Role.MEMBER else 403)
    assert offices.status_code == (200 if role in (Role.NETWORK, Role.AUDITOR) else 403)
    assert (await client.get("/open")).status_code == 200
    if offices.status_code == 403:
        assert offices.json()["code"] == "access.forbidden"
        assert "network, auditor" in offices.json()["detail"]


async def test_a_member_has_an_organisation(client: httpx.AsyncClient) -> None:
    token = sign_principal(Principal("key", Role.MEMBER), KEY)
    response = await client.get("/members", headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, response.json()["code"]) == (401, "token.invalid")


async def test_a_plain_header_changes_nothing(client: httpx.AsyncClient) -> None:
    token = sign_principal(MEMBER, KEY)
    forged = {"X-Organisation": "laval", "X-Role": "network", "X-Org-Id": "laval"}
    headers = {"Authorization": f"Bearer {token}", **forged}
    assert (await client.get("/members", headers=headers)).json() == {"organisation": "montreal"}
    assert (await client.get("/offices", headers=headers)).status_code == 403


def test_an_operation_without_a_scope_stops_the_service() -> None:
    router = service_router()

    @router.get("/unscoped")
    async def unscoped() -> None:
        """Says nothing of who may call it."""

    with pytest.raises(RuntimeError, match="/unscoped declares no scope"):
        refuse_unscoped_operations(router)
