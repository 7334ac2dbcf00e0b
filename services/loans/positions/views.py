"""A position and the facts behind it, as they are shown."""

from collections.abc import Sequence
from uuid import UUID

from services.common.errors import JsonValue
from services.common.money import format_cents
from services.loans.positions.arithmetic import Allocation, Position
from services.loans.positions.ladder import Instalment

PAR_DAYS = (30, 90)


def show_position(position: Position) -> dict[str, JsonValue]:
    arrears = position.arrears
    at_risk = {
        f"par{days}": position.days_past_due > days and position.outstanding_principal_cents > 0
        for days in PAR_DAYS
    }
    return {
        "as_of": position.as_of.isoformat(),
        "outstanding_principal": format_cents(position.outstanding_principal_cents),
        "interest_due": format_cents(position.interest_due_cents),
        "fees_due": format_cents(position.fees_due_cents),
        "days_past_due": position.days_past_due,
        "arrears": {
            "principal": format_cents(arrears.principal_cents),
            "interest": format_cents(arrears.interest_cents),
            "fees": format_cents(arrears.fees_cents),
            "total": format_cents(
                arrears.principal_cents + arrears.interest_cents + arrears.fees_cents
            ),
            "instalments": arrears.instalments,
        },
        "principal_paid": format_cents(position.principal_paid_cents),
        "interest_paid": format_cents(position.interest_paid_cents),
        "fees_paid": format_cents(position.fees_paid_cents),
        "written_off": format_cents(position.written_off_cents),
        "recovered": format_cents(position.recovered_cents),
        "next_due": show_instalment(position.next_due) if position.next_due else None,
        **at_risk,
    }


def show_instalment(instalment: Instalment) -> dict[str, JsonValue]:
    return {
        "number": instalment.number,
        "due_on": instalment.due_on.isoformat(),
        "principal": format_cents(instalment.principal_cents),
        "interest": format_cents(instalment.interest_cents),
        "fees": format_cents(instalment.fees_cents),
        "payment": format_cents(instalment.total_cents),
    }


def show_allocations(allocations: Sequence[Allocation]) -> dict[UUID, dict[str, JsonValue]]:
    return {
        a.repayment_id: {
            "fees": format_cents(a.fees_cents),
            "interest": format_cents(a.interest_cents),
            "principal": format_cents(a.principal_cents),
        }
        for a in allocations
    }
