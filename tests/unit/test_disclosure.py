"""Disclosure control: what is withheld stays unknown, what is shown stays useful and repeatable."""

from collections.abc import Iterator, Set
from decimal import Decimal
from functools import reduce
from itertools import product
from operator import add

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.disclosure import (
    FUNDER,
    PUBLIC,
    Cell,
    Confidentiality,
    Position,
    ProtectedList,
    Status,
    Table,
    exact,
    is_protected,
    protect_amounts,
    protect_counts,
    protect_ratio,
    protect_share,
    suppress_table,
)

FREE, PRIMARY, SECONDARY = Confidentiality.FREE, Confidentiality.PRIMARY, Confidentiality.SECONDARY
MISSING: Cell[Decimal] = Cell(None, Status.MISSING, FREE)
WITHHELD: Cell[Decimal] = Cell(None, Status.NORMAL, PRIMARY)


def confs(protected: ProtectedList[int]) -> dict[str, Confidentiality]:
    return {key: cell.conf for key, cell in protected.cells.items()}


# Lists with a total (the public page)


@pytest.mark.parametrize(
    ("count", "shown"), [(0, 0), (1, None), (9, None), (10, 10), (11, 10), (12, 10), (13, 15)]
)
def test_public_counts_at_the_threshold(count: int, shown: int | None) -> None:
    protected = protect_counts({"06": count, "13": 40, "16": 60}, PUBLIC)
    assert protected.cells["06"].value == shown


def test_a_single_small_region_takes_the_next_smallest_with_it() -> None:
    protected = protect_counts({"01": 4, "02": 31, "03": 12, "04": 0, "05": 77}, PUBLIC)
    assert confs(protected) == {
        "01": PRIMARY,
        "02": FREE,
        "03": SECONDARY,
        "04": FREE,
        "05": FREE,
    }
    assert protected.cells["04"] == Cell(0)
    assert protected.total == Cell(125)


def test_two_very_small_regions_do_not_hide_each_other() -> None:
    """1 + 2 = 3: each would be known to be at most 3."""
    protected = protect_counts({"01": 1, "02": 2, "03": 15, "04": 80}, PUBLIC)
    assert confs(protected)["03"] is SECONDARY
    assert confs(protected)["04"] is FREE


def test_a_total_of_few_is_withheld_with_them() -> None:
    protected = protect_counts({"01": 4, "02": 0}, PUBLIC)
    assert protected.cells["02"] == Cell(0)
    assert protected.total == Cell(None, conf=PRIMARY)


def test_nothing_at_all_is_zero() -> None:
    protected = protect_counts({"01": 0, "02": 0}, PUBLIC)
    assert protected.cells["01"] == protected.total == Cell(0)


def test_persons_counted_in_two_regions_have_their_own_total() -> None:
    assert protect_counts({"01": 20, "02": 30}, PUBLIC, total=41).total == Cell(40)
    for impossible in (29, 51, -1):
        with pytest.raises(ValueError, match="total"):
            protect_counts({"01": 20, "02": 30}, PUBLIC, total=impossible)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="start at 0"):
        protect_counts({"01": -1, "02": 30}, PUBLIC)


def test_amounts_follow_their_counts() -> None:
    counts = protect_counts({"01": 4, "02": 31, "03": 12, "04": 0}, PUBLIC)
    amounts = protect_amounts(
        {
            "01": Decimal("21000.00"),
            "02": Decimal("190500.00"),
            "03": Decimal("70000.00"),
            "04": Decimal(0),
        },
        counts,
        PUBLIC,
    )
    assert amounts.cells == {
        "01": Cell(None, conf=PRIMARY),
        "02": Cell(Decimal(191000)),
        "03": Cell(None, conf=SECONDARY),
        "04": Cell(Decimal(0)),
    }
    assert amounts.total == Cell(Decimal(282000))


def test_amounts_refuse_what_does_not_belong_to_the_counts() -> None:
    counts = protect_counts({"01": 0, "02": 31}, PUBLIC)
    with pytest.raises(ValueError, match="different keys"):
        protect_amounts({"01": Decimal(0)}, counts, PUBLIC)
    with pytest.raises(ValueError, match="without anyone"):
        protect_amounts({"01": Decimal(1), "02": Decimal(1)}, counts, PUBLIC)


def test_a_withheld_cell_cannot_be_summed_as_zero() -> None:
    protected = protect_counts({"01": 4, "02": 31, "03": 12}, PUBLIC)
    with pytest.raises(TypeError):
        reduce(add, [cell.value for cell in protected.cells.values()])


