"""/v1/reporting-periods: what members submit, what the network approves, locks and reopens."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.calendar import FiscalYear
from services.common.database import ReadSession, WriteSession
from services.common.errors import InputError, JsonValue, Unprocessable, not_found
from services.common.fields import CalendarDate
from services.common.idempotency import Answered, answer_once
from services.common.identity import Principal, Requires, Role, organisation_id
from services.common.text import Text, choose_language
from services.loans.periods import commands, queries
from services.loans.periods.arithmetic import (
    MonthRecord,
    Signature,
    Step,
    digest_figures,
)
from services.loans.periods.commands import Act
from services.loans.periods.findings import find_findings
from services.loans.periods.schemas import (
    DecisionBody,
    EventAnswer,
    FindingsAnswer,
    Month,
    PeriodAnswer,
    PeriodList,
    ReasonBody,
    SubmissionBody,
    read_months,
)

FINDINGS_SHOWN_MAX = 1_000
ORGANISATION = Text("Organisme", "Organisation")

router = service_router()

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]
Network = Annotated[Principal, Depends(Requires(Role.NETWORK))]
Either = Annotated[Principal, Depends(Requires(Role.MEMBER, Role.NETWORK))]
Reader = Annotated[Principal, Depends(Requires(Role.MEMBER, Role.NETWORK, Role.AUDITOR))]
First = Annotated[CalendarDate | None, Query(alias="from", description="Un jour du premier mois.")]
Last = Annotated[CalendarDate | None, Query(alias="to", description="Un jour du dernier mois.")]


@router.get("/v1/reporting-periods", response_model=PeriodList)
async def list_periods(
    request: Request,
    reader: Reader,
    organisation: str | None = None,
    first: First = None,
    last: Last = None,
) -> Response:
    """Les mois d'un organisme : le sien, ou celui que nomme le réseau ; sinon de l'exercice."""
    today = today_of(request)
    months = read_months(first or FiscalYear.of(today).first_day, last or today)
    slug = organisation or reader.organisation
    if slug is None:
        message = Text("Nommez l'organisme.", "Name the organisation.")
        raise Unprocessable(message, errors=[InputError("/organisation", "missing", message)])
    async with database_of(request).read(_visible(reader, slug)) as session:
        await _require_known(session, reader)
        events = await queries.load_events(session, months)
        asking = await queries.load_asking(session)
    items: list[JsonValue] = [
        _summarise(slug, MonthRecord(month, events[month], asking, today)) for month in months
    ]
    return json_response({"items": items, "next": None})


@router.get("/v1/reporting-periods/{organisation}/{month}", response_model=PeriodAnswer)
async def get_period(request: Request, organisation: str, month: Month, reader: Reader) -> Response:
    """Un mois : ses chiffres, leur empreinte, son état et tout ce qui lui est arrivé."""
    async with database_of(request).read(_visible(reader, organisation)) as session:
        await _require_known(session, reader)
        record = await commands.load_month(session, month, today_of(request))
        figures = await queries.read_figures(session, month)
    digest = digest_figures(organisation, month, figures)
    submission = record.submission
    return json_response(
        {
            **_summarise(organisation, record),
            "figures": figures,
            "digest": digest.hex(),
            "figures_changed": submission is not None and submission.digest != digest,
            "events": [commands.show_event(organisation, month, event) for event in record.events],
        }
    )


@router.get("/v1/reporting-periods/{organisation}/{month}/findings", response_model=FindingsAnswer)
async def get_findings(
    request: Request, organisation: str, month: Month, member: Member
) -> Response:
    """Ce que les règles du réseau trouvent fautif ou étonnant dans un mois entier."""
    async with database_of(request).read(_visible(member, organisation)) as session:
        figures = await queries.read_figures(session, month)
        found = await find_findings(session, month, figures)
    language = choose_language(request.headers.get("accept-language"))
    errors = sum(finding.is_error for finding in found)
    return json_response(
        {
            "organisation": organisation,
            "month": f"{month:%Y-%m}",
            "errors": errors,
            "warnings": len(found) - errors,
            "items": [
                {
                    "kind": finding.kind,
                    "external_id": finding.external_id,
                    "on": finding.on.isoformat(),
                    "column": finding.rule.place,
                    "severity": finding.rule.severity,
                    "code": finding.rule.code,
                    "message": finding.rule.message.read(language),
                }
                for finding in found[:FINDINGS_SHOWN_MAX]
            ],
            "truncated": len(found) > FINDINGS_SHOWN_MAX,
        }
    )


@router.post(
    "/v1/reporting-periods/{organisation}/{month}/submissions",
    status_code=201,
    response_model=EventAnswer,
)
async def post_submission(
    request: Request, organisation: str, month: Month, body: SubmissionBody, member: Member
) -> Response:
    """Soumettre un mois terminé, et en signer les chiffres."""
    signature = Signature(body.name, body.role, body.statement)
    act = Act(member, organisation, month, today_of(request))
    return await _answer(
        request, act, lambda session: commands.submit(session, act, signature, body.digest)
    )


@router.post(
    "/v1/reporting-periods/{organisation}/{month}/approvals",
    status_code=201,
    response_model=EventAnswer,
)
async def post_approval(
    request: Request, organisation: str, month: Month, body: DecisionBody, network: Network
) -> Response:
    """Approuver un mois soumis, si ses chiffres sont encore ceux qui ont été signés."""
    act = Act(network, organisation, month, today_of(request))
    return await _answer(
        request, act, lambda session: commands.decide(session, act, Step.APPROVED, body.digest)
    )


@router.post(
    "/v1/reporting-periods/{organisation}/{month}/locks",
    status_code=201,
    response_model=EventAnswer,
)
async def post_lock(
    request: Request, organisation: str, month: Month, body: DecisionBody, network: Network
) -> Response:
    """Verrouiller un mois approuvé : plus aucun fait ne peut y être daté."""
    act = Act(network, organisation, month, today_of(request))
    return await _answer(
        request, act, lambda session: commands.decide(session, act, Step.LOCKED, body.digest)
    )


@router.post(
    "/v1/reporting-periods/{organisation}/{month}/rejections",
    status_code=201,
    response_model=EventAnswer,
)
async def post_rejection(
    request: Request, organisation: str, month: Month, body: ReasonBody, network: Network
) -> Response:
    """Rendre un mois soumis à son organisme, avec une raison."""
    act = Act(network, organisation, month, today_of(request))
    return await _answer(request, act, lambda session: commands.reject(session, act, body.reason))


@router.post(
    "/v1/reporting-periods/{organisation}/{month}/reopenings",
    status_code=201,
    response_model=EventAnswer,
)
async def post_reopening(
    request: Request, organisation: str, month: Month, body: ReasonBody, asker: Either
) -> Response:
    """Demander la réouverture d'un mois verrouillé ; une autre clé la confirme."""
    act = Act(asker, organisation, month, today_of(request))
    return await _answer(
        request, act, lambda session: commands.request_reopening(session, act, body.reason)
    )


