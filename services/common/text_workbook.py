"""A workbook whose cells are all text, written row by row: what was sent, as it was sent.

Every cell is in a column of the text format: `=1+1` stays four characters, also when somebody edits
the cell. XlsxWriter makes a book without rows: looks, comments, filters. The rows are put into it
as they come, which takes a fifth of the time; memory does not grow with them.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from services.common.columns import COLUMNS_MAX

_CELL_LENGTH_MAX = 32_767  # of Excel
_TAB_LENGTH_MAX = 31
_NOT_IN_TABS = re.compile(r"[\[\]:*?/\\]|[^\x20-\ud7ff\ue000-\ufffd]")
_WIDTH_MIN, _WIDTH_MAX = 18, 40
_NOTE_PIXELS = {"width": 320, "height": 110}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
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
class Style:
    """How a cell looks; `quoted` keeps what begins as a formula does from being one."""

    plain: str
    quoted: str


@dataclass(slots=True)
class Rows:
    """The rows of a sheet on their way to the book, and its comments.

    `last` is the last of them and `titles` the one with the titles, from 0; without titles there is
    nothing to freeze or to filter by.
    """

    name: str
    file: IO[bytes]
    is_hidden: bool = False
    widths: Sequence[int] = ()
    last: int = 0
    titles: int | None = None
    comments: list[tuple[int, int, str]] = field(default_factory=list)


def name_tabs(names: Sequence[str]) -> list[str]:
    """Names that a spreadsheet takes: short, all different, without the signs it forbids."""
    tabs: list[str] = []
    for name in names:
        tab = _NOT_IN_TABS.sub(" ", name)[:_TAB_LENGTH_MAX].strip(" '") or "1"
        while tab.casefold() in map(str.casefold, tabs):
            tab = f"{tab[: _TAB_LENGTH_MAX - 4]} ({len(tabs) + 1})"
        tabs.append(tab)
    return tabs


def write_row(
    number: int, cells: Sequence[str], style: Style, others: Mapping[int, Style] | None = None
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


def write_cells(number: int, cells: Mapping[int, str], style: Style) -> bytes:
    """A row whose cells may stand far apart, by column from 0."""
    written = []
    for place, text in cells.items():
        xf = style.quoted if text.startswith(_FORMULA_STARTS) else style.plain
        name = f"{xl_col_to_name(place)}{number + 1}"
        written.append(f'<c r="{name}" s="{xf}" t="str"><v>{_escape(text)}</v></c>')
    return f'<row r="{number + 1}">{"".join(written)}</row>'.encode("utf-8", "replace")


def fit_width(title: str) -> int:
    """Of a column, in letters, with room for the arrow of the filter."""
    return min(max(len(title) + 4, _WIDTH_MIN), _WIDTH_MAX)


def _escape(text: str) -> str:
    if text.isalnum():
        return text[:_CELL_LENGTH_MAX]
    fitting = text[:_CELL_LENGTH_MAX]
    if "_x" in fitting:
        fitting = _LOOKS_ESCAPED.sub("_x005F_", fitting)
    return fitting.translate(_ESCAPES)


def fit_comment(text: str) -> str:
    """What a comment can hold; a lone surrogate has no place in a file."""
    return text[:_CELL_LENGTH_MAX].encode("utf-8", "replace").decode()


def write_book(sheets: Sequence[Rows]) -> bytes:
    """The book with these sheets. It opens at the first that has comments."""
    book = io.BytesIO(_make_book(sheets))
    return _fill(book, sheets)


def _make_book(sheets: Sequence[Rows]) -> bytes:
    """The book without its rows."""
    content = io.BytesIO()
    visible = [rows for rows in sheets if not rows.is_hidden]
    opened = next((rows for rows in visible if rows.comments), visible[0])
    with xlsxwriter.Workbook(content) as book:
        formats = [book.add_format(looks) for looks in _list_looks()]
        for rows in sheets:
            sheet = book.add_worksheet(rows.name)
            for place, form in enumerate(formats):
                sheet.write_blank(1, place, None, form)
            for place, width in enumerate(rows.widths):
                sheet.set_column(place, place, width, formats[2])
            sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
            if rows.titles is not None:
                sheet.freeze_panes(rows.titles + 1, 0)
                sheet.autofilter(rows.titles, 0, rows.last, max(0, len(rows.widths) - 1))
            for row, place, note in rows.comments:
                sheet.write_comment(row, place, note, _NOTE_PIXELS)
            if rows.is_hidden:
                sheet.hide()
            elif rows is opened:
                sheet.activate()
    return content.getvalue()


def _list_looks() -> Iterator[dict[str, object]]:
    for looks in _LOOKS:
        yield {"num_format": "@", **looks}
        yield {"num_format": "@", **looks, "quote_prefix": True}


@cache
def read_styles() -> tuple[Style, Style, Style]:
    """The numbers that the looks of titles, good cells and bad cells have in every such book."""
    with TemporaryFile() as nothing:
        book = _make_book([Rows("1", nothing, widths=[1])])
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml")
    title, title_quoted, good, good_quoted, bad, bad_quoted = (
        number.decode() for number in _STYLE.findall(xml)
    )
    return Style(title, title_quoted), Style(good, good_quoted), Style(bad, bad_quoted)


def _fill(book: IO[bytes], sheets: Sequence[Rows]) -> bytes:
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
