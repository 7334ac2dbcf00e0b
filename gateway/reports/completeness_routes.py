"""GET /v1/completeness, as JSON and as CSV: who has sent what, how late, and against last year."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from gateway.entry import Admits
from gateway.reports import sources
from gateway.reports.arithmetic import UnknownOrganisation
from gateway.reports.completeness import (
    Completeness,
    Membership,
    MonthLine,
    MonthSaid,
    Said,
    Sent,
    Tally,
    join_completeness,
)
from gateway.reports.csv_text import Cell, csv_response, flatten, wants_csv, write_csv
from gateway.reports.figures import format_quotient
from gateway.reports.partnership_routes import PartnershipQuery
from gateway.reports.periods import MONTHS_MAX, Period
from gateway.reports.reading import Asker, PartReader, Questions
from gateway.reports.regional import register_incomplete
from gateway.reports.schemas import RATIO_PLACES, Ratio
from gateway.routing import Part
from services.common.answers import json_response, trace_id_of
from services.common.calendar import FiscalYear, add_months
from services.common.clock import legal_today
from services.common.errors import InputError, JsonValue, Unprocessable
from services.common.fields import Answer, CalendarDate
from services.common.identity import Principal, Role, organisation_id
from services.common.text import Text

router = APIRouter()
Reader = Annotated[Principal, Depends(Admits(Role.MEMBER, Role.NETWORK, Role.AUDITOR))]


class CompletenessQuery(PartnershipQuery):
    """A fiscal year, or `from` and `to`; without either, the fiscal year in progress."""

    first: Annotated[
        CalendarDate | None, Field(alias="from", description="Un jour du premier mois.")
    ] = None
    last: Annotated[
        CalendarDate | None, Field(alias="to", description="Un jour du dernier mois.")
    ] = None

    def to_range(self, today: date) -> tuple[date, date]:
        """Raises Unprocessable for half a range, one reversed or too long, or two ways of one."""
        if self.first is None and self.last is None:
            year = FiscalYear.of(today) if self.fiscal_year is None else self.to_fiscal_year(today)
            return year.first_day, min(year.last_day, today)
        if self.first is None or self.last is None or self.fiscal_year is not None:
            message = Text(
                "Donnez « fiscal_year », ou « from » et « to ».",
                'Give "fiscal_year", or "from" and "to".',
            )
            raise _refuse(
                "/fiscal_year" if self.fiscal_year else "/to", "period.incomplete", message
            )
        if self.first > self.last:
            message = Text(
                "La période finit avant de commencer.", "The period ends before it begins."
            )
            raise _refuse("/to", "period.reversed", message)
        if Period(self.first, self.last, self.last).months_count > MONTHS_MAX:
            message = Text(f"Pas plus de {MONTHS_MAX} mois.", f"At most {MONTHS_MAX} months.")
            raise _refuse("/to", "period.too_long", message)
        return self.first, self.last


def _refuse(pointer: str, code: str, message: Text) -> Unprocessable:
    return Unprocessable(message, code=code, errors=[InputError(pointer, code, message)])


class SentAnswer(Answer):
    """Faits datés du mois, par sorte."""

    loans: int
    repayments: int
    coaching_sessions: int
    outcomes: int


class MonthAnswer(Answer):
    month: str
    expected: Annotated[
        bool, Field(description="Le réseau demande ce mois, et l'organisme était membre.")
    ]
    state: Annotated[str | None, Field(description="Nul quand rien n'est attendu ni soumis.")]
    due_on: date
    submitted_on: date | None
    days_late: int
    sent: SentAnswer
    sent_last_year: Annotated[SentAnswer, Field(description="Le même mois, un an plus tôt.")]


class TallyAnswer(Answer):
    """Mois attendus : dus (échus ou soumis), soumis, à temps, en retard, manquants.

    `open_again` : soumis, puis rendus ou rouverts, et à soumettre de nouveau.

    `completeness` : part des mois dus qui sont soumis ; `timeliness` : part soumise à temps ;
    nulles quand aucun mois n'est dû.
    """

    expected: int
    due: int
    submitted: int
    on_time: int
    late: int
    missing: int
    open_again: int
    completeness: Ratio | None
    timeliness: Ratio | None


class OrganisationAnswer(Answer):
    organisation: str
    months: list[MonthAnswer]
    tally: TallyAnswer
    last_year: TallyAnswer


class CompletenessAnswer(Answer):
    """Qui a envoyé quoi, avec quel retard, et par rapport à l'an dernier."""

    first: Annotated[str, Field(serialization_alias="from")]
    last: Annotated[str, Field(serialization_alias="to")]
    as_of: date
    asked_from: Annotated[str, Field(description="Le premier mois que le réseau demande.")]
    organisations: list[OrganisationAnswer]
    total: TallyAnswer
    last_year: TallyAnswer


