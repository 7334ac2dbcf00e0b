"""/v1/organisations: who is in the network, described, changed, never overwritten."""

import pytest

from services.common import audit
from services.common.database import Database
from services.common.errors import JsonValue
from services.common.identity import NO_ORGANISATION, Role
from tests.services.registry.conftest import (
    Registry,
    codes_of,
    create_organisation,
    draft_organisation,
    patch_organisation,
)

OTHERS = [role for role in Role if role is not Role.NETWORK]


@pytest.mark.parametrize(
    ("as_of", "organisations", "regions"),
    [
        ("1999-12-31", 0, 0),
        ("2000-01-01", 12, 10),
        ("2004-02-29", 13, 10),
        ("2008-06-01", 15, 12),
        ("2019-02-28", 15, 12),
        ("2019-12-31", 16, 13),
    ],
)
async def test_members_and_their_regions_are_counted_for_a_date(
    registry: Registry, as_of: str, organisations: int, regions: int
) -> None:
    response = await registry.call("GET", f"/v1/organisations?as_of={as_of}")

    items = response.json()["items"]
    assert len(items) == organisations
    assert len({code for item in items for code in item["region_codes"]}) == regions


@pytest.mark.parametrize("role", Role)
async def test_every_role_reads_the_members_of_today_in_french_order(
    registry: Registry, role: Role
) -> None:
    response = await registry.call("GET", "/v1/organisations", role=role)

    assert response.status_code == 200
    assert [item["slug"] for item in response.json()["items"]] == [
        "gaspesie",  # Accès
        "charlevoix",  # Cercles
        "basses-laurentides",  # Fonds c
        "hautes-laurentides",  # Fonds d'emprunt des
        "monteregie",  # Fonds d'emprunt Montérégie
        "fonds-emprunt-quebec",
        "estrie",  # Fonds émergence, between Fonds d'emprunt and Fonds Mauricie
        "mauricie",
        "chaudiere-appalaches",  # Micro-crédit
        "microcredit-krtb",
        "montreal",
        "centre-du-quebec",  # MicroEntreprendre
        "outaouais",
        "saguenay-lac-saint-jean",
        "bas-saint-laurent-est",
        "laval",
    ]


async def test_a_region_has_its_own_members(registry: Registry) -> None:
    response = await registry.call("GET", "/v1/organisations?region=15")

    slugs = [item["slug"] for item in response.json()["items"]]
    assert slugs == ["basses-laurentides", "hautes-laurentides"]


async def test_pages_hold_every_member_once(registry: Registry) -> None:
    whole = (await registry.call("GET", "/v1/organisations?as_of=2019-12-31")).json()
    path, seen = "/v1/organisations?as_of=2019-12-31&limit=5", []
    while path is not None:
        page = (await registry.call("GET", path)).json()
        assert len(page["items"]) <= 5
        seen += page["items"]
        path = page["next"]

    assert whole["next"] is None
    assert seen == whole["items"]


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("as_of=2026-02-30", "/as_of", "date.impossible"),
        ("as_of=31/12/2019", "/as_of", "date.form"),
        ("region=18", "/region", "region_code.form"),
        ("limit=0", "/limit", "number.too_small"),
        ("limit=201", "/limit", "number.too_large"),
        ("cursor=zzz", "/cursor", "cursor.invalid"),
    ],
)
async def test_a_bad_question_is_refused_at_its_place(
    registry: Registry, query: str, pointer: str, code: str
) -> None:
    response = await registry.call("GET", f"/v1/organisations?{query}")

    assert response.status_code == 422
    assert codes_of(response) == {pointer: code}


async def test_an_organisation_tells_what_is_known_of_it(registry: Registry) -> None:
    response = await registry.call("GET", "/v1/organisations/saguenay-lac-saint-jean")

    assert response.json() == {
        "slug": "saguenay-lac-saint-jean",
        "name": "MicroEntreprendre Saguenay–Lac-Saint-Jean",
        "region_codes": ["02"],
        "territory": "Saguenay–Lac-Saint-Jean",
        "city": "Saguenay (Chicoutimi)",
        "website": None,
        "status": "active",
        "memberships": [{"from": "2000-01-01", "to": None, "from_status": "unknown"}],
        "former_names": [{"name": "Fonds d'entraide communautaire", "until": "2019-01-24"}],
        "name_status": "confirmed",
        "founded_on_year": None,
        "source": "ministry's list",
    }


