"""The partnership report: each indicator beside its target, protected for whom it is for. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from gateway.disclosure import Cell, Profile, exact, protect_ratio, protect_share
from gateway.reports.indicators import INDICATORS
from gateway.reports.indicators.kinds import Indicator, Protection, Quotient
from gateway.reports.measures import Facts
from services.common.calendar import FiscalYear


@dataclass(frozen=True, slots=True)
class Target:
    """What one agreement wants an indicator to reach in each of its fiscal years."""

    agreement: str
    indicator: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement with a funder, as the funds service tells it."""

    agreement_id: str
    external_id: str
    funder: str
    title: str
    first: date
    last: date
    amount_cents: int
    paid_cents: int
    targets: tuple[Target, ...]

    def covers(self, year: FiscalYear) -> bool:
        return self.first <= year.first_day and year.last_day <= self.last


@dataclass(frozen=True, slots=True)
class Line:
    """One indicator of the report. `target` is None when no agreement, or not one alone, sets it.

    `attainment` is value / target, of the value before rounding; None when there is no value to
    show.
    """

    indicator: Indicator
    cell: Cell[Decimal]
    targets: tuple[Target, ...]
    target: Decimal | None
    attainment: Fraction | None
    is_attained: bool | None
    unknown: int | None


def make_lines(
    facts: Facts, agreements: Sequence[Agreement], profile: Profile | None
) -> list[Line]:
    """Every indicator of the dictionary, in its order; exact when there is no profile."""
    targets = [target for agreement in agreements for target in agreement.targets]
    return [
        _make_line(
            indicator,
            indicator.measure(facts),
            tuple(target for target in targets if target.indicator == indicator.code),
            profile,
        )
        for indicator in INDICATORS
    ]


def _make_line(
    indicator: Indicator, quotient: Quotient, targets: tuple[Target, ...], profile: Profile | None
) -> Line:
    cell = _protect(indicator, quotient, profile)
    wanted = {target.value for target in targets}
    target = wanted.pop() if len(wanted) == 1 else None
    attainment, is_attained = None, None
    reached = quotient.in_unit(indicator.unit)
    if target is not None and cell.value is not None and reached is not None:
        goal = Fraction(target)
        attainment = reached / goal if goal else None
        is_attained = reached <= goal if indicator.is_lower_better else reached >= goal
    unknown = None if cell.is_suppressed else quotient.unknown
    return Line(indicator, cell, targets, target, attainment, is_attained, unknown)


def _protect(indicator: Indicator, quotient: Quotient, profile: Profile | None) -> Cell[Decimal]:
    value = quotient.rounded(indicator.unit)
    if profile is None or indicator.protection is Protection.OPEN:
        return exact(value)
    if indicator.protection is Protection.RATIO:
        return protect_ratio(value, quotient.group, profile)
    is_sensitive = indicator.protection is Protection.SENSITIVE_SHARE
    cell = protect_share(
        quotient.numerator, quotient.denominator, profile, is_sensitive=is_sensitive
    )
    return cell if cell.value is None else replace(cell, value=value)
