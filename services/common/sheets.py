"""The sheets of a workbook as tables: which one is read, and where its titles stand."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from services.common import workbook
from services.common.columns import Column, TableRefused, index_columns
from services.common.headers import LINES_MAX, find_header, find_known
from services.common.workbook import Book, Cell, CellFault, Sheet, SheetRow

KNOWN_MIN = 3
"""Fewer titles tell nothing: a list of anything has a number and a date."""
_OTHERS_MAX = 20
_WORD = re.compile(r"[^\W\d_]+")
_OURS = frozenset(
    {"data", "dictionary", "dictionnaire", "errors", "erreurs", "listes", "lists", "mode emploi"}
)
"""Sheets that our own templates and workbooks of errors have beside the data."""


@dataclass(frozen=True, slots=True)
class SheetRows:
    """A sheet by its lines: its titles, where they stand from 1, what is above and under them."""

    line: int
    titles: Mapping[int, Cell]
    above: Sequence[SheetRow]
    rows: Iterator[SheetRow]


def open_sheet(book: Book, sheet: Sheet, columns: Sequence[Column]) -> SheetRows:
    """Raises WorkbookRefused, and TableRefused when nobody can say which line has the titles."""
    every = workbook.read_rows(book, sheet)
    first = list(islice(every, LINES_MAX))
    if not first:
        return SheetRows(0, {}, (), iter(()))
    place = find_header([(number, _texts(cells)) for number, cells in first], columns)
    line, titles = first[place]
    return SheetRows(line, titles, first[:place], chain(first[place + 1 :], every))


def read_titles(book: Book, sheet: Sheet, columns: Sequence[Column]) -> list[str]:
    """The titles a sheet has for these columns, those of its first line when nobody can say."""
    try:
        titles = open_sheet(book, sheet, columns).titles
    except TableRefused:
        _, titles = next(workbook.read_rows(book, sheet))
    return [title for title in titles.values() if isinstance(title, str)]


def _texts(cells: Mapping[int, Cell]) -> list[str]:
    return ["" if isinstance(cell, CellFault) else cell for cell in cells.values()]


def choose_table(book: Book, columns: Sequence[Column]) -> Sheet:
    """The sheet of a book that holds one table: the first, unless another knows more titles."""
    if len(book.sheets) == 1:
        return book.sheets[0]
    index = index_columns(columns)

    def know(sheet: Sheet) -> int:
        lines = islice(workbook.read_rows(book, sheet), LINES_MAX)
        return max((len(find_known(_texts(cells), index)) for _, cells in lines), default=0)

    known = [know(sheet) for sheet in book.sheets]
    best = max(known)
    return book.sheets[known.index(best) if best >= KNOWN_MIN else 0]


def list_others(book: Book, chosen: Sheet) -> Iterator[str]:
    """The first visible sheets that hold something and are neither the chosen one nor ours."""
    for sheet in book.sheets[:_OTHERS_MAX]:
        if sheet != chosen and not is_ours(sheet.name) and any(workbook.read_rows(book, sheet)):
            yield sheet.name


def split_words(name: str) -> list[str]:
    """The words of a name without case, accents or the s of a plural."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return [word.rstrip("s") for word in _WORD.findall(plain)]


def is_ours(name: str) -> bool:
    return " ".join(split_words(name)) in _OURS_FOLDED


_OURS_FOLDED = frozenset(" ".join(split_words(name)) for name in _OURS)