async def test_an_organisation_is_sent_once_to_who_keeps_it(registry: Registry) -> None:
    path = "/v1/organisations/montreal"
    etag = (await registry.call("GET", path)).headers["etag"]

    for sent in (etag, f'"old", W/{etag}', "*"):
        known = await registry.call("GET", path, headers={"If-None-Match": sent})
        assert (known.status_code, known.content) == (304, b"")
        assert known.headers["etag"] == etag
    other = await registry.call("GET", path, headers={"If-None-Match": '"old"'})
    assert other.status_code == 200


@pytest.mark.parametrize("slug", ["nulle-part", "MONTREAL", "a%00b", "%F0%9F%92%B0", "x" * 500])
async def test_an_unknown_organisation_is_not_found(registry: Registry, slug: str) -> None:
    response = await registry.call("GET", f"/v1/organisations/{slug}")

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize("role", OTHERS)
async def test_only_the_network_writes_the_register(registry: Registry, role: Role) -> None:
    for method, path, body in (
        ("POST", "/v1/organisations", draft_organisation("interdit")),
        ("PATCH", "/v1/organisations/montreal", {"city": "Laval"}),
    ):
        response = await registry.call(method, path, body, role=role, headers={"If-Match": "*"})
        assert response.status_code == 403
        assert response.json()["code"] == "access.forbidden"
    assert (await registry.call("GET", "/v1/organisations/interdit")).status_code == 404


async def test_an_organisation_is_created_and_found(registry: Registry) -> None:
    response = await create_organisation(
        registry,
        "cote-nord",
        region_codes=["10", "09", "09"],
        memberships=[{"from": "2031-05-01"}, {"from": "2030-05-01", "to": "2031-04-30"}],
        former_names=[{"name": "Ancien nom", "until": None}],
    )

    assert response.headers["location"] == "/v1/organisations/cote-nord"
    found = await registry.call("GET", "/v1/organisations/cote-nord")
    assert found.json() == response.json()
    assert found.headers["etag"] == response.headers["etag"]
    assert found.json()["region_codes"] == ["09", "10"]
    assert [m["from"] for m in found.json()["memberships"]] == ["2030-05-01", "2031-05-01"]
    later = await registry.call("GET", "/v1/organisations?as_of=2031-04-30&region=09")
    assert [item["slug"] for item in later.json()["items"]] == ["cote-nord"]


async def test_the_same_organisation_again_changes_nothing(registry: Registry) -> None:
    first = await create_organisation(registry, "deux-fois")
    await patch_organisation(registry, "deux-fois", city="Sept-Îles")
    again = await registry.call("POST", "/v1/organisations", draft_organisation("deux-fois"))

    assert again.status_code == 200
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content
    now = (await registry.call("GET", "/v1/organisations/deux-fois")).json()
    assert now["city"] == "Sept-Îles"


async def test_another_organisation_under_a_slug_is_a_conflict(registry: Registry) -> None:
    other = await registry.call("POST", "/v1/organisations", draft_organisation("montreal"))

    assert other.status_code == 409
    assert other.json()["code"] == "slug.conflict"
    kept = await registry.call("GET", "/v1/organisations/montreal")
    assert kept.json()["name"] == "Microcrédit Montréal"


