"""What the partnership's indicators are measured from, for the whole network. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cohort:
    """Enterprises financed in one fiscal year, by what is known of them on the report's date."""

    active: int = 0
    closed: int = 0
    unknown: int = 0

    @property
    def known(self) -> int:
        return self.active + self.closed


@dataclass(frozen=True, slots=True)
class Facts:
    """Counts and cents of a fiscal year; positions at its end, or today while it runs."""

    loans_count: int = 0
    loans_cents: int = 0
    other_financing_cents: int = 0
    people_coached: int = 0
    coaching_minutes: int = 0
    jobs_created: int = 0
    jobs_maintained: int = 0
    enterprises_created: int = 0
    enterprises_maintained: int = 0
    principal_due_cents: int = 0
    principal_repaid_cents: int = 0
    due_in_period_cents: int = 0
    on_time_cents: int = 0
    recovered_in_period_cents: int = 0
    outstanding_cents: int = 0
    par30_cents: int = 0
    written_off_cents: int = 0
    mean_portfolio_cents: int = 0
    disbursed_to_date_cents: int = 0
    written_off_to_date_cents: int = 0
    recovered_to_date_cents: int = 0
    borrowers: int = 0
    women: int = 0
    gender_known: int = 0
    under_35: int = 0
    age_known: int = 0
    immigrants: int = 0
    capital_public_cents: int = 0
    capital_private_cents: int = 0
    capital_community_cents: int = 0
    operating_subsidy_cents: int = 0
    cohorts: Mapping[int, Cohort] = field(default_factory=dict)

    def cohort(self, years: int) -> Cohort:
        return self.cohorts.get(years, Cohort())
