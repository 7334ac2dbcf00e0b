"""What may leave the network without telling something about one person. Pure: no clock, no chance.

    public   counts and amounts rounded, small cells withheld   protect_counts, protect_amounts
    funder   money exact, shares of persons protected           exact, protect_share, protect_ratio
    both     two-way tables with their margins                  suppress_table, is_protected

A withheld cell has no value at all (None), so that no sum can take it for a zero. The thresholds
are the network's policy (no Quebec law sets one); the same facts always give the same answer.
Not covered here: differencing between two publications of facts that changed in between. That
is what frozen editions are for.
"""

import heapq
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Generic, Literal, TypeVar

Value = TypeVar("Value", int, Decimal)


class Status(StrEnum):
    """Is there an observation? Codes of SDMX CL_OBS_STATUS."""

    NORMAL = "A"
    MISSING = "M"


class Confidentiality(StrEnum):
    """May it be shown? Codes of SDMX CL_CONF_STATUS."""

    FREE = "F"
    PRIMARY = "C"  # withheld for itself
    SECONDARY = "D"  # withheld to protect another


@dataclass(frozen=True, slots=True)
class Cell(Generic[Value]):
    """One published figure; `value` is None when it is withheld or missing, never a stand-in."""

    value: Value | None
    status: Status = Status.NORMAL
    conf: Confidentiality = Confidentiality.FREE

    @property
    def is_suppressed(self) -> bool:
        return self.conf is not Confidentiality.FREE


@dataclass(frozen=True, slots=True)
class Profile:
    """What one audience gets: counts in 1..k-1 withheld, the rest rounded to these bases."""

    k: int
    count_base: int
    amount_base: Decimal


PUBLIC = Profile(k=10, count_base=5, amount_base=Decimal(1000))
FUNDER = Profile(k=5, count_base=1, amount_base=Decimal("0.01"))

# Above this share of a group, an attribute is told of nearly everyone in it.
SHARE_MAX_SENSITIVE = Decimal("0.90")


@dataclass(frozen=True, slots=True)
class ProtectedList(Generic[Value]):
    """Cells by key and their total, safe to publish together."""

    cells: Mapping[str, Cell[Value]]
    total: Cell[Value]


def protect_counts(
    counts: Mapping[str, int], profile: Profile, *, total: int | None = None
) -> ProtectedList[int]:
    """Withhold counts in 1..k-1 and as many of the next smallest as their protection needs.

    With the total published, each withheld count can be anything from 0 to the sum of the withheld
    ones: so there are at least two of them and their sum is at least k. Where no such set is left,
    the total itself is under k and withheld. Zeros are shown. `total` is given when it is not the
    sum (a person counted in two regions).
    """
    if total is None:
        total = sum(counts.values())
    if not all(0 <= n <= total for n in counts.values()) or total > sum(counts.values()):
        raise ValueError("counts start at 0 and their total lies between the largest and the sum")
    confs = {key: Confidentiality.PRIMARY for key, n in counts.items() if 0 < n < profile.k}
    shown = sorted((n, key) for key, n in counts.items() if n >= profile.k)
    while confs and shown and not _hide_each_other([counts[key] for key in confs], profile.k):
        confs[shown.pop(0)[1]] = Confidentiality.SECONDARY
    total_conf = Confidentiality.PRIMARY if 0 < total < profile.k else None
    return ProtectedList(
        {key: _count_cell(n, confs.get(key), profile) for key, n in counts.items()},
        _count_cell(total, total_conf, profile),
    )


def _hide_each_other(withheld: Sequence[int], k: int) -> bool:
    return len(withheld) >= 2 and sum(withheld) >= k


def _count_cell(count: int, conf: Confidentiality | None, profile: Profile) -> Cell[int]:
    if conf is not None:
        return Cell(None, conf=conf)
    return Cell(int(_round_to(Decimal(count), Decimal(profile.count_base))))


def protect_amounts(
    amounts: Mapping[str, Decimal], counts: ProtectedList[int], profile: Profile
) -> ProtectedList[Decimal]:
    """Round amounts (dollars); withhold those whose count is withheld."""
    if amounts.keys() != counts.cells.keys():
        raise ValueError("amounts and counts speak of different keys")
    return ProtectedList(
        {key: _amount_cell(amounts[key], counts.cells[key], profile) for key in amounts},
        _amount_cell(sum(amounts.values(), Decimal(0)), counts.total, profile),
    )


def _amount_cell(amount: Decimal, count: Cell[int], profile: Profile) -> Cell[Decimal]:
    if count.is_suppressed:
        return Cell(None, conf=count.conf)
    if count.value == 0 and amount != 0:
        raise ValueError("an amount without anyone to count")
    return Cell(_round_to(amount, profile.amount_base))


