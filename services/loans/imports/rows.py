"""One row of a sheet, for the kinds whose sheet is flatter than their JSON body."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from services.common.calendar import Frequency
from services.common.fields import (
    Amount,
    Body,
    CalendarDate,
    ExternalId,
    Name,
    PositiveAmount,
    Rate,
    RegionCode,
    pad_region_code,
)
from services.loans.borrowers.drafts import BorrowerDraft, EnterpriseDraft
from services.loans.borrowers.schemas import BirthYear, BorrowerFields, Neq, SectorCode
from services.loans.loans.drafts import (
    DEFAULT_PRODUCT,
    BorrowerProfile,
    Funding,
    LoanDraft,
    lay_schedule,
)
from services.loans.repayments.drafts import RepaymentDraft
from services.loans.repayments.schemas import RepaymentBody
from services.loans.schedules.terms import Fee, ScheduleTerms
from services.loans.vocabulary import (
    BorrowerKind,
    BorrowerKindWord,
    Clienteles,
    FrequencyWord,
    Gender,
    Product,
    Stage,
)

RegionCell = Annotated[RegionCode, BeforeValidator(pad_region_code)]


class BorrowerRow(BorrowerFields):
    kind: BorrowerKindWord = BorrowerKind.PERSON
    region_code: RegionCell | None = None
    enterprise_name: Name | None = None
    neq: Neq | None = None
    sector_code: SectorCode | None = None
    social_economy: bool = False

    def to_draft(self) -> BorrowerDraft:
        told = (self.enterprise_name, self.neq, self.sector_code, self.social_economy)
        return self.describe(EnterpriseDraft(*told) if any(told) else None)


class LoanRow(Body):
    """A loan with its borrower, who is recorded with it when not yet known."""

    external_id: ExternalId
    borrower_external_id: ExternalId
    borrower_kind: BorrowerKindWord | None = None
    gender: Gender | None = None
    birth_year: BirthYear | None = None
    clienteles: Clienteles = []
    region_code: RegionCell | None = None
    municipality: Name | None = None
    product: Product = DEFAULT_PRODUCT
    stage: Stage | None = None
    sector_code: SectorCode | None = None
    principal: PositiveAmount
    annual_rate: Rate
    instalments: Annotated[int, Field(ge=1, le=600)]
    frequency: FrequencyWord = Frequency.MONTHS
    contracted_on: CalendarDate | None = None
    disbursed_on: CalendarDate
    first_due_on: CalendarDate | None = None
    fee: Amount = 0
    other_financing: Amount = 0
    funding_state: Amount = 0
    funding_community: Amount = 0
    funding_private: Amount = 0

    def to_draft(self) -> LoanDraft:
        terms = ScheduleTerms(
            principal_cents=self.principal,
            annual_rate=self.annual_rate,
            instalments=self.instalments,
            disbursed_on=self.disbursed_on,
            frequency=self.frequency,
            first_due_on=self.first_due_on,
            fees=(Fee(self.fee),) if self.fee else (),
        )
        return LoanDraft(
            external_id=self.external_id,
            borrower_external_id=self.borrower_external_id,
            profile=BorrowerProfile(
                kind=self.borrower_kind,
                gender=self.gender,
                birth_year=self.birth_year,
                clienteles=tuple(self.clienteles),
                municipality=self.municipality,
            ),
            product=self.product,
            stage=self.stage,
            purpose=None,
            sector_code=self.sector_code,
            region_code=self.region_code,
            terms=terms,
            schedule=lay_schedule(terms, _place_of),
            contracted_on=self.contracted_on or self.disbursed_on,
            disbursed_on=self.disbursed_on,
            funding=Funding(self.funding_state, self.funding_community, self.funding_private),
            other_financing_cents=self.other_financing,
        )


def _place_of(term: str) -> str:
    """Where a sheet holds a term."""
    return {"fees": "/fee", "repay_every": "/instalments"}.get(term, f"/{term}")


class RepaymentRow(RepaymentBody):
    loan_external_id: ExternalId

    def draft(self) -> RepaymentDraft:
        return self.to_draft(self.loan_external_id)
