"""Which sheet of a workbook holds what: by the name on its tab and the titles of its columns.

A sheet is of the kind that most of its titles belong to, if it has all that the kind requires or is
called after it: then what is missing is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from services.common.columns import Notice, fold_name, index_columns, show
from services.common.import_kinds import ImportKind, KindElsewhere, WorkbookKind
from services.common.messages import MESSAGES
from services.common.sheets import KNOWN_MIN, is_ours, read_titles, split_words
from services.common.workbook import Book, Sheet

_ALIKE_PERCENT_MIN = 85
_ALIKE_LENGTH_MIN = 5


@dataclass(frozen=True, slots=True)
class Chosen:
    """The sheets to read, in the order of their tabs, and what to say of the others."""

    sheets: Sequence[tuple[Sheet, ImportKind]]
    notices: Sequence[Notice]


def choose_sheets(book: Book, kind: WorkbookKind) -> Chosen:
    """Raises WorkbookRefused where a sheet cannot be read."""
    sheets: list[tuple[Sheet, ImportKind]] = []
    notices = [_tell("sheet.hidden", name) for name in book.hidden if not is_ours(name)]
    for sheet in book.sheets:
        titles = {each.name: read_titles(book, sheet, each.columns) for each in kind.kinds}
        if not any(titles.values()):
            continue
        of = choose_kind(sheet.name, titles, kind.kinds)
        if of is not None:
            sheets.append((sheet, of))
        elif not is_ours(sheet.name):
            every = [title for each in titles.values() for title in each]
            notices.append(_tell_left_out(sheet.name, every, kind.elsewhere))
    return Chosen(sheets, notices)


def choose_kind(
    name: str, titles: Mapping[str, Sequence[str]], kinds: Sequence[ImportKind]
) -> ImportKind | None:
    """The kind of a sheet; None when neither its name nor its titles tell one from the others.

    `titles` are by kind: which line has them depends on what is looked for.
    """
    known = {kind.name: _count_known(titles[kind.name], kind) for kind in kinds}
    named = [kind for kind in kinds if _is_named(name, _names_of(kind))]
    fitting = [kind for kind in kinds if _fits(titles[kind.name], kind, known[kind.name])]

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


def _names_of(kind: ImportKind) -> Sequence[str]:
    return (kind.name, kind.title.fr, kind.title.en, *kind.sheet_names)


def _is_named(name: str, names: Sequence[str]) -> bool:
    """« Prêts 2026 » and « liste des remboursement » name what they hold."""
    said = split_words(name)
    return any(
        _is_alike(" ".join(said[start : start + len(called)]), " ".join(called))
        for called in map(split_words, names)
        for start in range(len(said) - len(called) + 1)
    )


def _is_alike(said: str, called: str) -> bool:
    if said == called:
        return True
    if min(len(said), len(called)) < _ALIKE_LENGTH_MIN:
        return False
    return 100 * SequenceMatcher(None, said, called).ratio() >= _ALIKE_PERCENT_MIN


def _tell_left_out(name: str, titles: Sequence[str], elsewhere: Sequence[KindElsewhere]) -> Notice:
    """That a sheet was not read, and how to send it when another service records its kind."""
    folded = {fold_name(title) for title in titles}
    for kind in elsewhere:
        if _is_named(name, kind.sheet_names) or folded.intersection(map(fold_name, kind.titles)):
            return _tell("sheet.elsewhere", name, shown=kind.shown, kind=kind.name)
    return _tell("sheet.unknown", name)


def _tell(code: str, name: str, **blanks: object) -> Notice:
    return Notice(code, MESSAGES[code].fill(sheet=show(name), **blanks), show(name))
