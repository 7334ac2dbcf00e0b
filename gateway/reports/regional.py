"""Making the regional report: ask the register, the funds and the loans, then join."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import structlog

from gateway.reports import arithmetic, sources
from gateway.reports.arithmetic import (
    Capital,
    Organisation,
    RegionalTotals,
    Row,
    UnknownOrganisation,
    UnknownRegion,
)
from gateway.reports.periods import Dimension, Period
from gateway.reports.reading import Asker, PartReader, Questions
from gateway.routing import Part
from services.common.errors import BadGateway
from services.common.identity import organisation_id
from services.common.text import Text

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RegionalReport:
    """The totals, and how far the facts of each part reached when they were read."""

    totals: RegionalTotals
    loans_recorded_until: datetime | None
    funds_recorded_until: datetime | None


@dataclass(frozen=True, slots=True)
class _Answers:
    names: Sequence[sources.RegionSaid]
    register: Sequence[sources.OrganisationSaid]
    funds: sources.FundsTotalsSaid
    loans: sources.LoansTotalsSaid
    grouped: Sequence[tuple[str | None, sources.LoansTotalsSaid]]


async def make_regional_report(
    reader: PartReader, asker: Asker, period: Period, dimension: Dimension | None, seconds: float
) -> RegionalReport:
    """Raises Unavailable naming the parts that did not answer in time, or BadGateway."""
    answers = await _ask(reader, asker, period, dimension, seconds)
    own = asker.principal.organisation
    organisations = [
        one for one in _read_register(answers, period.as_of) if own in (None, one.slug)
    ]
    rows = [_row(row) for row in answers.loans.rows]
    capital = [Capital(row.organisation_id, row.figures()) for row in answers.funds.rows]
    names = {region.code: region.name for region in answers.names}
    try:
        totals = arithmetic.join_regions(names, organisations, rows, capital)
        if dimension is not None:
            totals = _refine(totals, dimension, organisations, rows, capital, answers, period)
    except (UnknownOrganisation, UnknownRegion) as error:
        raise register_incomplete(error) from error
    return RegionalReport(totals, answers.loans.recorded_until, answers.funds.recorded_until)


async def _ask(
    reader: PartReader, asker: Asker, period: Period, dimension: Dimension | None, seconds: float
) -> _Answers:
    query = period.query()
    path = "/internal/totals"
    async with Questions(seconds) as questions:
        names = questions.ask(
            Part.REGISTRY,
            reader.read_list(
                Part.REGISTRY, "/v1/regions", sources.PageSaid[sources.RegionSaid], asker, {}
            ),
        )
        register = questions.ask(
            Part.REGISTRY,
            reader.read(
                Part.REGISTRY,
                "/internal/organisations",
                sources.PageSaid[sources.OrganisationSaid],
                asker,
                {},
            ),
        )
        funds = questions.ask(
            Part.FUNDS, reader.read(Part.FUNDS, path, sources.FundsTotalsSaid, asker, query)
        )
        loans = questions.ask(
            Part.LOANS, reader.read(Part.LOANS, path, sources.LoansTotalsSaid, asker, query)
        )
        grouped = [
            (
                key,
                questions.ask(
                    Part.LOANS, reader.read(Part.LOANS, path, sources.LoansTotalsSaid, asker, more)
                ),
            )
            for key, more in _refined_queries(period, dimension)
        ]
        await questions.answered()
        return _Answers(
            names.result(),
            register.result().items,
            funds.result(),
            loans.result(),
            [(key, task.result()) for key, task in grouped],
        )


def _refined_queries(
    period: Period, dimension: Dimension | None
) -> list[tuple[str | None, dict[str, str]]]:
    """What more to ask the loans; by organisation, the totals already tell."""
    if dimension is None or dimension is Dimension.ORGANISATION:
        return []
    if dimension is Dimension.MONTH:
        return [(key, month.query()) for key, month in period.months()]
    return [(None, {**period.query(), "group_by": dimension.value})]


def _read_register(answers: _Answers, as_of: date) -> list[Organisation]:
    """Every organisation ever registered, and whether it was a member on the report's date.

    What an organisation did counts whatever its membership: facts are facts.
    """
    return [
        Organisation(
            organisation_id(said.slug), said.slug, said.region_codes, said.is_member(as_of)
        )
        for said in answers.register
    ]


def _row(said: sources.LoansRowSaid, group: str | None = None) -> Row:
    return Row(said.organisation_id, said.region_code, said.figures(), group or said.group)


def _refine(
    totals: RegionalTotals,
    dimension: Dimension,
    organisations: list[Organisation],
    rows: list[Row],
    capital: list[Capital],
    answers: _Answers,
    period: Period,
) -> RegionalTotals:
    if dimension is Dimension.ORGANISATION:
        everything = [*rows, *arithmetic.locate_capital(organisations, capital)]
        return arithmetic.add_groups(totals, arithmetic.name_groups(organisations, everything))
    grouped = [_row(row, key) for key, said in answers.grouped for row in said.rows]
    months = [key for key, _ in period.months()] if dimension is Dimension.MONTH else []
    return arithmetic.add_groups(totals, grouped, months)


def register_incomplete(error: UnknownOrganisation | UnknownRegion) -> BadGateway:
    """What the register lacks is for the log, not for who asked."""
    _log.error("register_incomplete", kind=type(error).__name__, unknown=str(error))
    return BadGateway(
        Text(
            "Un service tient des faits d'un organisme ou d'une région que le registre ne connaît "
            "pas ; aucun total ne serait complet.",
            "A service holds facts of an organisation or a region that the register does not "
            "know; no total would be whole.",
        ),
        code="register.incomplete",
    )
