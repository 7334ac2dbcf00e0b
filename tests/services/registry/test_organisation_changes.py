"""PATCH /v1/organisations/{slug}: from the version that was read, and only what it names."""

import pytest

from services.common.errors import JsonValue
from tests.services.registry.conftest import (
    TODAY,
    Registry,
    codes_of,
    create_organisation,
    patch_organisation,
)


async def test_a_change_needs_the_version_it_was_made_from(registry: Registry) -> None:
    path, etag = (
        "/v1/organisations/versions",
        (await create_organisation(registry, "versions")).headers["etag"],
    )

    absent = await registry.call("PATCH", path, {"city": "A"})
    stale = await registry.call("PATCH", path, {"city": "A"}, headers={"If-Match": '"99"'})
    weak = await registry.call("PATCH", path, {"city": "A"}, headers={"If-Match": f"W/{etag}"})
    first = await registry.call("PATCH", path, {"city": "A"}, headers={"If-Match": etag})
    second = await registry.call("PATCH", path, {"city": "B"}, headers={"If-Match": etag})

    assert (absent.status_code, absent.json()["code"]) == (428, "if_match.required")
    assert (stale.status_code, stale.json()["code"]) == (412, "if_match.stale")
    assert stale.headers["etag"] == etag
    assert weak.status_code == 412
    assert (first.status_code, second.status_code) == (200, 412)
    now = await registry.call("GET", path)
    assert now.json() == first.json()
    assert now.json()["city"] == "A"
    assert now.headers["etag"] == first.headers["etag"] != etag


async def test_a_patch_changes_what_it_names(registry: Registry) -> None:
    before = (
        await create_organisation(
            registry, "retouche", city="Sept-Îles", territory="Est", founded_on_year=2020
        )
    ).json()
    response = await registry.call(
        "PATCH",
        "/v1/organisations/retouche",
        content=b'{"city": null, "region_codes": ["10"], "status": "inactive"}',
        headers={"If-Match": "*", "Content-Type": "application/merge-patch+json"},
    )

    changes = {"city": None, "region_codes": ["10"], "status": "inactive"}
    assert response.status_code == 200
    assert response.json() == {**before, **changes}
    assert (await registry.call("GET", "/v1/organisations/retouche")).json() == response.json()


async def test_a_patch_that_changes_nothing_keeps_the_version(registry: Registry) -> None:
    etag = (await create_organisation(registry, "immobile")).headers["etag"]

    assert (await patch_organisation(registry, "immobile", name="Fonds immobile")).headers[
        "etag"
    ] == etag
    assert (await patch_organisation(registry, "immobile")).headers["etag"] == etag


async def test_a_name_given_up_is_remembered(registry: Registry) -> None:
    await create_organisation(registry, "renomme", name="Premier nom")
    await patch_organisation(registry, "renomme", name="Deuxième nom")
    response = await patch_organisation(registry, "renomme", name="Premier nom")

    assert response.json()["name"] == "Premier nom"
    assert response.json()["former_names"] == [
        {"name": "Premier nom", "until": TODAY.isoformat()},
        {"name": "Deuxième nom", "until": TODAY.isoformat()},
    ]


async def test_a_placeholder_is_replaced_and_forgotten(registry: Registry) -> None:
    response = await patch_organisation(
        registry, "bas-saint-laurent-est", name="Fonds du Bas-Fleuve", name_status="confirmed"
    )

    assert response.json()["former_names"] == []
    assert response.json()["name_status"] == "confirmed"


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"slug": "autre"}, "/slug", "unknown_field"),
        ({"former_names": []}, "/former_names", "unknown_field"),
        ({"memberships": []}, "/memberships", "unknown_field"),
        ({"name": None}, "/name", "text.type"),
        ({"status": None}, "/status", "choice"),
        ({"region_codes": []}, "/region_codes", "list.too_short"),
    ],
)
async def test_what_a_patch_may_not_touch_is_refused(
    registry: Registry, fields: dict[str, JsonValue], pointer: str, code: str
) -> None:
    response = await registry.call(
        "PATCH", "/v1/organisations/laval", fields, headers={"If-Match": "*"}
    )

    assert response.status_code == 422
    assert codes_of(response) == {pointer: code}


async def test_a_patch_of_an_unknown_organisation_is_not_found(registry: Registry) -> None:
    response = await registry.call(
        "PATCH", "/v1/organisations/nulle-part", {"city": "A"}, headers={"If-Match": "*"}
    )

    assert response.status_code == 404
