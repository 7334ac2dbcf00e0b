"""The facts of a loan's life as they are posted and shown."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.common.calendar import Frequency
from services.common.fields import (
    Amount,
    Answer,
    Body,
    CalendarDate,
    ExternalId,
    PositiveAmount,
    Rate,
    Reason,
)
from services.loans.loan_facts.drafts import FactKind, ReversibleKind
from services.loans.positions.facts import MoratoriumInterest, MoratoriumKind
from services.loans.schedules.schemas import GraceBody

Lax = Field(strict=False)


class DisbursementBody(Body):
    """More of the sum agreed; what is left to pay is laid anew over the same due dates."""

    external_id: ExternalId
    disbursed_on: CalendarDate
    amount: PositiveAmount
    fees_withheld: Amount = 0


class FeeBody(Body):
    """Charged during the life of the loan, due that day; it counts in the criminal rate."""

    external_id: ExternalId
    charged_on: CalendarDate
    amount: PositiveAmount
    reason: Reason


class RefundBody(Body):
    """Given back to a borrower who had paid more than the loan asked for."""

    external_id: ExternalId
    refunded_on: CalendarDate
    amount: PositiveAmount
    reason: Reason = "refund"


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


class ReschedulingTermsBody(Body):
    """What is agreed anew; what is left out stays as it was. The principal is what is owed."""

    instalments: Annotated[int, Field(ge=1, le=600)]
    annual_rate: Rate | None = None
    frequency: Annotated[Frequency | None, Lax] = None
    repay_every: Annotated[int, Field(ge=1, le=366)] | None = None
    first_due_on: CalendarDate | None = None
    grace: GraceBody = GraceBody()


class ReschedulingBody(Body):
    """From that evening, what is owed is paid by these terms; the schedule before it stays."""

    external_id: ExternalId
    rescheduled_on: CalendarDate
    terms: ReschedulingTermsBody
    reason: Reason


class MoratoriumBody(Body):
    """The next `periods` instalments are put off, and the term gets longer by as many.

    With `capital_only`, interest is paid meanwhile. With `capital_and_interest`, nothing is:
    interest is `deferred` (due after it, without interest on it) or `waived`.
    """

    external_id: ExternalId
    starts_on: CalendarDate
    kind: Annotated[MoratoriumKind, Lax]
    periods: Annotated[int, Field(ge=1, le=60)]
    interest: Annotated[MoratoriumInterest, Lax] = MoratoriumInterest.DEFERRED
    reason: Reason


class LoanFactAnswer(Answer):
    """What was posted; what follows from it is in the loan's position."""

    id: UUID
    kind: FactKind
    external_id: str
    loan_id: UUID
    on: date
    amount: Amount | None
    reason: str | None


class ReversedFact(Body):
    """`external_id` is the fact's own; a loan's is the loan's."""

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


class PayoffAnswer(Answer):
    """What closes the loan on that day, and what it is made of; a repayment that says
    `"purpose": "payoff"` of that amount does it."""

    loan_id: UUID
    on: date
    amount: Amount
    principal: Amount
    interest_due: Amount
    interest_accrued: Amount
    fees: Amount
    currency: Literal["CAD"]
