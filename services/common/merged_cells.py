"""Merged cells: only the first of a range has a value, the others are read empty, and that is told.

A required value that is missing for that reason is refused at its cell, with the range to undo.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from services.common.columns import Remarks, RowError, row_error, show
from services.common.workbook import Book, Cell, CellFault, Merged, Sheet, read_merged

_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class MergedCells:
    """The ranges that cover columns that are read, by the line they start at and by column."""

    by_line: Mapping[int, Sequence[Merged]]
    by_place: Mapping[int, Sequence[Merged]]
    values: dict[Merged, str] = field(default_factory=dict)

    def see(self, line: int, cells: Mapping[int, Cell]) -> None:
        """Remember what the ranges that start at this line hold."""
        for merged in self.by_line.get(line, ()):
            cell = cells.get(merged.left, "")
            self.values[merged] = cell.shown if isinstance(cell, CellFault) else cell

    def refuse(self, line: int, number: int, place: int, column: str) -> RowError | None:
        """Why an empty cell is empty, when it is because of merging."""
        ranges = self.by_place.get(place, ())
        at = bisect_right(ranges, line, key=lambda merged: merged.top) - 1
        if at < 0 or ranges[at].bottom < line:
            return None
        merged = ranges[at]
        first, _, _ = merged.name.partition(":")
        shown = show(self.values.get(merged, ""))
        return row_error(number, column, "cell.merged", range=merged.name, first=first, shown=shown)

    def tell(self, remarks: Remarks) -> None:
        if self.values:
            shown = [f"{merged.name} ({show(text)})" for merged, text in self.values.items()]
            ranges = ", ".join(shown[:_SHOWN_MAX]) + (", …" if len(shown) > _SHOWN_MAX else "")
            remarks.notice("cells.merged", count=len(shown), ranges=ranges)


def find_merged(book: Book, sheet: Sheet, places: Collection[int], header_line: int) -> MergedCells:
    """Those under the titles. Raises WorkbookRefused."""
    by_line, by_place = defaultdict[int, list[Merged]](list), defaultdict[int, list[Merged]](list)
    for merged in sorted(read_merged(book, sheet), key=lambda each: each.top):
        covered = [place for place in places if merged.left <= place <= merged.right]
        if covered and merged.bottom > header_line:
            by_line[merged.top].append(merged)
            for place in covered:
                by_place[place].append(merged)
    return MergedCells(by_line, by_place)
