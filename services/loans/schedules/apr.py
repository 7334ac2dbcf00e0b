"""The annual percentage rate of a loan, fees included, and the criminal rate of interest.

Two definitions, which give the same rate:
- the actuarial one (Criminal Code, s. 347): the rate at which the payments are worth the advance;
- the regulation's (SOR/2002-263, s. 3; N.B. Reg. 2010-104, s. 12): APR = C / (T x P), P being the
  average principal at the end of each period before its payment, payments going first to the
  accumulated cost, then to principal. A month is 1/12 of a year, a week 1/52, a day 1/365.
They part where a payment leaves some cost of its period unpaid (grace): the first would compound
it, the second forbids it. The second is then the rate.

Of a loan disbursed in several times, advances and payments alternate. More than one rate may then
make them worth the same; whether they pass a limit is still one question: at that rate, is what is
paid worth more than what is advanced? It is put to the whole loan: the Code measures the
aggregate of the charges on the aggregate of what is "actually advanced or to be advanced".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from enum import StrEnum
from itertools import groupby
from math import gcd

from services.common.calendar import Frequency, add_months
from services.loans.schedules.arithmetic import Schedule
from services.loans.schedules.periods import is_first_period_whole
from services.loans.schedules.terms import ScheduleTerms
from services.loans.vocabulary import BorrowerKind

LOWER_LIMIT_FROM = date(2025, 1, 1)
"""Agreements entered into before this day keep the former test: 60 % effective a year."""

_DIGITS = 50
_PRECISION = Decimal("1e-30")
_SHOWN = Decimal("1e-20")
_TOLD = Decimal("1e-6")
_TOLD_MAX = 10**18
"""In millionths of a percent: flows over this are over any rate."""

_FORMER_LIMIT = Decimal(60)
_NOMINAL_UNDER_FORMER_LIMIT = Decimal(47)
"""Compounded however often, 47 % a year is under 60 % effective: e ** 0.47 < 1.6."""
_LIMIT = Decimal(35)
_COMMERCIAL_LIMIT = Decimal(48)
_COMMERCIAL_ABOVE_CENTS = 10_000_00
_UNLIMITED_ABOVE_CENTS = 500_000_00


class RateBasis(StrEnum):
    """How the limit is measured: nominal with compounding each period, or effective."""

    ANNUAL_PERCENTAGE_RATE = "annual_percentage_rate"
    EFFECTIVE_ANNUAL_RATE = "effective_annual_rate"


class Verdict(StrEnum):
    ACCEPT = "accept"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class CashFlows:
    """What the borrower receives, net, on day one, and what he pays at the end of each period.

    A later advance is a payment below zero, apart from what he pays that day: it comes after it, at
    the end of a period of no length. `period_parts` are the periods' lengths, as integers over
    `parts_in_year`.
    """

    advance_cents: int
    payments_cents: tuple[int, ...]
    period_parts: tuple[int, ...]
    parts_in_year: int


@dataclass(frozen=True, slots=True)
class CriminalRateLimit:
    """The highest lawful rate in percent a year; None when the law sets none."""

    percent: Decimal | None
    basis: RateBasis


def cash_flows(terms: ScheduleTerms, schedule: Schedule) -> CashFlows:
    """The flows of a schedule: fees withheld and a down payment reduce the advance."""
    asked = schedule.payments_cents
    # A down payment is the first row, on the day of the disbursement; no other is due by then.
    down = 1 if schedule.due_on[0] <= terms.disbursed_on else 0
    at_start, payments = sum(asked[:down]), tuple(asked[down:])
    parts, parts_in_year = measure_periods(terms, len(payments))
    return CashFlows(
        advance_cents=terms.principal_cents - terms.fees_withheld_cents - at_start,
        payments_cents=payments,
        period_parts=tuple(parts),
        parts_in_year=parts_in_year,
    )


def measure_periods(terms: ScheduleTerms, count: int) -> tuple[list[int], int]:
    """The lengths of the first `count` periods, as integers over the parts in a year."""
    parts_in_year, part = {
        Frequency.MONTHS: (12 * 365, 365),
        Frequency.WEEKS: (52 * 365, 365),
        Frequency.DAYS: (365, 1),
    }[terms.frequency]
    parts = [part * terms.repay_every] * count
    if terms.first_due_on is not None and not is_first_period_whole(terms):
        parts[0] = _parts_until(terms.disbursed_on, terms.first_due_on, terms.frequency)
    return parts, parts_in_year


def _parts_until(start: date, end: date, frequency: Frequency) -> int:
    """A broken first period: its whole months or weeks, and the days left as 1/365 each."""
    if frequency is Frequency.MONTHS:
        months = 12 * (end.year - start.year) + end.month - start.month
        if add_months(start, months) > end:
            months -= 1
        return months * 365 + (end - add_months(start, months)).days * 12
    days = (end - start).days
    return days // 7 * 365 + days % 7 * 52 if frequency is Frequency.WEEKS else days


def annual_percentage_rate(flows: CashFlows) -> Decimal:
    """Percent a year, to 20 decimals, of one advance: shown to people; `judge` compares the exact
    rate.
    """
    with localcontext(Context(prec=_DIGITS)):
        return (100 * _annual_rate(flows)).quantize(_SHOWN).normalize()


def _annual_rate(flows: CashFlows) -> Decimal:
    rate = actuarial_rate(flows)
    return rate if _is_cost_paid(flows, rate) else cost_of_borrowing_rate(flows)


def actuarial_rate(flows: CashFlows) -> Decimal:
    """The yearly rate, as a fraction, at which the payments are worth the advance.

    Newton on the present value, which falls and is convex: from below, it climbs to the rate
    without passing it, and at the worst 1 + rate doubles at each step.
    """
    with localcontext(Context(prec=_DIGITS)):
        rate = move = _first_guess(flows)
        runs = _runs(flows)
        while abs(move) > (1 + rate) * _PRECISION:
            value, slope = _present_value(runs, rate)
            move = (flows.advance_cents - value) / slope
            rate += move
        return rate


def _first_guess(flows: CashFlows) -> Decimal:
    """Newton's step from zero, cost over the payments weighted by time: never past the rate."""
    elapsed = weighted = 0
    for payment, parts in zip(flows.payments_cents, flows.period_parts, strict=True):
        elapsed += parts
        weighted += payment * elapsed
    cost = sum(flows.payments_cents) - flows.advance_cents
    return Decimal(cost * flows.parts_in_year) / weighted


