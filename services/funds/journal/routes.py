"""The journal over HTTP: read only; it is written with the facts themselves."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, totals_database_of
from services.common.errors import Conflict
from services.common.fields import CalendarDate
from services.common.identity import Principal, Requires, Role, organisation_id
from services.common.pagination import LIMIT_DEFAULT, Limit, page
from services.common.text import Text
from services.funds import paging, tenancy
from services.funds.journal import commands, queries
from services.funds.journal.arithmetic import sum_by_account
from services.funds.journal.queries import Recorded
from services.funds.journal.schemas import EventsBody, JournalPage, PostingAnswer, TransactionAnswer
from services.funds.period import read_period

router = service_router()
Service = Annotated[Principal, Depends(Requires(Role.SERVICE))]
Reader = Annotated[Principal, Depends(Requires(Role.MEMBER, Role.NETWORK, Role.AUDITOR))]

_EVER = (date(1900, 1, 1), date(2199, 12, 31))


@router.get("/v1/funds/{slug}/journal", response_model=JournalPage)
async def get_journal(
    request: Request,
    slug: str,
    reader: Reader,
    from_on: Annotated[CalendarDate, Query(alias="from")] = _EVER[0],
    to_on: Annotated[CalendarDate, Query(alias="to")] = _EVER[1],
    limit: Limit = LIMIT_DEFAULT,
    cursor: str | None = None,
) -> Response:
    """Lister les écritures datées de la période, dans l'ordre de leur inscription."""
    tenancy.require_visible(reader, slug)
    period = read_period(from_on, to_on)
    after = paging.read_number(cursor)
    async with database_of(request).read(organisation_id(slug)) as session:
        await tenancy.find_fund(session, reader, slug)
        found = await queries.list_transactions(
            session, period.from_on, period.to_on, after, limit + 1
        )
    items = [_answer(one).model_dump(mode="json") for one in found]
    return json_response({"fund": slug, "currency": "CAD", **page(request, items, limit, "number")})


def _answer(recorded: Recorded) -> TransactionAnswer:
    transaction = recorded.transaction
    amounts = sum_by_account(transaction.postings)
    return TransactionAnswer(
        number=recorded.number,
        kind=transaction.kind,
        occurred_on=transaction.occurred_on,
        subject_id=transaction.subject_id,
        fact_id=transaction.fact_id,
        recorded_at=recorded.recorded_at,
        postings=[
            PostingAnswer(account=account, amount=amount_cents)
            for account, amount_cents in amounts.items()
            if amount_cents
        ],
    )


@router.get("/internal/journal/positions", include_in_schema=False)
async def get_positions(request: Request, service: Service) -> Response:
    """How far the events of loans are posted, by organisation."""
    async with totals_database_of(request).read_totals(service.subject) as session:
        positions = await queries.read_positions(session, commands.LOANS_SOURCE)
    return json_response(
        {"positions": {str(organisation): number for organisation, number in positions.items()}}
    )


@router.post("/internal/journal/events", include_in_schema=False)
async def post_events(request: Request, body: EventsBody, service: Service) -> Response:
    """Post the events of loans; those posted before change nothing."""
    try:
        async with database_of(request).write(body.organisation_id) as session:
            posted = await commands.post_events(session, [e.to_event() for e in body.events])
    except commands.EventsOutOfOrder as error:
        message = Text("Ces événements ne se suivent pas.", "These events do not follow.")
        raise Conflict(message, code="events.out_of_order") from error
    return json_response({"posted": posted})
