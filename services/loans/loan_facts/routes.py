"""What happens to a loan: /v1/loans/{loan_id}/disbursements, /fees, /write-offs and the others."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.fields import CalendarDate
from services.common.idempotency import answer_once
from services.common.identity import Principal, Requires, Role
from services.common.money import format_cents
from services.loans.loan_facts import commands
from services.loans.loan_facts.drafts import FactDraft, FactKind, Suspension
from services.loans.loan_facts.schemas import (
    DisbursementBody,
    FeeBody,
    LoanFactAnswer,
    MoratoriumBody,
    PayoffAnswer,
    RecoveryBody,
    RefundBody,
    ReschedulingBody,
    ReversalAnswer,
    ReversalBody,
    WriteOffBody,
)
from services.loans.positions.arithmetic import find_position
from services.loans.positions.facts import AgreedTerms

router = service_router()

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]
On = Annotated[
    CalendarDate | None, Query(description="Date du règlement ; aujourd'hui par défaut.")
]


@router.post("/v1/loans/{loan_id}/disbursements", status_code=201, response_model=LoanFactAnswer)
async def post_disbursement(
    request: Request, loan_id: UUID, body: DisbursementBody, member: Member
) -> Response:
    """Inscrire un autre versement du prêt : ce qui reste à payer est réparti de nouveau."""
    return await _record(
        request,
        member,
        FactDraft(
            FactKind.DISBURSEMENT,
            body.external_id,
            loan_id,
            body.disbursed_on,
            amount_cents=body.amount,
            fees_withheld_cents=body.fees_withheld or None,
        ),
    )


@router.post("/v1/loans/{loan_id}/fees", status_code=201, response_model=LoanFactAnswer)
async def post_fee(request: Request, loan_id: UUID, body: FeeBody, member: Member) -> Response:
    """Inscrire des frais exigés en cours de prêt."""
    draft = FactDraft(
        FactKind.FEE, body.external_id, loan_id, body.charged_on, body.reason, body.amount
    )
    return await _record(request, member, draft)


@router.post("/v1/loans/{loan_id}/refunds", status_code=201, response_model=LoanFactAnswer)
async def post_refund(
    request: Request, loan_id: UUID, body: RefundBody, member: Member
) -> Response:
    """Inscrire le retour d'un trop-perçu à l'emprunteur."""
    draft = FactDraft(
        FactKind.REFUND, body.external_id, loan_id, body.refunded_on, body.reason, body.amount
    )
    return await _record(request, member, draft)


@router.post("/v1/loans/{loan_id}/write-offs", status_code=201, response_model=LoanFactAnswer)
async def post_write_off(
    request: Request, loan_id: UUID, body: WriteOffBody, member: Member
) -> Response:
    """Inscrire une radiation, totale ou partielle."""
    draft = FactDraft(
        FactKind.WRITE_OFF,
        body.external_id,
        loan_id,
        body.written_off_on,
        body.reason,
        body.amount,
    )
    return await _record(request, member, draft)


@router.post("/v1/loans/{loan_id}/recoveries", status_code=201, response_model=LoanFactAnswer)
async def post_recovery(
    request: Request, loan_id: UUID, body: RecoveryBody, member: Member
) -> Response:
    """Inscrire un recouvrement après radiation."""
    draft = FactDraft(
        FactKind.RECOVERY, body.external_id, loan_id, body.recovered_on, body.reason, body.amount
    )
    return await _record(request, member, draft)


@router.post("/v1/loans/{loan_id}/reschedulings", status_code=201, response_model=LoanFactAnswer)
async def post_rescheduling(
    request: Request, loan_id: UUID, body: ReschedulingBody, member: Member
) -> Response:
    """Inscrire un rééchelonnement : de nouvelles conditions pour ce qui reste dû."""
    said = body.terms
    agreed = AgreedTerms(
        instalments=said.instalments,
        annual_rate=said.annual_rate,
        frequency=said.frequency,
        repay_every=said.repay_every,
        first_due_on=said.first_due_on,
        principal_grace_periods=said.grace.principal_periods or None,
        interest_grace_periods=said.grace.interest_periods or None,
        interest_free_periods=said.grace.interest_free_periods or None,
    )
    draft = FactDraft(
        FactKind.RESCHEDULING,
        body.external_id,
        loan_id,
        body.rescheduled_on,
        body.reason,
        terms=agreed,
    )
    return await _record(request, member, draft)


@router.post("/v1/loans/{loan_id}/moratoria", status_code=201, response_model=LoanFactAnswer)
async def post_moratorium(
    request: Request, loan_id: UUID, body: MoratoriumBody, member: Member
) -> Response:
    """Inscrire un moratoire : sur le capital seul, ou sur le capital et les intérêts."""
    draft = FactDraft(
        FactKind.MORATORIUM,
        body.external_id,
        loan_id,
        body.starts_on,
        body.reason,
        suspension=Suspension(body.kind, body.periods, body.interest),
    )
    return await _record(request, member, draft)


async def _record(request: Request, member: Principal, draft: FactDraft) -> Response:
    return await answer_once(
        request,
        member,
        lambda session: commands.record_fact(session, member, draft, today_of(request)),
    )


@router.post("/v1/loans/{loan_id}/reversals", status_code=201, response_model=ReversalAnswer)
async def post_reversal(
    request: Request, loan_id: UUID, body: ReversalBody, member: Member
) -> Response:
    """Renverser un fait du prêt, ou le prêt lui-même, avec une raison."""
    return await answer_once(
        request,
        member,
        lambda session: commands.record_reversal(session, member, loan_id, body),
    )


@router.get("/v1/loans/{loan_id}/payoff", response_model=PayoffAnswer)
async def get_payoff(request: Request, loan_id: UUID, member: Member, on: On = None) -> Response:
    """Calculer ce qui solderait le prêt à une date, intérêts courus compris."""
    day = on or today_of(request)
    async with database_of(request).read(member.organisation_id) as session:
        loan = await commands.load_one(session, loan_id)
    position = find_position(loan, day)
    return json_response(
        {
            "loan_id": str(loan_id),
            "on": day.isoformat(),
            "amount": format_cents(position.payoff_cents),
            "principal": format_cents(position.outstanding_principal_cents),
            "interest_due": format_cents(position.interest_due_cents),
            "interest_accrued": format_cents(position.interest_accrued_cents),
            "fees": format_cents(position.fees_owed_cents),
            "currency": "CAD",
        }
    )
