"""GET /v1/reports/regional-totals, as JSON and as CSV."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gateway.entry import Admits
from gateway.reports.csv_text import Cell, Label, csv_response, flatten, wants_csv, write_csv
from gateway.reports.periods import MONTHS_MAX, Dimension, Period
from gateway.reports.reading import Asker, PartReader
from gateway.reports.regional import RegionalReport, make_regional_report
from gateway.reports.schemas import (
    GroupAnswer,
    PeriodAnswer,
    RegionalTotalsAnswer,
    SourceAnswer,
    SourcesAnswer,
    TotalAnswer,
    answer_totals,
)
from services.common.answers import json_response, trace_id_of
from services.common.calendar import FiscalYear
from services.common.clock import legal_today
from services.common.errors import InputError, JsonValue, Unprocessable
from services.common.fields import CalendarDate
from services.common.identity import Principal, Role
from services.common.text import Text

TOTAL_CODE, TOTAL_NAME = "total", "Total"

router = APIRouter()
Reader = Annotated[
    Principal,
    Depends(
        Admits(
            Role.NETWORK,
            Role.AUDITOR,
            Role.MEMBER,
            hint=Text(
                "Le bailleur de fonds lit le rapport de partenariat : /v1/reports/partnership.",
                "The funder reads the partnership report: /v1/reports/partnership.",
            ),
        )
    ),
]


class RegionalQuery(BaseModel):
    """Without dates: the fiscal year in progress, to this day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: Annotated[
        CalendarDate | None, Field(alias="from", description="Premier jour de la période.")
    ] = None
    last: Annotated[
        CalendarDate | None, Field(alias="to", description="Dernier jour de la période, compris.")
    ] = None
    as_of: Annotated[
        CalendarDate | None,
        Field(description="Date du portefeuille et du capital ; `to` sinon."),
    ] = None
    group_by: Annotated[Dimension | None, Field(description="Ce qui détaille chaque ligne.")] = None

    def to_period(self, today: date) -> Period:
        """Raises Unprocessable for half a period or a reversed one."""
        if self.first is None and self.last is None:
            return Period(FiscalYear.of(today).first_day, today, self.as_of or today)
        if self.first is None or self.last is None:
            absent = "/from" if self.first is None else "/to"
            raise _refuse(
                absent,
                "period.incomplete",
                Text("« from » et « to » vont ensemble.", '"from" and "to" go together.'),
            )
        if self.first > self.last:
            raise _refuse(
                "/to",
                "period.reversed",
                Text("La période finit avant de commencer.", "The period ends before it begins."),
            )
        period = Period(self.first, self.last, self.as_of or self.last)
        if self.group_by is Dimension.MONTH and period.months_count > MONTHS_MAX:
            raise _refuse(
                "/to",
                "period.too_long",
                Text(
                    f"Par mois, pas plus de {MONTHS_MAX} mois.",
                    f"By month, at most {MONTHS_MAX} months.",
                ),
            )
        return period


def _refuse(pointer: str, code: str, message: Text) -> Unprocessable:
    return Unprocessable(message, code=code, errors=[InputError(pointer, code, message)])


@router.get("/v1/reports/regional-totals", response_model=RegionalTotalsAnswer)
@router.get("/v1/reports/regional-totals.csv", include_in_schema=False)
async def get_regional_totals(
    request: Request, reader: Reader, query: Annotated[RegionalQuery, Query()]
) -> Response:
    """Totaux par région : tout le réseau, ou les chiffres du membre qui les demande.

    En CSV avec `Accept: text/csv` ou à l'adresse `/v1/reports/regional-totals.csv`.
    """
    period = query.to_period(legal_today())
    parts: PartReader = request.app.state.part_reader
    seconds: float = request.app.state.report_seconds
    asker = Asker(reader, trace_id_of(request))
    report = await make_regional_report(parts, asker, period, query.group_by, seconds)
    answer = answer_report(report, period, query.group_by)
    if wants_csv(request):
        return csv_response(_to_csv(answer), _filename(answer.period))
    document: JsonValue = answer.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json_response(document, headers={"Vary": "Accept"})


def answer_report(
    report: RegionalReport, period: Period, dimension: Dimension | None
) -> RegionalTotalsAnswer:
    sources = SourcesAnswer(
        registry=SourceAnswer(),
        funds=SourceAnswer(recorded_until=report.funds_recorded_until),
        loans=SourceAnswer(recorded_until=report.loans_recorded_until),
    )
    return answer_totals(report.totals, period, sources, dimension)


def _filename(period: PeriodAnswer) -> str:
    return f"totaux-regionaux_{period.first}_{period.last}.csv"


def _to_csv(answer: RegionalTotalsAnswer) -> bytes:
    """A row for each region and one for the total, each followed by the rows of its groups."""
    period = {"from": answer.period.first, "to": answer.period.last, "as_of": answer.as_of}
    dates = [day.isoformat() for day in period.values()]
    columns = list(_figures(answer.total))
    return write_csv(
        [*period, "region_code", "region_name", "group", *columns],
        (
            [*dates, *place, *(figures.get(column) for column in columns)]
            for place, figures in _lines(answer)
        ),
    )


Line = tuple[list[Cell], Mapping[str, Cell]]


def _lines(answer: RegionalTotalsAnswer) -> Iterator[Line]:
    for region in answer.regions:
        yield from _with_groups(region.region_code, region.region_name, region)
    yield from _with_groups(TOTAL_CODE, TOTAL_NAME, answer.total)


def _with_groups(code: str, name: str, line: TotalAnswer) -> Iterator[Line]:
    yield [code, Label(name), None], _figures(line)
    for group in line.groups or ():
        yield [code, Label(name), Label(group.key)], _figures(group)


def _figures(line: TotalAnswer | GroupAnswer) -> Mapping[str, Cell]:
    """The columns of a line: its figures without where they belong."""
    return flatten(
        line.model_dump(mode="json", exclude={"key", "groups", "region_code", "region_name"})
    )
