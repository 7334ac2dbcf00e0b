"""What the other services hear of the facts of loans: `loans.recorded`, by column.

    {facts: {kind: [..], id: [..], loan_id: [..], on: [..], amount_cents: [..],
             principal_cents: [..], interest_cents: [..], fees_cents: [..], reversed_kind: [..]}}

Columns and not objects: an import tells a hundred thousand facts, and names would be half of it.
What all facts of an event have in common stands alone in the place of its column.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from typing import NamedTuple
from uuid import UUID

import numpy as np

from services.common.errors import JsonValue
from services.common.identifiers import to_id
from services.loans.positions.arithmetic import Allocation
from services.loans.positions.figures import Move
from services.loans.positions.plain import PlainFigures

EVENT = "loans.recorded"
FACTS_PER_EVENT_MAX = 1000


class Told(NamedTuple):
    """A fact as other services hear of it. A reversal carries what it takes back, as it stood."""

    kind: str
    id: str
    loan_id: str
    on: str
    amount_cents: int
    principal_cents: int
    interest_cents: int
    fees_cents: int
    reversed_kind: str | None = None


def tell_fact(
    kind: str,
    fact_id: UUID,
    loan_id: UUID,
    on: date,
    amount_cents: int,
    split: Allocation | Move | None = None,
    fees_cents: int = 0,
) -> Told:
    """Without a split, all of it is principal."""
    principal, interest, fees = amount_cents, 0, fees_cents
    if split is not None:
        principal, interest, fees = split.principal_cents, split.interest_cents, split.fees_cents
    ids = str(fact_id), str(loan_id)
    return Told(kind, *ids, on.isoformat(), amount_cents, principal, interest, fees)


def tell_reversal(told: Told) -> Told:
    """The same fact taken back."""
    return told._replace(kind="reversal", reversed_kind=told.kind)


def list_payloads(told: Iterable[Told]) -> Iterator[JsonValue]:
    """One event a thousand facts."""
    left = iter(told)
    while some := list(islice(left, FACTS_PER_EVENT_MAX)):
        yield _to_payload(map(list, zip(*some, strict=True)))


def list_plain_payloads(figures: PlainFigures) -> Iterator[JsonValue]:
    """The same of the new payments of plain loans."""
    loan_ids = list(map(str, figures.loans.loan_ids))
    new = np.flatnonzero(figures.payments.is_new)
    for start in range(0, len(new), FACTS_PER_EVENT_MAX):
        some = new[start : start + FACTS_PER_EVENT_MAX]
        payments = figures.payments.take(some)
        days = {day: date.fromordinal(day).isoformat() for day in set(payments.paid_on.tolist())}
        fees, interest, principal = figures.splits[some].T.tolist()
        columns: Iterable[list[JsonValue]] = (
            ["repayment"] * len(some),
            [str(to_id(each)) for each in payments.repayment_ids.tolist()],
            [loan_ids[place] for place in payments.loans.tolist()],
            [days[day] for day in payments.paid_on.tolist()],
            payments.cents.tolist(),
            principal,
            interest,
            fees,
            [None] * len(some),
        )
        yield _to_payload(columns)


def _to_payload(columns: Iterable[list[JsonValue]]) -> JsonValue:
    """A column that says the same of every fact says it once; that of identifiers never does."""
    return {
        "facts": {
            name: column if name == "id" or column.count(column[0]) < len(column) else column[0]
            for name, column in zip(Told._fields, columns, strict=True)
        }
    }


def tell_move(move: Move) -> Told:
    """A repayment on record that is split otherwise than it was told."""
    return tell_fact("allocation", move.repayment_id, move.loan_id, move.on, 0, move)