@dataclass(frozen=True, slots=True)
class _Run:
    """So many payments of the same amount after periods of the same length."""

    payment: Decimal
    years: Decimal
    count: int


def _runs(flows: CashFlows) -> list[_Run]:
    """The payments from the last to the first, equal ones together."""
    steps = zip(reversed(flows.payments_cents), reversed(flows.period_parts), strict=True)
    return [
        _Run(Decimal(payment), Decimal(parts) / flows.parts_in_year, len(list(equal_steps)))
        for (payment, parts), equal_steps in groupby(steps)
    ]


def _present_value(runs: Sequence[_Run], rate: Decimal) -> tuple[Decimal, Decimal]:
    """Value on day one of the payments, and its derivative by the rate (not zero)."""
    value = slope = Decimal(0)
    for run in runs:
        factor = 1 / (1 + rate * run.years)
        discount = factor**run.count
        # The annuity of the run, (1 - v^m) / i, then its derivative.
        annuity = (1 - discount) / (rate * run.years)
        annuity_slope = (run.count * discount * factor - annuity) / rate
        slope = run.payment * annuity_slope + discount * (
            slope - run.count * run.years * factor * value
        )
        value = run.payment * annuity + discount * value
    return value, slope


def cost_of_borrowing_rate(flows: CashFlows) -> Decimal:
    """The yearly rate, as a fraction, by C / (T x P), P depending on the rate itself.

    P grows with the rate, so that C / (T x P) at one bound gives the other; between them, false
    position (Illinois) on rate x T x P - C, which grows from below zero to above.
    """
    with localcontext(Context(prec=_DIGITS)):
        cost = Decimal(sum(flows.payments_cents) - flows.advance_cents)
        high = cost / _term_times_principal(flows, Decimal(0))
        low = cost / _term_times_principal(flows, high)
        excess_high = high * _term_times_principal(flows, high) - cost
        excess_low = low * _term_times_principal(flows, low) - cost
        was_above: bool | None = None
        while high - low > (1 + high) * _PRECISION:
            middle = (low * excess_high - high * excess_low) / (excess_high - excess_low)
            excess = middle * _term_times_principal(flows, middle) - cost
            if abs(excess) <= cost * _PRECISION:
                return middle
            is_above = excess > 0
            if is_above:
                high, excess_high = middle, excess
            else:
                low, excess_low = middle, excess
            if is_above is was_above:
                # The end that stays twice counts for half, else it would stay for ever.
                excess_low, excess_high = (
                    (excess_low / 2, excess_high) if is_above else (excess_low, excess_high / 2)
                )
            was_above = is_above
        return high


def _term_times_principal(flows: CashFlows, rate: Decimal) -> Decimal:
    """T x P in cent-years, cost kept apart from principal and paid first."""
    principal, unpaid_cost, weighted = Decimal(flows.advance_cents), Decimal(0), Decimal(0)
    rate_per_part = rate / flows.parts_in_year
    for payment, parts in zip(flows.payments_cents, flows.period_parts, strict=True):
        weight = principal * parts
        weighted += weight
        unpaid_cost += weight * rate_per_part
        to_principal = max(Decimal(0), payment - unpaid_cost)
        unpaid_cost -= payment - to_principal
        principal = max(Decimal(0), principal - to_principal)
    return weighted / flows.parts_in_year


def _is_cost_paid(flows: CashFlows, rate: Decimal) -> bool:
    """Whether each payment covers the cost of its period, up to the last."""
    with localcontext(Context(prec=_DIGITS)):
        balance = Decimal(flows.advance_cents)
        year = flows.parts_in_year
        if min(flows.payments_cents) * year >= balance * rate * max(flows.period_parts):
            return True  # what is owed never grows, so no later cost is larger
        for payment, parts in zip(flows.payments_cents[:-1], flows.period_parts, strict=False):
            cost = balance * rate * parts / year
            if cost > payment:
                return False
            balance += cost - payment
        return True


