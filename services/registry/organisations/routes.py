"""GET, POST /v1/organisations; GET, PATCH /v1/organisations/{slug}."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.fields import CalendarDate, RegionCode
from services.common.idempotency import answer_once
from services.common.identity import Principal, Requires, Role
from services.common.pagination import LIMIT_DEFAULT, Limit, decode_cursor, page
from services.common.preconditions import etag_of, is_known, require_match
from services.registry.organisations import commands, queries
from services.registry.organisations.schemas import (
    OrganisationAnswer,
    OrganisationBody,
    OrganisationList,
    OrganisationPatch,
    to_document,
)

router = service_router()

Anyone = Annotated[Principal, Depends(Requires(*Role))]
Network = Annotated[Principal, Depends(Requires(Role.NETWORK))]

# The register is public to its readers: kept by them, asked again each time with its ETag.
_CACHE = "private, no-cache"


@router.get("/v1/organisations", response_model=OrganisationList)
async def get_organisations(
    request: Request,
    reader: Anyone,
    as_of: Annotated[
        CalendarDate | None, Query(description="Membres à cette date ; aujourd'hui sinon.")
    ] = None,
    region: Annotated[RegionCode | None, Query()] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: str | None = None,
) -> Response:
    """Les organismes membres du réseau à une date, en ordre alphabétique français."""
    day: date = today_of(request) if as_of is None else as_of
    after = decode_cursor(cursor)
    async with database_of(request).read(None) as session:
        members = await queries.list_members(session, day, region, after, limit + 1)
    items = [to_document(organisation) for organisation in members]
    return json_response(page(request, items, limit, "slug"))


@router.get("/internal/organisations", include_in_schema=False)
async def get_all_organisations(request: Request, reader: Anyone) -> Response:
    """Every organisation ever known, with its memberships: what a report needs for any date."""
    async with database_of(request).read(None) as session:
        organisations = await queries.list_organisations(session)
    return json_response({"items": [to_document(each) for each in organisations], "next": None})


@router.get("/v1/organisations/{slug}", response_model=OrganisationAnswer)
async def get_organisation(request: Request, slug: str, reader: Anyone) -> Response:
    """Un organisme, membre ou ancien membre, avec ses adhésions et ses anciens noms."""
    async with database_of(request).read(None) as session:
        organisation = await commands.find_or_refuse(session, slug)
    headers = {"ETag": etag_of(organisation.version), "Cache-Control": _CACHE}
    if is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return json_response(to_document(organisation), headers=headers)


@router.post("/v1/organisations", status_code=201, response_model=OrganisationAnswer)
async def post_organisation(request: Request, body: OrganisationBody, network: Network) -> Response:
    """Inscrit un organisme. Le même contenu sous le même `slug` : 200, et rien ne change."""
    organisation = body.to_organisation()
    return await answer_once(
        request,
        network,
        lambda session: commands.record_organisation(session, network, organisation),
    )


@router.patch("/v1/organisations/{slug}", response_model=OrganisationAnswer)
async def patch_organisation(
    request: Request, slug: str, body: OrganisationPatch, network: Network
) -> Response:
    """Change la description d'un organisme ; `If-Match` porte l'ETag de ce qui a été lu."""
    async with database_of(request).write(network.organisation_id) as session:
        before = await commands.find_or_refuse(session, slug)
        require_match(request, etag_of(before.version))
        after = await commands.change_organisation(
            session, network, before, body, today_of(request)
        )
    headers = {"ETag": etag_of(after.version), "Cache-Control": _CACHE}
    return json_response(to_document(after), headers=headers)
