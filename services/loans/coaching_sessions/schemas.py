"""A coaching session as it is posted and as it is shown."""

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.common.fields import Answer, Body, CalendarDate, ExternalId, Name, Reason
from services.common.posted import WARNINGS, Warnings
from services.common.strict_json import fingerprint
from services.loans.content import read_content
from services.loans.loans.schemas import Reference
from services.loans.vocabulary import (
    CoachingMode,
    CoachingModeWord,
    CoachingStage,
    CoachingStageWord,
)

Minutes = Annotated[int, Field(ge=1, le=1440, examples=[60])]
Topics = Annotated[list[Name], Field(max_length=20, examples=[["plan d'affaires"]])]


@dataclass(frozen=True, slots=True)
class CoachingSessionDraft:
    external_id: str
    borrower_external_id: str
    loan_external_id: str | None
    coach: str | None
    held_on: date
    duration_minutes: int
    mode: CoachingMode
    stage: CoachingStage
    topics: tuple[str, ...]
    next_action: str | None
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", fingerprint(read_content(self)))


class CoachingSessionBody(Body):
    external_id: ExternalId
    borrower: Reference
    loan: Reference | None = None
    coach: Name | None = None
    held_on: CalendarDate
    duration_minutes: Minutes
    mode: CoachingModeWord
    stage: CoachingStageWord
    topics: Topics = []
    next_action: Reason | None = None

    def to_draft(self) -> CoachingSessionDraft:
        return CoachingSessionDraft(
            external_id=self.external_id,
            borrower_external_id=self.borrower.external_id,
            loan_external_id=self.loan.external_id if self.loan else None,
            coach=self.coach,
            held_on=self.held_on,
            duration_minutes=self.duration_minutes,
            mode=self.mode,
            stage=self.stage,
            topics=tuple(self.topics),
            next_action=self.next_action,
        )


PLACES = {
    "/borrower_external_id": "/borrower/external_id",
    "/loan_external_id": "/loan/external_id",
}
"""Where the JSON body holds what a sheet has in a column of its own."""


class CoachingSessionAnswer(Answer):
    coaching_session_id: UUID
    external_id: str
    borrower: dict[str, str]
    loan: dict[str, str] | None
    coach: str | None
    held_on: date
    duration_minutes: int
    mode: CoachingMode
    stage: CoachingStage
    topics: list[str]
    next_action: str | None
    warnings: Warnings = WARNINGS
