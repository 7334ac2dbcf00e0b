"""A member's own sheet with its bad cells coloured and explained, ready to be mended and resent.

Every cell is text as it was sent, in a column of the text format: `=1+1` stays four characters,
also when somebody edits the cell. Every line stands where it stood in the member's sheet. A second
sheet lists the errors by these lines.

XlsxWriter makes a book without rows: looks, comments, filters. The rows are put into it as they
are read, which takes a fifth of the time; memory does not grow with them.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO

import xlsxwriter

from services.common.columns import COLUMNS_MAX, Column, RowError, find_names
from services.common.import_kinds import ImportKind
from services.common.import_queries import SentFile
from services.common.records import Records, read_records
from services.common.text import Language, Text

COMMENTS_MAX = 5_000
"""Spreadsheets take minutes over more; the list has what these do not say."""
LISTED_MAX = 200_000
"""Errors in the list: with more, the book would be too large to be sent again."""

_CELL_LENGTH_MAX = 32_767  # of Excel
_TAB_LENGTH_MAX = 31
_NOT_IN_TABS = re.compile(r"[\[\]:*?/\\]|[^\x20-\ud7ff\ue000-\ufffd]")
_WIDTH_MIN, _WIDTH_MAX = 18, 40
_NOTE_PIXELS = {"width": 320, "height": 110}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
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
_MORE = Text("et d'autres", "and others")

_LOOKS: Sequence[Mapping[str, object]] = (
    {"bold": True},
    {},
    {"bg_color": "#FFC7CE", "font_color": "#9C0006"},
)
_ROWS = re.compile(rb"<sheetData>.*</sheetData>|<sheetData/>", re.DOTALL)
_STYLE = re.compile(rb'<c r="[A-Z]+2" s="(\d+)"')
_DIMENSION = re.compile(rb"<dimension [^>]*/>")
_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        **{chr(code): f"_x{code:04X}_" for code in range(32) if chr(code) not in "\t\n"},
        "\ufffe": "\ufffd",
        "\uffff": "\ufffd",
    }
)
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


@dataclass(frozen=True, slots=True)
class _Style:
    """How a cell looks; `quoted` keeps what begins as a formula does from being one."""

    plain: str
    quoted: str


@dataclass(slots=True)
class _Rows:
    """The rows of a sheet on their way to the book, and its comments.

    `last` is the last of them and `titles` the one with the titles, from 0.
    """

    name: str
    file: IO[bytes]
    widths: Sequence[int] = ()
    last: int = 0
    titles: int = 0
    comments: list[tuple[int, int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Told:
    """An error as a comment says it."""

    sheet: str
    row: int
    column: str
    said: str


def write_error_sheet(
    file: SentFile,
    sheets: Sequence[tuple[str, ImportKind]],
    found: Iterable[RowError],
    language: Language,
) -> bytes:
    """The workbook, as bytes. `file` was read before: it is read here the same way.

    `sheets` are those that are read of it, without a name when it is one table; `found` are in the
    order of the sheets and of their rows.
    """
    *names, list_name = _name_tabs(
        [name or _SHEET_NAME.read(language) for name, _ in sheets] + [_LIST_NAME.read(language)]
    )
    with ExitStack() as files:
        parts = [_Rows(name, files.enter_context(TemporaryFile())) for name in names]
        listed = _Rows(list_name, files.enter_context(TemporaryFile()))
        shown = _read_titles(file, sheets)
        by_sheet = groupby(_list_errors(listed, found, shown, language), lambda told: told.sheet)
        bad_sheet, errors = next(by_sheet, ("", iter(())))
        for (name, kind), part in zip(sheets, parts, strict=True):
            records = read_records(file.content, file.media_type, kind.columns, name)
            is_bad = name == bad_sheet
            _write_records(part, records, kind.columns, errors if is_bad else iter(()))
            if is_bad:
                bad_sheet, errors = next(by_sheet, ("", iter(())))
        return _fill(io.BytesIO(_make_book(parts, listed)), [*parts, listed])


def _name_tabs(names: Sequence[str]) -> list[str]:
    """Names that a spreadsheet takes: short, all different, without the signs it forbids."""
    tabs: list[str] = []
    for name in names:
        tab = _NOT_IN_TABS.sub(" ", name)[:_TAB_LENGTH_MAX].strip(" '") or "1"
        while tab.casefold() in map(str.casefold, tabs):
            tab = f"{tab[: _TAB_LENGTH_MAX - 4]} ({len(tabs) + 1})"
        tabs.append(tab)
    return tabs


@dataclass(frozen=True, slots=True)
class _Titles:
    """The member's own titles by our names of columns, and the line they stand at, from 1."""

    line: int
    by_column: Mapping[str, str]