async def test_an_idempotency_key_answers_once(registry: Registry) -> None:
    headers = {"Idempotency-Key": '"une-fois"'}
    first = await registry.call(
        "POST", "/v1/organisations", draft_organisation("cle-unique"), headers=headers
    )
    again = await registry.call(
        "POST", "/v1/organisations", draft_organisation("cle-unique"), headers=headers
    )
    other = await registry.call(
        "POST", "/v1/organisations", draft_organisation("autre"), headers=headers
    )

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_key.reused"


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"slug": "Montréal"}, "/slug", "text.form"),
        ({"slug": "a" * 61}, "/slug", "text.too_long"),
        ({"name": " "}, "/name", "text.too_short"),
        ({"name": "a\u0007"}, "/name", "text.control"),
        ({"name": 3}, "/name", "text.type"),
        ({"region_codes": []}, "/region_codes", "list.too_short"),
        ({"region_codes": ["06", "6"]}, "/region_codes/1", "region_code.form"),
        ({"region_codes": "06"}, "/region_codes", "list.type"),
        ({"website": "javascript:alert(1)"}, "/website", "text.form"),
        ({"status": "gone"}, "/status", "choice"),
        ({"founded_on_year": "1990"}, "/founded_on_year", "integer.type"),
        ({"founded_on_year": 1066}, "/founded_on_year", "number.too_small"),
        ({"organisation_id": "x"}, "/organisation_id", "unknown_field"),
        ({"memberships": [{"from": "2020-02-30"}]}, "/memberships/0/from", "date.impossible"),
        (
            {"memberships": [{"from": "2020-01-02", "to": "2020-01-01"}]},
            "/memberships/0/to",
            "date.order",
        ),
        (
            {"memberships": [{"from": "2020-01-01"}, {"from": "2021-01-01"}]},
            "/memberships/1/from",
            "membership.overlap",
        ),
        ({"former_names": [{"until": None}]}, "/former_names/0/name", "missing"),
    ],
)
async def test_bad_input_is_refused_at_its_place_in_both_languages(
    registry: Registry, fields: dict[str, JsonValue], pointer: str, code: str
) -> None:
    said = {}
    for language in ("fr", "en"):
        response = await registry.call(
            "POST",
            "/v1/organisations",
            {**draft_organisation("refuse"), **fields},
            headers={"Accept-Language": language},
        )
        assert response.status_code == 422
        assert codes_of(response) == {pointer: code}
        said[language] = response.json()["errors"][0]["message"]

    assert said["fr"] != said["en"]
    assert (await registry.call("GET", "/v1/organisations/refuse")).status_code == 404


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{", "application/json", 400, "json.malformed"),
        (b"\xff", "application/json", 400, "body.encoding"),
        (b'{"slug": "a", "slug": "b"}', "application/json", 422, "json.duplicate_key"),
        (b'{"founded_on_year": NaN}', "application/json", 422, "json.not_finite"),
        (b"slug=a", "application/x-www-form-urlencoded", 415, "media_type.unsupported"),
        (b" " * (1024 * 1024 + 1), "application/json", 413, "body.too_large"),
    ],
)
async def test_what_is_not_json_is_refused(
    registry: Registry, content: bytes, media_type: str, status: int, code: str
) -> None:
    response = await registry.call(
        "POST", "/v1/organisations", content=content, headers={"Content-Type": media_type}
    )

    assert response.status_code == status
    assert response.json()["code"] == code


async def test_each_write_is_told_and_audited(registry: Registry) -> None:
    await create_organisation(registry, "auditee")
    await patch_organisation(registry, "auditee", name="Autre nom")

    events = await registry.look(
        "SELECT type FROM registry.events WHERE payload->>'slug' = 'auditee' ORDER BY event_number"
    )
    entries = await registry.look(
        "SELECT entry->>'action' AS action, entry->>'subject' AS subject"
        " FROM registry.audit_entries"
        " WHERE entry->'details'->>'organisation' = 'auditee' ORDER BY entry_number"
    )
    assert [row["type"] for row in events] == ["organisation.recorded", "organisation.changed"]
    assert [(row["action"], row["subject"]) for row in entries] == [
        ("organisation.record", "test-network"),
        ("organisation.change", "test-network"),
    ]
    database: Database = registry.app.state.database
    async with database.read(NO_ORGANISATION) as session:
        assert [flaw async for flaw in audit.find_breaks(session)] == []
