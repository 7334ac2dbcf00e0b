"""What happens to a month: submission, approval, rejection, lock, reopening by two people.

Each runs under the organisation's write lock, as everything that records a fact does: figures
cannot change between being compared and being signed, approved or locked.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import date

from services.common import audit, outbox
from services.common.database import ReadSession, WriteSession
from services.common.errors import Conflict, InputError, JsonValue, Unprocessable, not_found
from services.common.idempotency import Answered, created, replayed
from services.common.identity import Principal
from services.common.strict_json import escape_pointer
from services.common.text import Text
from services.loans.periods import queries
from services.loans.periods.arithmetic import (
    MonthRecord,
    PeriodEvent,
    Signature,
    State,
    Step,
    digest_figures,
    end_of,
    may_follow,
)
from services.loans.periods.findings import Finding, count_warnings, find_findings

STATE_NAMES = {
    State.EXPECTED: Text("pas encore terminé", "not over yet"),
    State.OPEN: Text("ouvert", "open"),
    State.SUBMITTED: Text("soumis", "submitted"),
    State.APPROVED: Text("approuvé", "approved"),
    State.LOCKED: Text("verrouillé", "locked"),
}


async def load_month(session: ReadSession, month: date, today: date) -> MonthRecord:
    events = await queries.load_events(session, [month])
    return MonthRecord(month, events[month], await queries.load_asking(session), today)


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something to which month, on which day."""

    principal: Principal
    organisation: str
    month: date
    today: date

    def begin(self, step: Step) -> PeriodEvent:
        who = self.principal
        return PeriodEvent(uuid.uuid4(), step, self.today, who.subject, who.made_by)

    @property
    def location(self) -> str:
        return f"/v1/reporting-periods/{self.organisation}/{self.month:%Y-%m}"

    def replay(self, event: PeriodEvent) -> Answered:
        return replayed(show_event(self.organisation, self.month, event), self.location)


async def submit(
    session: WriteSession, act: Act, signature: Signature, digest: str | None
) -> Answered:
    """Sign the figures of a month. Raises Conflict, or Unprocessable while errors stand."""
    before = await load_month(session, act.month, act.today)
    figures = await queries.read_figures(session, act.month)
    signed = digest_figures(act.organisation, act.month, figures)
    if digest is not None and digest != signed.hex():
        raise _figures_changed()
    last = before.standing(Step.SUBMITTED)
    if last is not None and (last.signature, last.digest) == (signature, signed):
        return act.replay(last)
    _require(before, Step.SUBMITTED)
    findings = await find_findings(session, act.month, figures)
    _refuse_errors(findings)
    event = replace(
        act.begin(Step.SUBMITTED),
        signature=signature,
        figures=figures,
        warnings=dict(count_warnings(findings)),
        digest=signed,
    )
    return await _record(session, act, before, event)


async def decide(session: WriteSession, act: Act, step: Step, digest: str | None) -> Answered:
    """Approve or lock what was submitted. Raises Conflict when the figures are others by now."""
    before = await load_month(session, act.month, act.today)
    done = before.standing(step)
    if done is not None:
        return act.replay(done)
    _require(before, step)
    submission = before.submission
    assert submission is not None, "only what was submitted is approved or locked"
    figures = await queries.read_figures(session, act.month)
    current = digest_figures(act.organisation, act.month, figures)
    if submission.digest != current or digest not in (None, current.hex()):
        raise _figures_changed()
    return await _record(session, act, before, act.begin(step))


async def reject(session: WriteSession, act: Act, reason: str) -> Answered:
    """Give a month back to its member, with a reason. Raises Conflict."""
    before = await load_month(session, act.month, act.today)
    last = before.last
    if last is not None and (last.step, last.reason) == (Step.REJECTED, reason):
        return act.replay(last)
    _require(before, Step.REJECTED)
    event = replace(act.begin(Step.REJECTED), reason=reason)
    return await _record(session, act, before, event)


async def request_reopening(session: WriteSession, act: Act, reason: str) -> Answered:
    """Ask for a locked month to be reopened: nothing changes until it is confirmed."""
    before = await load_month(session, act.month, act.today)
    for pending in before.pending_requests:
        if (pending.recorded_by, pending.reason) == (act.principal.subject, reason):
            return act.replay(pending)
    _require(before, Step.REOPENING_REQUESTED)
    event = replace(act.begin(Step.REOPENING_REQUESTED), reason=reason)
    return await _record(session, act, before, event)


