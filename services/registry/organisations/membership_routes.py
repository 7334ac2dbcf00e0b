"""POST /v1/organisations/{slug}/memberships; GET one and POST its /end."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Path, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router
from services.common.fields import CalendarDate
from services.common.idempotency import answer_once
from services.common.identity import Principal, Requires, Role
from services.registry.organisations import commands
from services.registry.organisations.schemas import (
    MembershipAnswer,
    MembershipBody,
    MembershipEndBody,
    to_membership_document,
)

router = service_router()

Anyone = Annotated[Principal, Depends(Requires(*Role))]
Network = Annotated[Principal, Depends(Requires(Role.NETWORK))]
FromOn = Annotated[CalendarDate, Path(alias="from", description="Le premier jour de l'adhésion.")]


@router.post(
    "/v1/organisations/{slug}/memberships", status_code=201, response_model=MembershipAnswer
)
async def post_membership(
    request: Request, slug: str, body: MembershipBody, network: Network
) -> Response:
    """Commence une période d'adhésion, qui n'en recoupe aucune autre de l'organisme."""
    membership = body.to_membership()
    return await answer_once(
        request,
        network,
        lambda session: commands.add_membership(session, network, slug, membership),
    )


@router.get("/v1/organisations/{slug}/memberships/{from}", response_model=MembershipAnswer)
async def get_membership(request: Request, slug: str, from_on: FromOn, reader: Anyone) -> Response:
    """La période d'adhésion qui commence ce jour-là."""
    day: date = from_on
    async with database_of(request).read(None) as session:
        organisation = await commands.find_or_refuse(session, slug)
    return json_response(to_membership_document(commands.find_membership(organisation, day)))


@router.post("/v1/organisations/{slug}/memberships/{from}/end", response_model=MembershipAnswer)
async def post_membership_end(
    request: Request, slug: str, from_on: FromOn, body: MembershipEndBody, network: Network
) -> Response:
    """Met fin à la période en cours ; ce qui s'est passé pendant qu'elle durait reste compté."""
    day: date = from_on
    return await answer_once(
        request,
        network,
        lambda session: commands.end_membership(session, network, slug, day, body.to_on),
    )
