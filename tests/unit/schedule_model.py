"""A second schedule calculator: slow, obvious, exact fractions, written apart from the first.

It walks days one by one, discounts each instalment back to day one, and rounds as a person
would. Tests compare the product with it on random loans. None stands for "cannot be scheduled".
"""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor

from services.loans.schedules.terms import ScheduleTerms

Row = tuple[date, int, int]  # due on, principal, interest


def round_half_up(x: Fraction) -> int:
    return floor(x + Fraction(1, 2)) if x >= 0 else -floor(-x + Fraction(1, 2))


def round_by(x: Fraction, rounding: str) -> int:
    if rounding == "half_up":
        return round_half_up(x)
    return round(x) if rounding == "half_even" else ceil(x)


def month_later(start: date, months: int) -> date:
    year, month = start.year, start.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    day = start.day
    while True:
        try:
            return date(year, month, day)
        except ValueError:
            day -= 1


def step(start: date, terms: ScheduleTerms, number: int) -> date:
    count = number * terms.repay_every
    if terms.frequency == "months":
        return month_later(start, count)
    return start + timedelta(days=count if terms.frequency == "days" else 7 * count)


def days_of_360(start: date, end: date) -> int:
    first = 30 if start.day == 31 else start.day
    last = 30 if end.day == 31 and first == 30 else end.day
    months = (end.year * 12 + end.month) - (start.year * 12 + start.month)
    return months * 30 + last - first


def is_leap(year: int) -> bool:
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days == 366


def years_between(day_count: str, start: date, end: date) -> Fraction:
    nights = [start + timedelta(days=offset) for offset in range((end - start).days)]
    mornings = [night + timedelta(days=1) for night in nights]
    match day_count:
        case "30/360":
            return Fraction(days_of_360(start, end), 360)
        case "actual/365" | "actual/360" | "actual/364":
            return Fraction(len(nights), int(day_count[-3:]))
        case "actual/actual-isda":
            return sum((Fraction(1, 366 if is_leap(d.year) else 365) for d in nights), Fraction())
        case "actual/actual-31dec":
            return sum((Fraction(1, 366 if is_leap(d.year) else 365) for d in mornings), Fraction())
        case "actual/actual-feb29":
            holds = any((d.month, d.day) == (2, 29) for d in mornings)
            return Fraction(len(nights), 366 if holds else 365)
    raise AssertionError(day_count)


def is_whole(terms: ScheduleTerms) -> bool:
    """Whether the first period is as long as the others.

    With an anchor, for a schedule laid anew during the life of a loan, it is counted from there.
    """
    if terms.due_anchor is None:
        return terms.first_due_on in (None, step(terms.disbursed_on, terms, 1))
    dates = [day for k in range(60) if (day := step(terms.due_anchor, terms, k)) < first_due(terms)]
    return bool(dates) and dates[-1] == terms.disbursed_on


def first_due(terms: ScheduleTerms) -> date:
    return terms.first_due_on or step(terms.disbursed_on, terms, 1)


def periods(terms: ScheduleTerms) -> tuple[list[date], list[Fraction]]:
    """Due dates and, for each, the part of a year its interest runs."""
    first = first_due(terms)
    anchor = terms.due_anchor or (terms.disbursed_on if is_whole(terms) else first)
    number = next(k for k in range(60) if step(anchor, terms, k) == first)
    dates = [step(anchor, terms, number + k) for k in range(terms.instalments)]
    starts = [terms.disbursed_on, *dates]
    if terms.day_count == "period_fraction":
        months = terms.frequency == "months"
        whole = Fraction({"months": 30, "weeks": 7, "days": 1}[terms.frequency], 360)
        years = [whole * terms.repay_every] * terms.instalments
        if not is_whole(terms):
            days = (first - terms.disbursed_on).days
            days = days_of_360(terms.disbursed_on, first) if months else days
            years[0] = Fraction(days, 360)
    else:
        years = [years_between(terms.day_count, a, b) for a, b in zip(starts, dates, strict=False)]
    free = terms.interest_free_periods
    return dates, [Fraction(0)] * free + years[free:]


@dataclass
class Attempt:
    """The amounts of every instalment for one choice of the equal part, if it repays."""

    principals: list[int]
    interests: list[int]


