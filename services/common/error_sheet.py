"""A member's own sheet with its bad cells coloured and explained, ready to be mended and resent.

Every cell is text as it was sent, in a column of the text format: `=1+1` stays four characters,
also when somebody edits the cell. Row n stands n lines under the header, as in the answer. A second
sheet lists the errors.

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

from services.common.columns import COLUMNS_MAX, RowError, find_names
from services.common.import_kinds import ImportKind
from services.common.import_queries import SentFile
from services.common.records import Record, read_sheets
from services.common.text import Language, Text

COMMENTS_MAX = 5_000
"""Spreadsheets take minutes over more; the list has what these do not say."""
LISTED_MAX = 200_000
"""Errors in the list: with more, the book would be too large to be sent again."""

_CELL_LENGTH_MAX = 32_767  # of Excel
_WIDTH = 18
_NOTE_PIXELS = {"width": 320, "height": 110}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_SHEET_NAME = Text("Données", "Data")
_LIST_NAME = Text("Erreurs", "Errors")
_LIST_TITLES = (
    Text("Ligne", "Row"),
    Text("Colonne", "Column"),
    Text("Code", "Code"),
    Text("Message", "Message"),
)
_LIST_SHEET = Text("Feuille", "Sheet")
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
class _Sheet:
    """A sheet on its way to the book: its rows, and the comments on its cells."""

    name: str
    titles: Sequence[str]
    rows: IO[bytes]
    last: int = 0
    comments: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def width(self) -> int:
        return len(self.titles[:COLUMNS_MAX])


@dataclass(frozen=True, slots=True)
class _Told:
    """An error as it is told beside its cell."""

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
    names = [name for name, _ in sheets]
    records = read_sheets(file.content, file.media_type, names, sheets[0][1].columns)
    headers = [next(each)[1] for each in records]
    places = [_find_places(titles, kind) for titles, (_, kind) in zip(headers, sheets, strict=True)]
    titles_of = {
        name: {column: titles[place] for column, place in found_places.items()}
        for name, titles, found_places in zip(names, headers, places, strict=True)
    }
    title, _, _ = _read_styles()
    with ExitStack() as stack:
        listed = _Sheet("", _list_titles(names, language), stack.enter_context(TemporaryFile()))
        data = [
            _Sheet(name or _SHEET_NAME.read(language), titles, stack.enter_context(TemporaryFile()))
            for name, titles in zip(names, headers, strict=True)
        ]
        listed.name = _name_apart(_LIST_NAME.read(language), data)
        for sheet in (*data, listed):
            sheet.rows.write(_row(0, sheet.titles, title))
        told = groupby(
            _list_errors(listed, found, titles_of, language), key=lambda error: error.sheet
        )
        bad_name, errors = next(told, ("", iter(())))
        for name, sheet, each, columns in zip(names, data, records, places, strict=True):
            if name == bad_name:
                _write_records(sheet, each, columns, errors)
                bad_name, errors = next(told, ("", iter(())))
            else:
                _write_records(sheet, each, columns, ())
        book = io.BytesIO(_make_book(data, listed))
        every = enumerate((*data, listed), 1)
        return _fill(book, {f"sheet{number}.xml": sheet.rows for number, sheet in every})


def _find_places(titles: Sequence[str], kind: ImportKind) -> dict[str, int]:
    return {name: place for place, name in find_names(titles, kind.columns).items()}


def _list_titles(names: Sequence[str], language: Language) -> list[str]:
    """The list says the sheet where there are several."""
    titles = (*_LIST_TITLES, _LIST_SHEET) if any(names) else _LIST_TITLES
    return [title.read(language) for title in titles]


def _name_apart(name: str, others: Sequence[_Sheet]) -> str:
    is_taken = name.casefold() in (other.name.casefold() for other in others)
    return f"{name} (2)" if is_taken else name


def _write_records(
    sheet: _Sheet, records: Iterator[Record], places: Mapping[str, int], told: Iterable[_Told]
) -> None:
    _, good, bad = _read_styles()
    by_row = groupby(told, key=lambda error: error.row)
    bad_row, errors = next(by_row, (0, iter(())))
    for number, cells in records:
        if number != bad_row:
            sheet.rows.write(_row(number, cells, good))
        else:
            notes = _gather_notes(errors, places)
            wide = [*cells, *[""] * (max(notes) + 1 - len(cells))]
            style = bad if -1 in notes else good
            sheet.rows.write(_row(number, wide, style, dict.fromkeys(notes, bad)))
            if -1 in notes:
                notes[0] = [*notes.pop(-1), *notes.get(0, ())]
            for place, note in notes.items():
                if len(sheet.comments) < COMMENTS_MAX:
                    sheet.comments.append((number, place, _fit("\n".join(note))))
            bad_row, errors = next(by_row, (0, iter(())))
        sheet.last = number


def _gather_notes(errors: Iterable[_Told], places: Mapping[str, int]) -> dict[int, list[str]]:
    """What to say at each place; at -1, what is wrong with the row as a whole."""
    notes: dict[int, list[str]] = {}
    for error in errors:
        notes.setdefault(places.get(error.column, -1), []).append(error.said)
    return notes


def _list_errors(
    listed: _Sheet,
    found: Iterable[RowError],
    titles_of: Mapping[str, Mapping[str, str]],
    language: Language,
) -> Iterator[_Told]:
    """The errors on their way from the list to the cells. The list has the member's own titles."""
    _, good, _ = _read_styles()
    for error in found:
        said = error.message.read(language)
        if listed.last < LISTED_MAX:
            listed.last += 1
            title = titles_of.get(error.sheet, {}).get(error.column, error.column)
            cells = ("", title, error.code, said, error.sheet)[: len(listed.titles)]
            number = f"<c><v>{error.row}</v></c>".encode()
            listed.rows.write(_row(listed.last, cells, good).replace(b"<c/>", number, 1))
        elif listed.last == LISTED_MAX:
            listed.last += 1
            listed.rows.write(_row(listed.last, ("", "", "…", _MORE.read(language)), good))
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


