"""Access keys: who makes them, that they are shown once, kept hashed, and revoked at once."""

import hashlib
from datetime import timedelta

import asyncpg
import httpx
import pytest

from services.common.errors import JsonValue
from services.common.identity import NO_ORGANISATION, Role, organisation_id
from tests.services.registry.conftest import TODAY, Registry, codes_of

MEMBER_KEYS = "/v1/organisations/laval/keys"
MANAGERS = (Role.NETWORK, Role.OPERATOR)
IN_A_YEAR = (TODAY + timedelta(days=366)).isoformat()
TOO_LATE = (TODAY + timedelta(days=367)).isoformat()
PAST = (TODAY - timedelta(days=1)).isoformat()


async def create(
    registry: Registry, path: str = MEMBER_KEYS, **fields: JsonValue
) -> httpx.Response:
    response = await registry.call("POST", path, fields, role=Role.OPERATOR)
    assert response.status_code == 201, response.text
    return response


async def authenticate(registry: Registry, key: JsonValue) -> httpx.Response:
    return await registry.call("POST", "/internal/authenticate", {"key": key}, role=None)


@pytest.mark.parametrize("role", MANAGERS)
async def test_a_member_key_is_made_and_opens(registry: Registry, role: Role) -> None:
    response = await registry.call("POST", MEMBER_KEYS, {"label": "Paie"}, role=role)

    key = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/v1/keys/{key['key_id']}"
    assert response.headers["cache-control"] == "no-store"
    assert key["key"].startswith(f"rmc_{key['key_id']}_")
    assert (key["role"], key["organisation"], key["label"]) == ("member", "laval", "Paie")
    assert (key["expires_on"], key["revoked_at"]) == (None, None)
    assert key["created_by"] == f"test-{role}"
    opened = (await authenticate(registry, key["key"])).json()
    assert (opened["role"], opened["organisation"]) == ("member", "laval")


@pytest.mark.parametrize(
    ("manager", "role", "status"),
    [
        (Role.OPERATOR, "network", 201),
        (Role.OPERATOR, "funder", 201),
        (Role.OPERATOR, "auditor", 201),
        (Role.OPERATOR, "operator", 201),
        (Role.NETWORK, "funder", 201),
        (Role.NETWORK, "auditor", 201),
        (Role.NETWORK, "network", 403),
        (Role.NETWORK, "operator", 403),
    ],
)
async def test_who_makes_keys_of_which_role(
    registry: Registry, manager: Role, role: str, status: int
) -> None:
    body = {"role": role, "expires_on": IN_A_YEAR}
    response = await registry.call("POST", "/v1/keys", body, role=manager)

    assert response.status_code == status
    if status == 201:
        opened = (await authenticate(registry, response.json()["key"])).json()
        assert (opened["role"], opened["organisation"]) == (role, None)
    else:
        assert response.json()["code"] == "access.forbidden"


@pytest.mark.parametrize("role", [role for role in Role if role not in MANAGERS])
async def test_other_roles_have_nothing_to_do_with_keys(registry: Registry, role: Role) -> None:
    key_id = (await create(registry)).json()["key_id"]
    for method, path in (
        ("POST", "/v1/organisations/montreal/keys"),
        ("GET", "/v1/organisations/montreal/keys"),
        ("POST", "/v1/keys"),
        ("GET", "/v1/keys"),
        ("GET", f"/v1/keys/{key_id}"),
        ("DELETE", f"/v1/keys/{key_id}"),
    ):
        body: JsonValue = {"role": "funder"} if path == "/v1/keys" else {}
        response = await registry.call(method, path, body if method == "POST" else None, role=role)
        assert response.status_code == 403, path


