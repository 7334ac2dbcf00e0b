"""POST /internal/authenticate: whom a key stands for, and what is told of a bad one."""

import json

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from services.common.database import Database
from services.common.identity import Role
from tests.services.registry.conftest import Registry, codes_of


async def authenticate(registry: Registry, key: str) -> httpx.Response:
    return await registry.call("POST", "/internal/authenticate", {"key": key}, role=None)


async def new_member_key(registry: Registry, slug: str) -> tuple[str, str]:
    """A key of an organisation and its identifier."""
    created = (await registry.call("POST", f"/v1/organisations/{slug}/keys", {})).json()
    return created["key"], created["key_id"]


async def test_a_member_key_stands_for_its_organisation(registry: Registry) -> None:
    key, key_id = await new_member_key(registry, "montreal")
    response = await authenticate(registry, key)

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "key_id": key_id,
        "role": "member",
        "organisation": "montreal",
        "region_codes": ["06"],
        "made_by": "test-network",
        "expires_at": None,
    }


async def test_every_first_key_opens(registry: Registry) -> None:
    keys = json.loads(registry.keys_file.read_text(encoding="utf-8"))
    members = keys.pop("members")

    for role, key in keys.items():
        found = (await authenticate(registry, key)).json()
        assert (found["role"], found["organisation"], found["region_codes"]) == (role, None, [])
        assert (found["expires_at"] is not None) is (role == "auditor")
    for slug, key in members.items():
        found = (await authenticate(registry, key)).json()
        assert (found["role"], found["organisation"]) == ("member", slug)
        assert len(found["region_codes"]) == 1


async def test_a_wrong_key_and_an_unknown_one_look_the_same(registry: Registry) -> None:
    key, key_id = await new_member_key(registry, "laval")
    other, _ = await new_member_key(registry, "laval")
    await registry.call("DELETE", f"/v1/keys/{key_id}")
    wrong = [
        f"rmc_{key_id}_{'A' * 43}",  # a revoked key without its secret says nothing of it
        f"rmc_{key_id}_{other.split('_', 2)[2]}",
        f"rmc_{'0' * 16}_{'A' * 43}",
        key.upper(),
        key[:-1],
        f"{key}A",
        f" {key}",
        "rmc_",
        "",
        "montréal\u0000",
        "x" * 10_000,
    ]
    answers = []
    for text in wrong:
        response = await authenticate(registry, text)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        document = response.json()
        del document["trace_id"]
        answers.append(document)

    assert answers[0]["code"] == "access.unknown"
    assert all(answer == answers[0] for answer in answers)


async def test_an_expired_key_is_refused(registry: Registry) -> None:
    key, key_id = await new_member_key(registry, "laval")
    await registry.look(
        "UPDATE registry.access_keys SET expires_at = now() WHERE key_id = $1", key_id
    )
    response = await authenticate(registry, key)

    assert (response.status_code, response.json()["code"]) == (401, "access.expired")


async def test_the_keys_of_an_inactive_organisation_are_refused(registry: Registry) -> None:
    key, _ = await new_member_key(registry, "outaouais")
    path, anyone = "/v1/organisations/outaouais", {"If-Match": "*"}

    await registry.call("PATCH", path, {"status": "inactive"}, headers=anyone)
    refused = await authenticate(registry, key)
    await registry.call("PATCH", path, {"status": "active"}, headers=anyone)
    accepted = await authenticate(registry, key)

    assert (refused.status_code, refused.json()["code"]) == (401, "access.suspended")
    assert accepted.status_code == 200


@pytest.mark.parametrize("code", ["access.unknown", "access.revoked"])
async def test_refusals_speak_french_and_english(registry: Registry, code: str) -> None:
    key, key_id = await new_member_key(registry, "laval")
    if code == "access.revoked":
        await registry.call("DELETE", f"/v1/keys/{key_id}", role=Role.OPERATOR)
    else:
        key = "?"
    said = []
    for language in ("fr", "en"):
        response = await registry.call(
            "POST",
            "/internal/authenticate",
            {"key": key},
            role=None,
            headers={"Accept-Language": language},
        )
        assert response.json()["code"] == code
        said.append(response.json()["detail"])

    assert said[0] != said[1]


async def test_a_body_without_a_key_is_refused_at_its_place(registry: Registry) -> None:
    response = await registry.call("POST", "/internal/authenticate", {}, role=None)

    assert response.status_code == 422
    assert codes_of(response) == {"/key": "missing"}


async def test_one_statement_decides(registry: Registry) -> None:
    key, _ = await new_member_key(registry, "laval")
    database: Database = registry.app.state.database
    statements: list[str] = []

    def record(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    engine: Engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", record)
    try:
        await authenticate(registry, key)
    finally:
        event.remove(engine, "before_cursor_execute", record)

    assert len([statement for statement in statements if "access_keys" in statement]) == 1
    assert len(statements) == 2  # whom it acts for, the key
