"""A second calculator of positions: slow, obvious, written apart from the first.

It walks the days one by one with what each instalment still asks for, pays the oldest first, takes
write-offs off the last, and writes down every evening where the loan stands.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from services.loans.positions.arithmetic import LoanFacts


@dataclass
class Due:
    """What an instalment still asks for."""

    due_on: date
    fees: int
    interest: int
    principal: int
    lost: int = 0

    @property
    def left(self) -> int:
        return self.fees + self.interest + self.principal


@dataclass(frozen=True)
class Evening:
    outstanding: int
    days_past_due: int
    fees_paid: int
    interest_paid: int
    principal_paid: int
    written_off: int
    recovered: int
    interest_due: int
    arrears: int

    def at_risk(self, days: int) -> int:
        return self.outstanding if self.days_past_due > days else 0


def walk(facts: LoanFacts, last: date) -> Iterator[tuple[date, Evening]]:
    """Every evening from the disbursement to `last`."""
    dues = [
        Due(i.due_on, i.fees_cents, i.interest_cents, i.principal_cents)
        for i in facts.ladder.instalments
    ]
    paid = {"fees": 0, "interest": 0, "principal": 0}
    written_off = recovered = 0
    day = facts.disbursed_on
    while day <= last:
        for payment in sorted(facts.payments, key=lambda p: p.external_id):
            if payment.paid_on == day:
                pay(dues, paid, payment.amount_cents)
        for loss in facts.write_offs:
            if loss.on == day:
                take_off(dues, loss.amount_cents)
                written_off += loss.amount_cents
        recovered += sum(loss.amount_cents for loss in facts.recoveries if loss.on == day)
        yield day, look(dues, paid, written_off, recovered, day)
        day += timedelta(days=1)


def pay(dues: list[Due], paid: dict[str, int], cents: int) -> None:
    for due in dues:
        for part in ("fees", "interest", "principal"):
            settled = min(cents, getattr(due, part))
            setattr(due, part, getattr(due, part) - settled)
            paid[part] += settled
            cents -= settled
    assert cents == 0, "the payment is more than the loan asks for"


def take_off(dues: list[Due], cents: int) -> None:
    for due in reversed(dues):
        lost = min(cents, due.principal)
        due.principal -= lost
        due.lost += lost
        cents -= lost
    assert cents == 0, "the write-off is more than is left of the principal"


def look(
    dues: list[Due], paid: dict[str, int], written_off: int, recovered: int, day: date
) -> Evening:
    outstanding = sum(due.principal for due in dues)
    # Once nothing of the principal is left, nothing is asked for; nor is an instalment whose
    # whole principal was written off with all of those after it.
    asked: list[Due] = []
    if outstanding:
        last = max(number for number, due in enumerate(dues) if due.principal)
        asked = [due for due in dues[: last + 1] if due.left]
    late = [due for due in asked if due.due_on < day]
    return Evening(
        outstanding=outstanding,
        days_past_due=(day - late[0].due_on).days if late else 0,
        fees_paid=paid["fees"],
        interest_paid=paid["interest"],
        principal_paid=paid["principal"],
        written_off=written_off,
        recovered=recovered,
        interest_due=sum(due.interest for due in asked if due.due_on <= day),
        arrears=sum(due.left for due in late),
    )
