"""Figures, dates and names as people read them, by code point: a space is not any space."""

from datetime import date
from decimal import Decimal
from itertools import permutations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats import (
    LANGUAGE_TAGS,
    LOCALES,
    CountedNoun,
    bind_punctuation,
    format_count,
    format_long_date,
    format_money,
    format_period,
    format_ratio,
    format_short_money,
    format_whole_dollars,
    sort_key_french,
)
from services.common.text import Language, Text

LOAN = CountedNoun(Text("prêt", "loan"), Text("prêts", "loans"))
JOB = CountedNoun(Text("emploi", "job"), Text("emplois", "jobs"))


def test_every_language_has_a_locale_and_a_tag() -> None:
    assert set(LOCALES) == set(LANGUAGE_TAGS) == set(get_args(Language))


@pytest.mark.parametrize(
    ("amount", "french", "english"),
    [
        ("0.00", "0,00\u00a0$", "$0.00"),
        ("1234.56", "1\u00a0234,56\u00a0$", "$1,234.56"),
        ("-1234.56", "-1\u00a0234,56\u00a0$", "-$1,234.56"),
        ("1000000.00", "1\u00a0000\u00a0000,00\u00a0$", "$1,000,000.00"),
        ("0.005", "0,01\u00a0$", "$0.01"),
        ("0.015", "0,02\u00a0$", "$0.02"),
        (
            "90071992547409.93",
            "90\u00a0071\u00a0992\u00a0547\u00a0409,93\u00a0$",
            "$90,071,992,547,409.93",
        ),
    ],
)
def test_money(amount: str, french: str, english: str) -> None:
    assert format_money(amount, "fr") == french
    assert format_money(amount, "en") == english


@pytest.mark.parametrize(
    ("amount", "french", "english"),
    [
        ("0.00", "0\u00a0$", "$0"),
        ("-0.40", "0\u00a0$", "$0"),
        ("84000.00", "84\u00a0000\u00a0$", "$84,000"),
        ("1234.50", "1\u00a0235\u00a0$", "$1,235"),
        ("1235.50", "1\u00a0236\u00a0$", "$1,236"),
    ],
)
def test_whole_dollars(amount: str, french: str, english: str) -> None:
    assert format_whole_dollars(amount, "fr") == french
    assert format_whole_dollars(amount, "en") == english


@pytest.mark.parametrize(
    ("amount", "french", "english"),
    [
        ("999.49", "999\u00a0$", "$999"),
        ("84000.00", "84,0\u00a0k$", "$84.0K"),
        ("999949.99", "999,9\u00a0k$", "$999.9K"),
        ("999950.00", "1,0\u00a0M$", "$1.0M"),
        ("-2150000.00", "-2,2\u00a0M$", "-$2.2M"),
        ("1234567890.00", "1\u00a0234,6\u00a0M$", "$1,234.6M"),
    ],
)
def test_short_money(amount: str, french: str, english: str) -> None:
    assert format_short_money(amount, "fr") == french
    assert format_short_money(amount, "en") == english


@pytest.mark.parametrize(
    ("ratio", "french", "english"),
    [
        ("0.925", "92,5\u00a0%", "92.5%"),
        ("0.9245", "92,5\u00a0%", "92.5%"),  # half-up; half-even would give 92,4
        ("0.0692", "6,9\u00a0%", "6.9%"),
        ("0", "0,0\u00a0%", "0.0%"),
        ("12.345", "1\u00a0234,5\u00a0%", "1,234.5%"),
    ],
)
def test_ratio(ratio: str, french: str, english: str) -> None:
    assert format_ratio(ratio, "fr") == french
    assert format_ratio(ratio, "en") == english


def test_long_dates() -> None:
    assert format_long_date(date(2026, 4, 1), "fr") == "1er avril 2026"
    assert format_long_date(date(2026, 4, 2), "fr") == "2 avril 2026"
    assert format_long_date(date(2026, 8, 11), "fr") == "11 août 2026"
    assert format_long_date(date(2026, 4, 1), "en") == "April 1, 2026"


def test_period() -> None:
    first, last = date(2025, 4, 1), date(2026, 3, 31)
    assert format_period(first, last, "fr") == "du 1er avril 2025 au 31 mars 2026"
    assert format_period(first, last, "en") == "April 1, 2025 to March 31, 2026"


@pytest.mark.parametrize(
    ("count", "french", "english"),
    [
        (0, "0\u00a0prêt", "0\u00a0loans"),
        (1, "1\u00a0prêt", "1\u00a0loan"),
        (2, "2\u00a0prêts", "2\u00a0loans"),
        (1234, "1\u00a0234\u00a0prêts", "1,234\u00a0loans"),
        (1_000_000, "1\u00a0million de prêts", "1,000,000\u00a0loans"),
        (2_000_000, "2\u00a0millions de prêts", "2,000,000\u00a0loans"),
    ],
)
def test_counted_nouns(count: int, french: str, english: str) -> None:
    assert LOAN.count(count, "fr") == french
    assert LOAN.count(count, "en") == english


def test_punctuation_stays_on_its_line() -> None:
    text = "Voici : « Montréal »."
    assert bind_punctuation(text, "fr") == "Voici\u00a0: «\u00a0Montréal\u00a0»."
    assert bind_punctuation(text, "en") == text


def test_elision_after_millions() -> None:
    assert JOB.count(1_000_000, "fr") == "1\u00a0million d’emplois"


@given(st.integers(min_value=-(10**13), max_value=10**13))
def test_money_keeps_every_cent(cents: int) -> None:
    """Reading the text back gives the same amount: nothing went through a float."""
    amount = Decimal(cents).scaleb(-2)
    text = format_money(str(amount), "fr")
    assert Decimal(text.removesuffix("\u00a0$").replace("\u00a0", "").replace(",", ".")) == amount


@given(st.integers(min_value=0, max_value=10**12))
def test_counts_keep_every_digit(count: int) -> None:
    assert int(format_count(count, "fr").replace("\u00a0", "")) == count


def test_french_order_compares_accents_from_the_end() -> None:
    expected = ["cote", "côte", "coté", "côté"]
    for shuffled in permutations(expected):
        assert sorted(shuffled, key=sort_key_french) == expected


def test_french_order_of_region_names() -> None:
    expected = [
        "Abitibi-Témiscamingue",
        "Bas-Saint-Laurent",
        "Capitale-Nationale",
        "Centre-du-Québec",
        "Chaudière-Appalaches",
        "Côte-Nord",
        "Estrie",
        "Gaspésie–Îles-de-la-Madeleine",
        "Îles",
        "Lanaudière",
        "Laurentides",
        "Laval",
        "Mauricie",
        "Montérégie",
        "Montréal",
        "œuvre",
        "ogre",
        "zone",
    ]
    assert sorted(set(expected), key=sort_key_french) == expected


def test_french_order_ignores_how_a_letter_was_composed() -> None:
    assert sort_key_french("Montre\u0301al") == sort_key_french("Montréal")
