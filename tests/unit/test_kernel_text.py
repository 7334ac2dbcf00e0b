"""Choosing between French and English by Accept-Language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.text import Language, Text, choose_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "fr"),
        ("", "fr"),
        ("fr", "fr"),
        ("en", "en"),
        ("en-CA", "en"),
        ("EN-us", "en"),
        ("fr-CA, en;q=0.9", "fr"),
        ("en-CA, fr;q=0.9", "en"),
        ("en, fr", "en"),
        ("fr, en", "fr"),
        ("fr;q=0.5, en;q=0.8", "en"),
        ("fr; q=0.5 , en ;q=0.4", "fr"),
        ("en;q=0", "fr"),
        ("en;q=0, fr;q=0", "fr"),
        ("fr;q=0, en;q=0.1", "en"),
        ("*", "fr"),
        ("*;q=0.5, en;q=0.6", "en"),
        ("*;q=0.9, en;q=0.6", "fr"),
        ("en;q=0.5, *;q=0.5", "en"),
        ("es, de;q=0.9", "fr"),
        ("es, en;q=0.1", "en"),
        ("eng", "fr"),
        ("en_US", "fr"),
        ("en;q=abc", "fr"),
        ("en;q=nan", "fr"),
        ("en;q=-1", "fr"),
        ("en;level=1", "en"),
        (";q=1,,;", "fr"),
        ("\x00\xff", "fr"),
    ],
)
def test_language(header: str | None, language: Language) -> None:
    assert choose_language(header) == language


@given(st.text(max_size=60) | st.from_regex(r"[a-z*,;=q0-9. -]{0,40}"))
def test_any_header_gives_a_language(header: str) -> None:
    assert choose_language(header) in ("fr", "en")


def test_a_text_fills_both_languages() -> None:
    text = Text("{count} prêts", "{count} loans").fill(count=3)
    assert (text.read("fr"), text.read("en")) == ("3 prêts", "3 loans")
