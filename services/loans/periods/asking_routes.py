"""What the network asks for: /v1/reporting-starts, /v1/reporting-deadlines."""

from typing import Annotated

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.idempotency import answer_once
from services.common.identity import Principal, Requires, Role
from services.loans.periods import queries
from services.loans.periods.asking_commands import (
    record_deadline,
    record_start,
    show_deadline,
    show_start,
)
from services.loans.periods.schemas import (
    DeadlineAnswer,
    DeadlineBody,
    DeadlineList,
    StartAnswer,
    StartBody,
    StartList,
)

router = service_router()

Network = Annotated[Principal, Depends(Requires(Role.NETWORK))]
Reader = Annotated[Principal, Depends(Requires(Role.MEMBER, Role.NETWORK, Role.AUDITOR))]


@router.get("/v1/reporting-starts", response_model=StartList)
async def list_starts(request: Request, reader: Reader) -> Response:
    """Les premiers mois que le réseau a demandés ; le dernier dit vaut."""
    async with database_of(request).read(None) as session:
        starts = await queries.load_starts(session)
    return json_response({"items": [show_start(each) for each in starts], "next": None})


@router.post("/v1/reporting-starts", status_code=201, response_model=StartAnswer)
async def post_start(request: Request, body: StartBody, network: Network) -> Response:
    """Dire à partir de quel mois le réseau demande aux organismes de soumettre."""
    return await answer_once(
        request,
        network,
        lambda session: record_start(session, network, body.from_month, today_of(request)),
    )


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
