"""/v1/borrowers: a member's own borrowers; no other role sees one."""

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
from services.common.recording import refuse_first
from services.common.text import Text
from services.loans.borrowers import commands, queries
from services.loans.borrowers.schemas import BorrowerAnswer, BorrowerBody

router = service_router()

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]
BORROWER = Text("Emprunteur", "Borrower")


@router.post("/v1/borrowers", status_code=201, response_model=BorrowerAnswer)
async def post_borrower(request: Request, body: BorrowerBody, member: Member) -> Response:
    """Inscrire un emprunteur."""

    async def work(session: WriteSession) -> Answered:
        recorded = await commands.record_borrowers(
            session, member, [body.to_draft()], today_of(request)
        )
        refuse_first(recorded)
        document = await queries.find_borrower(session, body.external_id)
        assert document is not None
        answer = created if recorded.created else replayed
        return answer(document, f"/v1/borrowers/{document['borrower_id']}")

    return await answer_once(request, member, work)


@router.get("/v1/borrowers")
async def list_borrowers(
    request: Request, member: Member, limit: Limit = LIMIT_DEFAULT, cursor: str | None = None
) -> Response:
    """Lister ses emprunteurs, par identifiant."""
    async with database_of(request).read(member.organisation_id) as session:
        items = await queries.list_borrowers(session, decode_cursor(cursor), limit + 1)
    return json_response(page(request, items, limit, "external_id"))


@router.get("/v1/borrowers/{borrower_id}", response_model=BorrowerAnswer)
async def get_borrower(request: Request, borrower_id: UUID, member: Member) -> Response:
    """Consulter un emprunteur."""
    async with database_of(request).read(member.organisation_id) as session:
        document = await queries.find_borrower_by_id(session, borrower_id)
    if document is None:
        raise not_found(BORROWER)
    return json_response(document)
