"""The events of the loans service that the journal follows, read strictly into facts.

    loans.recorded  {facts: {kind: [..], id: [..], loan_id: [..], on: [..], amount_cents: [..],
                             principal_cents: [..], interest_cents: [..], fees_cents: [..],
                             reversed_kind: [..]}}

Position n of each column is fact n; what stands there without a list is of every fact. A list of
objects is read too. A fact of kind "reversal"
carries the amounts of the fact it takes back, as they stand, and names its kind in `reversed_kind`
(a repayment unless said). Other events do not concern the journal.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.common.fields import CalendarDate
from services.common.outbox import Event
from services.funds.journal.arithmetic import LoanFact, LoanFactKind

FactKind = Annotated[LoanFactKind, Field(strict=False)]


class _Payload(BaseModel):
    """What another service tells; fields may be added to it, never renamed."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class _Fact(_Payload):
    kind: FactKind | Literal["reversal"]
    id: str
    loan_id: str
    on: CalendarDate
    amount_cents: int = 0
    principal_cents: int = 0
    interest_cents: int = 0
    fees_cents: int = 0
    reversed_kind: FactKind = LoanFactKind.REPAYMENT


class _Recorded(_Payload):
    facts: list[_Fact]

    @field_validator("facts", mode="before")
    @classmethod
    def read_columns(cls, facts: object) -> object:
        """Objects from columns, without what is null. Raises ValueError when lengths differ."""
        if not isinstance(facts, dict):
            return facts
        columns = {name: column for name, column in facts.items() if isinstance(column, list)}
        if not columns:
            raise ValueError("facts are columns, or objects")
        same = {n: v for n, v in facts.items() if n not in columns and v is not None}
        rows = zip(*columns.values(), strict=True)
        pairs = (zip(columns, row, strict=True) for row in rows)
        return [{**same, **{n: v for n, v in row if v is not None}} for row in pairs]


def read_facts(event: Event) -> Sequence[LoanFact]:
    """The facts an event tells. Raises pydantic's ValidationError when it is not as agreed."""
    if event.type != "loans.recorded":
        return []
    return [_read_fact(fact) for fact in _Recorded.model_validate(event.payload).facts]


def _read_fact(told: _Fact) -> LoanFact:
    is_reversal = told.kind == "reversal"
    return LoanFact(
        told.reversed_kind if told.kind == "reversal" else told.kind,
        told.id,
        told.loan_id,
        told.on,
        told.amount_cents,
        told.principal_cents,
        told.interest_cents,
        told.fees_cents,
        is_reversal,
    )
