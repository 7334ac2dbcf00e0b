"""/v1/coaching-sessions."""

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
from services.loans.coaching_sessions import commands, queries
from services.loans.coaching_sessions.schemas import (
    PLACES,
    CoachingSessionAnswer,
    CoachingSessionBody,
)

router = service_router()

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]


@router.post("/v1/coaching-sessions", status_code=201, response_model=CoachingSessionAnswer)
async def post_coaching_session(
    request: Request, body: CoachingSessionBody, member: Member
) -> Response:
    """Inscrire une rencontre d'accompagnement."""

    async def work(session: WriteSession) -> Answered:
        recorded = await commands.record_coaching_sessions(
            session, member, [body.to_draft()], today_of(request)
        )
        refuse_first(recorded, PLACES)
        document = await queries.find_coaching_session(session, body.external_id)
        answer = created if recorded.created else replayed
        told = {**document, **tell_warnings(request, recorded, PLACES)}
        return answer(told, "/v1/coaching-sessions")

    return await answer_once(request, member, work)


@router.get("/v1/coaching-sessions")
async def list_coaching_sessions(
    request: Request, member: Member, limit: Limit = LIMIT_DEFAULT, cursor: str | None = None
) -> Response:
    """Lister ses rencontres d'accompagnement, par identifiant."""
    async with database_of(request).read(member.organisation_id) as session:
        items = await queries.list_coaching_sessions(session, decode_cursor(cursor), limit + 1)
    return json_response(page(request, items, limit, "external_id"))
