"""/v1/outcomes."""

from typing import Annotated

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.database import WriteSession
from services.common.idempotency import Answered, answer_once, created, replayed
from services.common.identity import Principal, Requires, Role
from services.common.pagination import LIMIT_DEFAULT, Limit, decode_cursor, page
from services.common.posted import tell_warnings
from services.common.recording import refuse_first
from services.loans.outcomes import commands, queries
from services.loans.outcomes.schemas import PLACES, OutcomeAnswer, OutcomeBody

router = service_router()

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]


@router.post("/v1/outcomes", status_code=201, response_model=OutcomeAnswer)
async def post_outcome(request: Request, body: OutcomeBody, member: Member) -> Response:
    """Inscrire un résultat observé : état de l'entreprise, emplois, chiffre d'affaires."""

    async def work(session: WriteSession) -> Answered:
        recorded = await commands.record_outcomes(
            session, member, [body.to_draft()], today_of(request)
        )
        refuse_first(recorded, PLACES)
        document = await queries.find_outcome(session, body.external_id)
        answer = created if recorded.created else replayed
        told = {**document, **tell_warnings(request, recorded, PLACES)}
        return answer(told, "/v1/outcomes")

    return await answer_once(request, member, work)


@router.get("/v1/outcomes")
async def list_outcomes(
    request: Request, member: Member, limit: Limit = LIMIT_DEFAULT, cursor: str | None = None
) -> Response:
    """Lister ses résultats observés, par identifiant."""
    async with database_of(request).read(member.organisation_id) as session:
        items = await queries.list_outcomes(session, decode_cursor(cursor), limit + 1)
    return json_response(page(request, items, limit, "external_id"))
