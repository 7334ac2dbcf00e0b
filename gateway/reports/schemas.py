"""The regional report as it leaves: the shape of the contract."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import WithJsonSchema

from gateway.reports.arithmetic import Group, Region, RegionalTotals
from gateway.reports.figures import Figures, format_quotient
from gateway.reports.periods import Dimension, Period
from services.common.fields import Answer, RegionCode, SignedAmount
from services.common.money import divide_rounded

RATIO_PLACES = 4

Ratio = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{4}$", "example": "0.0692"}),
]
Hours = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+\.[0-9]{2}$", "example": "315.50"}),
]


class PeriodAnswer(Answer):
    first: Annotated[date, Field(serialization_alias="from")]
    last: Annotated[date, Field(serialization_alias="to")]


class LoansAnswer(Answer):
    """Prêts décaissés dans la période."""

    count: int
    amount: SignedAmount
    mean_amount: SignedAmount


class RepaymentsAnswer(Answer):
    """Remboursements reçus dans la période."""

    count: int
    amount: SignedAmount
    principal: SignedAmount
    interest: SignedAmount
    fees: SignedAmount


class PortfolioAnswer(Answer):
    """Portefeuille en fin de journée de `as_of` ; radiations et recouvrements de la période."""

    active_loans: int
    outstanding_principal: SignedAmount
    par30: SignedAmount
    par30_ratio: Ratio
    par90: SignedAmount
    par90_ratio: Ratio
    written_off: SignedAmount
    recovered: SignedAmount


class CapitalAnswer(Answer):
    """Capital des fonds en fin de journée de `as_of`, selon la source."""

    public: SignedAmount
    private: SignedAmount
    community: SignedAmount


class CoachingAnswer(Answer):
    """Accompagnement dans la période."""

    sessions: int
    hours: Hours
    people: int


class OutcomesAnswer(Answer):
    """Retombées observées dans la période."""

    jobs_created: int
    jobs_maintained: int
    enterprises_created: int
    enterprises_maintained: int


class GroupAnswer(Answer):
    """Les chiffres d'un groupe ; `capital` n'est connu que par organisme."""

    key: str
    loans: LoansAnswer
    repayments: RepaymentsAnswer
    portfolio: PortfolioAnswer
    capital: CapitalAnswer | None
    coaching: CoachingAnswer
    outcomes: OutcomesAnswer


class TotalAnswer(Answer):
    organisations: int
    loans: LoansAnswer
    repayments: RepaymentsAnswer
    portfolio: PortfolioAnswer
    capital: CapitalAnswer
    coaching: CoachingAnswer
    outcomes: OutcomesAnswer
    groups: list[GroupAnswer] | None = None


class PlaceAnswer(Answer):
    region_code: RegionCode
    region_name: str


class RegionAnswer(TotalAnswer, PlaceAnswer):
    """Une région ; ses champs commencent par ceux de sa place."""


class SourceAnswer(Answer):
    """Jusqu'à quand les faits d'un service étaient inscrits au moment de la lecture."""

    recorded_until: datetime | None = None


class SourcesAnswer(Answer):
    registry: SourceAnswer
    funds: SourceAnswer
    loans: SourceAnswer


class RegionalTotalsAnswer(Answer):
    """Les totaux par région du réseau, ou ceux du membre qui les demande."""

    period: PeriodAnswer
    as_of: date
    currency: Literal["CAD"] = "CAD"
    group_by: str | None = None
    additive: Annotated[
        bool | None,
        Field(description="Faux quand un prêt peut compter dans plus d'un groupe."),
    ] = None
    regions: list[RegionAnswer]
    total: TotalAnswer
    sources: SourcesAnswer


def answer_totals(
    totals: RegionalTotals,
    period: Period,
    sources: SourcesAnswer,
    dimension: Dimension | None,
) -> RegionalTotalsAnswer:
    """The report in the shape of the contract; what does not apply is None and left out."""
    return RegionalTotalsAnswer(
        period=PeriodAnswer(first=period.first, last=period.last),
        as_of=period.as_of,
        group_by=None if dimension is None else dimension.value,
        additive=None if dimension is None else dimension.is_additive,
        regions=[_answer_region(region, dimension) for region in totals.regions],
        total=_answer_total(totals.total, dimension),
        sources=sources,
    )


def _answer_region(region: Region, dimension: Dimension | None) -> RegionAnswer:
    total = _answer_total(region, dimension)
    return RegionAnswer(
        region_code=region.code,
        region_name=region.name,
        organisations=total.organisations,
        loans=total.loans,
        repayments=total.repayments,
        portfolio=total.portfolio,
        capital=total.capital,
        coaching=total.coaching,
        outcomes=total.outcomes,
        groups=total.groups,
    )


def _answer_total(line: Region, dimension: Dimension | None) -> TotalAnswer:
    f = line.figures
    return TotalAnswer(
        organisations=line.organisations,
        loans=_answer_loans(f),
        repayments=_answer_repayments(f),
        portfolio=_answer_portfolio(f),
        capital=_answer_capital(f),
        coaching=_answer_coaching(f),
        outcomes=_answer_outcomes(f),
        groups=[_answer_group(group, dimension) for group in line.groups] if dimension else None,
    )


def _answer_group(group: Group, dimension: Dimension) -> GroupAnswer:
    f = group.figures
    return GroupAnswer(
        key=group.key,
        loans=_answer_loans(f),
        repayments=_answer_repayments(f),
        portfolio=_answer_portfolio(f),
        capital=_answer_capital(f) if dimension.has_capital else None,
        coaching=_answer_coaching(f),
        outcomes=_answer_outcomes(f),
    )


def _answer_loans(f: Figures) -> LoansAnswer:
    mean_cents = divide_rounded(f.loans_cents, f.loans_count) if f.loans_count else 0
    return LoansAnswer(count=f.loans_count, amount=f.loans_cents, mean_amount=mean_cents)


def _answer_repayments(f: Figures) -> RepaymentsAnswer:
    return RepaymentsAnswer(
        count=f.repayments_count,
        amount=f.repayments_cents,
        principal=f.repayments_principal_cents,
        interest=f.repayments_interest_cents,
        fees=f.repayments_fees_cents,
    )


def _answer_portfolio(f: Figures) -> PortfolioAnswer:
    outstanding = f.outstanding_principal_cents
    return PortfolioAnswer(
        active_loans=f.active_loans,
        outstanding_principal=outstanding,
        par30=f.par30_cents,
        par30_ratio=format_quotient(f.par30_cents, outstanding, RATIO_PLACES),
        par90=f.par90_cents,
        par90_ratio=format_quotient(f.par90_cents, outstanding, RATIO_PLACES),
        written_off=f.written_off_cents,
        recovered=f.recovered_cents,
    )


def _answer_capital(f: Figures) -> CapitalAnswer:
    return CapitalAnswer(
        public=f.capital_public_cents,
        private=f.capital_private_cents,
        community=f.capital_community_cents,
    )


def _answer_coaching(f: Figures) -> CoachingAnswer:
    return CoachingAnswer(
        sessions=f.coaching_sessions,
        hours=format_quotient(f.coaching_minutes, 60, 2),
        people=f.coaching_people,
    )


def _answer_outcomes(f: Figures) -> OutcomesAnswer:
    return OutcomesAnswer(
        jobs_created=f.jobs_created,
        jobs_maintained=f.jobs_maintained,
        enterprises_created=f.enterprises_created,
        enterprises_maintained=f.enterprises_maintained,
    )
