"""How figures, dates and names are shown to people, in French (fr-CA) and English (en-CA).

Takes the exact decimal strings of the reports and never a float; every rounding is half-up
(away from zero), because a person checks these figures with a pencil.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

from services.common.text import Language, Text

LOCALES: dict[Language, Locale] = {"fr": Locale("fr", "CA"), "en": Locale("en", "CA")}
LANGUAGE_TAGS: dict[Language, str] = {"fr": "fr-CA", "en": "en-CA"}
NBSP = "\u00a0"

SUPPRESSED = Text("supprimé (confidentialité)", "suppressed (confidentiality)")

# CLDR writes the percent sign of French after a no-break space, that of English without.
_PERCENT_PATTERNS: dict[Language, str] = {"fr": f"#,##0.0{NBSP}%", "en": "#,##0.0%"}


def _round(value: Decimal, places: int) -> Decimal:
    """Half-up to a number of decimals; Babel alone would round half to even."""
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return rounded or abs(rounded)  # never "-0"


def format_count(count: int, language: Language) -> str:
    """A whole number with its thousands apart: `1 234` or `1,234`."""
    return format_decimal(count, locale=LOCALES[language])


def format_money(amount: str | Decimal, language: Language) -> str:
    """Dollars and cents: `1 234,56 $` (no-break spaces) or `$1,234.56`."""
    return format_currency(_round(Decimal(amount), 2), "CAD", locale=LOCALES[language])


def format_whole_dollars(amount: str | Decimal, language: Language) -> str:
    """Dollars without cents: `1 235 $` or `$1,235`."""
    pattern = f"#,##0{NBSP}¤" if language == "fr" else "¤#,##0"
    rounded = _round(Decimal(amount), 0)
    return format_currency(rounded, "CAD", pattern, locale=LOCALES[language], currency_digits=False)


def format_short_money(amount: str | Decimal, language: Language) -> str:
    """Money for a headline, one decimal: `84,0 k$`, `2,1 M$`; under 1,000 $ in whole dollars."""
    exact = Decimal(amount)
    thousands, millions = _round(exact / 1_000, 1), _round(exact / 1_000_000, 1)
    if abs(exact) < 1_000:
        return format_whole_dollars(exact, language)
    # 999,950 $ rounds to 1,000.0 k$: that is a million.
    is_million = abs(thousands) >= 1_000
    value, unit = (millions, "M") if is_million else (thousands, "k")
    number = format_decimal(abs(value), "#,##0.0", locale=LOCALES[language])
    sign = "-" if value < 0 else ""
    return f"{sign}{number}{NBSP}{unit}$" if language == "fr" else f"{sign}${number}{unit.upper()}"


def format_ratio(ratio: str | Decimal, language: Language) -> str:
    """A ratio (`"0.925"`) as a percentage with one decimal: `92,5 %` or `92.5%`."""
    rounded = _round(Decimal(ratio), 3)
    return format_percent(rounded, _PERCENT_PATTERNS[language], locale=LOCALES[language])


def format_long_date(day: date, language: Language) -> str:
    """`1er avril 2025`, `2 avril 2025`, `April 1, 2025`."""
    text = format_date(day, "long", locale=LOCALES[language])
    # French typography wants the ordinal on the first of the month; CLDR does not give it.
    return text.replace("1 ", "1er ", 1) if language == "fr" and day.day == 1 else text


def format_period(first: date, last: date, language: Language) -> str:
    """`du 1er avril 2025 au 31 mars 2026`, both days included."""
    start, end = format_long_date(first, language), format_long_date(last, language)
    return f"du {start} au {end}" if language == "fr" else f"{start} to {end}"


def bind_punctuation(text: str, language: Language) -> str:
    """French as the OQLF sets it: a no-break space before a colon and inside guillemets."""
    return re.sub(r" (?=[:»])|(?<=«) ", NBSP, text) if language == "fr" else text


@dataclass(frozen=True, slots=True)
class CountedNoun:
    """A noun in CLDR's plural forms; in French 0 and 1 are singular, whole millions are `many`."""

    one: Text
    other: Text

    def count(self, count: int, language: Language) -> str:
        """`0 prêt`, `2 prêts`, `1 million de prêts`; `0 loans`, `1 loan`."""
        form = LOCALES[language].plural_form(count)
        if form == "many":
            millions = count // 1_000_000
            unit = "million" if millions == 1 else "millions"
            noun = _partitive(self.other.read(language))
            return f"{format_count(millions, language)}{NBSP}{unit} {noun}"
        noun = (self.one if form == "one" else self.other).read(language)
        return f"{format_count(count, language)}{NBSP}{noun}"


def _partitive(noun: str) -> str:
    """`de prêts`, `d'emplois`: what French puts after `million`."""
    initial = unicodedata.normalize("NFD", noun)[0].lower()
    return f"d’{noun}" if initial in "aeiouœ" else f"de {noun}"


FrenchSortKey = tuple[tuple[str, ...], tuple[str, ...], tuple[bool, ...], str]


def sort_key_french(name: str) -> FrenchSortKey:
    """Order of names in Canadian French (CLDR fr_CA): letters, accents from the end, case.

    Gives `cote < côte < coté < côté`. Spaces, hyphens, dashes and apostrophes count as one
    separator before any letter; œ and æ sort as oe and ae.
    """
    expanded = name.replace("œ", "oe").replace("Œ", "OE").replace("æ", "ae").replace("Æ", "AE")
    letters: list[str] = []
    accents: list[str] = []
    for character in unicodedata.normalize("NFD", expanded):
        if unicodedata.combining(character) and letters:
            accents[-1] += character
        else:
            letters.append(character if character.isalnum() else " ")
            accents.append("")
    return (
        tuple(letter.casefold() for letter in letters),
        tuple(reversed(accents)),
        tuple(letter.isupper() for letter in letters),
        unicodedata.normalize("NFC", name),
    )
