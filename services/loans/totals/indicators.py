"""What the partnership report's indicators are computed from: numerators and denominators.

The gateway divides; here every figure is a count or a sum of cents, by organisation.
"""

from collections import defaultdict
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import text

from services.common.calendar import FiscalYear, add_months
from services.common.database import ReadSession
from services.common.errors import JsonValue
from services.common.money import format_cents
from services.loans.totals.queries import LOAN_STANDS, Figures, Period, sum_over_regions
from services.loans.totals.repayment_rates import sum_repayment

SURVIVAL_YEARS = (1, 3, 5)
DAY = timedelta(days=1)


async def sum_indicators(
    session: ReadSession, period: Period, organisation_id: UUID | None
) -> list[JsonValue]:
    """One object per organisation with any activity."""
    by_organisation: dict[UUID, Figures] = defaultdict(dict)
    totals = await sum_over_regions(session, period, organisation_id)
    for (organisation, _region, _group), figures in totals.items():
        _add(by_organisation[organisation], figures)
    place = {
        "first": period.first,
        "last": period.last,
        "as_of": period.as_of,
        "organisation": organisation_id,
        "days": list_balance_days(period.first, period.last),
    }
    for statement in (_LOANS, _LOSSES_TO_DATE, _MEAN_PORTFOLIO):
        for row in await session.connection.execute(statement, place):
            mapping = dict(row._mapping)
            organisation = mapping.pop("organisation_id")
            _add(by_organisation[organisation], {name: int(v or 0) for name, v in mapping.items()})
    repayment = await sum_repayment(session, period, organisation_id)
    for organisation, figures in repayment.items():
        _add(by_organisation[organisation], figures)
    for years in SURVIVAL_YEARS:
        cohort = find_cohort(period.last, years)
        cohort_place = {
            "first": cohort.first_day,
            "last": cohort.last_day,
            "as_of": period.as_of,
            "organisation": organisation_id,
        }
        for row in await session.connection.execute(_SURVIVAL, cohort_place):
            _add(
                by_organisation[row.organisation_id],
                {
                    f"active_{years}": row.active,
                    f"closed_{years}": row.closed,
                    f"unknown_{years}": row.unknown,
                },
            )
    return [_show(organisation, figures) for organisation, figures in by_organisation.items()]


def find_cohort(last: date, years: int) -> FiscalYear:
    """The fiscal year whose loans are `years` years old in the fiscal year of `last`."""
    return FiscalYear(FiscalYear.of(last).first_day.year - years)


def list_balance_days(first: date, last: date) -> list[date]:
    """The eve of the period, the end of each of its months, and its last day."""
    month_ends = [add_months(first.replace(day=1), 1) - DAY]
    while month_ends[-1] < last:
        month_ends.append(add_months(month_ends[-1] + DAY, 1) - DAY)
    return [first - DAY, *month_ends[:-1], last]


def _add(figures: Figures, more: Figures) -> None:
    for name, value in more.items():
        figures[name] = figures.get(name, 0) + value


def _show(organisation: UUID, figures: Figures) -> JsonValue:
    def count(name: str) -> int:
        return figures.get(name, 0)

    def amount(name: str) -> str:
        return format_cents(figures.get(name, 0))

    return {
        "organisation_id": str(organisation),
        "loans_count": count("loans_count"),
        "loans_amount": amount("loans_cents"),
        "other_financing": amount("other_financing_cents"),
        "people_coached": count("people"),
        "coaching_minutes": count("minutes"),
        "jobs_created": count("jobs_created"),
        "jobs_maintained": count("jobs_maintained"),
        "enterprises_created": count("enterprises_created"),
        "enterprises_maintained": count("enterprises_maintained"),
        "survival": {
            str(years): {
                "active": count(f"active_{years}"),
                "closed": count(f"closed_{years}"),
                "unknown": count(f"unknown_{years}"),
            }
            for years in SURVIVAL_YEARS
        },
        "repayment": {
            "principal_due": amount("principal_due_cents"),
            "principal_repaid": amount("principal_repaid_cents"),
            "due_in_period": amount("due_in_period_cents"),
            "on_time": amount("on_time_cents"),
            "recovered_in_period": amount("recovered_in_period_cents"),
        },
        "outstanding_principal": amount("outstanding_cents"),
        "par30": amount("par30_cents"),
        "written_off": amount("written_off_cents"),
        "recovered": amount("recovered_cents"),
        "mean_portfolio": amount("mean_portfolio_cents"),
        "disbursed_to_date": amount("disbursed_to_date_cents"),
        "written_off_to_date": amount("written_off_to_date_cents"),
        "recovered_to_date": amount("recovered_to_date_cents"),
        "borrowers": {
            name: count(name)
            for name in ("total", "women", "gender_known", "under_35", "age_known", "immigrants")
        },
    }