def attempt(
    terms: ScheduleTerms, lent: int, rates: list[Fraction], first: int, equal: int
) -> Attempt | None:
    lines = "half_up" if terms.rounding == "up" else terms.rounding
    n = terms.instalments
    equal_payment = terms.amortisation == "equal_instalments"
    flat = terms.interest_method == "flat"
    unpaid = terms.interest_free_periods
    if equal_payment:
        unpaid = max(unpaid, terms.interest_grace_periods)
    flat_exact = lent * sum(rates, Fraction(0))
    flat_total = round_by(flat_exact, lines)
    flat_part = round_by(flat_exact / max(1, n - unpaid), lines)
    balance, interest_left = lent, flat_total
    made = Attempt([], [])
    for k in range(n):
        if flat:
            interest = min(flat_part, interest_left) if k >= unpaid else 0
            interest_left -= interest
        else:
            interest = round_by(balance * rates[k], lines)
        if k == n - 1:
            principal = balance
        elif k < first:
            principal = 0
        elif not equal_payment:
            principal = equal
        else:
            principal = equal - (flat_part if flat else interest)
        if principal < 0:
            return None
        principal = min(principal, balance)
        balance -= principal
        made.principals.append(principal)
        made.interests.append(interest)
        if balance == 0:
            break
    if flat:
        made.interests[-1] += interest_left
    if len(made.principals) - first > 1 and made.principals[-1] == lent:
        return None
    return made


def rounded_instalment(terms: ScheduleTerms, exact: Fraction) -> int:
    multiple = terms.instalment_multiple_cents or 1
    return round_by(exact / multiple, terms.rounding) * multiple


def equal_part(terms: ScheduleTerms, lent: int, rates: list[Fraction], first: int) -> int:
    shares = terms.instalments - first
    if terms.amortisation == "equal_principal":
        return rounded_instalment(terms, Fraction(lent, shares))
    if terms.interest_method == "flat":
        unpaid = max(terms.interest_free_periods, terms.interest_grace_periods)
        interest = lent * sum(rates, Fraction(0)) / max(1, terms.instalments - unpaid)
        if terms.instalment_multiple_cents:
            return rounded_instalment(terms, Fraction(lent, shares) + interest)
        lines = "half_up" if terms.rounding == "up" else terms.rounding
        return round_by(Fraction(lent, shares), terms.rounding) + round_by(interest, lines)
    worth, discount = Fraction(0), Fraction(1)
    for rate in rates[first:]:
        discount /= 1 + rate
        worth += discount
    return rounded_instalment(terms, lent / worth)


def model_rows(terms: ScheduleTerms) -> list[Row] | None:
    lines = "half_up" if terms.rounding == "up" else terms.rounding
    percent = Fraction(terms.down_payment_percent or 0)
    down = round_by(terms.principal_cents * percent / 100, lines)
    lent = terms.principal_cents - down
    dates, years = periods(terms)
    rates = [Fraction(terms.annual_rate) / 100 * part for part in years]
    first = terms.principal_grace_periods
    n = terms.instalments
    equal = equal_part(terms, lent, rates, first)
    is_declining = terms.interest_method == "declining_balance"
    is_equal = terms.amortisation == "equal_instalments"
    may_skip = is_declining and is_equal and not is_whole(terms) and first == 0 and n > 1
    if may_skip and equal < round_by(lent * rates[0], lines):
        first = 1
        equal = equal_part(terms, lent, rates, first)
    made = attempt(terms, lent, rates, first, equal)
    if made is None:
        return None
    if terms.smoothing and is_equal and n - first >= 2:
        made = smooth(terms, lent, rates, first, equal, made)
    defer(made, terms.interest_grace_periods)
    rows = list(zip(dates, made.principals, made.interests, strict=False))
    return [(terms.disbursed_on, down, 0), *rows] if down else rows


def smooth(
    terms: ScheduleTerms, lent: int, rates: list[Fraction], first: int, equal: int, made: Attempt
) -> Attempt:
    n = terms.instalments - first

    def gap_of(made: Attempt, equal: int) -> int:
        whole = len(made.principals) == terms.instalments
        return (made.principals[-1] + made.interests[-1] if whole else 0) - equal

    for _ in range(3):
        gap = gap_of(made, equal)
        if abs(gap) <= n // 2:
            break
        moved = rounded_instalment(
            terms, Fraction(equal + round_by(Fraction(gap, n), terms.rounding))
        )
        other = attempt(terms, lent, rates, first, moved)
        if moved == equal or other is None or abs(gap_of(other, moved)) >= abs(gap):
            break
        made, equal = other, moved
    return made


def defer(made: Attempt, grace: int) -> None:
    due = min(grace, len(made.interests) - 1)
    made.interests[due] += sum(made.interests[:due])
    made.interests[:due] = [0] * due
