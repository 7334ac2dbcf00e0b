"""What is wrong with a fact of a loan's life, before it is recorded."""

from datetime import date

from services.common.errors import InputError
from services.common.messages import MESSAGES
from services.common.money import format_cents
from services.common.text import Text
from services.loans.loan_facts.arithmetic import with_fact
from services.loans.loan_facts.drafts import FactDraft, FactKind
from services.loans.loan_facts.queries import Contract
from services.loans.loans.contract_terms import NOTHING_ADVANCED, check_flows, is_cheaper
from services.loans.positions.account import LOAN_CLOSED
from services.loans.positions.arithmetic import (
    find_position,
    left_to_recover,
    list_schedules,
    replay,
)
from services.loans.positions.contradictions import find_contradiction
from services.loans.positions.facts import NOT_RECORDED, LoanFacts
from services.loans.positions.flows import lay_flows
from services.loans.schedules.apr import cash_flows, criminal_rate_limit
from services.loans.schedules.arithmetic import build_schedule

ON = {
    FactKind.DISBURSEMENT: "/disbursed_on",
    FactKind.FEE: "/charged_on",
    FactKind.REFUND: "/refunded_on",
    FactKind.WRITE_OFF: "/written_off_on",
    FactKind.RECOVERY: "/recovered_on",
    FactKind.RESCHEDULING: "/rescheduled_on",
    FactKind.MORATORIUM: "/starts_on",
}
"""Where the body of each kind holds its date."""

TERM = {FactKind.RESCHEDULING: "/terms/{term}", FactKind.MORATORIUM: "/periods"}
"""Where it holds what makes a schedule that cannot be laid."""


def check_date(draft: FactDraft, loan: LoanFacts, today: date) -> list[InputError]:
    place = ON[draft.kind]
    if draft.on > today:
        return [InputError(place, "date.future", MESSAGES["date.future"])]
    if draft.on < loan.disbursed_on:
        message = Text(
            f"Cette date précède le versement du prêt ({loan.disbursed_on}).",
            f"This date comes before the loan's disbursement ({loan.disbursed_on}).",
        )
        return [InputError(place, f"{draft.kind}.before_disbursement", message)]
    return []


def check_kind(draft: FactDraft, loan: LoanFacts, contract: Contract) -> list[InputError]:
    """The bounds that each kind of fact has of its own."""
    match draft.kind:
        case FactKind.WRITE_OFF:
            return _check_amount(draft, _left_to_write_off(loan))
        case FactKind.RECOVERY:
            return _check_amount(draft, left_to_recover(loan, draft.on))
        case FactKind.REFUND:
            return _check_amount(draft, find_position(loan, draft.on).credit_cents)
        case FactKind.DISBURSEMENT:
            left_cents = contract.principal_cents - loan.lent_cents
            return _check_amount(draft, left_cents) or _check_withheld(draft)
        case FactKind.FEE:
            return _check_fee(draft, loan)
        case FactKind.RESCHEDULING | FactKind.MORATORIUM:
            return []


def _left_to_write_off(loan: LoanFacts) -> int:
    """Principal neither paid by any payment on record nor written off."""
    return replay(loan).states[-1].outstanding_principal_cents


def _check_amount(draft: FactDraft, left_cents: int) -> list[InputError]:
    assert draft.amount_cents is not None, "this kind has an amount"
    if draft.amount_cents <= left_cents:
        return []
    left = format_cents(max(0, left_cents))
    message = Text(
        f"Ce montant dépasse ce qui peut l'être : {left}.",
        f"This amount is over what it can be: {left}.",
    )
    return [InputError("/amount", f"{draft.kind}.exceeds_balance", message)]


def _check_withheld(draft: FactDraft) -> list[InputError]:
    if (draft.amount_cents or 0) > (draft.fees_withheld_cents or 0):
        return []
    return [InputError("/fees_withheld", "schedule.nothing_advanced", NOTHING_ADVANCED)]


def _check_fee(draft: FactDraft, loan: LoanFacts) -> list[InputError]:
    """A fee is for a loan that runs."""
    if find_position(loan, draft.on).payoff_cents:
        return []
    return [InputError("/charged_on", "loan.closed", LOAN_CLOSED)]


def check_fit(draft: FactDraft, before: LoanFacts, contract: Contract) -> list[InputError]:
    """Refuse a fact that what is on record, then or later, could not stand."""
    after = with_fact(before, draft, NOT_RECORDED)
    return find_contradiction(
        ON[draft.kind], before, after, draft.on, place_of_term=TERM.get(draft.kind)
    ) or _check_rate(draft, before, after, contract)


def _check_rate(
    draft: FactDraft, before: LoanFacts, after: LoanFacts, contract: Contract
) -> list[InputError]:
    """Keep under the criminal rate of the contract's date and kind of borrower.

    The whole loan is judged, with the fact in it. Of one over the limit already (a
    disbursement was reversed, or is still to come), what brings it nearer is taken. New terms are
    also a new agreement for what is owed then (SOR/2002-263, s. 3 (2) f): judged alone as well.
    """
    place = _find_place_of_rate(draft)
    if place is None:
        return []
    limit = criminal_rate_limit(
        contract.contracted_on, contract.borrower_kind, contract.principal_cents
    )
    if draft.kind is FactKind.RESCHEDULING:
        laid = list_schedules(after)
        [terms] = [terms for schedule, terms in laid if schedule.cause_id == NOT_RECORDED]
        unlawful = check_flows(cash_flows(terms, build_schedule(terms)), limit, place)
        if unlawful is not None:
            return [unlawful]
    flows = lay_flows(after)
    unlawful = check_flows(flows, limit, place)
    if unlawful is None or is_cheaper(flows, lay_flows(before), limit):
        return []
    return [unlawful]


def _find_place_of_rate(draft: FactDraft) -> str | None:
    """Where the body says what may make the loan dearer; a moratorium asks for no more."""
    match draft.kind:
        case FactKind.FEE:
            return "/amount"
        case FactKind.DISBURSEMENT:
            return "/fees_withheld" if draft.fees_withheld_cents else None
        case FactKind.RESCHEDULING:
            is_rate_said = draft.terms is not None and draft.terms.annual_rate is not None
            return "/terms/annual_rate" if is_rate_said else "/terms/instalments"
        case _:
            return None
