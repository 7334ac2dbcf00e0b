"""A repayment, validated and typed, on its way to the record."""

from dataclasses import dataclass, field
from datetime import date

from services.common.strict_json import fingerprint
from services.loans.content import read_content


@dataclass(frozen=True, slots=True)
class RepaymentDraft:
    external_id: str
    loan_external_id: str
    paid_on: date
    amount_cents: int
    method: str | None
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", fingerprint(read_content(self)))
