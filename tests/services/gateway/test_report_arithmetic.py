"""The join of the regional report and its figures, for any facts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reports.arithmetic import (
    Capital,
    Group,
    Organisation,
    Region,
    Row,
    UnknownOrganisation,
    UnknownRegion,
    add_groups,
    join_regions,
    locate_capital,
    name_groups,
)
from gateway.reports.csv_text import escape_formula
from gateway.reports.figures import FIGURE_NAMES, ZERO, Figures, format_quotient
from gateway.reports.periods import Period
from services.common.identity import organisation_id

NAMES = {"01": "Bas-Saint-Laurent", "06": "Montréal", "13": "Laval", "15": "Laurentides"}
SLUGS = ("a", "b", "c", "d", "e")

codes = st.sampled_from(sorted(NAMES))
figures = st.builds(Figures, **{name: st.integers(0, 10**12) for name in FIGURE_NAMES})
organisations = st.tuples(
    *(
        st.builds(
            Organisation,
            st.just(organisation_id(slug)),
            st.just(slug),
            st.lists(codes, min_size=1, max_size=3, unique=True).map(tuple),
            st.booleans(),
        )
        for slug in SLUGS
    )
)
identifiers = st.sampled_from(SLUGS).map(organisation_id)
rows = st.lists(
    st.builds(Row, identifiers, codes, figures, st.sampled_from(["x", "y", None])), max_size=20
)
capital = st.lists(
    st.builds(
        Capital,
        identifiers,
        st.builds(Figures, capital_public_cents=st.integers(-(10**9), 10**12)),
    ),
    max_size=6,
)


def add(parts: Sequence[Figures]) -> Figures:
    return reduce(Figures.__add__, parts, ZERO)


@given(organisations, rows, capital)
def test_the_total_is_the_sum_of_its_regions_and_of_the_facts(
    organisations: Sequence[Organisation], rows: list[Row], capital: list[Capital]
) -> None:
    totals = join_regions(NAMES, organisations, rows, capital)
    assert totals.total.figures == add([region.figures for region in totals.regions])
    facts = [row.figures for row in rows] + [one.figures for one in capital]
    assert totals.total.figures == add(facts)
    shown = [region.code for region in totals.regions]
    assert shown == sorted(shown)
    members = {code for one in organisations if one.is_member for code in one.region_codes}
    assert members <= set(shown)
    assert totals.total.organisations == sum(one.is_member for one in organisations)


@given(organisations, rows, capital)
def test_the_order_of_the_facts_does_not_matter(
    organisations: Sequence[Organisation], rows: list[Row], capital: list[Capital]
) -> None:
    forwards = join_regions(NAMES, organisations, rows, capital)
    assert forwards == join_regions(NAMES, organisations[::-1], rows[::-1], capital[::-1])


@given(organisations, rows)
def test_groups_of_one_loan_each_add_up_to_their_line(
    organisations: Sequence[Organisation], rows: list[Row]
) -> None:
    totals = add_groups(join_regions(NAMES, organisations, rows, []), rows)
    for line in (*totals.regions, totals.total):
        assert add([group.figures for group in line.groups]) == line.figures


@given(organisations, rows)
def test_groups_by_organisation_name_every_row(
    organisations: Sequence[Organisation], rows: list[Row]
) -> None:
    named = name_groups(organisations, rows)
    assert [organisation_id(row.group or "") for row in named] == [
        row.organisation_id for row in rows
    ]


def test_a_report_of_two_organisations_worked_out_by_hand() -> None:
    one, two = (organisation_id(slug) for slug in ("a", "b"))
    register = [
        Organisation(one, "a", ("06", "13"), is_member=True),
        Organisation(two, "b", ("13",), is_member=True),
        Organisation(organisation_id("c"), "c", ("15",), is_member=False),
    ]
    loans = [replace(ZERO, loans_count=count) for count in (1, 2, 4)]
    rows = [Row(one, "06", loans[0]), Row(one, "13", loans[1]), Row(two, "13", loans[2])]
    seat = replace(ZERO, capital_public_cents=500)
    totals = join_regions(NAMES, register, rows, [Capital(one, seat)])
    assert totals.regions == (
        Region("06", "Montréal", 1, loans[0] + seat),
        Region("13", "Laval", 2, loans[1] + loans[2]),
    )
    assert totals.total == Region("", "", 2, loans[0] + loans[1] + loans[2] + seat)

    # Capital is where its organisation has its seat; none is nowhere, whoever has it.
    nobody = Capital(organisation_id("stranger"), ZERO)
    assert locate_capital(register, [nobody, Capital(one, seat)]) == [Row(one, "06", seat)]

    named = name_groups(register, rows)
    assert named == [replace(row, group=slug) for row, slug in zip(rows, "aab", strict=True)]
    refined = add_groups(totals, named, ["b", "z"])
    nothing = Group("z", ZERO)
    assert refined.regions == (
        replace(totals.regions[0], groups=(Group("a", loans[0]), Group("b", ZERO), nothing)),
        replace(totals.regions[1], groups=(Group("a", loans[1]), Group("b", loans[2]), nothing)),
    )
    assert refined.total == replace(
        totals.total, groups=(Group("a", loans[0] + loans[1]), Group("b", loans[2]), nothing)
    )
    # What is in no group is told under no key.
    assert add_groups(totals, rows).total.groups == (Group("", loans[0] + loans[1] + loans[2]),)


def test_what_the_register_does_not_know_stops_the_report() -> None:
    stranger = Row(organisation_id("stranger"), "06", replace(ZERO, loans_count=1))
    with pytest.raises(UnknownOrganisation, match=f"^{stranger.organisation_id}$"):
        name_groups([], [stranger])
    with pytest.raises(UnknownOrganisation, match=f"^{stranger.organisation_id}$"):
        join_regions(
            NAMES,
            [],
            [],
            [Capital(stranger.organisation_id, replace(ZERO, capital_public_cents=1))],
        )
    elsewhere = replace(stranger, region_code="99")
    with pytest.raises(UnknownRegion, match=r"^06, 99$"):
        join_regions({}, [], [elsewhere, stranger], [])


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**15), st.integers(1, 6))
def test_quotients_round_half_up_once(numerator: int, denominator: int, places: int) -> None:
    exact = Decimal(numerator * 10**places) / Decimal(denominator)
    written = Decimal(format_quotient(numerator, denominator, places))
    # 28 digits of context are enough to tell halves of quotients this small apart.
    expected = exact.quantize(Decimal(1), rounding=ROUND_HALF_UP).scaleb(-places)
    assert abs(written - expected) <= Decimal(1).scaleb(-places)
    assert abs(written * denominator - numerator) * 2 <= Decimal(denominator).scaleb(-places)


@pytest.mark.parametrize(
    ("numerator", "denominator", "places", "text"),
    [
        (9000, 130000, 4, "0.0692"),
        (4000, 130000, 4, "0.0308"),
        (0, 0, 4, "0.0000"),
        (5, 0, 4, "0.0000"),
        (1, 8, 2, "0.13"),
        (-1, 8, 2, "-0.13"),
        (18930, 60, 2, "315.50"),
    ],
)
def test_known_quotients(numerator: int, denominator: int, places: int, text: str) -> None:
    assert format_quotient(numerator, denominator, places) == text


def test_months_cover_the_period_once() -> None:
    period = Period(date(2024, 1, 31), date(2025, 2, 1), date(2025, 2, 1))
    months = list(period.months())
    assert [months[0][1].first, months[0][1].last] == [date(2024, 1, 31), date(2024, 1, 31)]
    assert months[1] == ("2024-02", Period(date(2024, 2, 1), date(2024, 2, 29), date(2024, 2, 29)))
    assert [months[-1][0], months[-1][1].last] == ["2025-02", date(2025, 2, 1)]
    for (_, one), (_, following) in pairwise(months):
        assert (following.first - one.last).days == 1


@given(st.text())
def test_no_cell_of_text_can_be_a_formula(text: str) -> None:
    assert not escape_formula(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