def _round_to(value: Decimal, base: Decimal) -> Decimal:
    """To the nearest multiple of `base`, halves away from zero: repeatable, never random."""
    return (value / base).quantize(Decimal(1), rounding=ROUND_HALF_UP) * base


def exact(value: Decimal | None) -> Cell[Decimal]:
    """Money and totals of the network, which the funder audits to the cent."""
    return Cell(None, Status.MISSING) if value is None else Cell(value)


def protect_share(part: int, group: int, profile: Profile, *, is_sensitive: bool) -> Cell[Decimal]:
    """Share of a group of persons, four decimals; withheld when it speaks of too few of them.

    That is: fewer than k in the group, 1..k-1 with the attribute or 1..k-1 without it; and for
    a sensitive attribute, a share over 90 %, which tells it of nearly everyone.
    """
    if not 0 <= part <= group:
        raise ValueError(f"{part} of {group} is no share")
    if group == 0:
        return Cell(None, Status.MISSING)
    is_small = group < profile.k or 0 < part < profile.k or 0 < group - part < profile.k
    share = Decimal(part) / group
    if is_small or (is_sensitive and share > SHARE_MAX_SENSITIVE):
        return Cell(None, conf=Confidentiality.PRIMARY)
    return Cell(share.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP))


def protect_ratio(ratio: Decimal | None, group: int, profile: Profile) -> Cell[Decimal]:
    """A ratio that is no share of persons (a mean, a repayment rate), over at least k of them."""
    if group < 0:
        raise ValueError("a group has at least 0 members")
    if group == 0 or ratio is None:
        return Cell(None, Status.MISSING)
    return Cell(None, conf=Confidentiality.PRIMARY) if group < profile.k else Cell(ratio)


# Two-way tables
#
# A table of counts is published with its margins: row i of a table of R rows and C columns has its
# total at (i, C), column j at (R, j), the whole at (R, C). Each line says "inside - margin = 0".
# With the signs of the margins turned, each cell stands in one row and one column with opposite
# signs: cells are arcs of a network, lines its nodes, and what an outsider cannot exclude
# are the circulations through the withheld arcs. So the range of a cell is a maximum flow, exact
# in whole numbers, and the table below needs no solver.

Position = tuple[int, int]
Node = tuple[str, int]
Table = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class _Grid:
    """A table with its margins added."""

    rows: int
    columns: int
    values: Mapping[Position, int]

    def arc(self, cell: Position) -> tuple[Node, Node]:
        """The two lines a cell stands in, in the direction in which more of it flows."""
        row, column = ("row", cell[0]), ("column", cell[1])
        is_margin = (cell[0] == self.rows) != (cell[1] == self.columns)
        return (column, row) if is_margin else (row, column)

    def cost(self, cell: Position) -> int:
        """Units lost by withholding a cell; any cell inside is cheaper than a margin."""
        is_inside = cell[0] < self.rows and cell[1] < self.columns
        return self.values[cell] + (0 if is_inside else self.values[self.rows, self.columns])


def _add_margins(table: Table) -> _Grid:
    widths = {len(row) for row in table}
    if len(widths) != 1 or any(n < 0 for row in table for n in row):
        raise ValueError("a table has rows of one length and counts of at least 0")
    full = [[*row, sum(row)] for row in table]
    full.append([sum(column) for column in zip(*full, strict=True)])
    values = {(i, j): n for i, row in enumerate(full) for j, n in enumerate(row)}
    return _Grid(len(table), widths.pop(), values)


def suppress_table(table: Table, k: int) -> frozenset[Position]:
    """Positions to withhold from a table of counts published with its margins.

    Those in 1..k-1, and with them cells found cheap by total count, such that `is_protected` holds
    and no added cell could be put back. Zeros are never withheld. (The set is cheap, not always the
    cheapest: finding that one is NP-hard.)
    """
    grid = _add_margins(table)
    primary = {cell for cell, n in grid.values.items() if 0 < n < k}
    withheld = set(primary)
    for cell in sorted(primary, key=lambda cell: (grid.values[cell], cell)):
        while _range_width(grid, withheld, cell, k) < k:
            withheld |= _cheapest_cover(grid, withheld, cell, k)
    for cell in sorted(withheld - primary, key=lambda cell: (-grid.cost(cell), cell)):
        if is_protected(table, withheld - {cell}, k):
            withheld.remove(cell)
    assert is_protected(table, withheld, k), (
        "covers are cycles, and no arc of a cycle is determined"
    )
    return frozenset(withheld)