async def test_the_secret_is_kept_nowhere(registry: Registry) -> None:
    headers = {"Idempotency-Key": "cle-montree"}
    first = await registry.call("POST", MEMBER_KEYS, {"label": "a"}, headers=headers)
    again = await registry.call("POST", MEMBER_KEYS, {"label": "a"}, headers=headers)

    key = first.json()
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == {**key, "key": None}
    (row,) = await registry.look(
        "SELECT secret_hash FROM registry.access_keys WHERE key_id = $1", key["key_id"]
    )
    assert row["secret_hash"] == hashlib.sha256(key["key"].encode()).digest()
    secret = key["key"].split("_", 2)[2]  # one may hold the sign itself
    for table in ("access_keys", "events", "audit_entries", "idempotency_keys"):
        found = await registry.look(
            f"SELECT 1 FROM registry.{table} AS t WHERE strpos(t::text, $1) > 0", secret
        )
        assert found == [], table


async def test_keys_are_listed_without_their_secrets(registry: Registry) -> None:
    made = [(await create(registry, "/v1/organisations/estrie/keys")).json() for _ in range(3)]
    path, seen = "/v1/organisations/estrie/keys?limit=2", []
    while path is not None:
        page = (await registry.call("GET", path)).json()
        seen += page["items"]
        path = page["next"]

    assert all("key" not in key for key in seen)
    assert {key["organisation"] for key in seen} == {"estrie"}
    assert len(seen) == 4  # and the first one, from the seed
    assert {key["key_id"] for key in made} < {key["key_id"] for key in seen}
    one = await registry.call("GET", f"/v1/keys/{made[0]['key_id']}")
    assert one.json() == {name: value for name, value in made[0].items() if name != "key"}


@pytest.mark.parametrize(
    ("manager", "roles"),
    [
        (Role.NETWORK, {"member", "funder", "auditor"}),
        (Role.OPERATOR, {"member", "funder", "auditor", "network", "operator"}),
    ],
)
async def test_one_sees_the_keys_one_answers_for(
    registry: Registry, manager: Role, roles: set[str]
) -> None:
    response = await registry.call("GET", "/v1/keys?limit=200", role=manager)

    assert {key["role"] for key in response.json()["items"]} == roles
    assert "secret" not in response.text


async def test_a_revoked_key_is_refused_at_once_and_for_ever(registry: Registry) -> None:
    key = (await create(registry)).json()
    path = f"/v1/keys/{key['key_id']}"
    assert (await authenticate(registry, key["key"])).status_code == 200

    first = await registry.call("DELETE", path)
    refused = await authenticate(registry, key["key"])
    revoked_at = (await registry.call("GET", path)).json()["revoked_at"]
    second = await registry.call("DELETE", path)

    assert (first.status_code, first.content, second.status_code) == (204, b"", 204)
    assert (refused.status_code, refused.json()["code"]) == (401, "access.revoked")
    assert revoked_at is not None
    assert (await registry.call("GET", path)).json()["revoked_at"] == revoked_at
    entries = await registry.look(
        "SELECT entry->>'action' AS action FROM registry.audit_entries"
        " WHERE entry->'details'->>'key_id' = $1 ORDER BY entry_number",
        key["key_id"],
    )
    assert [row["action"] for row in entries] == ["access_key.create", "access_key.revoke"]


async def test_the_network_cannot_touch_the_operators_keys(registry: Registry) -> None:
    key = (await create(registry, "/v1/keys", role="operator")).json()

    for method in ("GET", "DELETE"):
        response = await registry.call(method, f"/v1/keys/{key['key_id']}", role=Role.NETWORK)
        assert response.status_code == 404
    assert (await authenticate(registry, key["key"])).status_code == 200


@pytest.mark.parametrize("key_id", ["0" * 16, "nulle", "a%00b", "x" * 300])
async def test_an_unknown_key_is_not_found(registry: Registry, key_id: str) -> None:
    for method in ("GET", "DELETE"):
        response = await registry.call(method, f"/v1/keys/{key_id}")
        assert response.status_code == 404
        assert response.json()["code"] == "not_found"


