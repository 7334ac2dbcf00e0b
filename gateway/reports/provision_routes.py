"""GET /v1/reports/provisions: what the matrix in force sets aside, as JSON and as CSV."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from gateway.entry import Admits
from gateway.reports import sources
from gateway.reports.arithmetic import Organisation, UnknownOrganisation
from gateway.reports.csv_text import Cell, Label, csv_response, flatten, wants_csv, write_csv
from gateway.reports.provision_schemas import (
    ProvisionLineAnswer,
    ProvisionsAnswer,
    answer_provisions,
)
from gateway.reports.provision_sums import ClassFigures, sum_provisions
from gateway.reports.reading import Asker, PartReader, Questions
from gateway.reports.regional import register_incomplete
from gateway.routing import Part
from services.common.answers import json_response, trace_id_of
from services.common.clock import legal_today
from services.common.fields import CalendarDate
from services.common.identity import Principal, Role, organisation_id

TOTAL = "total"

router = APIRouter()
Reader = Annotated[Principal, Depends(Admits(Role.NETWORK, Role.AUDITOR, Role.MEMBER))]
AsOf = Annotated[
    CalendarDate | None, Query(description="Fin de journée du rapport ; aujourd'hui par défaut.")
]


@router.get("/v1/reports/provisions", response_model=ProvisionsAnswer)
@router.get("/v1/reports/provisions.csv", include_in_schema=False)
async def get_provisions(request: Request, reader: Reader, as_of: AsOf = None) -> Response:
    """Provisions par organisme et par classe de retard ; un membre voit les siennes.

    En CSV avec `Accept: text/csv` ou à l'adresse `/v1/reports/provisions.csv`.
    """
    day = as_of or legal_today()
    parts: PartReader = request.app.state.part_reader
    asker = Asker(reader, trace_id_of(request))
    async with Questions(request.app.state.report_seconds) as questions:
        register = questions.ask(
            Part.REGISTRY,
            parts.read(
                Part.REGISTRY,
                "/internal/organisations",
                sources.PageSaid[sources.OrganisationSaid],
                asker,
                {},
            ),
        )
        said = questions.ask(
            Part.LOANS,
            parts.read(
                Part.LOANS,
                "/internal/provisions",
                sources.ProvisionsSaid,
                asker,
                {"as_of": day.isoformat()},
            ),
        )
        await questions.answered()
    organisations = [
        Organisation(organisation_id(one.slug), one.slug, one.region_codes, one.is_member(day))
        for one in register.result().items
        if reader.organisation in (None, one.slug)
    ]
    provisions = said.result()
    matrix = provisions.matrix
    figures = {
        row.organisation_id: {each.number: _figures(each) for each in row.classes}
        for row in provisions.organisations
    }
    try:
        lines, total = sum_provisions(
            organisations, figures, 0 if matrix is None else len(matrix.classes) + 1
        )
    except UnknownOrganisation as error:
        raise register_incomplete(error) from error
    answer = answer_provisions(day, matrix, lines, total)
    if wants_csv(request):
        return csv_response(_to_csv(answer), f"provisions_{day}.csv")
    return json_response(answer.model_dump(mode="json"), headers={"Vary": "Accept"})


def _figures(said: sources.ProvisionClassSaid) -> ClassFigures:
    return ClassFigures(
        loans=said.loans,
        outstanding_cents=said.outstanding_principal,
        provision_cents=said.provision,
        rescheduled_loans=said.rescheduled.loans,
        rescheduled_cents=said.rescheduled.outstanding_principal,
        par30_cents=said.par30,
        par30_or_rescheduled_cents=said.par30_or_rescheduled,
    )


def _to_csv(answer: ProvisionsAnswer) -> bytes:
    """A row for each class of each organisation, then for those of the total."""
    rows = [
        row
        for name, line in (
            *((one.organisation, one) for one in answer.organisations),
            (TOTAL, answer.total),
        )
        for row in _rows(name, line)
    ]
    columns = list(flatten(answer.total.classes[0].model_dump(mode="json"))) if rows else []
    return write_csv(
        ["as_of", "organisation", *columns],
        ([answer.as_of.isoformat(), Label(name), *cells] for name, cells in rows),
    )


def _rows(name: str, line: ProvisionLineAnswer) -> Iterator[tuple[str, list[Cell]]]:
    for each in line.classes:
        yield name, list(flatten(each.model_dump(mode="json")).values())
