"""/v1/reporting-deadlines: how long after its end a month is due."""

from typing import Annotated

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.idempotency import answer_once
from services.common.identity import Principal, Requires, Role
from services.loans.periods import queries
from services.loans.periods.commands import record_deadline, show_deadline
from services.loans.periods.schemas import DeadlineAnswer, DeadlineBody, DeadlineList

router = service_router()

Network = Annotated[Principal, Depends(Requires(Role.NETWORK))]
Reader = Annotated[Principal, Depends(Requires(Role.MEMBER, Role.NETWORK, Role.AUDITOR))]


@router.get("/v1/reporting-deadlines", response_model=DeadlineList)
async def list_deadlines(request: Request, reader: Reader) -> Response:
    """Les délais de soumission, chacun avec le premier mois auquel il s'applique."""
    async with database_of(request).read(None) as session:
        deadlines = await queries.load_deadlines(session)
    return json_response({"items": [show_deadline(each) for each in deadlines], "next": None})


@router.post("/v1/reporting-deadlines", status_code=201, response_model=DeadlineAnswer)
async def post_deadline(request: Request, body: DeadlineBody, network: Network) -> Response:
    """Changer le délai à partir d'un mois qui n'est pas encore terminé."""
    deadline = body.to_deadline()
    return await answer_once(
        request,
        network,
        lambda session: record_deadline(session, network, deadline, today_of(request)),
    )
