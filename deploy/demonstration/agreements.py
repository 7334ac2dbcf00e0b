"""The yearly grant agreement between the ministry and the network: amounts, targets, payments."""

from dataclasses import dataclass
from datetime import date, timedelta

from deploy.demonstration.coaching import NEWCOMERS_PER_LOAN
from deploy.demonstration.lending import count_loans
from deploy.demonstration.network import MEMBERS, MemberPlan
from services.common.money import allocate

FUNDER = "Ministère de l'Économie, de l'Innovation et de l'Énergie"
# 2,100,000 $ in 2014-2015, the yearly mean published for the three years from there, and since
# then what a growth of 45,000 $ a year makes of it.
AMOUNT_BASE_CENTS, AMOUNT_BASE_YEAR, AMOUNT_GROWTH_CENTS = 210_000_000, 2014, 4_500_000
PAYMENTS = ((45, 60), (255, 40))
"""Days after 1 April and percents of the amount."""
MEMBERS_PERCENT = 90
"""What the network passes on; the rest pays the network office."""
DAYS_TO_PASS_ON = 14


@dataclass(frozen=True, slots=True)
class Target:
    """`value` as the contract writes it: a count, dollars, hours, or percents."""

    indicator: str
    value: str


@dataclass(frozen=True, slots=True)
class Obligation:
    document: str
    due_on: date


@dataclass(frozen=True, slots=True)
class AgreementPayment:
    external_id: str
    paid_on: date
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Agreement:
    external_id: str
    funder: str
    title: str
    period_from: date
    period_to: date
    amount_cents: int
    purpose: str
    targets: tuple[Target, ...]
    obligations: tuple[Obligation, ...]
    payments: tuple[AgreementPayment, ...]


def build_agreement(seed: int, fiscal_year: int) -> Agreement:
    """One fiscal year's, with every payment it will see."""
    start = date(fiscal_year, 4, 1)
    end = date(fiscal_year + 1, 3, 31)
    label = f"{fiscal_year}-{fiscal_year + 1}"
    return Agreement(
        external_id=f"CONV-{label}",
        funder=FUNDER,
        title=f"Convention de subvention {label}, aide au fonctionnement",
        period_from=start,
        period_to=end,
        amount_cents=_amount_cents(fiscal_year),
        purpose="operations",
        targets=_targets(seed, fiscal_year),
        obligations=(
            Obligation("Rapport d'activités et de résultats", date(fiscal_year + 1, 6, 30)),
            Obligation("États financiers audités", date(fiscal_year + 1, 7, 31)),
        ),
        payments=tuple(
            AgreementPayment(f"CONV-{label}-V{number}", paid_on, amount_cents)
            for number, (paid_on, amount_cents) in enumerate(_payments(fiscal_year), start=1)
        ),
    )


def operating_grants_cents(fiscal_year: int) -> list[tuple[date, list[int]]]:
    """For each payment: the day the members receive their parts, and the parts in MEMBERS order."""
    weights = [_weight(plan, fiscal_year) for plan in MEMBERS]
    return [
        (
            paid_on + timedelta(days=DAYS_TO_PASS_ON),
            allocate(amount_cents * MEMBERS_PERCENT // 100, weights),
        )
        for paid_on, amount_cents in _payments(fiscal_year)
    ]


def _weight(plan: MemberPlan, fiscal_year: int) -> int:
    """A member costs something before its first loan: half is alike for all, half by size."""
    return 14 + plan.loans_a_year if fiscal_year >= plan.first_fiscal_year else 0


def _amount_cents(fiscal_year: int) -> int:
    years = max(0, fiscal_year - AMOUNT_BASE_YEAR)
    return AMOUNT_BASE_CENTS + AMOUNT_GROWTH_CENTS * years


def _payments(fiscal_year: int) -> list[tuple[date, int]]:
    start = date(fiscal_year, 4, 1)
    parts = allocate(_amount_cents(fiscal_year), [percent for _, percent in PAYMENTS])
    return [
        (start + timedelta(days=days), part)
        for (days, _), part in zip(PAYMENTS, parts, strict=True)
    ]


def _targets(seed: int, fiscal_year: int) -> tuple[Target, ...]:
    """Round figures near what the network usually does: some are met and some are not."""
    counts = [(plan, count_loans(seed, plan, fiscal_year - 1)) for plan in MEMBERS]
    loans = sum(count for _, count in counts) // 10 * 10
    dollars = sum(count * plan.typical_loan for plan, count in counts) * 85 // 100
    people = round(loans * (NEWCOMERS_PER_LOAN + 3) / 50) * 50
    return (
        Target("loans_count", str(loans)),
        Target("loans_amount", f"{dollars // 50_000 * 50_000}.00"),
        Target("loans_mean_amount", "6000.00"),
        Target("people_coached", str(people)),
        Target("coaching_hours", str(people * 4)),
        Target("jobs_created", str(round(loans * 1.0) // 10 * 10)),
        Target("jobs_maintained", str(round(loans * 0.6) // 10 * 10)),
        Target("enterprises_created", str(loans // 2 // 10 * 10)),
        Target("survival_5y", "67"),
        Target("repayment_rate", "88"),
        Target("capital_private", "2000000.00"),
        Target("share_women", "50"),
        Target("share_under_35", "35"),
        Target("share_immigrants", "30"),
    )
