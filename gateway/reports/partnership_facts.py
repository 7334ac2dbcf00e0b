"""What the partnership report is made from: asked of the loans and the funds, summed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.reports import sources
from gateway.reports.measures import Cohort, Facts
from gateway.reports.partnership import Agreement, Target
from gateway.reports.periods import Period
from gateway.reports.reading import Asker, PartReader, Questions
from gateway.routing import Part


@dataclass(frozen=True, slots=True)
class PartnershipFacts:
    """The facts of a fiscal year, every agreement, and how far the facts of each part reached."""

    facts: Facts
    agreements: tuple[Agreement, ...]
    loans_recorded_until: datetime | None
    funds_recorded_until: datetime | None


async def read_partnership(
    reader: PartReader, asker: Asker, period: Period, seconds: float
) -> PartnershipFacts:
    """Raises Unavailable naming the parts that did not answer in time, or BadGateway."""
    query, agreement_page = period.query(), sources.PageSaid[sources.AgreementSaid]
    async with Questions(seconds) as questions:
        loans = questions.ask(
            Part.LOANS,
            reader.read(Part.LOANS, "/internal/indicators", sources.IndicatorsSaid, asker, query),
        )
        funds = questions.ask(
            Part.FUNDS,
            reader.read(Part.FUNDS, "/internal/totals", sources.FundsTotalsSaid, asker, query),
        )
        agreements = questions.ask(
            Part.FUNDS,
            reader.read_list(Part.FUNDS, "/v1/agreements", agreement_page, asker, {}),
        )
        await questions.answered()
        return PartnershipFacts(
            _sum_facts(loans.result().organisations, funds.result().rows),
            tuple(map(_agreement, agreements.result())),
            loans.result().recorded_until,
            funds.result().recorded_until,
        )


def _agreement(said: sources.AgreementSaid) -> Agreement:
    return Agreement(
        agreement_id=str(said.agreement_id),
        external_id=said.external_id,
        funder=said.funder,
        title=said.title,
        first=said.from_on,
        last=said.to_on,
        amount_cents=said.amount,
        paid_cents=said.paid,
        targets=tuple(
            Target(said.external_id, target.indicator, target.value) for target in said.targets
        ),
    )


def _sum_facts(
    loans: Sequence[sources.IndicatorsRowSaid], funds: Sequence[sources.FundsRowSaid]
) -> Facts:
    """The whole network: its members count as one beneficiary."""
    years = {int(key) for row in loans for key in row.survival}
    return Facts(
        loans_count=sum(row.loans_count for row in loans),
        loans_cents=sum(row.loans_amount for row in loans),
        other_financing_cents=sum(row.other_financing for row in loans),
        people_coached=sum(row.people_coached for row in loans),
        coaching_minutes=sum(row.coaching_minutes for row in loans),
        jobs_created=sum(row.jobs_created for row in loans),
        jobs_maintained=sum(row.jobs_maintained for row in loans),
        enterprises_created=sum(row.enterprises_created for row in loans),
        enterprises_maintained=sum(row.enterprises_maintained for row in loans),
        principal_due_cents=sum(row.repayment.principal_due for row in loans),
        principal_repaid_cents=sum(row.repayment.principal_repaid for row in loans),
        due_in_period_cents=sum(row.repayment.due_in_period for row in loans),
        on_time_cents=sum(row.repayment.on_time for row in loans),
        recovered_in_period_cents=sum(row.repayment.recovered_in_period for row in loans),
        outstanding_cents=sum(row.outstanding_principal for row in loans),
        par30_cents=sum(row.par30 for row in loans),
        written_off_cents=sum(row.written_off for row in loans),
        mean_portfolio_cents=sum(row.mean_portfolio for row in loans),
        disbursed_to_date_cents=sum(row.disbursed_to_date for row in loans),
        written_off_to_date_cents=sum(row.written_off_to_date for row in loans),
        recovered_to_date_cents=sum(row.recovered_to_date for row in loans),
        borrowers=sum(row.borrowers.total for row in loans),
        women=sum(row.borrowers.women for row in loans),
        gender_known=sum(row.borrowers.gender_known for row in loans),
        under_35=sum(row.borrowers.under_35 for row in loans),
        age_known=sum(row.borrowers.age_known for row in loans),
        immigrants=sum(row.borrowers.immigrants for row in loans),
        capital_public_cents=sum(row.capital.public for row in funds),
        capital_private_cents=sum(row.capital.private for row in funds),
        capital_community_cents=sum(row.capital.community for row in funds),
        operating_subsidy_cents=sum(row.operating_subsidy for row in funds),
        cohorts={year: _sum_cohorts(loans, str(year)) for year in years},
    )


def _sum_cohorts(rows: Sequence[sources.IndicatorsRowSaid], key: str) -> Cohort:
    cohorts = [row.survival[key] for row in rows if key in row.survival]
    return Cohort(
        sum(cohort.active for cohort in cohorts),
        sum(cohort.closed for cohort in cohorts),
        sum(cohort.unknown for cohort in cohorts),
    )
