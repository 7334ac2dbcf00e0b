"""Totals by organisation, for the gateway's reports; never routed from outside."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from services.common.answers import json_response
from services.common.app import service_router, totals_database_of
from services.common.fields import CalendarDate
from services.common.identity import Principal, Requires, Role
from services.funds.funds.schemas import SourceAmounts
from services.funds.period import read_period
from services.funds.totals import queries
from services.funds.totals.queries import CapitalRow
from services.funds.totals.schemas import TotalsAnswer, TotalsRow
from services.funds.vocabulary import Source

router = service_router()
Reporter = Annotated[
    Principal,
    Depends(Requires(Role.MEMBER, Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.SERVICE)),
]


@router.get("/internal/totals", include_in_schema=False)
async def get_totals(
    request: Request,
    reporter: Reporter,
    from_on: Annotated[CalendarDate, Query(alias="from")],
    to_on: Annotated[CalendarDate, Query(alias="to")],
    as_of: CalendarDate | None = None,
) -> Response:
    """Capital by source as of a date, operating subsidies of a period; a member sees its own."""
    period = read_period(from_on, to_on)
    own = reporter.organisation_id if reporter.organisation is not None else None
    async with totals_database_of(request).read_totals(reporter.subject) as session:
        capital = await queries.read_capital(session, as_of or to_on, own)
        subsidies = await queries.read_operating_subsidies(session, period, own)
        recorded_until = await queries.read_recorded_until(session, own)
    answer = TotalsAnswer(recorded_until=recorded_until, rows=_join(capital, subsidies))
    return json_response(answer.model_dump(mode="json"))


def _join(capital: list[CapitalRow], subsidies: dict[UUID, int]) -> list[TotalsRow]:
    organisations = {row.organisation_id for row in capital} | subsidies.keys()
    amounts = {organisation: dict.fromkeys(Source, 0) for organisation in organisations}
    for row in capital:
        amounts[row.organisation_id][row.source] += row.amount_cents
    return [
        TotalsRow(
            organisation_id=organisation,
            capital=SourceAmounts(
                public=amounts[organisation][Source.PUBLIC],
                private=amounts[organisation][Source.PRIVATE],
                community=amounts[organisation][Source.COMMUNITY],
            ),
            operating_subsidy=subsidies.get(organisation, 0),
        )
        for organisation in sorted(organisations)
    ]