def _read_titles(file: SentFile, sheets: Sequence[tuple[str, ImportKind]]) -> dict[str, _Titles]:
    """By sheet."""
    shown: dict[str, _Titles] = {}
    for name, kind in sheets:
        records = read_records(file.content, file.media_type, kind.columns, name)
        found = find_names(records.titles, kind.columns)
        by_column = {column: records.titles[place] for place, column in found.items()}
        shown[name] = _Titles(records.line, by_column)
    return shown


def _write_records(
    part: _Rows, records: Records, columns: Sequence[Column], told: Iterator[_Told]
) -> None:
    title, good, bad = _read_styles()
    places = {name: place for place, name in find_names(records.titles, columns).items()}
    part.widths = [_fit_width(title) for title in records.titles[:COLUMNS_MAX]]
    part.titles = part.last = records.line - 1
    for number, cells in records.above:
        part.file.write(_row(part.titles + number, cells, good))
    part.file.write(_row(part.titles, records.titles, title))
    by_row = groupby(told, key=lambda error: error.row)
    bad_row, errors = next(by_row, (0, iter(())))
    for number, cells in records.rows:
        part.last = part.titles + number
        if number != bad_row:
            part.file.write(_row(part.last, cells, good))
        else:
            notes = _gather_notes(errors, places)
            wide = [*cells, *[""] * (max(notes) + 1 - len(cells))]
            style = bad if -1 in notes else good
            part.file.write(_row(part.last, wide, style, dict.fromkeys(notes, bad)))
            if -1 in notes:
                notes[0] = [*notes.pop(-1), *notes.get(0, ())]
            for place, note in notes.items():
                if len(part.comments) < COMMENTS_MAX:
                    part.comments.append((part.last, place, _fit("\n".join(note))))
            bad_row, errors = next(by_row, (0, iter(())))


def _fit_width(title: str) -> int:
    """In letters, with room for the arrow of the filter."""
    return min(max(len(title) + 4, _WIDTH_MIN), _WIDTH_MAX)


def _gather_notes(errors: Iterable[_Told], places: Mapping[str, int]) -> dict[int, list[str]]:
    """What to say at each place; at -1, what is wrong with the row as a whole."""
    notes: dict[int, list[str]] = {}
    for error in errors:
        notes.setdefault(places.get(error.column, -1), []).append(error.said)
    return notes


def _list_errors(
    listed: _Rows,
    found: Iterable[RowError],
    titles: Mapping[str, _Titles],
    language: Language,
) -> Iterator[_Told]:
    """The errors, on their way from the list to the cells. The list has the member's own titles."""
    title, good, _ = _read_styles()
    heads = [each.read(language) for each in _LIST_TITLES]
    has_sheets = any(titles)
    listed.widths = _LIST_WIDTHS if has_sheets else _LIST_WIDTHS[:-1]
    width = len(listed.widths)
    listed.file.write(_row(0, heads[:width], title))
    for error in found:
        said = error.message.read(language)
        if listed.last < LISTED_MAX:
            listed.last += 1
            place = titles[error.sheet]
            column = place.by_column.get(error.column, error.column)
            cells = ("", column, error.code, said, error.sheet)[:width]
            number = f"<c><v>{place.line + error.row}</v></c>".encode()
            listed.file.write(_row(listed.last, cells, good).replace(b"<c/>", number, 1))
        elif listed.last == LISTED_MAX:
            listed.last += 1
            more = ("", "", "…", _MORE.read(language))
            listed.file.write(_row(listed.last, more, good))
        yield _Told(error.sheet, error.row, error.column, said)


