"""What is answered about the journal."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.common.fields import Answer, Body, SignedAmount
from services.common.outbox import Event
from services.common.strict_json import to_json
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


class EventBody(Body):
    """One event of the loans service, as its outbox tells it."""

    organisation_id: Annotated[UUID, Field(strict=False)]
    number: Annotated[int, Field(ge=1)]
    type: str
    payload: dict[str, object]
    recorded_at: str

    def to_event(self) -> Event:
        recorded_at = datetime.fromisoformat(self.recorded_at)
        return Event(
            self.organisation_id, self.number, self.type, to_json(self.payload), recorded_at
        )


class EventsBody(Body):
    organisation_id: Annotated[UUID, Field(strict=False)]
    events: Annotated[list[EventBody], Field(max_length=100)]
