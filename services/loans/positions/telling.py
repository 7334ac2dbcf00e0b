"""What the other services hear of the facts of loans: `loans.recorded`, by column.

    {facts: {kind: [..], id: [..], loan_id: [..], on: [..], amount_cents: [..],
             principal_cents: [..], interest_cents: [..], fees_cents: [..], reversed_kind: [..]}}

Columns and not objects: an import tells a hundred thousand facts, and names would be half of it.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from services.common.errors import JsonValue
from services.loans.positions.arithmetic import Allocation
from services.loans.positions.figures import Move

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
        columns = zip(*some, strict=True)
        yield {"facts": {n: list(c) for n, c in zip(Told._fields, columns, strict=True)}}


def tell_move(move: Move) -> Told:
    """A repayment on record that is split otherwise than it was told."""
    return tell_fact("allocation", move.repayment_id, move.loan_id, move.on, 0, move)
