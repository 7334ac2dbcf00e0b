from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.money import (
    AMOUNT_CENTS_MAX,
    Rounding,
    allocate,
    divide_rounded,
    format_cents,
    format_rate,
    parse_cents,
    round_cents,
)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("0", 0),
        ("-0.00", 0),
        ("5", 500),
        ("1234.5", 123450),
        ("1234.50", 123450),
        ("-0.01", -1),
        ("007.10", 710),
        ("9999999999999.99", AMOUNT_CENTS_MAX),
    ],
)
def test_amounts_are_read(text: str, cents: int) -> None:
    assert parse_cents(text) == cents


NOT_AN_AMOUNT = (
    r"an amount is (digits with at most two decimals, such as 1234\.50|at most 9999999999999\.99)"
)
NOT_AMOUNTS = """ 5|5 |+5|.5|5.|1.234|1,50|1 000|1_000|1e3|--5|-|NaN|Infinity|٥|５|1.５|0x10"""


@pytest.mark.parametrize(
    "text", [*NOT_AMOUNTS.split("|"), "", "5\n", "10000000000000.00", "9" * 400]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{NOT_AN_AMOUNT}$"):
        parse_cents(text)


@given(st.integers(-AMOUNT_CENTS_MAX, AMOUNT_CENTS_MAX))
def test_amounts_written_are_read_back(cents: int) -> None:
    assert parse_cents(format_cents(cents)) == cents


@pytest.mark.parametrize(
    ("amount", "half_up", "half_even", "up"),
    [
        ("0.5", 1, 0, 1),
        ("1.5", 2, 2, 2),
        ("2.5", 3, 2, 3),
        ("2.4999", 2, 2, 3),
        ("2.5001", 3, 3, 3),
        ("2.0001", 2, 2, 3),
        ("3", 3, 3, 3),
        ("-2.5", -3, -2, -3),
        ("-2.1", -2, -2, -3),
    ],
)
def test_roundings(amount: str, half_up: int, half_even: int, up: int) -> None:
    expected = {Rounding.HALF_UP: half_up, Rounding.HALF_EVEN: half_even, Rounding.UP: up}
    numerator, denominator = Decimal(amount).as_integer_ratio()
    for mode, cents in expected.items():
        assert round_cents(Decimal(amount), mode) == cents
        assert divide_rounded(numerator, denominator, mode) == cents


@given(st.integers(), st.integers(1), st.sampled_from(Rounding))
def test_a_quotient_rounds_to_a_neighbour(numerator: int, denominator: int, mode: Rounding) -> None:
    error = divide_rounded(numerator, denominator, mode) - Fraction(numerator, denominator)
    assert abs(error) < 1 if mode is Rounding.UP else abs(error) <= Fraction(1, 2)
    assert divide_rounded(-numerator, denominator, mode) == -divide_rounded(
        numerator, denominator, mode
    )


def test_shares_go_to_the_largest_remainders() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(-100, [1, 1, 1]) == [-34, -33, -33]
    assert allocate(5, [0, 3, 7]) == [0, 2, 3]
    assert allocate(0, [0, 1]) == [0, 0]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_weights_must_make_sense(weights: list[int]) -> None:
    with pytest.raises(
        ValueError, match=r"^weights are zero or more, and at least one is above zero$"
    ):
        allocate(100, weights)


@given(
    st.integers(-(10**15), 10**15),
    st.lists(st.integers(0, 10**9), min_size=1).filter(any),
)
def test_shares_always_add_up(total: int, weights: list[int]) -> None:
    parts = allocate(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


def test_a_rate_is_written_without_trailing_zeros_nor_exponent() -> None:
    written = {"7.50": "7.5", "10": "10", "100": "100", "0.000": "0", "-1.20": "-1.2"}
    assert {rate: format_rate(Decimal(rate)) for rate in written} == written
    assert format_rate(Decimal("0.00000001")) == "0.00000001"
