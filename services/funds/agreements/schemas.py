"""What is sent and answered about agreements."""

import re
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticCustomError

from services.common.fields import (
    Answer,
    Body,
    CalendarDate,
    ExternalId,
    Name,
    PositiveAmount,
    SignedAmount,
)
from services.funds.agreements.arithmetic import Assurance, DueAfter
from services.funds.agreements.indicators import Indicator
from services.funds.vocabulary import Purpose

TARGETS_MAX = 100
OBLIGATIONS_MAX = 50
DUE_MONTHS_MAX = 120

_VALUE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?", re.ASCII)


def parse_value(value: object) -> str:
    """A count as a whole number, or any quantity as a decimal string of at most four places."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12:
        return str(value)
    if isinstance(value, str) and _VALUE.fullmatch(value):
        return value
    raise PydanticCustomError("value.invalid", "refused")


TargetValue = Annotated[
    str,
    BeforeValidator(parse_value),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,4})?$"},
            ],
            "example": "250",
        }
    ),
]


class Target(Body):
    """What an indicator is to reach, in the indicator's own unit."""

    indicator: Annotated[Indicator, Field(strict=False)]
    value: TargetValue


class DueRuleBody(Body):
    after: Annotated[DueAfter, Field(strict=False)]
    months: Annotated[int, Field(ge=0, le=DUE_MONTHS_MAX)]


class Obligation(Body):
    """A document owed to the funder, on a date or by a rule: one of `due_on` and `due`."""

    document: Name
    due_on: CalendarDate | None = None
    due: DueRuleBody | None = None
    assurance: Annotated[Assurance, Field(strict=False)] = Assurance.NONE
    signatories: Annotated[int, Field(ge=0, le=20)] = 0


class AgreementBody(Body):
    external_id: ExternalId
    funder: Name
    title: Name
    from_on: Annotated[CalendarDate, Field(alias="from")]
    to_on: Annotated[CalendarDate, Field(alias="to")]
    amount: PositiveAmount
    purpose: Annotated[Purpose, Field(strict=False)]
    targets: Annotated[list[Target], Field(default_factory=list, max_length=TARGETS_MAX)]
    obligations: Annotated[
        list[Obligation], Field(default_factory=list, max_length=OBLIGATIONS_MAX)
    ]


class PaymentBody(Body):
    external_id: ExternalId
    paid_on: CalendarDate
    amount: PositiveAmount
    organisation: Annotated[Name | None, Field(description="À qui le versement est remis.")] = None


class TargetAnswer(Answer):
    indicator: Indicator
    value: str


class ObligationAnswer(Answer):
    document: str
    due_on: date | None
    due: DueRuleBody | None
    due_dates: list[date]
    assurance: Assurance
    signatories: int


class AgreementAnswer(Answer):
    """An agreement as it was recorded."""

    agreement_id: UUID
    external_id: str
    funder: str
    title: str
    from_on: Annotated[date, Field(serialization_alias="from")]
    to_on: Annotated[date, Field(serialization_alias="to")]
    amount: SignedAmount
    currency: Literal["CAD"] = "CAD"
    purpose: Purpose
    targets: list[TargetAnswer]
    obligations: list[ObligationAnswer]
    recorded_at: datetime


class PaymentAnswer(Answer):
    payment_id: UUID
    agreement_id: UUID
    external_id: str
    paid_on: date
    amount: SignedAmount
    currency: Literal["CAD"] = "CAD"
    organisation: str | None
    recorded_at: datetime


class AgreementState(AgreementAnswer):
    """An agreement and what was paid under it."""

    payments: list[PaymentAnswer]
    paid: SignedAmount


class AgreementPage(Answer):
    items: list[AgreementState]
    next: str | None
