"""What the parts answer, checked as strictly as what clients send; fields may be added."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gateway.reports.figures import Figures
from services.common.money import parse_cents


def _read_cents(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("an amount is a decimal string")
    return parse_cents(value)


Cents = Annotated[int, BeforeValidator(_read_cents)]
Count = Annotated[int, Field(ge=0, strict=True)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class RegionSaid(_Said):
    code: str
    name: str


class MembershipSaid(_Said):
    from_on: Annotated[date, Field(alias="from")]
    to_on: Annotated[date | None, Field(alias="to")]


class OrganisationSaid(_Said):
    slug: str
    region_codes: tuple[str, ...]
    memberships: tuple[MembershipSaid, ...]

    def is_member(self, day: date) -> bool:
        return any(
            m.from_on <= day and (m.to_on is None or day <= m.to_on) for m in self.memberships
        )


class MonthSaid(_Said):
    month: str
    state: str
    due_on: date
    submitted_on: date | None
    days_late: Count


class SentSaid(_Said):
    loans: Count
    repayments: Count
    coaching_sessions: Count
    outcomes: Count


class MonthRowSaid(MonthSaid):
    organisation_id: uuid.UUID
    sent: SentSaid


class CompletenessSaid(_Said):
    as_of: date
    asked_from: str
    months: tuple[MonthSaid, ...]
    rows: tuple[MonthRowSaid, ...]


Item = TypeVar("Item", bound=_Said)


class PageSaid(_Said, Generic[Item]):
    items: tuple[Item, ...]
    next: str | None


class LoansSaid(_Said):
    count: Count
    amount: Cents


class RepaymentsSaid(_Said):
    count: Count
    amount: Cents
    principal: Cents
    interest: Cents
    fees: Cents


class PortfolioSaid(_Said):
    active_loans: Count
    outstanding_principal: Cents
    par30: Cents
    par90: Cents
    written_off: Cents
    recovered: Cents


class CoachingSaid(_Said):
    sessions: Count
    minutes: Count
    people: Count


class OutcomesSaid(_Said):
    jobs_created: Count
    jobs_maintained: Count
    enterprises_created: Count
    enterprises_maintained: Count


class LoansRowSaid(_Said):
    organisation_id: uuid.UUID
    region_code: str
    group: str | None
    loans: LoansSaid
    repayments: RepaymentsSaid
    portfolio: PortfolioSaid
    coaching: CoachingSaid
    outcomes: OutcomesSaid

    def figures(self) -> Figures:
        return Figures(
            loans_count=self.loans.count,
            loans_cents=self.loans.amount,
            repayments_count=self.repayments.count,
            repayments_cents=self.repayments.amount,
            repayments_principal_cents=self.repayments.principal,
            repayments_interest_cents=self.repayments.interest,
            repayments_fees_cents=self.repayments.fees,
            active_loans=self.portfolio.active_loans,
            outstanding_principal_cents=self.portfolio.outstanding_principal,
            par30_cents=self.portfolio.par30,
            par90_cents=self.portfolio.par90,
            written_off_cents=self.portfolio.written_off,
            recovered_cents=self.portfolio.recovered,
            coaching_sessions=self.coaching.sessions,
            coaching_minutes=self.coaching.minutes,
            coaching_people=self.coaching.people,
            jobs_created=self.outcomes.jobs_created,
            jobs_maintained=self.outcomes.jobs_maintained,
            enterprises_created=self.outcomes.enterprises_created,
            enterprises_maintained=self.outcomes.enterprises_maintained,
        )


class LoansTotalsSaid(_Said):
    recorded_until: datetime | None
    rows: tuple[LoansRowSaid, ...]


class CapitalSaid(_Said):
    public: Cents
    private: Cents
    community: Cents


class FundsRowSaid(_Said):
    organisation_id: uuid.UUID
    capital: CapitalSaid
    operating_subsidy: Cents

    def figures(self) -> Figures:
        return Figures(
            capital_public_cents=self.capital.public,
            capital_private_cents=self.capital.private,
            capital_community_cents=self.capital.community,
        )


class FundsTotalsSaid(_Said):
    recorded_until: datetime | None
    rows: tuple[FundsRowSaid, ...]


class CohortSaid(_Said):
    active: Count
    closed: Count
    unknown: Count


class RepaymentSaid(_Said):
    principal_due: Cents
    principal_repaid: Cents
    due_in_period: Cents
    on_time: Cents
    recovered_in_period: Cents


class BorrowersSaid(_Said):
    total: Count
    women: Count
    gender_known: Count
    under_35: Count
    age_known: Count
    immigrants: Count


class IndicatorsRowSaid(_Said):
    organisation_id: uuid.UUID
    loans_count: Count
    loans_amount: Cents
    other_financing: Cents
    people_coached: Count
    coaching_minutes: Count
    jobs_created: Count
    jobs_maintained: Count
    enterprises_created: Count
    enterprises_maintained: Count
    survival: dict[str, CohortSaid]
    repayment: RepaymentSaid
    outstanding_principal: Cents
    par30: Cents
    written_off: Cents
    mean_portfolio: Cents
    disbursed_to_date: Cents
    written_off_to_date: Cents
    recovered_to_date: Cents
    borrowers: BorrowersSaid


class IndicatorsSaid(_Said):
    recorded_until: datetime | None
    organisations: tuple[IndicatorsRowSaid, ...]


class DelayClassSaid(_Said):
    days_over: Count
    rate: str


class MatrixSaid(_Said):
    effective_from: date
    current_rate: str
    rescheduled_rate_min: str
    classes: tuple[DelayClassSaid, ...]


class RescheduledSaid(_Said):
    loans: Count
    outstanding_principal: Cents


class ProvisionClassSaid(_Said):
    number: Count
    loans: Count
    outstanding_principal: Cents
    provision: Cents
    rescheduled: RescheduledSaid
    par30: Cents
    par30_or_rescheduled: Cents


class ProvisionsRowSaid(_Said):
    organisation_id: uuid.UUID
    classes: tuple[ProvisionClassSaid, ...]


class ProvisionsSaid(_Said):
    matrix: MatrixSaid | None
    organisations: tuple[ProvisionsRowSaid, ...]


class TargetSaid(_Said):
    indicator: str
    value: Decimal


class AgreementSaid(_Said):
    agreement_id: uuid.UUID
    external_id: str
    funder: str
    title: str
    from_on: Annotated[date, Field(alias="from")]
    to_on: Annotated[date, Field(alias="to")]
    amount: Cents
    paid: Cents
    targets: tuple[TargetSaid, ...]
