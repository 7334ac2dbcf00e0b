"""Cells as people write them, and those that are left for the field to refuse."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.cells import CellKind
from services.common.columns import Column
from services.common.errors import JsonValue
from services.common.tabular import read_table


def cell(text: str, kind: CellKind) -> JsonValue:
    """What one cell of a sheet is read as."""
    sheet = io.StringIO(newline="")
    csv.writer(sheet).writerows([["id", "x"], ["1", text]])
    columns = (Column("id"), Column("x", kind))
    batch = next(read_table(sheet.getvalue().encode(), "text/csv", columns).batches)
    return batch.values[0].get("x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1234.5", "1234.5"),
        ("1234,56", "1234.56"),
        ("1 234,56", "1234.56"),
        ("1\u00a0234,56\u00a0$", "1234.56"),
        ("1\u202f234\u202f567,89 $", "1234567.89"),
        ("$1 234.56", "1234.56"),
        ("$ 5", "5"),
        ("5$", "5"),
        ("-25,00", "-25.00"),
        ("\u221225,00", "-25.00"),
        ("007", "007"),
        ("1,234.56", "1234.56"),
        ("1.234.567,8", "1234567.8"),
        ("-$1,234.56", "-$1,234.56"),
        ("$1,234,567.00", "1234567.00"),
        ("CAD 5", "5"),
        ("5 000 $ CA", "5000"),
        ("1,234", "1.234"),  # a comma is the decimal sign: three decimals, refused later
    ],
)
def test_amounts(text: str, expected: str) -> None:
    assert cell(text, CellKind.AMOUNT) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1,23.45", "1.23,45", "1,234,567", "1,234.567", "12 34,00",
        "1 2345", "1234 567", "5,", ",5", "5,0,0", "$5$",
        "5 €", "1e3", "NaN", "Infinity", "(25,00)", "--5", "5%", "0x10", "１２",
        "1'234.00", "5 000 $ US", "$", "-",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_left_for_the_field_to_refuse(text: str) -> None:
    assert cell(text, CellKind.AMOUNT) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7,25", "7.25"), ("7.25 %", "7.25"), ("7%", "7"), ("7,5\u00a0%", "7.5"), ("7 $", "7 $")],
)
def test_rates(text: str, expected: str) -> None:
    assert cell(text, CellKind.RATE) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12), ("1 200", 1200), ("-3", -3), ("0", 0), ("999999999999999", 10**15 - 1),
        ("9999999999999999", "9999999999999999"), ("12,0", 12), ("12.00", 12), ("12.5", "12.5"),
        ("deux", "deux"), ("9" * 5000, "9" * 5000),
    ],
)  # fmt: skip
def test_integers(text: str, expected: JsonValue) -> None:
    assert cell(text, CellKind.INTEGER) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a|b", ["a", "b"]), (" a | b |", ["a", "b"]), ("a", ["a"]), ("|", []), ("a,b", ["a,b"])],
)
def test_lists(text: str, expected: JsonValue) -> None:
    assert cell(text, CellKind.LIST) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Oui", True), ("vrai", True), ("TRUE", True), ("1", True), ("non", False), ("0", False),
     ("FAUX", False), ("no", False), ("peut-être", "peut-être")],
)  # fmt: skip
def test_booleans(text: str, expected: JsonValue) -> None:
    assert cell(text, CellKind.BOOLEAN) == expected


def test_texts_are_not_touched() -> None:
    assert cell(" 007,5 ", CellKind.TEXT) == "007,5"


@given(st.integers(0, 10**14))
def test_an_amount_reads_the_same_in_every_writing(cents: int) -> None:
    plain = f"{cents // 100}.{cents % 100:02d}"
    french = f"{cents // 100:,}".replace(",", "\u202f") + f",{cents % 100:02d}\u00a0$"
    for text in (plain, plain.replace(".", ","), french, f"${plain}"):
        assert cell(text, CellKind.AMOUNT) == plain
