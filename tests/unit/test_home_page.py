"""What the home page makes of the totals, and the sentences of both languages."""

import re
from collections.abc import Mapping
from datetime import date

import pytest

from gateway.disclosure import PUBLIC
from gateway.formats import CountedNoun
from gateway.pages import messages
from gateway.pages.home import (
    BANDS,
    Figure,
    HomeTotals,
    build_home_totals,
    last_complete_fiscal_year,
)
from gateway.pages.regions import REGIONS
from gateway.pages.totals import RegionalTotals, RegionTotals, Totals
from services.common.text import Text

SUPPRESSED = Figure("supprimé (confidentialité)", is_suppressed=True)
NAMES = {region.code: region.name for region in REGIONS}


def totals_of(loans: int, organisations: int = 1) -> Totals:
    return {
        "organisations": organisations,
        "loans": {"count": loans, "amount": f"{loans * 6123}.00"},
        "coaching": {"people": loans * 3},
        "outcomes": {"jobs_created": loans, "jobs_maintained": loans},
    }


def report_of(loans: Mapping[str, int]) -> RegionalTotals:
    regions: list[RegionTotals] = [
        {"region_code": code, "region_name": NAMES[code], **totals_of(count)}
        for code, count in loans.items()
    ]
    return {
        "period": {"from": "2025-04-01", "to": "2026-03-31"},
        "regions": regions,
        "total": totals_of(sum(loans.values()), len(loans)),
    }


LOANS = {"06": 96, "13": 4, "03": 58, "05": 12, "17": 0}


@pytest.fixture
def shown() -> HomeTotals:
    return build_home_totals(report_of(LOANS), "fr")


def test_regions_are_in_french_order_with_those_without_a_member(shown: HomeTotals) -> None:
    names = [row.name for row in shown.rows]
    assert len(names) == len(REGIONS)
    assert names[:4] == [
        "Abitibi-Témiscamingue",
        "Bas-Saint-Laurent",
        "Capitale-Nationale",
        "Centre-du-Québec",
    ]
    assert names[-1] == "Saguenay–Lac-Saint-Jean"
    with_figures = {row.code for row in shown.rows if row.figures}
    assert with_figures == LOANS.keys()


def test_figures_are_rounded_and_small_ones_in_words(shown: HomeTotals) -> None:
    figures = {row.code: row.figures for row in shown.rows}
    assert [f.text for f in figures["06"]] == ["1", "95", "588\u00a0000\u00a0$", "290", "190"]
    assert figures["13"][1:3] == (SUPPRESSED, SUPPRESSED)  # four loans
    assert figures["05"][1:3] == (SUPPRESSED, SUPPRESSED)  # twelve: would give the four away
    assert [f.text for f in figures["17"]] == ["1", "0", "0\u00a0$", "0", "0"]
    assert [f.text for f in shown.total.figures] == [
        "5",
        "170",
        "1\u00a0041\u00a0000\u00a0$",
        "510",
        "340",
    ]


def test_no_exact_figure_is_left_anywhere(shown: HomeTotals) -> None:
    everything = repr(shown)
    for exact in ("96", "58", "587808", "587\u00a0808", "288"):
        assert not re.search(rf"(?<!\d){exact}(?!\d)", everything), exact


def test_the_map_says_what_the_table_says(shown: HomeTotals) -> None:
    figures = {row.code: row.figures for row in shown.rows}
    assert [tile.code for tile in shown.tiles] == [row.code for row in shown.rows]
    for tile in shown.tiles:
        if not figures[tile.code]:
            assert (tile.band, tile.text) == ("none", "aucun membre")
        elif figures[tile.code][1].is_suppressed:
            assert (tile.band, tile.text) == ("suppressed", "supprimé")
        else:
            assert re.sub(r"\D", "", tile.text) == figures[tile.code][1].text
            assert tile.band in "01234"
    assert {tile.code: tile.band for tile in shown.tiles}["06"] == "4"
    assert {entry.band for entry in shown.legend} >= {tile.band for tile in shown.tiles}


def test_shades_begin_at_rounded_figures() -> None:
    assert all(least % PUBLIC.count_base == 0 for least in BANDS)
    assert BANDS[0] == PUBLIC.k


def test_summary_in_both_languages() -> None:
    report = report_of(LOANS)
    assert build_home_totals(report, "fr").summary == (
        "5\u00a0organismes membres de 5\u00a0régions ont accordé 170\u00a0prêts, "
        "pour 1\u00a0041\u00a0000\u00a0$."
    )
    assert build_home_totals(report, "en").summary == (
        "5\u00a0member organisations in 5\u00a0regions granted 170\u00a0loans, worth $1,041,000."
    )


def test_a_network_of_few_loans_publishes_no_number() -> None:
    shown = build_home_totals(report_of({"06": 4, "13": 0}), "fr")
    assert "trop petit" in shown.summary
    assert shown.headlines[0].figure == shown.headlines[1].figure == SUPPRESSED


def test_an_empty_network_shows_zeros() -> None:
    shown = build_home_totals(report_of({}), "fr")
    assert [f.text for f in shown.total.figures] == ["0", "0", "0\u00a0$", "0", "0"]
    assert {tile.band for tile in shown.tiles} == {"none"}


def test_a_region_the_map_does_not_know_is_in_the_table() -> None:
    report = report_of({"06": 40})
    region: RegionTotals = {"region_code": "18", "region_name": "Nouvelle", **totals_of(20)}
    shown = build_home_totals(
        {**report, "regions": [*report["regions"], region], "total": totals_of(60, 2)}, "fr"
    )
    assert "18" in {row.code for row in shown.rows}
    assert "18" not in {tile.code for tile in shown.tiles}


def test_regions_are_the_official_codes() -> None:
    assert [region.code for region in REGIONS] == [f"{number:02}" for number in range(1, 18)]


@pytest.mark.parametrize(
    ("today", "label"),
    [
        (date(2026, 3, 31), "2024-2025"),
        (date(2026, 4, 1), "2025-2026"),
        (date(2026, 12, 31), "2025-2026"),
        (date(2028, 2, 29), "2026-2027"),
    ],
)
def test_the_last_complete_fiscal_year(today: date, label: str) -> None:
    assert last_complete_fiscal_year(today).label == label


def all_texts() -> list[Text]:
    texts: list[Text] = []
    for value in vars(messages).values():
        if isinstance(value, Text):
            texts.append(value)
        elif isinstance(value, CountedNoun):
            texts += [value.one, value.other]
    return texts


def test_both_languages_say_every_sentence_with_the_same_figures() -> None:
    texts = all_texts()
    assert len(texts) > 50
    for text in texts:
        assert text.fr.strip()
        assert text.en.strip()
        assert re.findall(r"{\w+}|`[^`]+`", text.fr) == re.findall(r"{\w+}|`[^`]+`", text.en)


def test_french_is_punctuated_as_in_quebec() -> None:
    """No space before ; ! ? and the typographic apostrophe; colons are bound when shown."""
    for text in all_texts():
        assert not re.search(r"\s[;!?]|\w'\w|\S:\s|«\S", text.fr), text.fr
