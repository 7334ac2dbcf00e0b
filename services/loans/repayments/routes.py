"""/v1/loans/{loan_id}/repayments."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.database import WriteSession
from services.common.errors import not_found
from services.common.idempotency import Answered, answer_once, created, replayed
from services.common.identity import Principal, Requires, Role
from services.common.pagination import LIMIT_DEFAULT, Limit, decode_cursor, page
from services.common.posted import tell_warnings
from services.common.recording import refuse_first
from services.loans.loans.queries import find_name
from services.loans.loans.routes import LOAN
from services.loans.repayments import commands, queries
from services.loans.repayments.schemas import RepaymentAnswer, RepaymentBody

router = service_router()

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]


@router.post("/v1/loans/{loan_id}/repayments", status_code=201, response_model=RepaymentAnswer)
async def post_repayment(
    request: Request, loan_id: UUID, body: RepaymentBody, member: Member
) -> Response:
    """Inscrire un remboursement."""

    async def work(session: WriteSession) -> Answered:
        loan = await find_name(session, loan_id)
        if loan is None or (
            # What is on record is sent again without harm, as any other fact.
            loan.is_reversed and not await queries.find_known(session, [body.external_id])
        ):
            raise not_found(LOAN)
        recorded = await commands.record_repayments(
            session, member, [body.to_draft(loan.external_id)], today_of(request)
        )
        refuse_first(recorded)
        document = await queries.find_repayment(session, body.external_id)
        answer = created if recorded.created else replayed
        told = {**document, **tell_warnings(request, recorded)}
        return answer(told, f"/v1/loans/{loan_id}")

    return await answer_once(request, member, work)


@router.get("/v1/loans/{loan_id}/repayments")
async def list_repayments(
    request: Request,
    loan_id: UUID,
    member: Member,
    limit: Limit = LIMIT_DEFAULT,
    cursor: str | None = None,
) -> Response:
    """Lister les remboursements d'un prêt, par identifiant."""
    async with database_of(request).read(member.organisation_id) as session:
        if await find_name(session, loan_id) is None:
            raise not_found(LOAN)
        items = await queries.list_repayments(session, loan_id, decode_cursor(cursor), limit + 1)
    return json_response(page(request, items, limit, "external_id"))