# Cells


def _row(
    number: int, cells: Sequence[str], style: _Style, others: Mapping[int, _Style] | None = None
) -> bytes:
    """A row of the file format; cells follow each other, so those that are empty stand there."""
    written = []
    for place, text in enumerate(cells[:COLUMNS_MAX]):
        look = style if others is None else others.get(place, style)
        if text:
            xf = look.quoted if text.startswith(_FORMULA_STARTS) else look.plain
            written.append(f'<c s="{xf}" t="str"><v>{_escape(text)}</v></c>')
        else:
            written.append("<c/>" if others is None else f'<c s="{look.plain}"/>')
    return f'<row r="{number + 1}">{"".join(written)}</row>'.encode("utf-8", "replace")


def _escape(text: str) -> str:
    if text.isalnum():
        return text[:_CELL_LENGTH_MAX]
    fitting = text[:_CELL_LENGTH_MAX]
    if "_x" in fitting:
        fitting = _LOOKS_ESCAPED.sub("_x005F_", fitting)
    return fitting.translate(_ESCAPES)


def _fit(text: str) -> str:
    """What a comment can hold; a lone surrogate has no place in a file."""
    return text[:_CELL_LENGTH_MAX].encode("utf-8", "replace").decode()


# The book around them


def _make_book(parts: Sequence[_Rows], listed: _Rows) -> bytes:
    """The book without its rows."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        formats = [book.add_format(looks) for looks in _list_looks()]
        for part in parts:
            sheet = book.add_worksheet(part.name)
            for place, form in enumerate(formats):
                sheet.write_blank(1, place, None, form)
            sheet.freeze_panes(part.titles + 1, 0)
            last = max(0, len(part.widths) - 1)
            for place, width in enumerate(part.widths):
                sheet.set_column(place, place, width, formats[2])
            sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
            sheet.autofilter(part.titles, 0, part.last, last)
            for row, place, note in part.comments:
                sheet.write_comment(row, place, note, _NOTE_PIXELS)
        sheet = book.add_worksheet(listed.name)
        sheet.freeze_panes(1, 0)
        for place, width in enumerate(listed.widths):
            sheet.set_column(place, place, width)
        sheet.autofilter(0, 0, listed.last, max(0, len(listed.widths) - 1))
    return content.getvalue()


def _list_looks() -> Iterator[dict[str, object]]:
    for looks in _LOOKS:
        yield {"num_format": "@", **looks}
        yield {"num_format": "@", **looks, "quote_prefix": True}


@cache
def _read_styles() -> tuple[_Style, _Style, _Style]:
    """The numbers that the looks of titles, good cells and bad cells have in every such book."""
    with TemporaryFile() as nothing:
        book = _make_book([_Rows("1", nothing, [1])], _Rows("2", nothing, [1]))
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml")
    title, title_quoted, good, good_quoted, bad, bad_quoted = (
        number.decode() for number in _STYLE.findall(xml)
    )
    return _Style(title, title_quoted), _Style(good, good_quoted), _Style(bad, bad_quoted)


def _fill(book: IO[bytes], sheets: Sequence[_Rows]) -> bytes:
    """The book with these rows in its sheets."""
    content = io.BytesIO()
    rows = {f"xl/worksheets/sheet{n}.xml": sheet.file for n, sheet in enumerate(sheets, 1)}
    with zipfile.ZipFile(book) as skeleton, _new_archive(content) as filled:
        for entry in skeleton.infolist():
            part = skeleton.read(entry)
            file = rows.get(entry.filename)
            if file is None:
                filled.writestr(entry, part, zipfile.ZIP_DEFLATED)
                continue
            head, tail = _ROWS.split(_DIMENSION.sub(b"", part), maxsplit=1)
            with filled.open(entry.filename, "w") as sheet:
                sheet.write(head + b"<sheetData>")
                file.seek(0)
                copyfileobj(file, sheet, 1024 * 1024)
                sheet.write(b"</sheetData>" + tail)
    return content.getvalue()


def _new_archive(content: IO[bytes]) -> zipfile.ZipFile:
    return zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
