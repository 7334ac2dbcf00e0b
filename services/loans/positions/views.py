"""A position and the facts behind it, as they are shown."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from services.common.errors import JsonValue
from services.common.money import format_cents
from services.common.text import Language
from services.loans.positions.arithmetic import Allocation, CreditUse, LaidSchedule, Position
from services.loans.positions.explanation import Part, Why
from services.loans.positions.ladder import Instalment

PAR_DAYS = (30, 90)

AGES = ((1, 30), (31, 60), (61, 90), (91, 180), (181, None))
"""Days past due, from and to, by which arrears are told apart."""


def show_position(
    position: Position, why: Mapping[str, Why], language: Language
) -> dict[str, JsonValue]:
    arrears = position.arrears
    at_risk = {
        f"par{days}": position.days_past_due > days and position.outstanding_principal_cents > 0
        for days in PAR_DAYS
    }
    return {
        "as_of": position.as_of.isoformat(),
        "outstanding_principal": format_cents(position.outstanding_principal_cents),
        "interest_due": format_cents(position.interest_due_cents),
        "interest_accrued": format_cents(position.interest_accrued_cents),
        "fees_due": format_cents(position.fees_due_cents),
        "days_past_due": position.days_past_due,
        "arrears": {
            "principal": format_cents(arrears.principal_cents),
            "interest": format_cents(arrears.interest_cents),
            "fees": format_cents(arrears.fees_cents),
            "total": format_cents(arrears.total_cents),
            "instalments": arrears.instalments,
        },
        "arrears_by_age": _show_ages(position),
        "principal_paid": format_cents(position.principal_paid_cents),
        "interest_paid": format_cents(position.interest_paid_cents),
        "fees_paid": format_cents(position.fees_paid_cents),
        "written_off": format_cents(position.written_off_cents),
        "recovered": format_cents(position.recovered_cents),
        "credit_balance": format_cents(position.credit_cents),
        "payoff": format_cents(position.payoff_cents),
        "next_due": show_instalment(position.next_due) if position.next_due else None,
        **at_risk,
        "is_closed": position.is_closed,
        "why": {
            figure: {
                "rule": reason.rule.read(language),
                "parts": [_show_part(part) for part in reason.parts],
            }
            for figure, reason in why.items()
        },
    }


def _show_ages(position: Position) -> JsonValue:
    """What is late, by how late it is."""
    late = _spread(position)
    return [
        {
            "from_days": first,
            "to_days": last,
            "amount": format_cents(
                sum(cents for days, cents in late if first <= days <= (last or days))
            ),
        }
        for first, last in AGES
    ]


def _spread(position: Position) -> list[tuple[int, int]]:
    """Days past due and cents: the arrears over the late instalments, the oldest first.

    Daily interest makes the debt more or less than the schedule expected: the latest instalment
    late takes the rest.
    """
    late = [i for i in position.unpaid if i.due_on < position.as_of]
    left = position.arrears.total_cents
    spread: list[tuple[int, int]] = []
    for instalment in late:
        taken = left if instalment is late[-1] else min(left, instalment.total_cents)
        spread.append(((position.as_of - instalment.due_on).days, taken))
        left -= taken
    return spread


def _show_part(part: Part) -> JsonValue:
    shown: dict[str, JsonValue] = {
        "what": part.what,
        "identifier": part.identifier,
        "on": part.on.isoformat(),
        "amount": format_cents(part.amount_cents),
    }
    return shown if part.repayment is None else {**shown, "repayment": part.repayment}


def show_instalment(instalment: Instalment) -> dict[str, JsonValue]:
    return {
        "number": instalment.number,
        "due_on": instalment.due_on.isoformat(),
        "principal": format_cents(instalment.principal_cents),
        "interest": format_cents(instalment.interest_cents),
        "fees": format_cents(instalment.fees_cents),
        "payment": format_cents(instalment.total_cents),
    }


def show_schedule(schedule: LaidSchedule) -> JsonValue:
    return {
        "effective_on": schedule.laid.on.isoformat(),
        "cause": schedule.cause_kind,
        "cause_id": str(schedule.cause_id),
        "rows": [show_instalment(i) for i in schedule.laid.ladder.instalments],
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


def show_credit_uses(uses: Sequence[CreditUse]) -> dict[UUID, list[JsonValue]]:
    """By repayment, what later fees took of its surplus."""
    shown: dict[UUID, list[JsonValue]] = defaultdict(list)
    for use in uses:
        shown[use.repayment_id].append(
            {
                "on": use.on.isoformat(),
                "fee_id": str(use.fee_id),
                "amount": format_cents(use.amount_cents),
            }
        )
    return shown
