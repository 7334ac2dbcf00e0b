"""/v1/loans/{loan_id}/write-offs, /recoveries and /reversals."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from services.common.app import service_router, today_of
from services.common.idempotency import answer_once
from services.common.identity import Principal, Requires, Role
from services.loans.losses import commands
from services.loans.losses.queries import LossDraft
from services.loans.losses.schemas import (
    LossAnswer,
    RecoveryBody,
    ReversalAnswer,
    ReversalBody,
    WriteOffBody,
)

router = service_router()

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]


@router.post("/v1/loans/{loan_id}/write-offs", status_code=201, response_model=LossAnswer)
async def post_write_off(
    request: Request, loan_id: UUID, body: WriteOffBody, member: Member
) -> Response:
    """Inscrire une radiation, totale ou partielle."""
    draft = LossDraft(
        "write_off", body.external_id, loan_id, body.written_off_on, body.amount, body.reason
    )
    return await answer_once(
        request,
        member,
        lambda session: commands.record_loss(session, member, draft, today_of(request)),
    )


@router.post("/v1/loans/{loan_id}/recoveries", status_code=201, response_model=LossAnswer)
async def post_recovery(
    request: Request, loan_id: UUID, body: RecoveryBody, member: Member
) -> Response:
    """Inscrire un recouvrement après radiation."""
    draft = LossDraft(
        "recovery", body.external_id, loan_id, body.recovered_on, body.amount, body.reason
    )
    return await answer_once(
        request,
        member,
        lambda session: commands.record_loss(session, member, draft, today_of(request)),
    )


@router.post("/v1/loans/{loan_id}/reversals", status_code=201, response_model=ReversalAnswer)
async def post_reversal(
    request: Request, loan_id: UUID, body: ReversalBody, member: Member
) -> Response:
    """Renverser un remboursement, une radiation ou un recouvrement, avec une raison."""
    return await answer_once(
        request,
        member,
        lambda session: commands.record_reversal(session, member, loan_id, body),
    )
