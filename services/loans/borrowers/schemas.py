"""A borrower as it is posted and as it is shown."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from services.common.fields import (
    Answer,
    Body,
    CalendarDate,
    ExternalId,
    Name,
    RegionCode,
    matching,
)
from services.loans.borrowers.drafts import BorrowerDraft, ConsentDraft, EnterpriseDraft
from services.loans.vocabulary import BorrowerKind, BorrowerKindWord, Clienteles, Gender, OpenCode

_POSTAL_CODE = r"[ABCEGHJ-NPRSTVXYabceghj-nprstvxy][0-9][A-Za-z]( ?[0-9][A-Za-z][0-9])?"


def _format_postal_code(text: str) -> str:
    code = text.upper().replace(" ", "")
    return f"{code[:3]} {code[3:]}".strip()


PostalCode = Annotated[
    str,
    matching(_POSTAL_CODE, "postal_code.form"),
    AfterValidator(_format_postal_code),
    Field(examples=["H2X 1Y4"]),
]
BirthYear = Annotated[int, Field(ge=1900, le=2100)]
Neq = Annotated[str, matching(r"[0-9]{10}", "neq.form"), Field(examples=["1140000000"])]
SectorCode = Annotated[
    str, matching(r"[0-9A-Za-z-]{1,10}", "sector_code.form"), Field(examples=["722512"])
]


class EnterpriseBody(Body):
    name: Name
    neq: Neq | None = None
    sector_code: SectorCode | None = None
    social_economy: bool = False

    def to_draft(self) -> EnterpriseDraft:
        return EnterpriseDraft(self.name, self.neq, self.sector_code, self.social_economy)


class ConsentBody(Body):
    """What the person agreed to, when, and until when."""

    purpose: OpenCode
    given_on: CalendarDate
    withdrawn_on: CalendarDate | None = None


class BorrowerFields(Body):
    """What a borrower's JSON body and its row of a sheet have in common."""

    external_id: ExternalId
    kind: BorrowerKindWord
    given_name: Name | None = None
    family_name: Name | None = None
    legal_name: Annotated[Name | None, Field(validate_default=True)] = None
    birth_year: BirthYear | None = None
    gender: Gender | None = None
    region_code: RegionCode | None = None
    municipality: Name | None = None
    postal_code: PostalCode | None = None
    clienteles: Clienteles = []

    @field_validator("legal_name")
    @classmethod
    def _named_as_its_kind(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is None and info.data.get("kind") is BorrowerKind.LEGAL_PERSON:
            raise PydanticCustomError("borrower.legal_name", "refused")
        return name

    def describe(
        self, enterprise: EnterpriseDraft | None, consents: tuple[ConsentDraft, ...] = ()
    ) -> BorrowerDraft:
        return BorrowerDraft(
            external_id=self.external_id,
            kind=self.kind,
            given_name=self.given_name,
            family_name=self.family_name,
            legal_name=self.legal_name,
            birth_year=self.birth_year,
            gender=self.gender,
            region_code=self.region_code,
            municipality=self.municipality,
            postal_code=self.postal_code,
            clienteles=tuple(self.clienteles),
            enterprise=enterprise,
            consents=consents,
        )


class BorrowerBody(BorrowerFields):
    enterprise: EnterpriseBody | None = None
    consents: Annotated[list[ConsentBody], Field(max_length=20)] = []

    def to_draft(self) -> BorrowerDraft:
        return self.describe(
            self.enterprise.to_draft() if self.enterprise else None,
            tuple(ConsentDraft(c.purpose, c.given_on, c.withdrawn_on) for c in self.consents),
        )


class EnterpriseAnswer(Answer):
    """`name` is null when a sheet told the sector of an enterprise and not its name."""

    name: str | None
    neq: str | None
    sector_code: str | None
    social_economy: bool


class ConsentAnswer(Answer):
    purpose: str
    given_on: date
    withdrawn_on: date | None


class BorrowerAnswer(Answer):
    borrower_id: UUID
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
    clienteles: list[str]
    enterprise: EnterpriseAnswer | None
    consents: list[ConsentAnswer]
