"""A repayment as it is posted and as it is shown."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.common.fields import Amount, Answer, Body, CalendarDate, ExternalId, PositiveAmount
from services.loans.repayments.drafts import RepaymentDraft
from services.loans.vocabulary import OpenCode

PaymentMethod = Annotated[OpenCode, Field(examples=["preauthorized_debit"])]


class RepaymentBody(Body):
    external_id: ExternalId
    paid_on: CalendarDate
    amount: PositiveAmount
    method: PaymentMethod | None = None

    def to_draft(self, loan_external_id: str) -> RepaymentDraft:
        return RepaymentDraft(
            self.external_id, loan_external_id, self.paid_on, self.amount, self.method
        )


class RepaymentAnswer(Answer):
    """What was posted. How it is split is part of the loan's position: it can still change."""

    repayment_id: UUID
    external_id: str
    loan_id: UUID
    paid_on: date
    amount: Amount
    method: str | None
