"""/v1/schedules: what a loan would be, for any terms; nothing is stored."""

from typing import Annotated

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import service_router
from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue, Unprocessable
from services.common.idempotency import Answered, answer_once, read_key
from services.common.identity import Principal, Requires, Role
from services.common.money import format_cents
from services.loans.schedules.apr import (
    annual_percentage_rate,
    cash_flows,
    criminal_rate_limit,
    judge,
)
from services.loans.schedules.arithmetic import Schedule, build_schedule
from services.loans.schedules.schemas import QuoteAnswer, QuoteBody
from services.loans.schedules.terms import ScheduleError, ScheduleTerms

router = service_router()

Anyone = Annotated[
    Principal,
    Depends(Requires(Role.MEMBER, Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.OPERATOR)),
]


@router.post("/v1/schedules", response_model=QuoteAnswer)
async def post_schedule(request: Request, body: QuoteBody, principal: Anyone) -> Response:
    """Calculer l'échéancier d'un prêt, son taux annuel et sa légalité, sans rien inscrire."""
    document = quote(body)
    if read_key(request) is None:
        return json_response(document)

    async def work(_: WriteSession) -> Answered:
        return Answered(200, document)

    return await answer_once(request, principal, work)


def quote(body: QuoteBody) -> JsonValue:
    """The document of a quote. Raises Unprocessable, placed at the term at fault."""
    terms = body.to_terms(body.disbursed_on)
    try:
        schedule = build_schedule(terms)
    except ScheduleError as error:
        place = InputError(f"/{error.field}", error.code, error.message)
        raise Unprocessable(error.message, error.code, [place]) from error
    flows = cash_flows(terms, schedule)
    contracted_on = body.contracted_on or body.disbursed_on
    limit = criminal_rate_limit(contracted_on, body.borrower_kind, terms.principal_cents)
    return {
        **show_schedule(terms, schedule),
        "apr": format(annual_percentage_rate(flows), "f"),
        "criminal_rate": {
            "limit": None if limit.percent is None else format(limit.percent, "f"),
            "basis": limit.basis,
            "verdict": judge(flows, limit),
        },
    }


def show_schedule(terms: ScheduleTerms, schedule: Schedule) -> dict[str, JsonValue]:
    totals = schedule.totals
    return {
        "currency": "CAD",
        "rows": [
            {
                "number": row.number,
                "due_on": row.due_on.isoformat(),
                "principal": format_cents(row.principal_cents),
                "interest": format_cents(row.interest_cents),
                "fees": format_cents(row.fees_cents),
                "payment": format_cents(row.payment_cents),
                "balance": format_cents(row.balance_cents),
            }
            for row in schedule.rows
        ],
        "totals": {
            "principal": format_cents(totals.principal_cents),
            "interest": format_cents(totals.interest_cents),
            "fees": format_cents(totals.fees_cents),
            "payment": format_cents(totals.payment_cents),
        },
        "fees_withheld": format_cents(terms.fees_withheld_cents),
        "net_advance": format_cents(terms.principal_cents - terms.fees_withheld_cents),
    }
