"""A repayment as it is posted and as it is shown."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.common.fields import Amount, Answer, Body, CalendarDate, ExternalId, PositiveAmount
from services.common.posted import WARNINGS, Warnings
from services.loans.positions.facts import PaymentPurpose
from services.loans.repayments.drafts import RepaymentDraft
from services.loans.vocabulary import OpenCode

PaymentMethod = Annotated[OpenCode, Field(examples=["preauthorized_debit"])]


Surplus = Literal["credit"]


class RepaymentBody(Body):
    """A payment settles the next instalments, unless `purpose` says otherwise.

    More than the loan asks for is refused, unless `surplus` says to keep it as a `credit` balance.
    """

    external_id: ExternalId
    paid_on: CalendarDate
    amount: PositiveAmount
    method: PaymentMethod | None = None
    purpose: Annotated[PaymentPurpose | None, Field(strict=False)] = None
    surplus: Surplus | None = None

    def to_draft(self, loan_external_id: str) -> RepaymentDraft:
        return RepaymentDraft(
            self.external_id,
            loan_external_id,
            self.paid_on,
            self.amount,
            self.method,
            self.purpose,
            self.surplus is not None,
        )


class RepaymentAnswer(Answer):
    """What was posted. How it is split is part of the loan's position: it can still change."""

    repayment_id: UUID
    external_id: str
    loan_id: UUID
    paid_on: date
    amount: Amount
    method: str | None
    purpose: PaymentPurpose | None
    surplus: Surplus | None
    warnings: Warnings = WARNINGS