@router.get("/v1/completeness", response_model=CompletenessAnswer)
@router.get("/v1/completeness.csv", include_in_schema=False)
async def get_completeness(
    request: Request, reader: Reader, query: Annotated[CompletenessQuery, Query()]
) -> Response:
    """Complétude : qui a envoyé quoi, avec quel retard, et par rapport à l'an dernier.

    Un membre y voit sa propre ligne. En CSV avec `Accept: text/csv` ou à l'adresse
    `/v1/completeness.csv`.
    """
    first, last = query.to_range(legal_today())
    parts: PartReader = request.app.state.part_reader
    seconds: float = request.app.state.report_seconds
    asker = Asker(reader, trace_id_of(request))
    found, said = await _read(parts, asker, first, last, seconds)
    answer = CompletenessAnswer(
        first=f"{first:%Y-%m}",
        last=f"{last:%Y-%m}",
        as_of=said.as_of,
        asked_from=said.asked_from,
        organisations=[
            OrganisationAnswer(
                organisation=lines.slug,
                months=[_answer_month(line) for line in lines.months],
                tally=_answer_tally(lines.tally),
                last_year=_answer_tally(lines.last_year),
            )
            for lines in found.organisations
        ],
        total=_answer_tally(found.total),
        last_year=_answer_tally(found.last_year),
    )
    if wants_csv(request):
        return csv_response(_to_csv(answer), f"completude_{answer.first}_{answer.last}.csv")
    document: JsonValue = answer.model_dump(mode="json", by_alias=True)
    return json_response(document, headers={"Vary": "Accept"})


async def _read(
    parts: PartReader, asker: Asker, first: date, last: date, seconds: float
) -> tuple[Completeness, sources.CompletenessSaid]:
    """Raises Unavailable naming the parts that did not answer in time, or BadGateway."""
    before = add_months(first.replace(day=1), -12)
    question = {"from": before.isoformat(), "to": last.isoformat()}
    page = sources.PageSaid[sources.OrganisationSaid]
    async with Questions(seconds) as questions:
        register = questions.ask(
            Part.REGISTRY, parts.read(Part.REGISTRY, "/internal/organisations", page, asker, {})
        )
        loans = questions.ask(
            Part.LOANS,
            parts.read(
                Part.LOANS, "/internal/completeness", sources.CompletenessSaid, asker, question
            ),
        )
        await questions.answered()
    own, said = asker.principal.organisation, loans.result()
    members = [
        Membership(
            organisation_id(one.slug),
            one.slug,
            [(each.from_on, each.to_on) for each in one.memberships],
        )
        for one in register.result().items
        if own in (None, one.slug)
    ]
    rows = {
        (row.organisation_id, row.month): (_month(row), Sent(**row.sent.model_dump()))
        for row in said.rows
    }
    unknown = {organisation for organisation, _ in rows} - {one.organisation_id for one in members}
    if unknown:
        raise register_incomplete(UnknownOrganisation(", ".join(map(str, unknown))))
    blank = {month.month: _month(month) for month in said.months}
    return join_completeness(members, Said(said.asked_from, blank), rows, said.as_of), said


def _month(said: sources.MonthSaid) -> MonthSaid:
    return MonthSaid(said.month, said.state, said.due_on, said.submitted_on, said.days_late)


def _answer_month(line: MonthLine) -> MonthAnswer:
    said = line.said
    return MonthAnswer(
        month=said.month,
        expected=line.is_expected,
        state=said.state if line.is_expected or said.submitted_on else None,
        due_on=said.due_on,
        submitted_on=said.submitted_on,
        days_late=said.days_late if line.is_expected else 0,
        sent=_answer_sent(line.sent),
        sent_last_year=_answer_sent(line.sent_last_year),
    )


def _answer_sent(sent: Sent) -> SentAnswer:
    return SentAnswer(
        loans=sent.loans,
        repayments=sent.repayments,
        coaching_sessions=sent.coaching_sessions,
        outcomes=sent.outcomes,
    )


def _answer_tally(tally: Tally) -> TallyAnswer:
    return TallyAnswer(
        expected=tally.expected,
        due=tally.due,
        submitted=tally.submitted,
        on_time=tally.on_time,
        late=tally.late,
        missing=tally.missing,
        open_again=tally.open_again,
        completeness=_share(tally.submitted, tally.due),
        timeliness=_share(tally.on_time, tally.due),
    )


def _share(months: int, due: int) -> str | None:
    return format_quotient(months, due, RATIO_PLACES) if due else None


def _to_csv(answer: CompletenessAnswer) -> bytes:
    """A row for each month of each organisation."""
    return write_csv(["organisation", *_COLUMNS], _rows(answer))


_SENT = tuple(SentAnswer.model_fields)
_COLUMNS = (
    *(name for name in MonthAnswer.model_fields if not name.startswith("sent")),
    *(f"sent_{kind}" for kind in _SENT),
    *(f"sent_last_year_{kind}" for kind in _SENT),
)


def _rows(answer: CompletenessAnswer) -> Iterator[list[Cell]]:
    for lines in answer.organisations:
        for month in lines.months:
            cells = {**flatten(month.model_dump(mode="json")), "expected": int(month.expected)}
            yield [lines.organisation, *(cells.get(column) for column in _COLUMNS)]
