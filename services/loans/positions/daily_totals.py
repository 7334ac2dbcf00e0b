"""What a loan adds to the totals of each day: its flows, and the changes of its standing.

Summed over loans and days, flows of a period and positions as of any date, past or to come, are
one sum each. A loan enters PAR30 on a day that is known in advance: no nightly job is needed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from operator import add

from services.loans.positions.arithmetic import END_OF_TIME, LoanState, Replayed, at_risk_from
from services.loans.positions.facts import LoanFacts

MEASURES = (
    "loans_count",
    "loans_cents",
    "repayments_count",
    "repayments_cents",
    "principal_cents",
    "interest_cents",
    "fees_cents",
    "written_off_cents",
    "recovered_cents",
    "active_loans_change",
    "outstanding_change_cents",
    "par30_change_cents",
    "par90_change_cents",
)
"""The measures of a day, in the order of the table's columns."""

(
    LOANS_COUNT,
    LOANS,
    REPAYMENTS_COUNT,
    REPAYMENTS,
    PRINCIPAL,
    INTEREST,
    FEES,
    WRITTEN_OFF,
    RECOVERED,
    ACTIVE,
    OUTSTANDING,
    PAR30,
    PAR90,
) = range(len(MEASURES))

Day = tuple[str, date]
"""A region and a date: with the organisation, the key of a day's totals."""

DailyTotals = dict[Day, list[int]]

_Days = defaultdict[date, list[int]]
"""Those of one region."""


def sum_days(loans: Iterable[tuple[LoanFacts, Replayed]]) -> DailyTotals:
    """What these loans add to each day, in cents and counts; days that add nothing are left out."""
    regions: dict[str, _Days] = defaultdict(lambda: defaultdict(lambda: [0] * len(MEASURES)))
    for facts, replayed in loans:
        _add_loan(regions[facts.region_code], facts, replayed)
    return {
        (region, day): measures
        for region, days in regions.items()
        for day, measures in days.items()
        if any(measures)
    }


def subtract_days(after: DailyTotals, before: DailyTotals) -> DailyTotals:
    """The change from `before` to `after`; days without change are left out."""
    zero = [0] * len(MEASURES)
    change = {
        day: [a - b for a, b in zip(after.get(day, zero), before.get(day, zero), strict=True)]
        for day in after.keys() | before.keys()
    }
    return {day: measures for day, measures in change.items() if any(measures)}


def add_days(totals: DailyTotals, change: DailyTotals) -> None:
    """Add a change to the totals of its days."""
    for day, measures in change.items():
        known = totals.get(day)
        totals[day] = measures if known is None else list(map(add, known, measures))


def _add_loan(days: _Days, facts: LoanFacts, replayed: Replayed) -> None:
    opening = days[facts.disbursed_on]
    opening[LOANS_COUNT] += 1
    opening[LOANS] += facts.principal_cents
    for tranche in facts.tranches:
        days[tranche.on][LOANS] += tranche.amount_cents
    for payment, allocation in zip(facts.payments, replayed.allocations, strict=True):
        measures = days[payment.paid_on]
        measures[REPAYMENTS_COUNT] += 1
        measures[REPAYMENTS] += payment.amount_cents
        measures[PRINCIPAL] += allocation.principal_cents
        measures[INTEREST] += allocation.interest_cents
        measures[FEES] += allocation.fees_cents
    for use in replayed.credit_uses:
        days[use.on][FEES] += use.amount_cents
    for write_off in facts.write_offs:
        days[write_off.on][WRITTEN_OFF] += write_off.amount_cents
    for recovery in facts.recoveries:
        days[recovery.on][RECOVERED] += recovery.amount_cents
    _add_standing(days, replayed.states)


def _add_standing(days: _Days, states: Sequence[LoanState]) -> None:
    outstanding = 0
    for state in states:
        measures = days[state.from_on]
        measures[ACTIVE] += (state.outstanding_principal_cents > 0) - (outstanding > 0)
        measures[OUTSTANDING] += state.outstanding_principal_cents - outstanding
        outstanding = state.outstanding_principal_cents
        for measure, late in ((PAR30, 30), (PAR90, 90)):
            first = at_risk_from(state, late)
            if first is None:  # nor is it in the PAR of more days
                break
            days[first][measure] += outstanding
            if state.until_on < END_OF_TIME:
                days[state.until_on][measure] -= outstanding