@router.post(
    "/v1/reporting-periods/{organisation}/{month}/reopenings/{reopening_id}/confirmations",
    status_code=201,
    response_model=EventAnswer,
)
async def post_reopening_confirmation(
    request: Request, organisation: str, month: Month, reopening_id: UUID, network: Network
) -> Response:
    """Confirmer une réouverture demandée avec une autre clé : le mois est ouvert de nouveau."""
    act = Act(network, organisation, month, today_of(request))
    return await _answer(
        request, act, lambda session: commands.confirm_reopening(session, act, reopening_id)
    )


async def _answer(
    request: Request, act: Act, work: Callable[[WriteSession], Awaitable[Answered]]
) -> Response:
    """One write in the organisation the path names, once it is known to be there."""

    async def run(session: WriteSession) -> Answered:
        await _require_known(session, act.principal)
        return await work(session)

    tenant = _visible(act.principal, act.organisation)
    return await answer_once(request, act.principal, run, tenant=tenant)


def _visible(principal: Principal, organisation: str) -> UUID:
    """Whom to act for: a member sees itself alone. Raises NotFound."""
    if principal.role is Role.MEMBER and principal.organisation != organisation:
        raise not_found(ORGANISATION)
    return organisation_id(organisation)


async def _require_known(session: ReadSession, principal: Principal) -> None:
    """For the network: the organisation has sent something, so its name is no typing mistake."""
    if principal.role is not Role.MEMBER and not await queries.has_ever_written(session):
        raise not_found(ORGANISATION)


def _summarise(organisation: str, record: MonthRecord) -> dict[str, JsonValue]:
    submitted_on = record.submitted_on
    return {
        "organisation": organisation,
        "month": f"{record.month:%Y-%m}",
        "state": record.state.value,
        "asked": record.asking.is_asked(record.month),
        "due_on": record.asking.due_on(record.month).isoformat(),
        "submitted_on": None if submitted_on is None else submitted_on.isoformat(),
        "days_late": record.days_late,
    }
