"""A fact of a loan's life, validated and typed, on its way to the record."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID

from services.common.strict_json import fingerprint
from services.loans.content import read_content
from services.loans.positions.facts import AgreedTerms, MoratoriumInterest, MoratoriumKind


class FactKind(StrEnum):
    """What is posted one at a time; a repayment or a loan may be reversed the same way."""

    DISBURSEMENT = "disbursement"
    FEE = "fee"
    REFUND = "refund"
    WRITE_OFF = "write_off"
    RECOVERY = "recovery"
    RESCHEDULING = "rescheduling"
    MORATORIUM = "moratorium"


ReversibleKind = Literal[
    "loan",
    "disbursement",
    "repayment",
    "fee",
    "refund",
    "write_off",
    "recovery",
    "rescheduling",
    "moratorium",
]


@dataclass(frozen=True, slots=True)
class Suspension:
    """What a moratorium puts off."""

    kind: MoratoriumKind
    periods: int
    interest: MoratoriumInterest


@dataclass(frozen=True, slots=True)
class FactDraft:
    """Amounts in cents. What a kind does not have is None, and then in no fingerprint."""

    kind: FactKind
    external_id: str
    loan_id: UUID
    on: date
    reason: str | None = None
    amount_cents: int | None = None
    fees_withheld_cents: int | None = None
    terms: AgreedTerms | None = None
    suspension: Suspension | None = None
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", fingerprint(read_content(self)))
