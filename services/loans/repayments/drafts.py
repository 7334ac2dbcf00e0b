"""A repayment, validated and typed, on its way to the record."""

from dataclasses import dataclass
from datetime import date

from services.common.strict_json import fingerprint


@dataclass(frozen=True, slots=True)
class RepaymentDraft:
    external_id: str
    loan_external_id: str
    paid_on: date
    amount_cents: int
    method: str | None

    def fingerprint(self) -> bytes:
        return fingerprint(
            [
                self.external_id,
                self.loan_external_id,
                self.paid_on.isoformat(),
                self.amount_cents,
                self.method,
            ]
        )