region_counts = st.dictionaries(
    st.sampled_from([f"{code:02}" for code in range(1, 18)]), st.integers(0, 40), min_size=1
)


@given(region_counts)
def test_subtraction_gives_no_small_region_back(counts: dict[str, int]) -> None:
    """From all that is shown, the withheld regions together are two at least, and k at least."""
    protected = protect_counts(counts, PUBLIC)
    withheld = [n for key, n in counts.items() if protected.cells[key].is_suppressed]
    assert all(protected.cells[key].is_suppressed for key, n in counts.items() if 0 < n < PUBLIC.k)
    if withheld and not protected.total.is_suppressed:
        assert len(withheld) >= 2
        assert sum(withheld) >= PUBLIC.k
    if protected.total.is_suppressed:
        assert sum(counts.values()) < PUBLIC.k


@given(region_counts)
def test_what_is_shown_is_near_the_truth_and_repeatable(counts: dict[str, int]) -> None:
    protected = protect_counts(counts, PUBLIC)
    assert protected == protect_counts(dict(reversed(counts.items())), PUBLIC)
    for key, cell in protected.cells.items():
        if cell.value is not None:
            assert cell.value % PUBLIC.count_base == 0
            assert abs(cell.value - counts[key]) <= 2


# Single figures (the funder's report)


@pytest.mark.parametrize(
    ("part", "group", "shown"),
    [
        (50, 100, "0.5000"),
        (1, 3, None),  # fewer than five persons
        (4, 100, None),  # four women
        (5, 100, "0.0500"),
        (96, 100, None),  # four who are not
        (2, 6, None),
        (5, 10, "0.5000"),
        (0, 100, "0.0000"),
        (40, 60, "0.6667"),
    ],
)
def test_shares_of_persons(part: int, group: int, shown: str | None) -> None:
    cell = protect_share(part, group, FUNDER, is_sensitive=True)
    assert cell.value == (None if shown is None else Decimal(shown))
    assert cell.conf is (PRIMARY if shown is None else FREE)
    assert cell.status is Status.NORMAL


def test_a_sensitive_attribute_of_nearly_everyone_is_withheld() -> None:
    assert protect_share(7, 7, FUNDER, is_sensitive=True).conf is PRIMARY
    assert protect_share(90, 100, FUNDER, is_sensitive=True).value == Decimal("0.9000")
    assert protect_share(91, 100, FUNDER, is_sensitive=True).conf is PRIMARY
    assert protect_share(91, 100, FUNDER, is_sensitive=False).value == Decimal("0.9100")


def test_a_share_of_nobody_is_missing_not_withheld() -> None:
    assert protect_share(0, 0, FUNDER, is_sensitive=True) == MISSING


