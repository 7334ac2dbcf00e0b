"""Where the titles of a sheet stand: on the first line that holds something, or under a few others.

« Organisme X - Prêts 2026 », a blank line, then the titles: people write for people. The titles are
the line that knows most columns; when two lines could be it, nobody guesses.
"""

from collections.abc import Mapping, Sequence

from services.common.columns import (
    COLUMNS_MAX,
    Column,
    TableRefused,
    fold_name,
    index_columns,
    row_error,
)

LINES_MAX = 20
"""Titles are looked for in so many lines that hold something."""
_KNOWN_MIN = 2
"""One word that is also a title stands in many lines."""


def find_header(lines: Sequence[tuple[int, Sequence[str]]], columns: Sequence[Column]) -> int:
    """Which of the first lines, given with their numbers, are the titles: a place among them.

    The first one, unless it lacks a required column and another knows more. Raises TableRefused.
    """
    index = index_columns(columns)
    known = [find_known(cells, index) for _, cells in lines]
    counts = [len(each) for each in known]
    best = max(counts, default=0)
    required = {column.name for column in columns if column.required}
    if best < _KNOWN_MIN or counts[0] == best or required <= known[0]:
        return 0
    place = counts.index(best)
    rivals = [
        other
        for other, count in enumerate(counts)
        if 2 * count > best and known[other] != known[place]
    ]
    if rivals:
        said = ", ".join(str(lines[each][0]) for each in sorted([place, *rivals]))
        raise TableRefused([row_error(0, "", "header.ambiguous", lines=said)])
    return place


def find_known(cells: Sequence[str], index: Mapping[str, Column]) -> set[str]:
    """The columns that these titles name."""
    found = (index.get(fold_name(cell)) for cell in cells[:COLUMNS_MAX] if cell.strip())
    return {column.name for column in found if column is not None}
