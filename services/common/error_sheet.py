"""A member's own file with its bad cells coloured and explained, ready to be mended and resent.

Every line stands where it stood, every sheet of a workbook too, also those that were not read. What
is wrong with a title is said at the title; a column that is missing is added beside the others. A
last sheet lists the errors by their lines.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from tempfile import TemporaryFile

from services.common import workbook
from services.common.columns import (
    COLUMNS_MAX,
    Column,
    RowError,
    find_names,
    show,
)
from services.common.import_kinds import ImportKind
from services.common.import_queries import SentFile
from services.common.records import CSV, XLSX, Records, parse_media_type, read_records, read_sheet
from services.common.sheets import choose_table
from services.common.text import Language, Text
from services.common.text_workbook import (
    Rows,
    fit_comment,
    fit_width,
    name_tabs,
    read_styles,
    write_book,
    write_cells,
    write_row,
)
from services.common.workbook import Book, CellFault, Sheet

COMMENTS_MAX = 5_000
"""Spreadsheets take minutes over more; the list has what these do not say."""
LISTED_MAX = 200_000
"""Errors in the list: with more, the book would be too large to be sent again."""

_SHEET_NAME = Text("Données", "Data")
_LIST_NAME = Text("Erreurs", "Errors")
_LIST_TITLES = (
    Text("Ligne", "Row"),
    Text("Colonne", "Column"),
    Text("Code", "Code"),
    Text("Message", "Message"),
    Text("Feuille", "Sheet"),
)
_LIST_WIDTHS = (8, 22, 28, 100, 22)
_LIST_BEGINS = tuple(
    [title.read(language) for title in _LIST_TITLES[:4]] for language in ("fr", "en")
)
_MORE = Text("et d'autres", "and others")
_ADDED = Text(
    "{said} Remplissez celle-ci ; ou donnez ce titre à votre colonne, et effacez celle-ci.",
    "{said} Fill in this one; or give this title to your own column, and delete this one.",
)


@dataclass(frozen=True, slots=True)
class _Read:
    """A sheet that is read, or a file that is one table: `sheet` is how errors call it.

    `titles` are what the member, or else we, call our columns. `open` reads the file anew.
    """

    sheet: str
    columns: Sequence[Column]
    titles: Mapping[str, str]
    line: int
    open: Callable[[], Records]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A sheet that is not read: it stays as it is."""

    book: Book
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class _Told:
    """An error as a comment says it."""

    sheet: str
    row: int
    column: str
    code: str
    said: str


def is_told_in_titles(found: Sequence[RowError]) -> bool:
    """Whether a file of which no row was read can still be marked: at its titles."""
    return any(error.row == 0 and error.column for error in found)


def write_error_sheet(
    file: SentFile,
    sheets: Sequence[tuple[str, ImportKind]],
    found: Iterable[RowError],
    language: Language,
) -> bytes:
    """The workbook, as bytes. `file` was read before: it is read here the same way.

    `sheets` are those that are read of it, without a name when it is one table; `found` are in the
    order of the sheets and of their rows. Raises TableRefused and WorkbookRefused.
    """
    tabs = list(_list_tabs(file, sheets, language))
    *names, list_name = name_tabs([*(name for name, _ in tabs), _LIST_NAME.read(language)])
    with ExitStack() as files:
        parts = [Rows(name, files.enter_context(TemporaryFile())) for name in names]
        listed = Rows(list_name, files.enter_context(TemporaryFile()), titles=0)
        read = {tab.sheet: tab for _, tab in tabs if isinstance(tab, _Read)}
        by_sheet = groupby(_list_errors(listed, found, read, language), lambda told: told.sheet)
        bad_sheet, errors = next(by_sheet, (None, iter(())))
        for (_, tab), part in zip(tabs, parts, strict=True):
            if isinstance(tab, _Kept):
                _keep(part, tab)
            elif tab.sheet != bad_sheet:
                _write_records(part, tab, iter(()), language)
            else:
                _write_records(part, tab, errors, language)
                bad_sheet, errors = next(by_sheet, (None, iter(())))
        return write_book([*parts, listed])


# What the file has


def _list_tabs(
    file: SentFile, sheets: Sequence[tuple[str, ImportKind]], language: Language
) -> Iterator[tuple[str, _Read | _Kept]]:
    """The sheets by the names on their tabs; a list of errors that was sent along is left out."""
    kinds = dict(sheets)
    essence, _ = parse_media_type(file.media_type)
    if essence != XLSX:
        columns = kinds[""].columns
        opened = partial(read_records, file.content, file.media_type, columns)
        called = language if essence == CSV else None
        yield _SHEET_NAME.read(language), _read_titles("", columns, opened, called)
        return
    book = workbook.open_book(file.content)
    table = choose_table(book, kinds[""].columns) if "" in kinds else None
    for sheet in book.tabs:
        name = "" if sheet == table else sheet.name
        if name in kinds and not sheet.is_hidden:
            columns = kinds[name].columns
            opened = partial(read_sheet, book, sheet, columns)
            yield sheet.name, _read_titles(name, columns, opened, language)
        elif not _is_our_list(book, sheet):
            yield sheet.name, _Kept(book, sheet)


def _read_titles(
    sheet: str, columns: Sequence[Column], opened: Callable[[], Records], language: Language | None
) -> _Read:
    """`language` is that of our own titles; None in a file of JSON, which has names."""
    records = opened()
    names = find_names(records.titles, columns)
    called = {} if language is None else {c.name: _call(c, language) for c in columns if c.name}
    called |= {column: records.titles[place] for place, column in names.items()}
    return _Read(sheet, columns, called, records.line, opened)


