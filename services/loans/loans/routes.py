"""/v1/loans: a member's own loans and where each stands on a date."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.database import WriteSession
from services.common.errors import JsonValue, not_found
from services.common.fields import CalendarDate
from services.common.idempotency import Answered, answer_once, created, replayed
from services.common.identity import Principal, Requires, Role
from services.common.pagination import LIMIT_DEFAULT, Limit, decode_cursor, page
from services.common.posted import tell_warnings
from services.common.recording import refuse_first
from services.common.text import Text, choose_language
from services.loans.loans import commands, queries
from services.loans.loans.contract_queries import find_contract
from services.loans.loans.contract_views import show_contract, show_prescription, show_provision
from services.loans.loans.contracts import review_contract
from services.loans.loans.schemas import PLACES, LoanBody, LoanPositionAnswer, PostedLoanAnswer
from services.loans.positions.arithmetic import find_position
from services.loans.positions.explanation import explain
from services.loans.positions.queries import load_facts
from services.loans.positions.views import (
    show_allocations,
    show_credit_uses,
    show_position,
    show_schedule,
)
from services.loans.provisions.queries import find_matrix

router = service_router()

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]
AsOf = Annotated[
    CalendarDate | None, Query(description="Date de la position ; aujourd'hui par défaut.")
]
LOAN = Text("Prêt", "Loan")


@router.post("/v1/loans", status_code=201, response_model=PostedLoanAnswer)
async def post_loan(request: Request, body: LoanBody, member: Member) -> Response:
    """Inscrire un prêt versé, avec ses conditions."""

    draft = body.to_draft()

    async def work(session: WriteSession) -> Answered:
        recorded = await commands.record_loans(session, member, [draft], today_of(request))
        refuse_first(recorded, PLACES)
        known = await queries.find_known(session, [body.external_id])
        loan_id = known[body.external_id].loan_id
        document = await queries.find_loan(session, loan_id)
        assert document is not None, "a loan was recorded"
        answer = created if recorded.created else replayed
        told = {**document, **tell_warnings(request, recorded, PLACES)}
        return answer(told, f"/v1/loans/{loan_id}")

    return await answer_once(request, member, work)


@router.get("/v1/loans")
async def list_loans(
    request: Request,
    member: Member,
    external_id: str | None = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: str | None = None,
) -> Response:
    """Lister ses prêts, par identifiant ; ou trouver celui d'un identifiant."""
    async with database_of(request).read(member.organisation_id) as session:
        items = await queries.list_loans(session, external_id, decode_cursor(cursor), limit + 1)
    return json_response(page(request, items, limit, "external_id"))


@router.get("/v1/loans/{loan_id}", response_model=LoanPositionAnswer)
async def get_loan(request: Request, loan_id: UUID, member: Member, as_of: AsOf = None) -> Response:
    """Consulter un prêt : ses conditions, sa position à une date, et les faits qui l'expliquent."""
    day = as_of or today_of(request)
    async with database_of(request).read(member.organisation_id) as session:
        document = await queries.find_loan(session, loan_id)
        contract = await find_contract(session, loan_id)
        if document is None or contract is None:
            raise not_found(LOAN)
        standing = await load_facts(session, [loan_id], with_terms=True)
        reviewed = await review_contract(session, contract, standing[0] if standing else None)
        matrix = await find_matrix(session, day)
        history = await queries.list_facts(session, loan_id)
        reason = await queries.find_reversal(session, loan_id)
    shown: dict[str, JsonValue] = {
        "reversed": None if reason is None else {"reason": reason},
        "position": None,
    }
    signed = {"cause": "contract", "cause_id": None, "rows": document["schedule"]}
    schedules: list[JsonValue] = [{"effective_on": document["contracted_on"], **signed}]
    allocations: dict[UUID, dict[str, JsonValue]] = {}
    uses: dict[UUID, list[JsonValue]] = {}
    if standing:
        [facts] = standing
        position = find_position(facts, day)
        language = choose_language(request.headers.get("accept-language"))
        shown["position"] = {
            **show_position(position, explain(facts, position), language),
            "prescription_on": show_prescription(facts, position),
            "provision": show_provision(matrix, facts, position),
        }
        schedules += map(show_schedule, position.schedules)
        allocations = show_allocations(position.allocations)
        uses = show_credit_uses(position.credit_uses)
    in_force = schedules[-1]
    assert isinstance(in_force, dict), "a schedule is shown as an object"
    return json_response(
        {
            **document,
            **show_contract(contract, reviewed),
            **shown,
            "schedule": in_force["rows"],
            "schedules": schedules,
            "facts": [
                queries.show_fact(fact, allocations, uses) for fact in history if fact.on <= day
            ],
        }
    )
