"""A loan as it is posted and as it is shown."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from services.common.fields import (
    Amount,
    Answer,
    Body,
    CalendarDate,
    ExternalId,
    Name,
    PositiveAmount,
    RegionCode,
)
from services.common.posted import WARNINGS, Warnings
from services.loans.borrowers.schemas import SectorCode
from services.loans.loans.drafts import (
    DEFAULT_PRODUCT,
    Funding,
    LoanDraft,
    first_of,
    lay_schedule,
)
from services.loans.positions.facts import Accrual, AllocationOrder
from services.loans.products.rules import Conventions
from services.loans.schedules.schemas import Lax, TermsAnswer, TermsBody
from services.loans.vocabulary import FundingSource, Product, Stage


class Reference(Body):
    """Another object of the same organisation, by the member's own identifier."""

    external_id: ExternalId


class FundingBody(Body):
    source: FundingSource
    amount: PositiveAmount


class LoanBody(Body):
    """`region_code` is where the project is; else the borrower's, or the member's only region.

    `interest_accrual`, `allocation_order` and `interest_on_overdue_interest` are the product's
    unless said; a product that is not known has interest `scheduled`, fees, interest, principal,
    and no interest on interest.
    `first_disbursement` is for a sum lent in several times; the others are posted as they are made.
    """

    external_id: ExternalId
    borrower: Reference
    product: Product = DEFAULT_PRODUCT
    stage: Stage | None = None
    purpose: Name | None = None
    sector_code: SectorCode | None = None
    terms: TermsBody
    contracted_on: CalendarDate | None = None
    disbursed_on: CalendarDate
    region_code: RegionCode | None = None
    funding: Annotated[list[FundingBody], Field(max_length=20)] = []
    other_financing: Amount = 0
    interest_accrual: Annotated[Accrual | None, Lax] = None
    allocation_order: Annotated[AllocationOrder | None, Lax] = None
    interest_on_overdue_interest: bool | None = None
    first_disbursement: PositiveAmount | None = None

    @field_validator("disbursed_on")
    @classmethod
    def _one_disbursement_date(cls, day: date, info: ValidationInfo) -> date:
        terms = info.data.get("terms")
        if isinstance(terms, TermsBody) and terms.disbursed_on not in (None, day):
            raise PydanticCustomError("loan.disbursed_on_twice", "refused")
        return day

    def to_draft(self) -> LoanDraft:
        terms = self.terms.to_terms(self.disbursed_on)
        by_source = {"state": 0, "community": 0, "private": 0}
        for part in self.funding:
            by_source[part.source] += part.amount
        return LoanDraft(
            external_id=self.external_id,
            borrower_external_id=self.borrower.external_id,
            profile=None,
            product=self.product,
            stage=self.stage,
            purpose=self.purpose,
            sector_code=self.sector_code,
            region_code=self.region_code,
            terms=terms,
            schedule=lay_schedule(first_of(terms, self.first_disbursement), "/terms/{}".format),
            contracted_on=self.contracted_on or self.disbursed_on,
            disbursed_on=self.disbursed_on,
            funding=Funding(by_source["state"], by_source["community"], by_source["private"]),
            other_financing_cents=self.other_financing,
            interest_accrual=self.interest_accrual,
            allocation_order=self.allocation_order,
            interest_on_overdue_interest=self.interest_on_overdue_interest,
            first_disbursement_cents=self.first_disbursement,
        )


PLACES = {
    "/borrower_external_id": "/borrower/external_id",
    "/borrower_kind": "/borrower/external_id",
    "/funding_state": "/funding",
    "/fee": "/terms/fees",
    **{
        f"/{term}": f"/terms/{term}"
        for term in (
            "principal",
            "annual_rate",
            "instalments",
            "first_due_on",
            *Conventions.model_fields,
        )
    },
}
"""Where the JSON body holds what a sheet has in a column of its own."""


class InstalmentAnswer(Answer):
    number: int
    due_on: date
    principal: Amount
    interest: Amount
    fees: Amount
    payment: Amount


