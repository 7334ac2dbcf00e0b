"""A loan's contract and its legal dates, as they are shown."""

from services.common.errors import JsonValue
from services.common.money import format_cents, format_rate
from services.loans.loans.contract_queries import Contract
from services.loans.loans.contract_terms import find_prescription, state_yearly_rate
from services.loans.loans.contracts import Reviewed
from services.loans.positions.arithmetic import Position, replay
from services.loans.positions.facts import LoanFacts, facts_until
from services.loans.provisions.arithmetic import Matrix, find_provision
from services.loans.schedules.apr import annual_percentage_rate, cash_flows
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import ScheduleTerms


def show_contract(contract: Contract, reviewed: Reviewed) -> dict[str, JsonValue]:
    """The terms of the contract, its yearly rates, fees included and not, and what is odd in it."""
    flows = cash_flows(contract.terms, build_schedule(contract.terms))
    is_compound = bool(contract.interest_on_overdue_interest)
    yearly = state_yearly_rate(contract.terms, is_compound=is_compound)
    effective = yearly.effective
    return {
        "product_version": reviewed.version,
        "terms": _show_terms(contract.terms),
        "apr": format(annual_percentage_rate(flows), "f"),
        "yearly_rate": {
            "nominal": format_rate(yearly.nominal),
            "periods_a_year": format_rate(yearly.periods_a_year),
            "effective": None if effective is None else format(effective, "f"),
            "fr": yearly.text.fr,
            "en": yearly.text.en,
        },
        "findings": [
            {"code": found.code, "fr": found.message.fr, "en": found.message.en}
            for found in reviewed.found
        ],
    }


def _show_terms(terms: ScheduleTerms) -> JsonValue:
    """Those left out when they were posted too: a quote of them is the schedule of the contract."""
    multiple, down = terms.instalment_multiple_cents, terms.down_payment_percent
    return {
        "principal": format_cents(terms.principal_cents),
        "annual_rate": format_rate(terms.annual_rate),
        "instalments": terms.instalments,
        "frequency": terms.frequency,
        "repay_every": terms.repay_every,
        "disbursed_on": terms.disbursed_on.isoformat(),
        "first_due_on": terms.first_due_on.isoformat() if terms.first_due_on else None,
        "interest_method": terms.interest_method,
        "amortisation": terms.amortisation,
        "day_count": terms.day_count,
        "rounding": terms.rounding,
        "smoothing": terms.smoothing,
        "instalment_multiple": None if multiple is None else format_cents(multiple),
        "grace": {
            "principal_periods": terms.principal_grace_periods,
            "interest_periods": terms.interest_grace_periods,
            "interest_free_periods": terms.interest_free_periods,
        },
        "down_payment_percent": None if down is None else format_rate(down),
        "fees": [
            {"amount": format_cents(fee.amount_cents), "charged": fee.charged} for fee in terms.fees
        ],
        "non_working_days": terms.non_working_days,
    }


def show_prescription(facts: LoanFacts, position: Position) -> JsonValue:
    """Of the oldest amount unpaid; what is written off is still owed."""
    known = facts_until(facts, position.as_of)
    oldest = position.unpaid[0].due_on if position.unpaid else None
    if oldest is None and known.written_off_cents > known.recovered_cents:
        before = (state.oldest_unpaid_due_on for state in reversed(replay(known).states))
        oldest = next((day for day in before if day is not None), None)
    acknowledged = (
        *(payment.paid_on for payment in known.payments),
        *(recovery.on for recovery in known.recoveries),
        *(rescheduling.on for rescheduling in known.reschedulings),
        *(moratorium.on for moratorium in known.moratoria),
    )
    prescription_on = find_prescription(oldest, acknowledged)
    return None if prescription_on is None else prescription_on.isoformat()


def show_provision(matrix: Matrix | None, facts: LoanFacts, position: Position) -> JsonValue:
    """None before the first matrix."""
    if matrix is None:
        return None
    provision = find_provision(
        matrix,
        position.outstanding_principal_cents,
        position.days_past_due,
        is_rescheduled=any(r.on <= position.as_of for r in facts.reschedulings),
    )
    return {
        "rate": format_rate(provision.rate),
        "amount": format_cents(provision.amount_cents),
        "matrix_effective_from": matrix.effective_on.isoformat(),
    }
