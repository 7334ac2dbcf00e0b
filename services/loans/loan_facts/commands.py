"""Recording the facts of a loan's life, and their reversals: one at a time, by a person."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.common import audit
from services.common.database import ReadSession, WriteSession
from services.common.errors import InputError, JsonValue, NotFound, not_found
from services.common.idempotency import Answered, created, replayed
from services.common.identity import Principal
from services.common.locks import require_unlocked
from services.common.recording import CONFLICT, to_problem
from services.common.text import Text
from services.loans.loan_facts import queries
from services.loans.loan_facts.arithmetic import with_fact, without_fact
from services.loans.loan_facts.drafts import FactDraft, FactKind
from services.loans.loan_facts.queries import Contract
from services.loans.loan_facts.refusals import (
    ON,
    check_date,
    check_fit,
    check_kind,
)
from services.loans.loan_facts.schemas import ReversalBody
from services.loans.loans.queries import find_name
from services.loans.loans.routes import LOAN
from services.loans.positions.commands import keep_figures
from services.loans.positions.contradictions import find_contradiction
from services.loans.positions.facts import LoanFacts
from services.loans.positions.figures import Change, Figures
from services.loans.positions.queries import load_facts
from services.loans.positions.telling import Told, tell_fact, tell_reversal
from services.loans.products.arithmetic import AgreedMoratorium, check_moratoria
from services.loans.products.queries import load_catalogue
from services.loans.reversals.commands import already_reversed
from services.loans.reversals.queries import insert_reversal

NOT_TOLD = (FactKind.FEE, FactKind.RESCHEDULING, FactKind.MORATORIUM)
"""They move no money: the journal hears only of how the payments split anew."""


async def record_fact(
    session: WriteSession, principal: Principal, draft: FactDraft, today: date
) -> Answered:
    """Record a fact where its date says, with everything after it recomputed.

    Raises Unprocessable, Conflict, NotFound (the loan).
    """
    known = await queries.find_fingerprint(session, draft.kind, draft.external_id)
    if known is not None and known != draft.fingerprint:
        raise to_problem([CONFLICT])
    location = f"/v1/loans/{draft.loan_id}"
    if known is None:
        before = await load_one(session, draft.loan_id)
        contract = await queries.find_contract(session, draft.loan_id)
        errors = check_date(draft, before, today) or check_kind(draft, before, contract)
        errors = errors or check_fit(draft, before, contract)
        errors = errors or await _check_product(session, draft, before, contract)
        if errors:
            raise to_problem(errors)
        await require_unlocked(session, ON[draft.kind], draft.on)
        await _store(session, principal, draft, before)
    document = await queries.show_fact(session, draft.kind, draft.external_id)
    answer = created if known is None else replayed
    return answer(document, location)


async def _check_product(
    session: WriteSession, draft: FactDraft, before: LoanFacts, contract: Contract
) -> list[InputError]:
    """A binding product refuses the moratoria that it does not allow; another one tells them."""
    if draft.kind is not FactKind.MORATORIUM:
        return []
    catalogue = await load_catalogue(session, [contract.product])
    version = catalogue.find_signed(
        contract.product, contract.product_version, contract.contracted_on
    )
    if version is None or not version.rules.binding:
        return []
    after = with_fact(before, draft, draft.loan_id)
    agreed = [AgreedMoratorium(one.kind, one.periods) for one in after.moratoria]
    found = check_moratoria(version.rules.moratoria, agreed)
    return [replace(error, pointer="/periods") for error in found]


async def _store(
    session: WriteSession, principal: Principal, draft: FactDraft, before: LoanFacts
) -> None:
    fact_id = await queries.insert_fact(session, draft, principal.subject)
    after = with_fact(before, draft, fact_id)
    told: list[Told] = []
    if draft.kind not in NOT_TOLD:
        assert draft.amount_cents is not None, "what moves money has an amount"
        told.append(
            tell_fact(
                draft.kind,
                fact_id,
                draft.loan_id,
                draft.on,
                draft.amount_cents,
                fees_cents=draft.fees_withheld_cents or 0,
            )
        )
    await keep_figures(session, [Change(before, after)], principal.subject, lambda _: told)
    details: dict[str, JsonValue] = {"loan_id": str(draft.loan_id)}
    await audit.append(session, principal, f"{draft.kind}.recorded", details)


async def record_reversal(
    session: WriteSession, principal: Principal, loan_id: UUID, body: ReversalBody
) -> Answered:
    """Take a fact out, with everything after it recomputed.

    Raises NotFound, Conflict, Unprocessable.
    """
    kind = body.fact.kind
    fact = await queries.find_fact(session, loan_id, kind, body.fact.external_id)
    if fact is None:
        await _refuse_first_disbursement(session, loan_id, body)
        raise NotFound(Text("Ce prêt n'a pas ce fait.", "This loan has no such fact."))
    location = f"/v1/loans/{loan_id}"
    if fact.reversal_id is not None:
        if fact.reason != body.reason:
            raise to_problem([already_reversed("/fact")])
        return replayed(_show_reversal(fact.reversal_id, body), location)
    await require_unlocked(session, "/fact", fact.on)
    before = await load_one(session, loan_id)
    after: LoanFacts | None = None
    if kind == "loan":
        await _require_nothing_since(session, before)
    else:
        after = without_fact(before, kind, fact.fact_id, fact.on, fact.amount_cents)
        # What was paid for a fact that never was is owed back: a surplus is no reason to refuse.
        errors = find_contradiction("/fact", before, after, keeps_surplus=True)
        if errors:
            raise to_problem(errors)
    reversal_id = await insert_reversal(session, kind, fact.fact_id, body.reason, principal.subject)
    told, stood = kind, fact
    if kind == "loan":
        told, stood = "disbursement", await queries.find_first_disbursement(session, loan_id)

    def tell(figures: Figures) -> Iterator[Told]:
        if told not in NOT_TOLD:
            split, of = figures.splits_before.get(stood.fact_id), (stood.on, stood.amount_cents)
            withheld = stood.fees_withheld_cents
            yield tell_reversal(tell_fact(told, stood.fact_id, loan_id, *of, split, withheld))

    await keep_figures(session, [Change(before, after)], principal.subject, tell)
    details: dict[str, JsonValue] = {"kind": body.fact.kind, "fact_id": str(fact.fact_id)}
    await audit.append(session, principal, "fact.reversed", details)
    return created(_show_reversal(reversal_id, body), location)


async def _refuse_first_disbursement(
    session: ReadSession, loan_id: UUID, body: ReversalBody
) -> None:
    """It has the loan's own identifier, and goes with it. Raises Unprocessable."""
    loan = await find_name(session, loan_id)
    named = (body.fact.kind, body.fact.external_id)
    if loan is not None and named == (FactKind.DISBURSEMENT, loan.external_id):
        message = Text(
            "Le premier versement s'en va avec le prêt : renversez le prêt lui-même.",
            "The first disbursement goes with the loan: reverse the loan itself.",
        )
        raise to_problem([InputError("/fact", "reversal.first_disbursement", message)])


async def load_one(session: ReadSession, loan_id: UUID) -> LoanFacts:
    """The facts of one loan, with its terms. Raises NotFound, also once the loan is reversed."""
    found = await load_facts(session, [loan_id], with_terms=True)
    if not found:
        raise not_found(LOAN)
    return found[0]


async def _require_nothing_since(session: WriteSession, loan: LoanFacts) -> None:
    """A loan posted by mistake goes whole, and last: what was posted on it is reversed first."""
    has_facts = (
        loan.payments
        or loan.write_offs
        or loan.refunds
        or loan.charges
        or loan.tranches
        or loan.reschedulings
        or loan.moratoria
    )
    if has_facts or await queries.has_outcomes(session, loan.loan_id):
        message = Text(
            "D'autres faits dépendent de ce prêt : renversez-les d'abord.",
            "Other facts depend on this loan: reverse them first.",
        )
        raise to_problem([InputError("/fact", "reversal.loan_has_facts", message)])


def _show_reversal(reversal_id: UUID, body: ReversalBody) -> JsonValue:
    return {
        "reversal_id": str(reversal_id),
        "fact": {"kind": body.fact.kind, "external_id": body.fact.external_id},
        "reason": body.reason,
    }
