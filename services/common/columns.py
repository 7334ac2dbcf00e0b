"""The columns of a sheet: what they are called, what is wrong or worth saying about their cells.

Titles are compared folded: no case, accents, punctuation or small words. A title that is nobody's
is left out with a notice, unless it looks like a slip for a column that is not there.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.common.cells import CellKind
from services.common.messages import MESSAGES
from services.common.text import Text

COLUMNS_MAX = 200
SHOWN_LENGTH_MAX = 100
_CALLED = Text("« {title} » ({name})", '"{title}" ({name})')
_NAMED = Text("« {name} »", '"{name}"')

_SMALL_WORDS = frozenset({"d", "de", "des", "du", "l", "la", "le", "les", "of", "the"})
_ONE_WORD = {
    **dict.fromkeys(("n", "num", "numero", "number", "nr"), "no"),
    **dict.fromkeys(("nb", "nbr", "nbre"), "nombre"),
}
_CAPITAL_INSIDE = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")
_SIGNS = str.maketrans({"°": "o", "#": " no ", "\u2116": " no ", "œ": "oe", "æ": "ae"})
_SLIP_LENGTH_MIN = 4
_TWO_SLIPS_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """A code of a column's list, the word people write for it, and others that are read so."""

    code: str
    word: Text
    others: tuple[str, ...] = ()

    @property
    def all_words(self) -> tuple[str, ...]:
        return (self.word.fr, self.word.en, self.code, *self.others)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its English name, what else it may be called, and how its cells are read.

    `pointer` is the place of its value in the model of the row, `/name` unless said. `title`,
    `meaning`, `choices` and `examples` are for whoever fills the sheet; `is_open` when other words
    than the choices are kept as they are. An organisation's mapping gives its own `words`, folded,
    with the codes they stand for, and `taken`, folded titles that mean another column there.
    """

    name: str
    kind: CellKind = CellKind.TEXT
    aliases: tuple[str, ...] = ()
    required: bool = False
    pointer: str = ""
    title: Text | None = None
    meaning: Text | None = None
    choices: tuple[Choice, ...] = ()
    examples: tuple[str, ...] = ()
    is_open: bool = False
    words: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()

    @property
    def titles(self) -> tuple[str, ...]:
        shown = () if self.title is None else (self.title.fr, self.title.en)
        named = (self.name, *shown, *self.aliases)
        return tuple(title for title in named if title and fold_name(title) not in self.taken)

    def fold_choices(self) -> dict[str, str]:
        """The codes by every word that is read as one of them, folded."""
        return {
            fold_name(word): choice.code for choice in self.choices for word in choice.all_words
        }


@dataclass(frozen=True, slots=True)
class RowError:
    """Something wrong, or odd. Row 0 is the header or the file; column "" is the whole row.

    `sheet` is that of a workbook of several kinds; `line` the number that a spreadsheet shows, and
    `title` what the sender calls the column.
    """

    row: int
    column: str
    code: str
    message: Text
    sheet: str = ""
    line: int | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a whole file or sheet that its sender should know, and need not mend."""

    code: str
    message: Text
    sheet: str = ""


@dataclass(slots=True)
class Remarks:
    """What is said of a file beside its errors; grows while the file is read.

    `header_line` is where the titles stand in a sheet, from 1; JSON has none. `titles` are what the
    sender of a sheet calls our columns.
    """

    warnings: list[RowError] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    header_line: int | None = None
    titles: dict[str, str] = field(default_factory=dict)

    def notice(self, code: str, title: str = "", **blanks: object) -> None:
        """Say something once, of the column that the sender calls so."""
        said = Notice(code, MESSAGES[code].fill(column=show(title), **blanks))
        if said not in self.notices and len(self.notices) < COLUMNS_MAX:
            self.notices.append(said)


class TableRefused(Exception):
    """The file as a whole cannot be read as a table of these columns."""

    def __init__(self, found: Sequence[RowError]) -> None:
        super().__init__(found[0].code)
        self.found = found


def row_error(row: int, column: str, code: str, **blanks: object) -> RowError:
    shown = show(column)
    return RowError(row, shown, code, MESSAGES[code].fill(column=shown, **blanks))


