"""GET /v1/regions."""

from typing import Annotated

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router
from services.common.identity import Principal, Requires, Role
from services.registry.regions import queries
from services.registry.regions.schemas import RegionAnswer, RegionList

router = service_router()

Anyone = Annotated[Principal, Depends(Requires(*Role))]


@router.get("/v1/regions", response_model=RegionList)
async def get_regions(request: Request, reader: Anyone) -> Response:
    """Les régions administratives du Québec, par code officiel."""
    async with database_of(request).read(None) as session:
        regions = await queries.list_regions(session)
    answer = RegionList(items=[RegionAnswer(code=r.code, name=r.name) for r in regions])
    return json_response(answer.model_dump(mode="json"))