def criminal_rate_limit(
    contracted_on: date, borrower_kind: BorrowerKind, principal_cents: int
) -> CriminalRateLimit:
    """The limit for a business loan (Criminal Code, s. 347; SOR/2024-114, s. 1)."""
    if contracted_on < LOWER_LIMIT_FROM:
        return CriminalRateLimit(_FORMER_LIMIT, RateBasis.EFFECTIVE_ANNUAL_RATE)
    percent: Decimal | None = _LIMIT
    if borrower_kind is BorrowerKind.LEGAL_PERSON and principal_cents > _COMMERCIAL_ABOVE_CENTS:
        percent = None if principal_cents > _UNLIMITED_ABOVE_CENTS else _COMMERCIAL_LIMIT
    return CriminalRateLimit(percent, RateBasis.ANNUAL_PERCENTAGE_RATE)


def judge(flows: CashFlows, limit: CriminalRateLimit) -> Verdict:
    """Refuse what exceeds the limit; a rate equal to it is lawful. Nothing is rounded before."""
    if limit.percent is None:
        return Verdict.ACCEPT
    is_nominal = limit.basis is RateBasis.ANNUAL_PERCENTAGE_RATE
    if _is_surely_below(flows, limit.percent if is_nominal else _NOMINAL_UNDER_FORMER_LIMIT):
        return Verdict.ACCEPT
    is_above = _is_apr_above if is_nominal else _is_effective_rate_above
    return Verdict.REFUSE if is_above(flows, limit.percent) else Verdict.ACCEPT


def _is_surely_below(flows: CashFlows, percent: Decimal) -> bool:
    """Whether the cost is under what the rate would take if every payment were principal.

    It takes more, since payments go to cost first: most loans are told lawful by whole numbers
    and one multiplication a payment. Not where more is paid than was advanced, before more is
    advanced: what is paid beyond bears interest for the borrower.
    """
    balance, weighted, cost = flows.advance_cents, 0, -flows.advance_cents
    for payment, parts in zip(flows.payments_cents, flows.period_parts, strict=True):
        weighted += balance * parts
        if payment < 0 and balance < 0:
            return False
        balance -= payment
        cost += payment
    return 100 * cost * flows.parts_in_year <= weighted * percent


def _is_apr_above(flows: CashFlows, percent: Decimal) -> bool:
    """At the limit, the payments would more than repay the loan. Integers, so exact.

    What is paid before it is advanced bears interest at the limit too, for the borrower, and
    compounds, as present values do.
    """
    rate, denominator = percent.as_integer_ratio()
    denominator *= 100 * flows.parts_in_year
    common = gcd(denominator, *(rate * parts for parts in flows.period_parts))
    denominator //= common
    principal, unpaid_cost, scale = flows.advance_cents, 0, 1
    for payment_cents, parts in zip(flows.payments_cents, flows.period_parts, strict=True):
        scale *= denominator
        payment = payment_cents * scale
        unpaid_cost = unpaid_cost * denominator + principal * (rate * parts // common)
        paid_cost = min(unpaid_cost, max(payment, 0))
        unpaid_cost -= paid_cost
        principal = principal * denominator - (payment - paid_cost)
    return principal + unpaid_cost < 0


def find_rate_over(flows: CashFlows, limit: CriminalRateLimit) -> Decimal | None:
    """Percent a year of flows over the limit, to 6 decimals; None when they are over any rate.

    Rounded up: it never reads as equal to the limit. Where several rates make the flows worth the
    same, it is one over the limit.
    """
    if min(flows.payments_cents) < 0:
        return _search_rate(flows, limit)
    if flows.advance_cents <= 0:
        return None
    return annual_percentage_rate(flows).quantize(_TOLD, ROUND_CEILING)


def _search_rate(flows: CashFlows, limit: CriminalRateLimit) -> Decimal | None:
    """By halves, in millionths of a percent, with the exact comparison."""
    is_nominal = limit.basis is RateBasis.ANNUAL_PERCENTAGE_RATE
    low = int((limit.percent or 0) / _TOLD) if is_nominal else 0
    high = int(100 / _TOLD)
    while _is_apr_above(flows, high * _TOLD):
        low, high = high, 2 * high
        if high > _TOLD_MAX:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if _is_apr_above(flows, middle * _TOLD):
            low = middle
        else:
            high = middle
    return high * _TOLD


def _is_effective_rate_above(flows: CashFlows, percent: Decimal) -> bool:
    """At the limit, compounded once a year, the payments are worth more than the advance."""
    with localcontext(Context(prec=_DIGITS)):
        growth = 1 + percent / 100
        factors = {
            parts: growth ** (-Decimal(parts) / flows.parts_in_year)
            for parts in set(flows.period_parts)
        }
        value = Decimal(0)
        flow_parts = zip(reversed(flows.payments_cents), reversed(flows.period_parts), strict=True)
        for payment, parts in flow_parts:
            value = (value + payment) * factors[parts]
        return value > flows.advance_cents
