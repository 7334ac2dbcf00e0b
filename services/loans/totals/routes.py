"""/internal/totals and /internal/indicators: for the gateway's reports, not for the outside."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from services.common.answers import json_response
from services.common.app import service_router, totals_database_of
from services.common.errors import InputError, JsonValue, Unprocessable
from services.common.fields import CalendarDate
from services.common.identity import Principal, Requires, Role
from services.common.text import Text
from services.loans.totals import indicators, queries
from services.loans.totals.queries import Dimension, Figures, Key, Period
from services.loans.totals.views import show_figures

router = service_router()

Reader = Annotated[
    Principal,
    Depends(Requires(Role.MEMBER, Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.SERVICE)),
]
First = Annotated[CalendarDate, Query(alias="from")]
Last = Annotated[CalendarDate, Query(alias="to")]


@router.get("/internal/totals", include_in_schema=False)
async def get_totals(
    request: Request,
    reader: Reader,
    first: First,
    last: Last,
    as_of: CalendarDate | None = None,
    group_by: Dimension | None = None,
) -> Response:
    """Every figure by organisation and region; a member is given its own organisation's only."""
    period = _period(first, last, as_of)
    async with totals_database_of(request).read_totals(reader.subject) as session:
        if group_by is None:
            totals = await queries.sum_by_organisation(session, period, _own(reader))
        else:
            totals = await queries.sum_by_dimension(session, period, _own(reader), group_by)
        recorded_until = await queries.find_recorded_until(session, _own(reader))
    return json_response(
        {
            "recorded_until": None if recorded_until is None else recorded_until.isoformat(),
            "rows": [show(key, figures) for key, figures in totals.items()],
        }
    )


@router.get("/internal/indicators", include_in_schema=False)
async def get_indicators(
    request: Request, reader: Reader, first: First, last: Last, as_of: CalendarDate | None = None
) -> Response:
    """What the partnership's indicators are computed from, by organisation."""
    period = _period(first, last, as_of)
    async with totals_database_of(request).read_totals(reader.subject) as session:
        organisations = await indicators.sum_indicators(session, period, _own(reader))
        recorded_until = await queries.find_recorded_until(session, _own(reader))
    return json_response(
        {
            "recorded_until": None if recorded_until is None else recorded_until.isoformat(),
            "organisations": organisations,
        }
    )


def _own(reader: Principal) -> UUID | None:
    return reader.organisation_id if reader.role is Role.MEMBER else None


def _period(first: date, last: date, as_of: date | None) -> Period:
    if first > last:
        message = Text("La période finit avant de commencer.", "The period ends before it begins.")
        raise Unprocessable(message, errors=[InputError("/to", "period.reversed", message)])
    return Period(first, last, as_of or last)


def show(key: Key, figures: Figures) -> JsonValue:
    """One row of totals, in the shape of a region of the report."""
    organisation_id, region_code, group = key
    return {
        "organisation_id": str(organisation_id),
        "region_code": region_code,
        "group": group,
        **show_figures(figures),
    }
