"""What becomes of the enterprises financed: yearly follow-ups, five at most."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from deploy.demonstration.draws import chance, stream, working_day
from deploy.demonstration.lending import PlannedLoan
from deploy.demonstration.rows import OutcomeRow
from services.common.calendar import add_months

YEARS_FOLLOWED = (1, 2, 3, 4, 5)
UNKNOWN_PERCENT = 7
SOLD_PERCENT = 1
STARTING_STAGES = frozenset({"pre_start", "start"})


@dataclass(frozen=True, slots=True)
class FollowUp:
    observed_on: date
    row: OutcomeRow


def draw_follow_ups(seed: int, slug: str, loan: PlannedLoan) -> Iterator[FollowUp]:
    """One a year, within a month after the loan's anniversary.

    Jobs are those created or kept since the last follow-up, so that they add up over the years.
    A closed enterprise is said to be closed at every later follow-up.
    """
    draw = stream(seed, slug, "outcomes", loan.external_id)
    is_sold = chance(draw, SOLD_PERCENT)
    for year in YEARS_FOLLOWED:
        observed_on = working_day(
            add_months(loan.disbursed_on, 12 * year) + timedelta(days=draw.randrange(2, 31))
        )
        is_unknown = chance(draw, UNKNOWN_PERCENT)
        created, maintained = _draw_jobs(draw, loan, year)
        turnover = round(draw.lognormvariate(10.4, 0.7) / 500) * 500
        other_financing = 500 * draw.randrange(2, 50) if chance(draw, 12) else 0
        if is_unknown:
            status = "unknown"
        elif observed_on >= loan.closes_on:
            status = "closed"
        else:
            status = "sold" if is_sold and year > 2 else "active"
        is_active = status == "active"
        row = OutcomeRow(
            external_id=f"{loan.external_id}-S{year}",
            loan_external_id=loan.external_id,
            observed_on=observed_on.isoformat(),
            business_status=status,
            jobs_created=str(created if is_active else 0),
            jobs_maintained=str(maintained if is_active else 0),
            turnover=f"{turnover}.00" if is_active else "",
            other_financing=f"{other_financing}.00" if is_active and other_financing else "",
        )
        yield FollowUp(observed_on, row)


def _draw_jobs(draw: Random, loan: PlannedLoan, year: int) -> tuple[int, int]:
    """The promoter's own job counts; an enterprise that starts creates, the others keep."""
    if year > 1:
        return draw.choices((0, 1), (92, 8))[0], 0
    more = draw.choices((0, 1, 2, 4), (62, 24, 10, 4))[0]
    if loan.stage in STARTING_STAGES:
        return 1 + more, 0
    return more // 2, 1 + more
