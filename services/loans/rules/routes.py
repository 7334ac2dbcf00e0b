"""/v1/validation-rules: what the network checks, version by version."""

from typing import Annotated

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.idempotency import answer_once
from services.common.identity import Principal, Requires, Role
from services.loans.rules import commands, queries
from services.loans.rules.arithmetic import FIELDS
from services.loans.rules.schemas import RuleAnswer, RuleBody, RuleList, show_rule

router = service_router()

Network = Annotated[Principal, Depends(Requires(Role.NETWORK))]
Reader = Annotated[
    Principal, Depends(Requires(Role.MEMBER, Role.NETWORK, Role.FUNDER, Role.AUDITOR))
]


@router.get("/v1/validation-rules", response_model=RuleList)
async def list_rules(request: Request, reader: Reader) -> Response:
    """Les règles de validation du réseau, toutes versions comprises."""
    async with database_of(request).read(None) as session:
        rules = await queries.list_rules(session, list(FIELDS))
    return json_response({"items": [show_rule(rule) for rule in rules], "next": None})


@router.post("/v1/validation-rules", status_code=201, response_model=RuleAnswer)
async def post_rule(request: Request, body: RuleBody, network: Network) -> Response:
    """Ajouter une règle, ou une nouvelle version ; la même que la dernière ne change rien."""
    return await answer_once(
        request,
        network,
        lambda session: commands.record_rule(session, network, body, today_of(request)),
    )