def is_protected(table: Table, withheld: Set[Position], k: int) -> bool:
    """Can an outsider who sees all the rest neither compute a withheld cell nor come close?

    (a) No withheld cell follows from the others by adding and subtracting lines; (b) for each
    cell in 1..k-1, the whole numbers that fit what is shown span at least k.
    """
    grid = _add_margins(table)
    primary = {cell for cell, n in grid.values.items() if 0 < n < k}
    return (
        primary <= withheld
        and not _determined_cells(grid, withheld)
        and all(_range_width(grid, withheld, cell, k) >= k for cell in primary)
    )


def _determined_cells(grid: _Grid, withheld: Set[Position]) -> set[Position]:
    """Cells in the row space of the lines: Gauss-Jordan on exact fractions."""
    cells = sorted(withheld)
    lines = [("row", i) for i in range(grid.rows + 1)]
    lines += [("column", j) for j in range(grid.columns + 1)]
    arcs = [grid.arc(cell) for cell in cells]
    matrix = [[Fraction((a == line) - (b == line)) for a, b in arcs] for line in lines]
    reduced: list[list[Fraction]] = []
    for column in range(len(cells)):
        pivot = next((row for row in matrix if row[column]), None)
        if pivot is None:
            continue
        matrix.remove(pivot)
        unit = [x / pivot[column] for x in pivot]
        matrix, reduced = (
            [[x - row[column] * u for x, u in zip(row, unit, strict=True)] for row in rows]
            for rows in (matrix, reduced)
        )
        reduced.append(unit)
    alone = (row for row in reduced if sum(map(bool, row)) == 1)
    return {cells[row.index(Fraction(1))] for row in alone}


def _range_width(grid: _Grid, withheld: Set[Position], cell: Position, k: int) -> int:
    """Width of the whole numbers a cell can take given all that is shown, counted up to k."""
    more, _ = _push(grid, withheld, cell, +1, k)
    less, _ = _push(grid, withheld, cell, -1, min(k, grid.values[cell]))
    return min(k, more + less)


def _push(
    grid: _Grid, withheld: Set[Position], cell: Position, sign: Literal[1, -1], limit: int
) -> tuple[int, dict[Position, int]]:
    """How far a cell can move up (+1) or down (-1) while all that is shown stays the same.

    A maximum flow by shortest paths; with it, what the other withheld cells changed.
    """
    changes: dict[Position, int] = {}
    moved = 0
    while moved < limit:
        path = _cheapest_path(grid, withheld, changes, cell, sign, may_add=False)
        if path is None:
            break
        room = [grid.values[c] + changes.get(c, 0) for c, direction in path if direction < 0]
        step = min([limit - moved, *room])
        for c, direction in path:
            changes[c] = changes.get(c, 0) + direction * step
        moved += step
    return moved, changes


def _cheapest_cover(grid: _Grid, withheld: Set[Position], cell: Position, k: int) -> set[Position]:
    """The cheapest cells to withhold so that `cell` can move further up than it can now."""
    _, changes = _push(grid, withheld, cell, +1, k)
    path = _cheapest_path(grid, withheld, changes, cell, +1, may_add=True)
    assert path is not None, "a cell and its margins can always grow together"
    return {c for c, _ in path}


Path = tuple[tuple[Position, int], ...]


def _cheapest_path(
    grid: _Grid,
    withheld: Set[Position],
    changes: Mapping[Position, int],
    cell: Position,
    sign: Literal[1, -1],
    *,
    may_add: bool,
) -> Path | None:
    """Moves of other cells that make up for one unit more (or less) in `cell` (Dijkstra)."""
    goal, start = grid.arc(cell)[::sign]
    edges: dict[Node, list[tuple[Node, Position, int]]] = {}
    for other, value in grid.values.items():
        if other == cell or not (other in withheld or (may_add and value > 0)):
            continue
        tail, head = grid.arc(other)
        edges.setdefault(tail, []).append((head, other, +1))
        if value + changes.get(other, 0) > 0:
            edges.setdefault(head, []).append((tail, other, -1))
    queue: list[tuple[int, int, Node, Path]] = [(0, 0, start, ())]
    seen: set[Node] = set()
    while queue:
        cost, hops, node, path = heapq.heappop(queue)
        if node == goal:
            return path
        if node in seen:
            continue
        seen.add(node)
        for target, other, direction in edges.get(node, ()):
            step = 0 if other in withheld else grid.cost(other)
            heapq.heappush(queue, (cost + step, hops + 1, target, (*path, (other, direction))))
    return None
