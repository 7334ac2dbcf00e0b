"""/v1/coaching-sessions/{id}/reversals and /v1/outcomes/{id}/reversals."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from services.common.app import service_router
from services.common.idempotency import answer_once
from services.common.identity import Principal, Requires, Role
from services.loans.reversals import commands
from services.loans.reversals.schemas import (
    FollowUpKind,
    FollowUpReversalAnswer,
    FollowUpReversalBody,
)

router = service_router()

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]


@router.post(
    "/v1/coaching-sessions/{coaching_session_id}/reversals",
    status_code=201,
    response_model=FollowUpReversalAnswer,
)
async def post_coaching_session_reversal(
    request: Request, coaching_session_id: UUID, body: FollowUpReversalBody, member: Member
) -> Response:
    """Renverser une rencontre d'accompagnement inscrite par erreur."""
    return await _reverse(request, member, "coaching_session", coaching_session_id, body)


@router.post(
    "/v1/outcomes/{outcome_id}/reversals", status_code=201, response_model=FollowUpReversalAnswer
)
async def post_outcome_reversal(
    request: Request, outcome_id: UUID, body: FollowUpReversalBody, member: Member
) -> Response:
    """Renverser un résultat observé inscrit par erreur."""
    return await _reverse(request, member, "outcome", outcome_id, body)


async def _reverse(
    request: Request,
    member: Principal,
    kind: FollowUpKind,
    fact_id: UUID,
    body: FollowUpReversalBody,
) -> Response:
    return await answer_once(
        request,
        member,
        lambda session: commands.reverse_follow_up(session, member, kind, fact_id, body.reason),
    )
