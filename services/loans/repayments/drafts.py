"""A repayment, validated and typed, on its way to the record."""

from dataclasses import dataclass, field
from datetime import date

from services.common.errors import JsonValue
from services.common.strict_json import fingerprint
from services.loans.positions.facts import PaymentPurpose


@dataclass(frozen=True, slots=True)
class RepaymentDraft:
    external_id: str
    loan_external_id: str
    paid_on: date
    amount_cents: int
    method: str | None
    purpose: PaymentPurpose | None = None
    keeps_surplus: bool = False
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        # Spelled out, for speed: a sheet can hold a hundred thousand of them.
        content: list[JsonValue] = [
            self.external_id,
            self.loan_external_id,
            self.paid_on.isoformat(),
            self.amount_cents,
            self.method,
        ]
        if self.purpose is not None or self.keeps_surplus:
            content += [self.purpose, self.keeps_surplus]
        object.__setattr__(self, "fingerprint", fingerprint(content))
