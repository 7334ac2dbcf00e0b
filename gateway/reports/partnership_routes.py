"""GET /v1/reports/partnership, as JSON and as CSV; GET /v1/indicators."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gateway.disclosure import FUNDER
from gateway.entry import Admits
from gateway.reports.csv_text import Cell, Label, csv_response, wants_csv, write_csv
from gateway.reports.indicators import INDICATORS
from gateway.reports.indicators.kinds import SECTION_TITLES
from gateway.reports.partnership import make_lines
from gateway.reports.partnership_facts import read_partnership
from gateway.reports.partnership_schemas import (
    ROUNDING_NOTE,
    TITLE,
    DefinitionList,
    PartnershipAnswer,
    answer_agreements,
    answer_definition,
    answer_disclosure,
    answer_line,
    answer_sections,
)
from gateway.reports.periods import Period
from gateway.reports.reading import Asker, PartReader
from gateway.reports.schemas import PeriodAnswer, SourceAnswer, SourcesAnswer
from services.common.answers import json_response, trace_id_of
from services.common.calendar import FiscalYear
from services.common.clock import legal_today
from services.common.errors import InputError, JsonValue, Unprocessable
from services.common.identity import Principal, Role
from services.common.text import Text

FRENCH = {"Content-Language": "fr-CA", "Vary": "Accept"}
CSV_HEADER = (
    "exercice",
    "section",
    "code",
    "libelle",
    "unite",
    "portee",
    "valeur",
    "cible",
    "atteinte",
    "version_definition",
    "statut",
    "confidentialite",
    "etat_inconnu",
    "motif",
)

router = APIRouter()
Reader = Annotated[Principal, Depends(Admits(Role.NETWORK, Role.FUNDER, Role.AUDITOR))]
Anyone = Annotated[
    Principal,
    Depends(Admits(Role.MEMBER, Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.OPERATOR)),
]


class PartnershipQuery(BaseModel):
    """Without a fiscal year: the last one that is over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fiscal_year: Annotated[
        str | None,
        Field(
            pattern=r"^[0-9]{4}-[0-9]{4}$",
            description="Exercice du 1er avril au 31 mars ; le dernier qui est terminé, sinon.",
            examples=["2025-2026"],
        ),
    ] = None

    def to_fiscal_year(self, today: date) -> FiscalYear:
        """Raises Unprocessable for years that do not follow, or that have not begun."""
        if self.fiscal_year is None:
            return FiscalYear(FiscalYear.of(today).first_year - 1)
        try:
            year = FiscalYear.parse(self.fiscal_year)
        except ValueError as error:
            raise _refuse(
                "fiscal_year.form",
                Text(
                    "Un exercice est fait de deux années de suite, par exemple 2025-2026.",
                    "A fiscal year is two years in a row, such as 2025-2026.",
                ),
            ) from error
        if year.first_day > today or year.first_year < 1900:
            raise _refuse(
                "fiscal_year.bounds",
                Text("Cet exercice n'a pas commencé.", "This fiscal year has not begun."),
            )
        return year


def _refuse(code: str, message: Text) -> Unprocessable:
    error = InputError("/fiscal_year", code, message)
    return Unprocessable(message, code=code, errors=[error])


@router.get("/v1/reports/partnership", response_model=PartnershipAnswer)
@router.get("/v1/reports/partnership.csv", include_in_schema=False)
async def get_partnership(
    request: Request, reader: Reader, query: Annotated[PartnershipQuery, Query()]
) -> Response:
    """Rapport sur le partenariat public-privé d'un exercice ; toujours en français.

    En CSV avec `Accept: text/csv` ou à l'adresse `/v1/reports/partnership.csv`. Le bailleur de
    fonds reçoit les montants exacts ; les parts de personnes sont protégées (k = 5).
    """
    today = legal_today()
    year = query.to_fiscal_year(today)
    answer = await _make_report(request, reader, year, min(year.last_day, today))
    if wants_csv(request):
        filename = f"rapport-partenariat-{year.label}.csv"
        return csv_response(_to_csv(answer), filename, FRENCH)
    document: JsonValue = answer.model_dump(mode="json", by_alias=True)
    return json_response(document, headers=FRENCH)


async def _make_report(
    request: Request, reader: Principal, year: FiscalYear, as_of: date
) -> PartnershipAnswer:
    parts: PartReader = request.app.state.part_reader
    seconds: float = request.app.state.report_seconds
    period = Period(year.first_day, year.last_day, as_of)
    said = await read_partnership(parts, Asker(reader, trace_id_of(request)), period, seconds)
    agreements = [agreement for agreement in said.agreements if agreement.covers(year)]
    profile = FUNDER if reader.role is Role.FUNDER else None
    lines = make_lines(said.facts, agreements, profile)
    return PartnershipAnswer(
        title=TITLE,
        fiscal_year=year.label,
        period=PeriodAnswer(first=period.first, last=period.last),
        as_of=period.as_of,
        disclosure=answer_disclosure(profile),
        sections=answer_sections(),
        indicators=[answer_line(line) for line in lines],
        agreements=answer_agreements(agreements),
        rounding=ROUNDING_NOTE,
        sources=SourcesAnswer(
            registry=SourceAnswer(),
            funds=SourceAnswer(recorded_until=said.funds_recorded_until),
            loans=SourceAnswer(recorded_until=said.loans_recorded_until),
        ),
    )


def _to_csv(answer: PartnershipAnswer) -> bytes:
    def row(position: int) -> list[Cell]:
        one = answer.indicators[position]
        return [
            answer.fiscal_year,
            Label(SECTION_TITLES[one.section].fr),
            one.code,
            Label(one.label),
            one.unit,
            one.scope,
            one.value,
            one.target,
            one.attainment,
            one.definition_version,
            one.status,
            one.confidentiality,
            one.unknown_status,
            Label(one.reason or ""),
        ]

    return write_csv(CSV_HEADER, map(row, range(len(answer.indicators))))


@router.get("/v1/indicators", response_model=DefinitionList)
async def get_indicators(reader: Anyone) -> Response:
    """Le dictionnaire des indicateurs : formules, sources et versions."""
    answer = DefinitionList(items=[answer_definition(indicator) for indicator in INDICATORS])
    document: JsonValue = answer.model_dump(mode="json")
    return json_response(document)
