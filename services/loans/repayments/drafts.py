"""A repayment, validated and typed, on its way to the record."""

import hashlib
from dataclasses import dataclass, field
from datetime import date

from services.common.strict_json import quote


@dataclass(frozen=True, slots=True)
class RepaymentDraft:
    external_id: str
    loan_external_id: str
    paid_on: date
    amount_cents: int
    method: str | None
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        # `canonical` of a list of these, spelled out: a sheet can hold a hundred thousand of them.
        method = "null" if self.method is None else quote(self.method)
        content = (
            f"[{quote(self.external_id)},{quote(self.loan_external_id)},"
            f'"{self.paid_on.isoformat()}",{self.amount_cents},{method}]'
        )
        object.__setattr__(self, "fingerprint", hashlib.sha256(content.encode()).digest())
