"""What is answered about the journal."""

from datetime import date, datetime
from typing import Literal

from services.common.fields import Answer, SignedAmount
from services.funds.journal.arithmetic import Kind


class PostingAnswer(Answer):
    """What a transaction adds to one account: a debit is positive, a credit negative."""

    account: str
    amount: SignedAmount


class TransactionAnswer(Answer):
    """One entry; its postings sum to zero. Its subject is a contribution, loan or reservation."""

    number: int
    kind: Kind
    occurred_on: date
    subject_id: str
    fact_id: str | None
    recorded_at: datetime
    postings: list[PostingAnswer]


class JournalPage(Answer):
    fund: str
    currency: Literal["CAD"] = "CAD"
    items: list[TransactionAnswer]
    next: str | None