class LoanAnswer(Answer):
    """What was agreed: it never changes, so a replay answers the same."""

    loan_id: UUID
    external_id: str
    borrower: dict[str, str]
    product: str
    product_version: int | None
    stage: str | None
    purpose: str | None
    sector_code: str | None
    region_code: str
    principal: Amount
    annual_rate: str
    instalments: int
    frequency: str
    contracted_on: date
    disbursed_on: date
    funding: list[FundingBody]
    other_financing: Amount
    interest_accrual: Accrual
    allocation_order: AllocationOrder
    interest_on_overdue_interest: bool
    currency: str
    schedule: list[InstalmentAnswer]


class ArrearsAnswer(Answer):
    principal: Amount
    interest: Amount
    fees: Amount
    total: Amount
    instalments: int


class ProvisionAnswer(Answer):
    """What the matrix of the day sets aside: a percentage of the outstanding principal."""

    rate: str
    amount: Amount
    matrix_effective_from: date


class WhyAnswer(Answer):
    """What a figure is made of: the rule, and what it takes from the record, which adds up."""

    rule: str
    parts: list[dict[str, str | int | None]]


class PositionAnswer(Answer):
    """Where the loan stands at the end of `as_of`.

    `interest_accrued` has run since the last due date; `payoff` closes the loan that day.
    `credit_balance` was paid beyond what the loan asks for, and not given back.
    """

    as_of: date
    outstanding_principal: Amount
    interest_due: Amount
    interest_accrued: Amount
    fees_due: Amount
    days_past_due: int
    arrears: ArrearsAnswer
    arrears_by_age: list[dict[str, str | int | None]]
    principal_paid: Amount
    interest_paid: Amount
    fees_paid: Amount
    written_off: Amount
    recovered: Amount
    credit_balance: Amount
    payoff: Amount
    next_due: InstalmentAnswer | None
    par30: bool
    par90: bool
    is_closed: bool
    why: dict[str, WhyAnswer]
    prescription_on: date | None
    provision: ProvisionAnswer | None


class CreditUseAnswer(Answer):
    """What a fee took of a credit balance, on the fee's date."""

    on: date
    fee_id: UUID
    amount: Amount


class FactAnswer(Answer):
    """One thing that happened to the loan; `reversed` tells that it no longer counts, and why.

    A repayment's `allocation` is what it settled on its own day, `credit_used` what later fees took
    of what it left. The first disbursement came with the loan: its `external_id` is the loan's.
    `fees_withheld` was kept from a disbursement: the borrower received so much less. `agreed` is
    what a rescheduling or a moratorium said.
    """

    kind: str
    id: UUID
    external_id: str
    on: date
    amount: Amount | None
    fees_withheld: Amount | None
    reason: str | None
    agreed: dict[str, str | int] | None
    allocation: dict[str, str] | None
    credit_used: list[CreditUseAnswer]
    reversed: dict[str, str] | None


class YearlyRateAnswer(Answer):
    """The contract's rate by the year; `effective` is absent for flat interest."""

    nominal: str
    periods_a_year: str
    effective: str | None
    fr: str
    en: str


class FindingAnswer(Answer):
    """Where the loan departs from the product it is signed under, or as it stands from the law; it
    is on record all the same.
    """

    code: str
    fr: str
    en: str


class ScheduleAnswer(Answer):
    """A schedule, and the fact that made it; the last of them is in force."""

    effective_on: date
    cause: str
    cause_id: UUID | None
    rows: list[InstalmentAnswer]


class PostedLoanAnswer(LoanAnswer):
    warnings: Warnings = WARNINGS


class LoanPositionAnswer(LoanAnswer):
    """`schedule` is what is in force on `as_of`; `schedules` are all that were.

    A loan that was reversed keeps its facts, and has no position. `terms` are those of the
    contract, with what was left out when they were posted. `apr` is its annual percentage rate,
    fees included, not rounded.
    """

    terms: TermsAnswer
    apr: str
    yearly_rate: YearlyRateAnswer
    findings: list[FindingAnswer]
    reversed: dict[str, str] | None
    position: PositionAnswer | None
    schedules: list[ScheduleAnswer]
    facts: list[FactAnswer]
