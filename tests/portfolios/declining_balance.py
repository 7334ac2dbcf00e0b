"""A second, slow and obvious loan calculator: the oracle of the portfolio tests.

It shares no code with the system on purpose. Amounts are Decimal dollars outside; what is divided
is an exact ratio until it is rounded to the cent, so that no half cent is lost to a division.
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

ZERO = Decimal("0.00")
# The contract's `period_fraction`: n/12 of a year per month, 7n/360 per week, n/360 per day.
YEARS_PER_PERIOD = {
    "months": Fraction(1, 12),
    "weeks": Fraction(7, 360),
    "days": Fraction(1, 360),
}


@dataclass(frozen=True, slots=True)
class Instalment:
    number: int
    due_on: date
    principal: Decimal
    interest: Decimal
    fees: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Payment:
    paid_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Share:
    """What one payment, or the part of it that met one instalment, was for."""

    paid_on: date
    fees: Decimal
    interest: Decimal
    principal: Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """A loan at the end of a day; `days_past_due` counts from the oldest unpaid instalment."""

    outstanding_principal: Decimal
    days_past_due: int


class OverpaymentError(ValueError):
    """More was paid than the whole schedule asks."""


def times(amount_cents: int, ratio: Fraction) -> int:
    """To the cent, half a cent up; nothing here is ever negative."""
    return (2 * amount_cents * ratio.numerator + ratio.denominator) // (2 * ratio.denominator)


def dollars(amount_cents: int) -> Decimal:
    return Decimal(amount_cents).scaleb(-2)


def add_months(start: date, months: int) -> date:
    """The same day of a later month, or that month's last day: 31 January gives 28 February."""
    year, month_index = divmod(start.year * 12 + start.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month_index + 1)[1]
    return date(year, month_index + 1, min(start.day, last_day))


def due_date(disbursed_on: date, first_due_on: date | None, frequency: str, number: int) -> date:
    """Each date is counted from the anchor, so that a short month does not move the next ones."""
    anchor, periods = (disbursed_on, number) if first_due_on is None else (first_due_on, number - 1)
    if frequency == "months":
        return add_months(anchor, periods)
    if frequency == "weeks":
        return anchor + timedelta(weeks=periods)
    if frequency == "days":
        return anchor + timedelta(days=periods)
    raise ValueError(f"unknown frequency {frequency!r}")


def equal_instalments(
    principal: Decimal,
    annual_rate: Decimal,
    count: int,
    frequency: str,
    disbursed_on: date,
    first_due_on: date | None = None,
) -> tuple[Instalment, ...]:
    """Equal instalments on the declining balance, cents half up, the last takes what is left."""
    rate = Fraction(annual_rate) / 100 * YEARS_PER_PERIOD[frequency]
    annuity = rate / (1 - (1 + rate) ** -count) if rate else Fraction(1, count)
    balance = int(principal * 100)
    equal = times(balance, annuity)
    rows = []
    for number in range(1, count + 1):
        interest = times(balance, rate)
        part = balance if number == count else min(balance, equal - interest)
        balance -= part
        due_on = due_date(disbursed_on, first_due_on, frequency, number)
        rows.append(Instalment(number, due_on, dollars(part), dollars(interest)))
    return tuple(rows)


def share_payments(
    instalments: Sequence[Instalment], payments: Sequence[Payment]
) -> tuple[tuple[Share, ...], tuple[Instalment, ...]]:
    """Each payment meets the oldest instalment first: its fees, its interest, its principal.

    Returns what each payment was for and what each instalment still asks.
    """
    shares = []
    unpaid = list(instalments)
    oldest = 0
    for payment in sorted(payments, key=lambda one: one.paid_on):
        left = payment.amount
        while left > 0:
            if oldest == len(unpaid):
                raise OverpaymentError(f"{left} left of the payment of {payment.paid_on}")
            row = unpaid[oldest]
            fees = min(left, row.fees)
            interest = min(left - fees, row.interest)
            principal = min(left - fees - interest, row.principal)
            left -= fees + interest + principal
            shares.append(Share(payment.paid_on, fees, interest, principal))
            unpaid[oldest] = Instalment(
                row.number,
                row.due_on,
                row.principal - principal,
                row.interest - interest,
                row.fees - fees,
            )
            if asks_nothing(unpaid[oldest]):
                oldest += 1
    return tuple(shares), tuple(unpaid)


def asks_nothing(row: Instalment) -> bool:
    return row.fees == row.interest == row.principal == 0


def position(
    instalments: Sequence[Instalment], payments: Sequence[Payment], as_of: date
) -> Position:
    """The position at the end of `as_of`, from the payments received until then."""
    _, unpaid = share_payments(instalments, [p for p in payments if p.paid_on <= as_of])
    late = [(as_of - row.due_on).days for row in unpaid if not asks_nothing(row)]
    return Position(
        outstanding_principal=sum((row.principal for row in unpaid), ZERO),
        days_past_due=max([0, *late]),
    )
