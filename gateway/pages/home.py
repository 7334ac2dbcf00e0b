"""What the home page shows of the regional totals: protected, in words, in one language. Pure.

Exact figures come in; only what the `public` profile lets out reaches the template.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from gateway.disclosure import (
    PUBLIC,
    Cell,
    ProtectedList,
    protect_amounts,
    protect_counts,
)
from gateway.formats import (
    SUPPRESSED,
    format_count,
    format_period,
    format_short_money,
    format_whole_dollars,
    sort_key_french,
)
from gateway.pages import messages
from gateway.pages.regions import REGIONS
from gateway.pages.totals import RegionalTotals, Totals
from services.common.calendar import FiscalYear
from services.common.text import Language

# Least loans of each shade of the map, above zero; multiples of the rounding base.
BANDS = (10, 20, 35, 60)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure in words; `is_suppressed` only for its style, the words say it too."""

    text: str
    is_suppressed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A region (or the whole network); no figures where the network has no member."""

    code: str
    name: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A region on the map: `band` names its shade and pattern."""

    code: str
    short_name: str
    band: str
    text: str


@dataclass(frozen=True, slots=True)
class LegendEntry:
    band: str
    text: str


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure of the whole network, in large."""

    figure: Figure
    label: str


@dataclass(frozen=True, slots=True)
class HomeTotals:
    year: str
    period: str
    summary: str
    headlines: tuple[Headline, ...]
    rows: tuple[Row, ...]
    total: Row
    tiles: tuple[Tile, ...]
    legend: tuple[LegendEntry, ...]


@dataclass(frozen=True, slots=True)
class _Protected:
    loans: ProtectedList[int]
    amounts: ProtectedList[Decimal]
    people: ProtectedList[int]
    jobs: ProtectedList[int]


def last_complete_fiscal_year(today: date) -> FiscalYear:
    """The last fiscal year that has ended before `today`."""
    return FiscalYear(FiscalYear.of(today).first_year - 1)


def build_home_totals(report: RegionalTotals, language: Language) -> HomeTotals:
    """The page's figures. Raises ValueError on figures that contradict each other."""
    first = date.fromisoformat(report["period"]["from"])
    last = date.fromisoformat(report["period"]["to"])
    protected = _protect(report)
    names = {r["region_code"]: r["region_name"] for r in report["regions"]}
    everywhere = {r.code: r.name for r in REGIONS} | names
    in_order = sorted(everywhere, key=lambda code: sort_key_french(everywhere[code]))
    organisations = {r["region_code"]: r["organisations"] for r in report["regions"]}
    return HomeTotals(
        year=FiscalYear.of(first).label,
        period=format_period(first, last, language),
        summary=_summarise(report, protected, language),
        headlines=_headlines(protected, language),
        rows=tuple(
            Row(
                code,
                everywhere[code],
                _figures(organisations[code], protected, code, language) if code in names else (),
            )
            for code in in_order
        ),
        total=Row(
            "",
            messages.ROW_TOTAL.read(language),
            _figures(report["total"]["organisations"], protected, None, language),
        ),
        tiles=_tiles(protected.loans, in_order, language),
        legend=_legend(language),
    )


def _protect(report: RegionalTotals) -> _Protected:
    regions = report["regions"]
    loans = protect_counts({r["region_code"]: r["loans"]["count"] for r in regions}, PUBLIC)
    return _Protected(
        loans=loans,
        amounts=protect_amounts(
            {r["region_code"]: Decimal(r["loans"]["amount"]) for r in regions}, loans, PUBLIC
        ),
        people=protect_counts(
            {r["region_code"]: r["coaching"]["people"] for r in regions},
            PUBLIC,
            total=report["total"]["coaching"]["people"],
        ),
        jobs=protect_counts({r["region_code"]: _count_jobs(r) for r in regions}, PUBLIC),
    )


def _count_jobs(totals: Totals) -> int:
    return totals["outcomes"]["jobs_created"] + totals["outcomes"]["jobs_maintained"]


