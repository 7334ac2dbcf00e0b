"""A borrower, validated and typed, on its way to the record."""

from dataclasses import dataclass, field
from datetime import date

from services.common.strict_json import fingerprint
from services.loans.content import read_content
from services.loans.vocabulary import BorrowerKind


@dataclass(frozen=True, slots=True)
class EnterpriseDraft:
    name: str | None
    neq: str | None
    sector_code: str | None
    social_economy: bool


@dataclass(frozen=True, slots=True)
class ConsentDraft:
    purpose: str
    given_on: date
    withdrawn_on: date | None


@dataclass(frozen=True, slots=True)
class BorrowerDraft:
    external_id: str
    kind: BorrowerKind
    given_name: str | None
    family_name: str | None
    legal_name: str | None
    birth_year: int | None
    gender: str | None
    region_code: str | None
    municipality: str | None
    postal_code: str | None
    clienteles: tuple[str, ...]
    enterprise: EnterpriseDraft | None
    consents: tuple[ConsentDraft, ...]
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", fingerprint(read_content(self)))
