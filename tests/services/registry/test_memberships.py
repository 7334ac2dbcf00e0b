"""Memberships: periods that begin, end, and never share a day."""

import asyncio

import pytest

from services.common.errors import JsonValue
from services.common.identity import Role
from tests.services.registry.conftest import Registry, codes_of


@pytest.fixture
async def path(registry: Registry, request: pytest.FixtureRequest) -> str:
    """Where the memberships of an organisation of the test's own are posted."""
    slug = f"essai-{abs(hash(request.node.name))}"
    body = {"slug": slug, "name": "Essai", "region_codes": ["09"]}
    response = await registry.call("POST", "/v1/organisations", body)
    assert response.status_code == 201
    return f"/v1/organisations/{slug}/memberships"


async def periods(registry: Registry, path: str) -> list[tuple[str, str | None]]:
    organisation = (await registry.call("GET", path.removesuffix("/memberships"))).json()
    return [(period["from"], period["to"]) for period in organisation["memberships"]]


async def test_a_membership_begins_ends_and_begins_again(registry: Registry, path: str) -> None:
    first = await registry.call("POST", path, {"from": "2030-01-01"})
    end = await registry.call("POST", f"{path}/2030-01-01/end", {"to": "2030-12-31"})
    again = await registry.call("POST", path, {"from": "2031-01-01", "to": "2031-06-30"})

    assert (first.status_code, end.status_code, again.status_code) == (201, 200, 201)
    assert first.headers["location"] == f"{path}/2030-01-01"
    found = await registry.call("GET", first.headers["location"], role=Role.MEMBER)
    assert found.json() == end.json()
    assert end.json() == {"from": "2030-01-01", "to": "2030-12-31", "from_status": "confirmed"}
    assert await periods(registry, path) == [
        ("2030-01-01", "2030-12-31"),
        ("2031-01-01", "2031-06-30"),
    ]


@pytest.mark.parametrize(
    ("as_of", "is_member"),
    [("2029-12-31", False), ("2030-01-01", True), ("2030-12-31", True), ("2031-01-01", False)],
)
async def test_both_ends_belong_to_the_period(
    registry: Registry, path: str, as_of: str, is_member: bool
) -> None:
    await registry.call("POST", path, {"from": "2030-01-01", "to": "2030-12-31"})
    members = await registry.call("GET", f"/v1/organisations?as_of={as_of}&limit=200")

    slugs = [item["slug"] for item in members.json()["items"]]
    assert (path.split("/")[3] in slugs) is is_member


async def test_a_membership_is_part_of_the_version(registry: Registry, path: str) -> None:
    organisation = path.removesuffix("/memberships")
    tags = [(await registry.call("GET", organisation)).headers["etag"]]
    await registry.call("POST", path, {"from": "2030-01-01"})
    tags.append((await registry.call("GET", organisation)).headers["etag"])
    await registry.call("POST", f"{path}/2030-01-01/end", {"to": "2030-12-31"})
    tags.append((await registry.call("GET", organisation)).headers["etag"])

    assert len(set(tags)) == 3


@pytest.mark.parametrize(
    "overlapping",
    [
        {"from": "2030-12-31"},
        {"from": "2029-01-01"},
        {"from": "2029-01-01", "to": "2030-01-01"},
        {"from": "2030-03-01", "to": "2030-04-01"},
        {"from": "2030-01-01"},
    ],
)
async def test_overlapping_periods_are_refused(
    registry: Registry, path: str, overlapping: dict[str, JsonValue]
) -> None:
    await registry.call("POST", path, {"from": "2030-01-01", "to": "2030-12-31"})
    response = await registry.call("POST", path, overlapping)

    assert response.status_code == 409
    assert codes_of(response) == {"/from": "membership.overlap"}
    assert await periods(registry, path) == [("2030-01-01", "2030-12-31")]


async def test_of_two_concurrent_beginnings_one_wins(registry: Registry, path: str) -> None:
    responses = await asyncio.gather(
        *(registry.call("POST", path, {"from": f"2030-0{month}-01"}) for month in range(1, 6))
    )

    assert sorted(response.status_code for response in responses) == [201, 409, 409, 409, 409]
    assert len(await periods(registry, path)) == 1


async def test_the_same_again_changes_nothing(registry: Registry, path: str) -> None:
    body, end = {"from": "2030-01-01"}, {"to": "2030-12-31"}
    first = await registry.call("POST", path, body)
    again = await registry.call("POST", path, body)
    ended = await registry.call("POST", f"{path}/2030-01-01/end", end)
    ended_again = await registry.call("POST", f"{path}/2030-01-01/end", end)
    otherwise = await registry.call("POST", f"{path}/2030-01-01/end", {"to": "2031-12-31"})

    assert (again.status_code, again.content) == (200, first.content)
    assert (ended_again.status_code, ended_again.content) == (200, ended.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert ended_again.headers["idempotent-replayed"] == "true"
    assert (otherwise.status_code, otherwise.json()["code"]) == (409, "membership.ended")


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/from", "missing"),
        ({"from": "2030-02-30"}, "/from", "date.impossible"),
        ({"from": "2030"}, "/from", "date.form"),
        ({"from": "2030-01-02", "to": "2030-01-01"}, "/to", "date.order"),
        ({"from": "2030-01-01", "until": None}, "/until", "unknown_field"),
        ({"from": "2030-01-01", "from_status": "sure"}, "/from_status", "choice"),
    ],
)
async def test_bad_input_is_refused_at_its_place(
    registry: Registry, path: str, body: dict[str, JsonValue], pointer: str, code: str
) -> None:
    for language in ("fr", "en"):
        response = await registry.call("POST", path, body, headers={"Accept-Language": language})
        assert response.status_code == 422
        assert codes_of(response) == {pointer: code}
    assert await periods(registry, path) == []


async def test_an_end_before_the_beginning_is_refused(registry: Registry, path: str) -> None:
    await registry.call("POST", path, {"from": "2030-01-01"})
    response = await registry.call("POST", f"{path}/2030-01-01/end", {"to": "2029-12-31"})

    assert response.status_code == 422
    assert codes_of(response) == {"/to": "date.order"}


async def test_what_is_unknown_is_not_found(registry: Registry, path: str) -> None:
    unknown = "/v1/organisations/nulle-part/memberships"
    body = {"from": "2030-01-01"}

    assert (await registry.call("POST", unknown, body)).status_code == 404
    assert (await registry.call("GET", f"{path}/2030-01-01")).status_code == 404
    end = await registry.call("POST", f"{path}/2030-01-01/end", {"to": "2030-12-31"})
    assert end.status_code == 404
    assert (await registry.call("GET", f"{path}/2030-02-30")).status_code == 404


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.NETWORK])
async def test_only_the_network_begins_and_ends(registry: Registry, role: Role) -> None:
    path = "/v1/organisations/montreal/memberships"
    begin = await registry.call("POST", path, {"from": "1990-01-01"}, role=role)
    end = await registry.call("POST", f"{path}/2000-01-01/end", {"to": "2026-01-01"}, role=role)

    assert (begin.status_code, end.status_code) == (403, 403)
    assert await periods(registry, path) == [("2000-01-01", None)]
