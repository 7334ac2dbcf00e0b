"""An outcome as it is posted and as it is shown."""

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.common.fields import Amount, Answer, Body, CalendarDate, ExternalId
from services.common.posted import WARNINGS, Warnings
from services.common.strict_json import fingerprint
from services.loans.content import read_content
from services.loans.loans.schemas import Reference
from services.loans.vocabulary import BusinessStatus, BusinessStatusWord

Jobs = Annotated[int, Field(ge=0, le=10_000)]


@dataclass(frozen=True, slots=True)
class OutcomeDraft:
    external_id: str
    loan_external_id: str
    observed_on: date
    business_status: BusinessStatus
    jobs_created: int
    jobs_maintained: int
    turnover_cents: int | None
    other_financing_cents: int | None
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", fingerprint(read_content(self)))


class OutcomeBody(Body):
    """`jobs_created` and `jobs_maintained` are those of this follow-up: reports add them up."""

    external_id: ExternalId
    loan: Reference
    observed_on: CalendarDate
    business_status: BusinessStatusWord
    jobs_created: Jobs = 0
    jobs_maintained: Jobs = 0
    turnover: Amount | None = None
    other_financing: Amount | None = None

    def to_draft(self) -> OutcomeDraft:
        return OutcomeDraft(
            self.external_id,
            self.loan.external_id,
            self.observed_on,
            self.business_status,
            self.jobs_created,
            self.jobs_maintained,
            self.turnover,
            self.other_financing,
        )


PLACES = {"/loan_external_id": "/loan/external_id"}
"""Where the JSON body holds what a sheet has in a column of its own."""


class OutcomeAnswer(Answer):
    outcome_id: UUID
    external_id: str
    loan: dict[str, str]
    observed_on: date
    business_status: BusinessStatus
    jobs_created: int
    jobs_maintained: int
    turnover: Amount | None
    other_financing: Amount | None
    warnings: Warnings = WARNINGS