def _figures(
    organisations: int, protected: _Protected, code: str | None, language: Language
) -> tuple[Figure, ...]:
    """The figures of a region, or of the whole network when `code` is None; in column order."""
    amount = protected.amounts.total if code is None else protected.amounts.cells[code]
    loans, people, jobs = (
        _count_figure(counts.total if code is None else counts.cells[code], language)
        for counts in (protected.loans, protected.people, protected.jobs)
    )
    return (
        Figure(format_count(organisations, language), is_suppressed=False),
        loans,
        _amount_figure(amount, language, is_short=False),
        people,
        jobs,
    )


def _count_figure(cell: Cell[int], language: Language) -> Figure:
    if cell.value is None:
        return Figure(SUPPRESSED.read(language), is_suppressed=True)
    return Figure(format_count(cell.value, language), is_suppressed=False)


def _amount_figure(cell: Cell[Decimal], language: Language, *, is_short: bool) -> Figure:
    if cell.value is None:
        return Figure(SUPPRESSED.read(language), is_suppressed=True)
    show = format_short_money if is_short else format_whole_dollars
    return Figure(show(cell.value, language), is_suppressed=False)


def _headlines(protected: _Protected, language: Language) -> tuple[Headline, ...]:
    figures = (
        (messages.HEADLINE_LOANS, _count_figure(protected.loans.total, language)),
        (
            messages.HEADLINE_AMOUNT,
            _amount_figure(protected.amounts.total, language, is_short=True),
        ),
        (messages.HEADLINE_PEOPLE, _count_figure(protected.people.total, language)),
        (messages.HEADLINE_JOBS, _count_figure(protected.jobs.total, language)),
    )
    return tuple(Headline(figure, label.read(language)) for label, figure in figures)


def _summarise(report: RegionalTotals, protected: _Protected, language: Language) -> str:
    organisations = messages.ORGANISATIONS.count(report["total"]["organisations"], language)
    regions = messages.REGIONS.count(len(report["regions"]), language)
    loans, amount = protected.loans.total.value, protected.amounts.total.value
    if loans is None or amount is None:
        return messages.SUMMARY_SUPPRESSED.fill(organisations=organisations, regions=regions).read(
            language
        )
    return messages.SUMMARY.fill(
        organisations=organisations,
        regions=regions,
        loans=messages.LOANS.count(loans, language),
        amount=format_whole_dollars(amount, language),
    ).read(language)


def _tiles(
    loans: ProtectedList[int], in_order: Sequence[str], language: Language
) -> tuple[Tile, ...]:
    by_code = {region.code: region for region in REGIONS}
    return tuple(
        Tile(code, by_code[code].short_name, *_band(loans.cells.get(code), language))
        for code in in_order
        if code in by_code
    )


def _band(cell: Cell[int] | None, language: Language) -> tuple[str, str]:
    """The shade of a region and what its tile says."""
    if cell is None:
        return "none", messages.TILE_NO_MEMBER.read(language)
    if cell.value is None:
        return "suppressed", messages.TILE_SUPPRESSED.read(language)
    return (
        str(sum(cell.value >= least for least in BANDS)),
        messages.LOANS.count(cell.value, language),
    )


def _legend(language: Language) -> tuple[LegendEntry, ...]:
    entries = [LegendEntry("0", messages.BAND_ZERO.read(language))]
    for band, least in enumerate(BANDS[:-1], start=1):
        most = BANDS[band] - PUBLIC.count_base
        text = messages.BAND_RANGE.fill(least=least, most=most).read(language)
        entries.append(LegendEntry(str(band), text))
    top = messages.BAND_TOP.fill(least=BANDS[-1]).read(language)
    return (
        *entries,
        LegendEntry(str(len(BANDS)), top),
        LegendEntry("suppressed", SUPPRESSED.read(language)),
        LegendEntry("none", messages.NO_MEMBER.read(language)),
    )
