"""What is wrong with a fact of a loan's life, before it is recorded."""

from dataclasses import replace
from datetime import date

from services.common.errors import InputError
from services.common.messages import MESSAGES
from services.common.money import format_cents
from services.common.text import Text
from services.loans.loan_facts.arithmetic import with_fact
from services.loans.loan_facts.drafts import FactDraft, FactKind
from services.loans.loan_facts.queries import Contract
from services.loans.loans.contract_terms import NOTHING_ADVANCED, check_flows
from services.loans.positions.account import LOAN_CLOSED
from services.loans.positions.arithmetic import (
    find_position,
    find_terms,
    left_to_recover,
    replay,
)
from services.loans.positions.contradictions import find_contradiction
from services.loans.positions.facts import NOT_RECORDED, LoanFacts
from services.loans.schedules.apr import CashFlows, add_fees, cash_flows, criminal_rate_limit
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import Fee

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
            return _check_fee(draft, loan, contract)
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


def _check_fee(draft: FactDraft, loan: LoanFacts, contract: Contract) -> list[InputError]:
    """A fee is for a loan that runs, and counts in the criminal rate with those before it."""
    evening = find_position(loan, draft.on)
    if not evening.payoff_cents:
        return [InputError("/charged_on", "loan.closed", LOAN_CLOSED)]
    terms = loan.conditions.terms
    assert terms is not None, "the terms are loaded with the loan"
    charged = with_fact(loan, draft, loan.loan_id).charges
    schedule = build_schedule(terms)
    due = [due_on for due_on in schedule.due_on if due_on > terms.disbursed_on]
    fees = [(charge.on, charge.amount_cents) for charge in charged]
    flows = add_fees(cash_flows(terms, schedule), terms.disbursed_on, due, fees)
    return refuse_rate(flows, contract, "/amount")


def _check_rate(draft: FactDraft, after: LoanFacts, contract: Contract) -> list[InputError]:
    """What is laid anew keeps under the criminal rate too, with what is withheld from it."""
    fees = (Fee(draft.fees_withheld_cents or 0),)
    terms = replace(find_terms(after, draft.on), fees=fees)
    place = "/fees_withheld" if draft.kind is FactKind.DISBURSEMENT else "/terms/annual_rate"
    return refuse_rate(cash_flows(terms, build_schedule(terms)), contract, place)


def refuse_rate(flows: CashFlows, contract: Contract, pointer: str) -> list[InputError]:
    """Refuse what exceeds the criminal rate of the contract's date and kind of borrower."""
    limit = criminal_rate_limit(
        contract.contracted_on, contract.borrower_kind, contract.principal_cents
    )
    unlawful = check_flows(flows, limit, pointer)
    return [] if unlawful is None else [unlawful]


def check_fit(draft: FactDraft, before: LoanFacts, contract: Contract) -> list[InputError]:
    """Refuse a fact that what is on record, then or later, could not stand."""
    after = with_fact(before, draft, NOT_RECORDED)
    errors = find_contradiction(
        ON[draft.kind], before, after, draft.on, place_of_term=TERM.get(draft.kind)
    )
    if not errors and (draft.kind is FactKind.RESCHEDULING or draft.fees_withheld_cents):
        return _check_rate(draft, after, contract)
    return errors