async def test_keys_of_an_unknown_organisation_are_not_found(registry: Registry) -> None:
    for method, body in (("GET", None), ("POST", {})):
        response = await registry.call(method, "/v1/organisations/nulle-part/keys", body)
        assert response.status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "pointer", "code"),
    [
        (MEMBER_KEYS, {"role": "network"}, "/role", "choice"),
        (MEMBER_KEYS, {"label": ""}, "/label", "text.too_short"),
        (MEMBER_KEYS, {"label": "a" * 201}, "/label", "text.too_long"),
        (MEMBER_KEYS, {"expires_on": "2026-02-30"}, "/expires_on", "date.impossible"),
        (MEMBER_KEYS, {"expires_on": PAST}, "/expires_on", "date.past"),
        (MEMBER_KEYS, {"key": "rmc_1_2"}, "/key", "unknown_field"),
        ("/v1/keys", {}, "/role", "missing"),
        ("/v1/keys", {"role": "member"}, "/role", "choice"),
        ("/v1/keys", {"role": "service"}, "/role", "choice"),
        ("/v1/keys", {"role": "auditor"}, "/expires_on", "missing"),
        ("/v1/keys", {"role": "auditor", "expires_on": TOO_LATE}, "/expires_on", "date.too_late"),
    ],
)
async def test_bad_input_is_refused_at_its_place_in_both_languages(
    registry: Registry, path: str, body: dict[str, JsonValue], pointer: str, code: str
) -> None:
    said = {}
    for language in ("fr", "en"):
        response = await registry.call("POST", path, body, headers={"Accept-Language": language})
        assert response.status_code == 422
        assert codes_of(response) == {pointer: code}
        said[language] = response.json()["errors"][0]["message"]

    assert said["fr"] != said["en"]


async def test_a_key_serves_to_the_end_of_its_last_day_in_quebec(registry: Registry) -> None:
    summer = (await create(registry, expires_on="2026-07-01")).json()
    winter = (await create(registry, expires_on="2026-12-31")).json()

    assert (summer["expires_on"], summer["expires_at"]) == ("2026-07-01", "2026-07-02T04:00:00Z")
    assert (winter["expires_on"], winter["expires_at"]) == ("2026-12-31", "2027-01-01T05:00:00Z")


async def test_the_database_shows_keys_to_the_network_alone(registry: Registry) -> None:
    connection = await asyncpg.connect(registry.database.dsn("registry_app"))
    count = "SELECT count(*) FROM access_keys"
    try:
        with pytest.raises(asyncpg.UndefinedObjectError):
            await connection.fetchval(count)
        for organisation, sees in ((organisation_id("laval"), False), (NO_ORGANISATION, True)):
            async with connection.transaction():
                await connection.execute("SELECT set_org($1)", organisation)
                assert bool(await connection.fetchval(count)) is sees
    finally:
        await connection.close()


async def execute_for_the_network(connection: asyncpg.Connection, statement: str) -> None:
    async with connection.transaction():
        await connection.execute("SELECT set_org($1)", NO_ORGANISATION)
        await connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_keys SET role = 'network'",
        "UPDATE access_keys SET expires_at = NULL",
        "UPDATE access_keys SET secret_hash = secret_hash",
        "DELETE FROM access_keys",
        "TRUNCATE access_keys",
        "DELETE FROM organisations",
        "UPDATE organisations SET slug = 'autre'",
        "UPDATE memberships SET from_on = from_on",
        "DELETE FROM memberships",
        "UPDATE former_names SET name = name",
        "UPDATE regions SET name = name",
        "UPDATE audit_entries SET entry = entry",
        "DELETE FROM events",
        "SELECT * FROM loans.loans",
    ],
)
async def test_the_service_has_no_right_to_rewrite_history(
    registry: Registry, statement: str
) -> None:
    connection = await asyncpg.connect(registry.database.dsn("registry_app"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await execute_for_the_network(connection, statement)
    finally:
        await connection.close()