def show(name: str) -> str:
    """A name from outside as it may stand in an answer: printable and short."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name[:SHOWN_LENGTH_MAX])


# Titles


def fold_name(name: str) -> str:
    """What column names are compared by.

    « Date de versement », "date_versement" and « Nº de prêt » are as people write them.
    """
    return "".join(fold_words(name))


def fold_words(name: str) -> list[str]:
    """The words of a name that tell it from others, plain."""
    apart = _CAPITAL_INSIDE.sub(" ", name.translate(_SIGNS))  # LoanNumber is loan number
    decomposed = unicodedata.normalize("NFKD", apart).casefold()
    plain = "".join(c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c))
    words = [word for word in plain.split() if word not in _SMALL_WORDS]
    return [_ONE_WORD.get(word, word) for word in words or plain.split()]


def index_columns(columns: Sequence[Column]) -> dict[str, Column]:
    """Columns by each of their names, folded. Raises ValueError when two share one."""
    index: dict[str, Column] = {}
    for column in columns:
        for name in column.titles:
            if index.setdefault(fold_name(name), column) is not column:
                raise ValueError(f"two columns answer to {name!r}")
    return index


def find_names(titles: Sequence[str], columns: Sequence[Column]) -> dict[int, str]:
    """The English names of the columns with these titles, by place; those left out have none."""
    index = index_columns(columns)
    found = {place: index.get(fold_name(title)) for place, title in enumerate(titles)}
    return {place: column.name for place, column in found.items() if column and column.name}


def match_titles(
    titles: Sequence[str], columns: Sequence[Column], remarks: Remarks
) -> list[Column | None]:
    """The column of each title; None for those left out, which the remarks tell.

    The remarks keep the titles. Raises TableRefused with all that is wrong in the header.
    """
    if len(titles) > COLUMNS_MAX:
        raise TableRefused([row_error(0, "", "header.too_wide", columns_max=COLUMNS_MAX)])
    index, found = index_columns(columns), list[RowError]()
    matched: list[Column | None] = []
    for title in titles:
        column = index.get(fold_name(title)) if title.strip() else None
        if column is not None and column.name and column in matched:
            found.append(duplicate(0, column, titles[matched.index(column)], title))
        matched.append(column)
    absent = [column for column in columns if column not in matched and column.name]
    for title, column in zip(titles, matched, strict=True):
        if column is None and title.strip():
            meant = find_slip(title, absent)
            if meant is None:
                remarks.notice("column.ignored", title.strip())
            else:
                found.append(misspelt(0, title.strip(), meant))
                absent.remove(meant)
    for column in absent:
        if column.required:
            found.append(row_error(0, column.name, "column.missing", meant=call_column(column)))
    if found:
        raise TableRefused(found)
    remarks.titles |= {
        column.name: show(title.strip())
        for title, column in zip(titles, matched, strict=True)
        if column is not None and column.name
    }
    return [column if column is not None and column.name else None for column in matched]


def misspelt(row: int, title: str, meant: Column) -> RowError:
    return row_error(row, title, "column.misspelt", meant=call_column(meant))


def duplicate(row: int, column: Column, first: str, second: str) -> RowError:
    """Two titles of one column, as the sender wrote them."""
    said = {"first": show(first.strip()), "second": show(second.strip())}
    error = row_error(row, column.name, "column.duplicate", meant=call_column(column), **said)
    return replace(error, title=said["second"])


def call_column(column: Column) -> Text:
    """A column as a sentence calls it when the sender has no title for it."""
    if column.title is None:
        return _NAMED.fill(name=column.name)
    return _CALLED.fill(title=column.title, name=column.name)


def find_slip(title: str, absent: Sequence[Column]) -> Column | None:
    """The column that the title is a slip of the hand for: one letter, two in a long name."""
    folded = fold_name(title)
    slips_max = 2 if len(folded) >= _TWO_SLIPS_LENGTH else 1
    if len(folded) < _SLIP_LENGTH_MIN:
        return None
    for slips in range(1, slips_max + 1):
        for column in absent:
            for name in map(fold_name, column.titles):
                if len(name) >= _SLIP_LENGTH_MIN and count_slips(folded, name, slips) <= slips:
                    return column
    return None


def count_slips(left: str, right: str, bound: int) -> int:
    """Letters added, dropped, changed or swapped with the next (optimal string alignment).

    Past the bound, only that it is past.
    """
    if abs(len(left) - len(right)) > bound:
        return bound + 1
    before, last = list[int](), list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
