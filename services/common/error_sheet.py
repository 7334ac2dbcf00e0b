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
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO

import xlsxwriter

from services.common.columns import COLUMNS_MAX, Column, RowError, find_names
from services.common.import_queries import SentFile
from services.common.records import Record, read_records
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
_LIST_WIDTHS = (8, 22, 28, 100)
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
class _Sheets:
    """The rows of the two sheets on their way to the book, and the comments of the first."""

    data: IO[bytes]
    listed: IO[bytes]
    last: int = 0
    listed_last: int = 0
    comments: list[tuple[int, int, str]] = field(default_factory=list)


def write_error_sheet(
    file: SentFile, columns: Sequence[Column], found: Iterable[RowError], language: Language
) -> bytes:
    """The workbook, as bytes. `file` was read before: it is read here the same way.

    `found` are in the order of the rows.
    """
    records = read_records(file.content, file.media_type, columns)
    _, titles = next(records)
    names = find_names(titles, columns)
    places = {name: place for place, name in names.items()}
    shown = {name: titles[place] for place, name in names.items()}
    with TemporaryFile() as data, TemporaryFile() as listed:
        sheets = _Sheets(data, listed)
        title, _, _ = _read_styles()
        data.write(_row(0, titles, title))
        listed.write(_row(0, [each.read(language) for each in _LIST_TITLES], title))
        _write_records(sheets, records, places, _list_errors(sheets, found, shown, language))
        content = io.BytesIO(_make_book(titles, sheets, language))
        return _fill(content, {"sheet1.xml": data, "sheet2.xml": listed})


def _write_records(
    sheets: _Sheets,
    records: Iterator[Record],
    places: Mapping[str, int],
    told: Iterator[tuple[int, str, str]],
) -> None:
    _, good, bad = _read_styles()
    by_row = groupby(told, key=lambda error: error[0])
    bad_row, errors = next(by_row, (0, iter(())))
    for number, cells in records:
        if number != bad_row:
            sheets.data.write(_row(number, cells, good))
        else:
            notes = _gather_notes(errors, places)
            wide = [*cells, *[""] * (max(notes) + 1 - len(cells))]
            style = bad if -1 in notes else good
            sheets.data.write(_row(number, wide, style, dict.fromkeys(notes, bad)))
            if -1 in notes:
                notes[0] = [*notes.pop(-1), *notes.get(0, ())]
            for place, note in notes.items():
                if len(sheets.comments) < COMMENTS_MAX:
                    sheets.comments.append((number, place, _fit("\n".join(note))))
            bad_row, errors = next(by_row, (0, iter(())))
        sheets.last = number


def _gather_notes(
    errors: Iterable[tuple[int, str, str]], places: Mapping[str, int]
) -> dict[int, list[str]]:
    """What to say at each place; at -1, what is wrong with the row as a whole."""
    notes: dict[int, list[str]] = {}
    for _, column, said in errors:
        notes.setdefault(places.get(column, -1), []).append(said)
    return notes


def _list_errors(
    sheets: _Sheets, found: Iterable[RowError], titles: Mapping[str, str], language: Language
) -> Iterator[tuple[int, str, str]]:
    """Row, column and sentence of each error, on their way from the list to the cells.

    The list has the member's own titles.
    """
    _, good, _ = _read_styles()
    for error in found:
        said = error.message.read(language)
        if sheets.listed_last < LISTED_MAX:
            sheets.listed_last += 1
            title = titles.get(error.column, error.column)
            row = _row(sheets.listed_last, ("", title, error.code, said), good)
            number = f"<c><v>{error.row}</v></c>".encode()
            sheets.listed.write(row.replace(b"<c/>", number, 1))
        elif sheets.listed_last == LISTED_MAX:
            sheets.listed_last += 1
            sheets.listed.write(_row(sheets.listed_last, ("", "", "…", _MORE.read(language)), good))
        yield error.row, error.column, said


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


def _make_book(titles: Sequence[str], sheets: _Sheets, language: Language) -> bytes:
    """The book without its rows."""
    content = io.BytesIO()
    width = max(0, len(titles[:COLUMNS_MAX]) - 1)
    with xlsxwriter.Workbook(content) as book:
        data = book.add_worksheet(_SHEET_NAME.read(language))
        listed = book.add_worksheet(_LIST_NAME.read(language))
        formats = [book.add_format(looks) for looks in _list_looks()]
        for place, form in enumerate(formats):
            data.write_blank(1, place, None, form)
        data.freeze_panes(1, 0)
        data.set_column(0, width, _WIDTH, formats[2])
        data.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        data.autofilter(0, 0, sheets.last, width)
        for row, place, note in sheets.comments:
            data.write_comment(row, place, note, _NOTE_PIXELS)
        listed.freeze_panes(1, 0)
        for place, column_width in enumerate(_LIST_WIDTHS):
            listed.set_column(place, place, column_width)
        listed.autofilter(0, 0, sheets.listed_last, len(_LIST_TITLES) - 1)
    return content.getvalue()


def _list_looks() -> Iterator[dict[str, object]]:
    for looks in _LOOKS:
        yield {"num_format": "@", **looks}
        yield {"num_format": "@", **looks, "quote_prefix": True}


@cache
def _read_styles() -> tuple[_Style, _Style, _Style]:
    """The numbers that the looks of titles, good cells and bad cells have in every such book."""
    with TemporaryFile() as nothing:
        book = _make_book([""], _Sheets(nothing, nothing), "fr")
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
