"""Write-offs, recoveries and reversals: one fact at a time, each decided by a person."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from services.common import audit
from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue, NotFound
from services.common.idempotency import Answered, created, replayed
from services.common.identity import Principal
from services.common.messages import MESSAGES
from services.common.money import format_cents
from services.common.recording import CONFLICT, to_problem
from services.common.text import Text
from services.loans.locks.commands import require_unlocked
from services.loans.losses import queries
from services.loans.losses.queries import FactOnRecord, LossDraft
from services.loans.losses.schemas import ReversalBody
from services.loans.positions.arithmetic import (
    LoanFacts,
    Loss,
    left_to_recover,
    left_to_write_off,
)
from services.loans.positions.commands import keep_figures, tell_facts
from services.loans.positions.figures import Change
from services.loans.positions.queries import load_facts
from services.loans.reversals.commands import already_reversed
from services.loans.reversals.queries import insert_reversal


async def record_loss(
    session: WriteSession, principal: Principal, draft: LossDraft, today: date
) -> Answered:
    """Record a write-off or a recovery. Raises Unprocessable, Conflict, NotFound (the loan)."""
    known = await queries.find_fingerprint(session, draft.kind, draft.external_id)
    if known is not None and known != draft.fingerprint:
        raise to_problem([CONFLICT])
    location = f"/v1/loans/{draft.loan_id}"
    if known is None:
        before = await _load_one(session, draft.loan_id)
        _check_loss(draft, before, today)
        on = "/written_off_on" if draft.kind == "write_off" else "/recovered_on"
        await require_unlocked(session, on, draft.on)
        loss_id = await queries.insert_loss(session, draft, principal.subject)
        loss = Loss(draft.on, draft.amount_cents)
        after = (
            replace(before, write_offs=(*before.write_offs, loss))
            if draft.kind == "write_off"
            else replace(before, recoveries=(*before.recoveries, loss))
        )
        figures = await keep_figures(session, [Change(before, after)])
        told = _tell(draft.kind, loss_id, draft.loan_id, draft.on, draft.amount_cents)
        await tell_facts(session, [told], figures.moves)
        details: dict[str, JsonValue] = {"loan_id": str(draft.loan_id)}
        await audit.append(session, principal, f"{draft.kind}.recorded", details)
    document = await queries.find_loss(session, draft.kind, draft.external_id)
    answer = created if known is None else replayed
    return answer(document, location)


async def record_reversal(
    session: WriteSession, principal: Principal, loan_id: UUID, body: ReversalBody
) -> Answered:
    """Take a fact out, with everything after it recomputed. Raises NotFound, Conflict."""
    before = await _load_one(session, loan_id)
    fact = await queries.find_fact(session, loan_id, body.fact.kind, body.fact.external_id)
    if fact is None:
        raise NotFound(Text("Ce prêt n'a pas ce fait.", "This loan has no such fact."))
    location = f"/v1/loans/{loan_id}"
    if fact.reversal_id is not None:
        if fact.reason != body.reason:
            raise to_problem([already_reversed("/fact")])
        return replayed(_show_reversal(fact.reversal_id, body), location)
    await require_unlocked(session, "/fact", fact.on)
    after = _without(before, body.fact.kind, fact)
    reversal_id = await insert_reversal(
        session, body.fact.kind, fact.fact_id, body.reason, principal.subject
    )
    figures = await keep_figures(session, [Change(before, after)])
    told = _tell("reversal", fact.fact_id, loan_id, fact.on, fact.amount_cents)
    told["reversed_kind"] = body.fact.kind
    split = figures.splits_before.get(fact.fact_id)
    if split is not None:
        told["principal_cents"] = split.principal_cents
        told["interest_cents"] = split.interest_cents
        told["fees_cents"] = split.fees_cents
    await tell_facts(session, [told], figures.moves)
    details: dict[str, JsonValue] = {"kind": body.fact.kind, "fact_id": str(fact.fact_id)}
    await audit.append(session, principal, "fact.reversed", details)
    return created(_show_reversal(reversal_id, body), location)


async def _load_one(session: WriteSession, loan_id: UUID) -> LoanFacts:
    found = await load_facts(session, [loan_id])
    if not found:
        raise NotFound(Text("Prêt introuvable.", "Loan not found."))
    return found[0]


def _check_loss(draft: LossDraft, loan: LoanFacts, today: date) -> None:
    errors: list[InputError] = []
    on = "/written_off_on" if draft.kind == "write_off" else "/recovered_on"
    if draft.on > today:
        errors.append(InputError(on, "date.future", MESSAGES["date.future"]))
    if draft.on < loan.disbursed_on:
        message = Text(
            f"Cette date précède le versement du prêt ({loan.disbursed_on}).",
            f"This date comes before the loan's disbursement ({loan.disbursed_on}).",
        )
        errors.append(InputError(on, f"{draft.kind}.before_disbursement", message))
    left = left_to_write_off(loan) if draft.kind == "write_off" else left_to_recover(loan, draft.on)
    if draft.amount_cents > left:
        message = Text(
            f"Ce montant dépasse ce qui peut l'être : {format_cents(left)}.",
            f"This amount is over what it can be: {format_cents(left)}.",
        )
        errors.append(InputError("/amount", f"{draft.kind}.exceeds_balance", message))
    if errors:
        raise to_problem(errors)


def _without(loan: LoanFacts, kind: str, fact: FactOnRecord) -> LoanFacts:
    """The loan without a fact. Raises Unprocessable when what stands needs it."""
    loss = Loss(fact.on, fact.amount_cents)
    if kind == "repayment":
        kept = tuple(p for p in loan.payments if p.repayment_id != fact.fact_id)
        return replace(loan, payments=kept)
    if kind == "recovery":
        return replace(loan, recoveries=_take_out(loan.recoveries, loss))
    after = replace(loan, write_offs=_take_out(loan.write_offs, loss))
    if left_to_recover(after, date.min) < 0:
        message = Text(
            "Des recouvrements dépendent de cette radiation : renversez-les d'abord.",
            "Recoveries depend on this write-off: reverse them first.",
        )
        raise to_problem([InputError("/fact", "reversal.needed_by_recoveries", message)])
    return after


def _take_out(losses: tuple[Loss, ...], loss: Loss) -> tuple[Loss, ...]:
    position = losses.index(loss)
    return losses[:position] + losses[position + 1 :]


def _show_reversal(reversal_id: UUID, body: ReversalBody) -> JsonValue:
    return {
        "reversal_id": str(reversal_id),
        "fact": {"kind": body.fact.kind, "external_id": body.fact.external_id},
        "reason": body.reason,
    }


def _tell(kind: str, fact_id: UUID, loan_id: UUID, on: date, cents: int) -> dict[str, JsonValue]:
    return {
        "kind": kind,
        "id": str(fact_id),
        "loan_id": str(loan_id),
        "on": on.isoformat(),
        "amount_cents": cents,
        "principal_cents": cents,
        "interest_cents": 0,
        "fees_cents": 0,
    }