async def confirm_reopening(session: WriteSession, act: Act, request_id: uuid.UUID) -> Answered:
    """Reopen a month at another's request. Raises NotFound, or Conflict for one's own request."""
    before = await load_month(session, act.month, act.today)
    request = next((e for e in before.events if e.period_event_id == request_id), None)
    if request is None or request.step is not Step.REOPENING_REQUESTED:
        raise not_found(Text("Demande de réouverture", "Request to reopen"))
    for event in before.events:
        if event.request_id == request_id:
            return act.replay(event)
    if request not in before.pending_requests:
        raise _refuse_state(before.state)
    if act.principal.may_be(request.recorded_by, request.key_made_by):
        raise Conflict(
            Text(
                "Une réouverture se fait à deux : une autre clé d'accès doit la confirmer, qui "
                "n'a pas créé celle qui demande.",
                "A reopening takes two people: another access key must confirm it, which did not "
                "make the one that asks.",
            ),
            code="reporting_period.same_person",
        )
    event = replace(act.begin(Step.REOPENED), request_id=request_id)
    return await _record(session, act, before, event)


async def _record(
    session: WriteSession, act: Act, before: MonthRecord, event: PeriodEvent
) -> Answered:
    await queries.insert_event(session, act.month, len(before.events) + 1, event)
    told: dict[str, JsonValue] = {
        "month": f"{act.month:%Y-%m}",
        "event_id": str(event.period_event_id),
    }
    if event.digest is not None:
        told["digest"] = event.digest.hex()
    action = f"reporting_period.{event.step}"
    await outbox.append(session, action, told)
    await audit.append(session, act.principal, action, told)
    return created(show_event(act.organisation, act.month, event), act.location)


def _require(before: MonthRecord, step: Step) -> None:
    """Raises Conflict when the month's state does not allow the step."""
    if before.state is State.EXPECTED:
        last = end_of(before.month)
        raise Conflict(
            Text(
                f"Ce mois n'est pas terminé : il se soumet après le {last}.",
                f"This month is not over: it is submitted after {last}.",
            ),
            code="reporting_period.not_over",
        )
    if not may_follow(before.state, step):
        raise _refuse_state(before.state)


def _refuse_state(state: State) -> Conflict:
    name = STATE_NAMES[state]
    message = Text(
        f"Ce mois est {name.fr} : cela ne peut pas se faire maintenant.",
        f"This month is {name.en}: this cannot be done now.",
    )
    return Conflict(message, code="reporting_period.state", extra={"state": state.value})


def _figures_changed() -> Conflict:
    return Conflict(
        Text(
            "Les chiffres de ce mois ne sont plus les mêmes : relisez-le ; s'il était soumis, "
            "il doit l'être de nouveau.",
            "The figures of this month are no longer the same: read it again; if it was "
            "submitted, it must be submitted anew.",
        ),
        code="reporting_period.figures_changed",
    )


def _refuse_errors(findings: list[Finding]) -> None:
    errors = [finding for finding in findings if finding.is_error]
    if errors:
        raise Unprocessable(
            Text(
                f"{len(errors)} erreur(s) à corriger avant de soumettre ce mois.",
                f"{len(errors)} error(s) to mend before this month is submitted.",
            ),
            code="reporting_period.errors",
            errors=[to_error(finding) for finding in errors],
        )


def to_error(finding: Finding) -> InputError:
    """Which fact: its kind and the member's identifier."""
    place = [finding.kind, finding.external_id or finding.rule.place]
    pointer = "".join(f"/{escape_pointer(token)}" for token in place)
    return InputError(pointer, finding.rule.code, finding.rule.message)


def show_event(organisation: str, month: date, event: PeriodEvent) -> dict[str, JsonValue]:
    signature = event.signature
    return {
        "event_id": str(event.period_event_id),
        "organisation": organisation,
        "month": f"{month:%Y-%m}",
        "kind": event.step.value,
        "recorded_on": event.recorded_on.isoformat(),
        "key_id": event.recorded_by,
        "reason": event.reason,
        "request_id": None if event.request_id is None else str(event.request_id),
        "signature": (
            None
            if signature is None
            else {
                "name": signature.name,
                "role": signature.role,
                "statement": signature.statement,
            }
        ),
        "figures": event.figures,
        "warnings": event.warnings,
        "digest": None if event.digest is None else event.digest.hex(),
    }
