"""Write-offs, recoveries and reversals as they are posted and shown."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.common.fields import (
    Amount,
    Answer,
    Body,
    CalendarDate,
    ExternalId,
    PositiveAmount,
    Reason,
)

LossKind = Literal["write_off", "recovery"]
ReversibleKind = Literal["repayment", "write_off", "recovery"]


class WriteOffBody(Body):
    """Principal given up in the books, whole or in part. The debt itself is not forgiven."""

    external_id: ExternalId
    written_off_on: CalendarDate
    amount: PositiveAmount
    reason: Reason


class RecoveryBody(Body):
    """Money that comes in on principal already written off."""

    external_id: ExternalId
    recovered_on: CalendarDate
    amount: PositiveAmount
    reason: Reason = "recovery"


class LossAnswer(Answer):
    id: UUID
    kind: LossKind
    external_id: str
    loan_id: UUID
    on: date
    amount: Amount
    reason: str


class ReversedFact(Body):
    kind: ReversibleKind
    external_id: ExternalId


class ReversalBody(Body):
    """Takes a fact out as if it had never been posted; both stay on record, with the reason."""

    fact: ReversedFact
    reason: Annotated[Reason, Field(examples=["Montant saisi en double."])]


class ReversalAnswer(Answer):
    reversal_id: UUID
    fact: dict[str, str]
    reason: str
