"""What is sent and answered about contributions."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.common.fields import (
    Answer,
    Body,
    CalendarDate,
    ExternalId,
    Name,
    PositiveAmount,
    Rate,
    SignedAmount,
)
from services.common.words import spoken_as
from services.funds.contributions.arithmetic import ContributionDraft
from services.funds.vocabulary import (
    CONTRIBUTOR_WORDS,
    INSTRUMENT_WORDS,
    PURPOSE_WORDS,
    ContributorKind,
    Instrument,
    Purpose,
    Source,
)


class ContributionBody(Body):
    external_id: ExternalId
    contributor: Name
    contributor_kind: Annotated[ContributorKind, Field(strict=False), spoken_as(CONTRIBUTOR_WORDS)]
    instrument: Annotated[Instrument, Field(strict=False), spoken_as(INSTRUMENT_WORDS)]
    purpose: Annotated[Purpose, Field(strict=False), spoken_as(PURPOSE_WORDS)] = Purpose.CAPITAL
    amount: PositiveAmount
    received_on: CalendarDate
    annual_rate: Rate | None = None
    repayable_on: CalendarDate | None = None

    def to_draft(self) -> ContributionDraft:
        return ContributionDraft(
            self.external_id,
            self.contributor,
            self.contributor_kind,
            self.instrument,
            self.purpose,
            self.amount,
            self.received_on,
            self.annual_rate,
            self.repayable_on,
        )


class ContributionReference(Body):
    external_id: ExternalId


class RepaymentBody(Body):
    external_id: ExternalId
    contribution: ContributionReference
    amount: PositiveAmount
    repaid_on: CalendarDate


class ContributionAnswer(Answer):
    """A contribution as it was recorded; what happened to it since is in its list and page."""

    contribution_id: UUID
    fund: str
    external_id: str
    contributor: str
    contributor_kind: ContributorKind
    source: Source
    instrument: Instrument
    purpose: Purpose
    amount: SignedAmount
    currency: Literal["CAD"] = "CAD"
    received_on: date
    annual_rate: str | None
    repayable_on: date | None
    recorded_at: datetime


class RepaymentAnswer(Answer):
    repayment_id: UUID
    fund: str
    external_id: str
    contribution_id: UUID
    amount: SignedAmount
    currency: Literal["CAD"] = "CAD"
    repaid_on: date
    recorded_at: datetime


class ContributionState(ContributionAnswer):
    """A contribution with what became of it."""

    is_reversed: bool
    repaid: SignedAmount
    left: SignedAmount


class ContributionPage(Answer):
    items: list[ContributionState]
    next: str | None


class RepaymentState(RepaymentAnswer):
    is_reversed: bool


class RepaymentPage(Answer):
    items: list[RepaymentState]
    next: str | None
