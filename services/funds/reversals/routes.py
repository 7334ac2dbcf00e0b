"""Reversals over HTTP: a member takes back its own facts."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from services.common.app import service_router
from services.common.database import WriteSession
from services.common.idempotency import Answered, answer_once, created, replayed
from services.common.identity import Principal, Requires, Role
from services.funds import tenancy
from services.funds.reversals import commands
from services.funds.reversals.queries import Reversal
from services.funds.reversals.schemas import ReversalAnswer, ReversalBody

router = service_router()
Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]


@router.post(
    "/v1/contributions/{contribution_id}/reversals",
    status_code=201,
    response_model=ReversalAnswer,
)
async def post_contribution_reversal(
    request: Request, contribution_id: UUID, body: ReversalBody, member: Member
) -> Response:
    """Renverser une contribution inscrite par erreur ; ses remboursements restent inscrits."""

    async def reverse(session: WriteSession) -> Answered:
        reversal, is_new = await commands.reverse_contribution(
            session, member, contribution_id, body
        )
        return _answer(member, reversal, is_new, f"contributions/{contribution_id}")

    return await answer_once(request, member, reverse)


@router.post(
    "/v1/funds/{slug}/repayments-to-contributors/{repayment_id}/reversals",
    status_code=201,
    response_model=ReversalAnswer,
)
async def post_repayment_reversal(
    request: Request, slug: str, repayment_id: UUID, body: ReversalBody, member: Member
) -> Response:
    """Renverser un remboursement à un contributeur inscrit par erreur."""
    tenancy.require_own(member, slug)

    async def reverse(session: WriteSession) -> Answered:
        reversal, is_new = await commands.reverse_repayment(session, member, repayment_id, body)
        return _answer(member, reversal, is_new, f"repayments-to-contributors/{repayment_id}")

    return await answer_once(request, member, reverse)


def _answer(member: Principal, reversal: Reversal, is_new: bool, fact: str) -> Answered:
    """The reversal; its place is the page of the fact, which shows that it is reversed."""
    assert member.organisation is not None, "only a member reverses"
    document = ReversalAnswer(
        reversal_id=reversal.reversal_id,
        fund=member.organisation,
        external_id=reversal.external_id,
        contribution_id=reversal.fact.contribution_id,
        repayment_id=reversal.fact.repayment_id,
        reason=reversal.reason,
        recorded_at=reversal.recorded_at,
    ).model_dump(mode="json")
    location = f"/v1/funds/{member.organisation}/{fact}"
    return created(document, location) if is_new else replayed(document, location)
