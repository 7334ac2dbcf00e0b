"""A repayment, validated and typed, on its way to the record."""

import hashlib
from dataclasses import dataclass, field
from datetime import date

from services.common.strict_json import quote
from services.loans.positions.facts import PaymentPurpose


@dataclass(slots=True)
class RepaymentDraft:
    """Nobody changes one; that it is not frozen halves what a hundred thousand take to be made."""

    external_id: str
    loan_external_id: str
    paid_on: date
    amount_cents: int
    method: str | None
    purpose: PaymentPurpose | None = None
    keeps_surplus: bool = False
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        # `canonical` of a list of these, spelled out: a sheet can hold a hundred thousand of them.
        content = (
            f"[{quote(self.external_id)},{quote(self.loan_external_id)},"
            f'"{self.paid_on.isoformat()}",{self.amount_cents},{_or_null(self.method)}'
        )
        if self.purpose is not None or self.keeps_surplus:
            content += f",{_or_null(self.purpose)},{'true' if self.keeps_surplus else 'false'}"
        self.fingerprint = hashlib.sha256(f"{content}]".encode()).digest()


def _or_null(text: str | None) -> str:
    return "null" if text is None else quote(text)