def _call(column: Column, language: Language) -> str:
    """A title under which the column is read."""
    title = column.name if column.title is None else column.title.read(language)
    return title if title in column.titles else column.titles[0]


def _is_our_list(book: Book, sheet: Sheet) -> bool:
    _, cells = next(workbook.read_rows(book, sheet), (0, {}))
    return list(cells.values())[: len(_LIST_BEGINS[0])] in _LIST_BEGINS


# What becomes of it


def _keep(part: Rows, kept: _Kept) -> None:
    _, good, _ = read_styles()
    part.is_hidden = kept.sheet.is_hidden
    for line, cells in workbook.read_rows(kept.book, kept.sheet):
        texts = {p: c.shown if isinstance(c, CellFault) else c for p, c in cells.items()}
        if not part.widths:
            width = min(max(texts) + 1, COLUMNS_MAX)
            part.widths = [fit_width(texts.get(place, "")) for place in range(width)]
        part.last = line - 1
        part.file.write(write_cells(part.last, texts, good))


def _write_records(part: Rows, read: _Read, told: Iterator[_Told], language: Language) -> None:
    title, good, bad = read_styles()
    records = read.open()
    places = {name: place for place, name in find_names(records.titles, read.columns).items()}
    by_row = groupby(told, key=lambda error: error.row)
    bad_row, errors = next(by_row, (None, iter(())))
    heads, notes = list(records.titles), dict[int, list[str]]()
    if bad_row == 0:
        heads, notes = _mark_titles(list(errors), heads, read, language)
        bad_row, errors = next(by_row, (None, iter(())))
    part.widths = [fit_width(head) for head in heads[:COLUMNS_MAX]]
    part.titles = part.last = records.line - 1
    for number, cells in records.above:
        part.file.write(write_row(part.titles + number, cells, good))
    part.file.write(write_row(part.titles, heads, title, dict.fromkeys(notes, bad)))
    _comment(part, notes)
    for number, cells in records.rows:
        part.last = part.titles + number
        if number != bad_row:
            part.file.write(write_row(part.last, cells, good))
            continue
        notes = _gather_notes(errors, places)
        wide = [*cells, *[""] * (max(notes) + 1 - len(cells))]
        style = bad if -1 in notes else good
        part.file.write(write_row(part.last, wide, style, dict.fromkeys(notes, bad)))
        if -1 in notes:
            notes[0] = [*notes.pop(-1), *notes.get(0, ())]
        _comment(part, notes)
        bad_row, errors = next(by_row, (None, iter(())))


def _mark_titles(
    errors: Sequence[_Told], titles: Sequence[str], read: _Read, language: Language
) -> tuple[list[str], dict[int, list[str]]]:
    """The titles with those of missing columns after all others, and what to say at which."""
    names = find_names(titles, read.columns)
    notes = defaultdict[int, list[str]](list)
    missing = [error for error in errors if error.code == "column.missing"]
    for error in errors:
        if error.column and error not in missing:
            for place, title in enumerate(titles):
                if error.column in (show(title.strip()), names.get(place)):
                    notes[place].append(error.said)
    heads = list(titles)
    if missing:  # beside all that stands in the sheet: a column of cells may have no title
        wide = max((_measure(cells) for _, cells in read.open().rows), default=0)
        heads = [*titles[: _measure(titles)]]
        heads += [""] * (wide - len(heads))
    for error in missing:
        notes[len(heads)].append(_ADDED.fill(said=error.said).read(language))
        heads.append(read.titles.get(error.column, error.column))
    return heads, dict(notes)


def _measure(cells: Sequence[str]) -> int:
    """How many cells there are up to the last that holds something."""
    width = len(cells)
    while width and not cells[width - 1].strip():
        width -= 1
    return width


def _gather_notes(errors: Iterable[_Told], places: Mapping[str, int]) -> dict[int, list[str]]:
    """What to say at each place; at -1, what is wrong with the row as a whole."""
    notes: dict[int, list[str]] = {}
    for error in errors:
        notes.setdefault(places.get(error.column, -1), []).append(error.said)
    return notes


def _comment(part: Rows, notes: Mapping[int, Sequence[str]]) -> None:
    """On the row that was written last."""
    row = part.last
    for place, note in notes.items():
        if len(part.comments) < COMMENTS_MAX:
            part.comments.append((row, place, fit_comment("\n".join(note))))


def _list_errors(
    listed: Rows, found: Iterable[RowError], read: Mapping[str, _Read], language: Language
) -> Iterator[_Told]:
    """The errors, on their way from the list to the cells. The list has the member's own titles."""
    title, good, _ = read_styles()
    heads = [each.read(language) for each in _LIST_TITLES]
    has_sheets = any(read)
    listed.widths = _LIST_WIDTHS if has_sheets else _LIST_WIDTHS[:-1]
    width = len(listed.widths)
    listed.file.write(write_row(0, heads[:width], title))
    for error in found:
        said = error.message.read(language)
        if listed.last < LISTED_MAX:
            listed.last += 1
            tab = read[error.sheet]
            column = tab.titles.get(error.column, error.column)
            cells = ("", column, error.code, said, error.sheet)[:width]
            number = f"<c><v>{tab.line + error.row}</v></c>".encode()
            listed.file.write(write_row(listed.last, cells, good).replace(b"<c/>", number, 1))
        elif listed.last == LISTED_MAX:
            listed.last += 1
            more = ("", "", "…", _MORE.read(language))
            listed.file.write(write_row(listed.last, more, good))
        yield _Told(error.sheet, error.row, error.column, error.code, said)
