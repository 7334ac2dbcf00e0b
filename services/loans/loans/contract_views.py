"""A loan's contract and its legal dates, as they are shown."""

from datetime import date

from services.common.errors import JsonValue
from services.common.money import format_cents
from services.loans.loans.contract_queries import Contract
from services.loans.loans.contract_terms import find_prescription, state_yearly_rate
from services.loans.loans.contracts import Reviewed
from services.loans.positions.arithmetic import LoanFacts, LoanState, Position
from services.loans.provisions.arithmetic import Matrix, find_provision
from services.loans.schedules.apr import annual_percentage_rate, cash_flows
from services.loans.schedules.arithmetic import build_schedule


def show_contract(contract: Contract, reviewed: Reviewed) -> dict[str, JsonValue]:
    """The yearly rates of the contract, fees included and not, and what is odd about it."""
    flows = cash_flows(contract.terms, build_schedule(contract.terms))
    yearly = state_yearly_rate(contract.terms)
    effective = yearly.effective
    return {
        "product_version": reviewed.version,
        "apr": format(annual_percentage_rate(flows), "f"),
        "yearly_rate": {
            "nominal": format(yearly.nominal.normalize(), "f"),
            "periods_a_year": format(yearly.periods_a_year.normalize(), "f"),
            "effective": None if effective is None else format(effective, "f"),
            "fr": yearly.text.fr,
            "en": yearly.text.en,
        },
        "findings": [
            {"code": found.code, "fr": found.message.fr, "en": found.message.en}
            for found in reviewed.found
        ],
    }


def show_prescription(facts: LoanFacts, states: tuple[LoanState, ...], as_of: date) -> JsonValue:
    """Of a loan with what was known on a day; what is written off is still owed."""
    if as_of < facts.disbursed_on:
        return None
    oldest = states[-1].oldest_unpaid_due_on
    if oldest is None and facts.written_off_cents > facts.recovered_cents:
        before = (state.oldest_unpaid_due_on for state in reversed(states))
        oldest = next((day for day in before if day is not None), None)
    acknowledged = [payment.paid_on for payment in facts.payments]
    acknowledged += [recovery.on for recovery in facts.recoveries]
    prescription_on = find_prescription(oldest, acknowledged)
    return None if prescription_on is None else prescription_on.isoformat()


def show_provision(matrix: Matrix | None, position: Position) -> JsonValue:
    """None before the first matrix."""
    if matrix is None:
        return None
    provision = find_provision(
        matrix,
        position.outstanding_principal_cents,
        position.days_past_due,
        is_rescheduled=False,
    )
    return {
        "rate": format(provision.rate.normalize(), "f"),
        "amount": format_cents(provision.amount_cents),
        "matrix_effective_from": matrix.effective_on.isoformat(),
    }
