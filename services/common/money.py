"""Money as integer cents: reading, writing, rounding and sharing it without losing one.

Everything here is exact: quotients are taken on integers and rounded once, by a named rule.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from enum import StrEnum

AMOUNT_CENTS_MAX = 10**15 - 1
"""The largest amount read from outside, either sign: sums of millions of them still fit bigint."""

_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,2})?", re.ASCII)


class Rounding(StrEnum):
    """How a fraction of a cent becomes a cent. Negative amounts round as their mirror image."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    UP = "up"


_DECIMAL_ROUNDING = {
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.UP: ROUND_UP,
}


def round_cents(amount_cents: Decimal, mode: Rounding = Rounding.HALF_UP) -> int:
    """Round a decimal number of cents (not of dollars) to whole cents."""
    return int(amount_cents.to_integral_value(rounding=_DECIMAL_ROUNDING[mode]))


def divide_rounded(numerator: int, denominator: int, mode: Rounding = Rounding.HALF_UP) -> int:
    """Divide two integers exactly and round once; the denominator is positive."""
    if numerator < 0:
        return -divide_rounded(-numerator, denominator, mode)
    if mode is Rounding.HALF_UP:
        return (2 * numerator + denominator) // (2 * denominator)
    quotient, remainder = divmod(numerator, denominator)
    if mode is Rounding.UP:
        return quotient + (remainder > 0)
    # An odd quotient makes a half more than a half.
    return quotient + (2 * remainder + (quotient & 1) > denominator)


def parse_cents(text: str) -> int:
    """Read `1234.5` or `-1234.50`: plain ASCII digits, at most two decimals. ValueError else."""
    if _AMOUNT.fullmatch(text) is None:
        raise ValueError("an amount is digits with at most two decimals, such as 1234.50")
    units, _, fraction = text.removeprefix("-").partition(".")
    cents = int(units) * 100 + int(fraction.ljust(2, "0"))
    if cents > AMOUNT_CENTS_MAX:
        raise ValueError(f"an amount is at most {format_cents(AMOUNT_CENTS_MAX)}")
    return -cents if text.startswith("-") else cents


def format_cents(amount_cents: int) -> str:
    """Write cents as the contract writes money: `1234.50`, two decimals, no separators."""
    units, cents = divmod(abs(amount_cents), 100)
    return f"{'-' if amount_cents < 0 else ''}{units}.{cents:02d}"


def format_rate(rate: Decimal) -> str:
    """Write a decimal that is no amount: `7.5` for 7.50, `10` for 10, never an exponent."""
    return format(rate.normalize(), "f")


def allocate(total_cents: int, weights: Sequence[int]) -> list[int]:
    """Share an amount by weight so that the parts always add up (largest remainder).

    Cents left over go to the largest remainders, the first part first among equals. Weights
    are zero or more and not all zero, else ValueError.
    """
    weight_total = sum(weights)
    if weight_total <= 0 or min(weights) < 0:
        raise ValueError("weights are zero or more, and at least one is above zero")
    if total_cents < 0:
        return [-part for part in allocate(-total_cents, weights)]
    shares = [divmod(total_cents * weight, weight_total) for weight in weights]
    parts = [quotient for quotient, _ in shares]
    left_over = total_cents - sum(parts)
    by_remainder = sorted(range(len(shares)), key=lambda index: -shares[index][1])
    for index in by_remainder[:left_over]:
        parts[index] += 1
    return parts
