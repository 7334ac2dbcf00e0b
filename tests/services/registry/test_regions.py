"""GET /v1/regions."""

import pytest

from services.common.identity import Role
from tests.services.registry.conftest import Registry


@pytest.mark.parametrize("role", Role)
async def test_every_role_reads_the_seventeen_regions(registry: Registry, role: Role) -> None:
    response = await registry.call("GET", "/v1/regions", role=role)

    assert response.status_code == 200
    regions = response.json()
    assert regions["next"] is None
    assert [region["code"] for region in regions["items"]] == [f"{n:02}" for n in range(1, 18)]
    assert {"code": "06", "name": "Montréal"} in regions["items"]


async def test_nobody_reads_without_a_token(registry: Registry) -> None:
    response = await registry.call("GET", "/v1/regions", role=None)

    assert response.status_code == 401
    assert response.json()["code"] == "access.unauthenticated"


async def test_page_by_page(registry: Registry) -> None:
    path, seen = "/v1/regions?limit=5", []
    while path:
        page = (await registry.call("GET", path, role=Role.MEMBER)).json()
        assert len(page["items"]) <= 5
        seen += [region["code"] for region in page["items"]]
        path = page["next"]
    assert seen == [f"{number:02d}" for number in range(1, 18)]
