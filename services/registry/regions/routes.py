"""GET /v1/regions."""

from typing import Annotated

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router
from services.common.errors import JsonValue
from services.common.identity import Principal, Requires, Role
from services.common.pagination import LIMIT_DEFAULT, Limit, decode_cursor, page
from services.registry.regions import queries
from services.registry.regions.schemas import RegionList

router = service_router()

Anyone = Annotated[Principal, Depends(Requires(*Role))]


@router.get("/v1/regions", response_model=RegionList)
async def get_regions(
    request: Request, reader: Anyone, limit: Limit = LIMIT_DEFAULT, cursor: str | None = None
) -> Response:
    """Les régions administratives du Québec, par code officiel."""
    after = decode_cursor(cursor)
    async with database_of(request).read(None) as session:
        regions = await queries.list_regions(session)
    items: list[dict[str, JsonValue]] = [
        {"code": region.code, "name": region.name} for region in regions if region.code > after
    ]
    return json_response(page(request, items[: limit + 1], limit, "code"))