@pytest.mark.parametrize(("part", "group"), [(-1, 5), (6, 5)])
def test_an_impossible_share_is_refused(part: int, group: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        protect_share(part, group, FUNDER, is_sensitive=False)


def test_ratios_over_few_are_withheld() -> None:
    ratio = Decimal("0.9123")
    assert protect_ratio(ratio, 5, FUNDER) == Cell(ratio)
    assert protect_ratio(ratio, 4, FUNDER) == WITHHELD
    assert protect_ratio(ratio, 0, FUNDER) == MISSING
    assert protect_ratio(None, 50, FUNDER) == MISSING
    with pytest.raises(ValueError, match="at least 0"):
        protect_ratio(ratio, -1, FUNDER)


def test_money_of_the_network_is_exact() -> None:
    assert exact(Decimal("2150000.01")) == Cell(Decimal("2150000.01"), Status.NORMAL, FREE)
    assert exact(None) == MISSING


# Tables with margins

TABLE = [[12, 3, 8], [9, 14, 6], [7, 11, 10]]
TABLE_WITH_PAIR = [[20, 1, 2], [15, 9, 8], [11, 7, 12]]
RECTANGLE = {(0, 1), (0, 2), (1, 1), (1, 2)}


def test_one_small_cell_takes_the_cheapest_rectangle() -> None:
    assert suppress_table(TABLE, 5) - {(0, 1)} == {(0, 2), (1, 1), (1, 2)}


@pytest.mark.parametrize(
    "withheld",
    [
        {(0, 1)},  # alone: its row gives it back
        {(0, 1), (0, 2)},  # one more in its row: the columns give both back
        {(0, 1), (0, 2), (1, 0)},  # and one elsewhere: all three come back
        {(0, 2), (1, 1), (1, 2)},  # the small cell itself is shown
    ],
)
def test_patterns_that_come_apart(withheld: set[Position]) -> None:
    assert not is_protected(TABLE, withheld, 5)


def test_a_pair_of_ones_is_not_saved_by_a_rectangle() -> None:
    """1 + 2 = 3: the rectangle leaves 0..3, narrower than five."""
    assert not is_protected(TABLE_WITH_PAIR, RECTANGLE, 5)
    assert is_protected(TABLE_WITH_PAIR, suppress_table(TABLE_WITH_PAIR, 5), 5)


def test_a_small_margin_is_a_small_cell() -> None:
    withheld = suppress_table([[2, 1], [30, 40]], 5)
    assert {(0, 0), (0, 1), (0, 2)} <= withheld


def test_a_table_without_small_cells_is_left_alone() -> None:
    assert suppress_table([[5, 0], [0, 9]], 5) == frozenset()


@pytest.mark.parametrize("table", [[], [[1, 2], [3]], [[5, -1]]])
def test_what_is_no_table_is_refused(table: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="rows of one length"):
        suppress_table(table, 5)


def circulations(
    table: Table, withheld: Set[Position], reach: int
) -> Iterator[dict[Position, int]]:
    """By brute force: changes of the withheld cells, up to `reach`, that nothing shown betrays.

    Independent of the code under test: it knows sums, not networks.
    """
    rows, columns = len(table), len(table[0])
    inside = sorted(cell for cell in withheld if cell[0] < rows and cell[1] < columns)
    for deltas in product(range(-reach, reach + 1), repeat=len(inside)):
        change = dict(zip(inside, deltas, strict=True))
        for cell, delta in zip(inside, deltas, strict=True):
            for margin in ((cell[0], columns), (rows, cell[1]), (rows, columns)):
                change[margin] = change.get(margin, 0) + delta
        if all(cell in withheld for cell, delta in change.items() if delta):
            yield change


def with_margins(table: Table) -> dict[Position, int]:
    full = [[*row, sum(row)] for row in table]
    full.append([sum(column) for column in zip(*full, strict=True)])
    return {(i, j): n for i, row in enumerate(full) for j, n in enumerate(row)}


def is_protected_by_brute_force(table: Table, withheld: Set[Position], k: int) -> bool:
    values = with_margins(table)
    primary = {cell for cell, n in values.items() if 0 < n < k}
    free = {cell for c in circulations(table, withheld, 1) for cell, delta in c.items() if delta}
    if not primary <= withheld <= free:
        return False
    reached: dict[Position, set[int]] = {cell: set() for cell in primary}
    for change in circulations(table, withheld, k):
        if all(values[cell] + delta >= 0 for cell, delta in change.items()):
            for cell in primary:
                reached[cell].add(change.get(cell, 0))
    return all(max(deltas) - min(deltas) >= k for deltas in reached.values())


tables = st.integers(2, 3).flatmap(
    lambda columns: st.lists(
        st.lists(st.integers(0, 9), min_size=columns, max_size=columns), min_size=2, max_size=3
    )
)


@settings(max_examples=60, deadline=None)
@given(tables)
def test_suppressed_tables_stand_up_to_brute_force(table: list[list[int]]) -> None:
    withheld = suppress_table(table, 3)
    assume(sum(i < len(table) and j < len(table[0]) for i, j in withheld) <= 5)
    assert is_protected_by_brute_force(table, withheld, 3)


@settings(max_examples=60, deadline=None)
@given(tables, st.sets(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=5))
def test_the_judgement_of_a_pattern_is_that_of_brute_force(
    table: list[list[int]], withheld: set[Position]
) -> None:
    withheld &= with_margins(table).keys()
    expected = is_protected_by_brute_force(table, withheld, 3)
    assert is_protected(table, withheld, 3) == expected


@given(tables)
@settings(max_examples=60, deadline=None)
def test_no_added_cell_is_superfluous_and_no_zero_is_hidden(table: list[list[int]]) -> None:
    values, withheld = with_margins(table), suppress_table(table, 3)
    assert all(values[cell] > 0 for cell in withheld)
    for cell in withheld:
        assert not is_protected(table, withheld - {cell}, 3)


def test_a_report_sized_table_is_quick_and_protected() -> None:
    """Thirteen regions by six age bands, many of them small."""
    table = [[(7 * i * i + 11 * j + 3 * i * j) % 23 for j in range(6)] for i in range(13)]
    withheld = suppress_table(table, 5)
    assert is_protected(table, withheld, 5)
    assert suppress_table(table, 5) == withheld