def _make_book(sheets: Sequence[_Sheet], listed: _Sheet) -> bytes:
    """The book without its rows."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        worksheets = [book.add_worksheet(sheet.name) for sheet in (*sheets, listed)]
        formats = [book.add_format(looks) for looks in _list_looks()]
        for place, form in enumerate(formats):
            worksheets[0].write_blank(1, place, None, form)
        for sheet, data in zip(sheets, worksheets[:-1], strict=True):
            width = max(0, sheet.width - 1)
            data.freeze_panes(1, 0)
            data.set_column(0, width, _WIDTH, formats[2])
            data.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
            data.autofilter(0, 0, sheet.last, width)
            for row, place, note in sheet.comments:
                data.write_comment(row, place, note, _NOTE_PIXELS)
        worksheets[-1].freeze_panes(1, 0)
        for place in range(listed.width):
            worksheets[-1].set_column(place, place, _LIST_WIDTHS[place])
        worksheets[-1].autofilter(0, 0, listed.last, listed.width - 1)
    return content.getvalue()


def _list_looks() -> Iterator[dict[str, object]]:
    for looks in _LOOKS:
        yield {"num_format": "@", **looks}
        yield {"num_format": "@", **looks, "quote_prefix": True}


@cache
def _read_styles() -> tuple[_Style, _Style, _Style]:
    """The numbers that the looks of titles, good cells and bad cells have in every such book."""
    with TemporaryFile() as nothing:
        book = _make_book([_Sheet("A", [""], nothing)], _Sheet("B", [""], nothing))
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml")
    title, title_quoted, good, good_quoted, bad, bad_quoted = (
        number.decode() for number in _STYLE.findall(xml)
    )
    return _Style(title, title_quoted), _Style(good, good_quoted), _Style(bad, bad_quoted)


def _fill(book: IO[bytes], rows: Mapping[str, IO[bytes]]) -> bytes:
    """The book with these rows in its sheets."""
    content = io.BytesIO()
    with zipfile.ZipFile(book) as skeleton, _new_archive(content) as filled:
        for entry in skeleton.infolist():
            part = skeleton.read(entry)
            name = entry.filename.rpartition("/")[2]
            if not entry.filename.startswith("xl/worksheets/sheet"):
                filled.writestr(entry, part, zipfile.ZIP_DEFLATED)
                continue
            head, tail = _ROWS.split(_DIMENSION.sub(b"", part), maxsplit=1)
            with filled.open(entry.filename, "w") as sheet:
                sheet.write(head + b"<sheetData>")
                rows[name].seek(0)
                copyfileobj(rows[name], sheet, 1024 * 1024)
                sheet.write(b"</sheetData>" + tail)
    return content.getvalue()


def _new_archive(content: IO[bytes]) -> zipfile.ZipFile:
    return zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
