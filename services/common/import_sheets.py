"""Which sheet of a workbook holds what: by the name on its tab and the titles of its columns.

A sheet is of the kind that most of its titles belong to, if it has all that the kind requires or is
called after it: then what is missing is told.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from services.common import workbook
from services.common.columns import Notice, fold_name, index_columns, show
from services.common.import_kinds import ImportKind
from services.common.messages import MESSAGES
from services.common.workbook import Book, Sheet

KNOWN_MIN = 3
"""Fewer titles tell nothing: a list of anything has a number and a date."""
_ALIKE_PERCENT_MIN = 85
_ALIKE_LENGTH_MIN = 5
_WORD = re.compile(r"[^\W\d_]+")
_OURS = frozenset(
    {"data", "dictionary", "dictionnaire", "errors", "erreurs", "listes", "lists", "mode emploi"}
)
"""Sheets that our own templates and workbooks of errors have beside the data."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The sheets to read, in the order of their tabs, and what to say of the others."""

    sheets: Sequence[tuple[Sheet, ImportKind]]
    notices: Sequence[Notice]


def choose_sheets(book: Book, kinds: Sequence[ImportKind]) -> Chosen:
    """Raises WorkbookRefused where a sheet cannot be read."""
    sheets: list[tuple[Sheet, ImportKind]] = []
    notices = [_tell("sheet.hidden", name) for name in book.hidden if not _is_ours(name)]
    for sheet in book.sheets:
        _, header = next(workbook.read_rows(book, sheet), (0, {}))
        if not header:
            continue
        titles = [cell for cell in header.values() if isinstance(cell, str)]
        kind = choose_kind(sheet.name, titles, kinds)
        if kind is not None:
            sheets.append((sheet, kind))
        elif not _is_ours(sheet.name):
            notices.append(_tell("sheet.unknown", sheet.name))
    return Chosen(sheets, notices)


def choose_kind(name: str, titles: Sequence[str], kinds: Sequence[ImportKind]) -> ImportKind | None:
    """The kind of a sheet; None when neither its name nor its titles tell one from the others."""
    known = {kind.name: _count_known(titles, kind) for kind in kinds}
    named = [kind for kind in kinds if _is_named(name, kind)]
    fitting = [kind for kind in kinds if _fits(titles, kind, known[kind.name])]

    def suits(kind: ImportKind) -> tuple[int, bool, bool]:
        return known[kind.name], kind in fitting, kind in named

    best = sorted((kind for kind in kinds if kind in named or kind in fitting), key=suits)
    if not best or (len(best) > 1 and suits(best[-1]) == suits(best[-2])):
        return None
    return best[-1]


def _count_known(titles: Sequence[str], kind: ImportKind) -> int:
    index = index_columns(kind.columns)
    return sum(fold_name(title) in index for title in titles)


def _fits(titles: Sequence[str], kind: ImportKind, known: int) -> bool:
    """Whether the titles alone tell the kind: those it requires, and hardly any other."""
    folded = {fold_name(title) for title in titles}
    is_complete = all(
        folded.intersection(map(fold_name, column.titles))
        for column in kind.columns
        if column.required
    )
    return is_complete and known >= KNOWN_MIN and 2 * known >= len(titles)


def _is_named(name: str, kind: ImportKind) -> bool:
    """« Prêts 2026 » and « liste des remboursement » name what they hold."""
    said = _words(name)
    return any(
        _is_alike(" ".join(said[start : start + len(called)]), " ".join(called))
        for called in map(_words, (kind.name, kind.title.fr, kind.title.en, *kind.sheet_names))
        for start in range(len(said) - len(called) + 1)
    )


def _is_alike(said: str, called: str) -> bool:
    if said == called:
        return True
    if min(len(said), len(called)) < _ALIKE_LENGTH_MIN:
        return False
    return 100 * SequenceMatcher(None, said, called).ratio() >= _ALIKE_PERCENT_MIN


def _words(name: str) -> list[str]:
    """The words of a name without case, accents or the s of a plural."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return [word.rstrip("s") for word in _WORD.findall(plain)]


def _is_ours(name: str) -> bool:
    return " ".join(_words(name)) in _OURS_FOLDED


def _tell(code: str, name: str) -> Notice:
    return Notice(code, MESSAGES[code].fill(sheet=show(name)), show(name))


_OURS_FOLDED: Mapping[str, None] = dict.fromkeys(" ".join(_words(name)) for name in _OURS)