_ONE = "(cast(:organisation AS uuid) IS NULL OR {0}.organisation_id = :organisation)"

# Natural persons who were granted a loan in the period, each counted once. Age is that reached in
# the year of the loan: only the year of birth is held.
_LOANS = text(
    f"""
    WITH granted AS (
        SELECT l.organisation_id, l.borrower_id, min(l.disbursed_on) AS disbursed_on,
               sum(l.other_financing_cents) AS other_financing_cents
        FROM loans l
        WHERE l.disbursed_on BETWEEN :first AND :last AND {_ONE.format("l")} AND {LOAN_STANDS}
        GROUP BY 1, 2
    )
    SELECT g.organisation_id,
           sum(g.other_financing_cents) AS other_financing_cents,
           count(p.borrower_id) AS total,
           count(*) FILTER (WHERE p.gender = 'woman') AS women,
           count(*) FILTER (WHERE p.gender <> 'undisclosed') AS gender_known,
           count(*) FILTER (
               WHERE extract(year FROM g.disbursed_on) - p.birth_year < 35) AS under_35,
           count(p.birth_year) AS age_known,
           count(*) FILTER (WHERE 'immigrant' = ANY(p.clienteles)) AS immigrants
    FROM granted g
    LEFT JOIN borrowers p ON p.organisation_id = g.organisation_id
                         AND p.borrower_id = g.borrower_id AND p.kind = 'person'
    GROUP BY 1
    """
)

_LOSSES_TO_DATE = text(
    f"""
    SELECT t.organisation_id, sum(t.loans_cents) AS disbursed_to_date_cents,
           sum(t.written_off_cents) AS written_off_to_date_cents,
           sum(t.recovered_cents) AS recovered_to_date_cents
    FROM daily_totals t
    WHERE t.on_date <= :as_of AND {_ONE.format("t")}
    GROUP BY 1
    """
)

# The mean of the portfolio over some days: what changes it on a day counts on that day and those
# after it, so each change is weighed by how many of the days come no earlier.
_MEAN_PORTFOLIO = text(
    f"""
    SELECT t.organisation_id,
           round(sum(t.outstanding_change_cents
                     * (cardinality(cast(:days AS date[]))
                        - width_bucket(t.on_date - 1, cast(:days AS date[]))))
                 / cardinality(cast(:days AS date[]))) AS mean_portfolio_cents
    FROM daily_totals t
    WHERE t.on_date <= :last AND {_ONE.format("t")}
    GROUP BY 1
    """
)

# Enterprises financed in the cohort's year, by their latest status not after the report's date.
# One seen active more than a year before that date is unknown today, as is one never seen; one
# that was sold goes on, one that closed stays closed. Of two seen the same day, closed prevails.
_SURVIVAL = text(
    f"""
    WITH cohort AS (
        SELECT DISTINCT l.organisation_id, l.borrower_id FROM loans l
        WHERE l.disbursed_on BETWEEN :first AND :last AND {_ONE.format("l")} AND {LOAN_STANDS}
    ),
    latest AS (
        SELECT DISTINCT ON (c.organisation_id, c.borrower_id)
               c.organisation_id, c.borrower_id,
               CASE WHEN f.business_status = 'active'
                         AND f.observed_on < cast(:as_of AS date) - interval '1 year'
                    THEN 'unknown' ELSE f.business_status END AS business_status
        FROM cohort c
        JOIN loans l USING (organisation_id, borrower_id)
        JOIN outcomes f USING (organisation_id, loan_id)
        WHERE f.observed_on <= :as_of AND {LOAN_STANDS}
          AND NOT EXISTS (SELECT FROM reversals r
                          WHERE r.organisation_id = f.organisation_id
                            AND r.fact_kind = 'outcome' AND r.fact_id = f.outcome_id)
        ORDER BY c.organisation_id, c.borrower_id, f.observed_on DESC,
                 array_position(ARRAY['closed', 'sold', 'active', 'unknown'], f.business_status)
    )
    SELECT c.organisation_id,
           count(*) FILTER (WHERE x.business_status IN ('active', 'sold')) AS active,
           count(*) FILTER (WHERE x.business_status = 'closed') AS closed,
           count(*) FILTER (
               WHERE coalesce(x.business_status, 'unknown') = 'unknown') AS unknown
    FROM cohort c LEFT JOIN latest x USING (organisation_id, borrower_id)
    GROUP BY 1
    """
)
