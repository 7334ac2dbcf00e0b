"""A member's own sheet with its bad cells coloured and explained, ready to be mended and resent.

Every cell is text as it was sent, in a column of the text format: `=1+1` stays four characters,
also when somebody edits the cell. Row n stands n lines under the header, as in the answer.
"""

import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.common import strict_json, workbook
from services.common.errors import JsonValue, Problem
from services.common.import_kinds import ImportKind
from services.common.import_queries import SentFile
from services.common.tabular import (
    COLUMNS_MAX,
    XLSX,
    Column,
    RowError,
    find_name,
    parse_media_type,
    read_csv_records,
)
from services.common.text import Language, Text

Record = tuple[int, Sequence[str]]
"""A row's number, the header's being 0, and its cells as they were sent."""

_CELL_LENGTH_MAX = 32_767  # of Excel
_WIDTH = 18
_SHEET_NAME = Text("Données", "Data")
_LIST_NAME = Text("Erreurs", "Errors")
_LIST_TITLES = (
    Text("Ligne", "Row"),
    Text("Colonne", "Column"),
    Text("Code", "Code"),
    Text("Message", "Message"),
)
_LIST_WIDTHS = (8, 22, 28, 100)


@dataclass(frozen=True, slots=True)
class _Formats:
    title: Format
    good: Format
    bad: Format


def write_error_sheet(
    file: SentFile, kind: ImportKind, found: Sequence[RowError], language: Language
) -> bytes:
    """The workbook, as bytes. `file` was read before: it is read here the same way."""
    content = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(content, options) as book:
        formats = _Formats(
            book.add_format({"bold": True, "num_format": "@"}),
            book.add_format({"num_format": "@"}),
            book.add_format({"num_format": "@", "bg_color": "#FFC7CE"}),
        )
        sheet = book.add_worksheet(_SHEET_NAME.read(language))
        _write_records(
            sheet, formats, read_records(file, kind.columns), kind.columns, found, language
        )
        listed = book.add_worksheet(_LIST_NAME.read(language))
        _write_list(listed, formats, found, language)
    return content.getvalue()


def _write_records(
    sheet: Worksheet,
    formats: _Formats,
    records: Iterator[Record],
    columns: Sequence[Column],
    found: Sequence[RowError],
    language: Language,
) -> None:
    by_row: defaultdict[int, list[RowError]] = defaultdict(list)
    for error in found:
        by_row[error.row].append(error)
    _, titles = next(records)
    named = ((find_name(title, columns), place) for place, title in enumerate(titles))
    places = {name: place for name, place in named if name}
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(titles) - 1, _WIDTH)
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    _write_row(sheet, 0, titles, formats.title)
    last = 0
    for number, cells in records:
        notes = _notes_by_place(by_row.get(number, ()), places, language)
        is_bad_whole = any(error.column not in places for error in by_row.get(number, ()))
        _write_row(sheet, number, cells, formats.bad if is_bad_whole else formats.good)
        for place, note in notes.items():
            text = cells[place] if place < len(cells) else ""
            _write_cell(sheet, number, place, text, formats.bad)
            sheet.write_comment(number, place, note, {"x_scale": 2.5, "y_scale": 1.5})
        last = number
    sheet.autofilter(0, 0, last, len(titles) - 1)


def _notes_by_place(
    errors: Sequence[RowError], places: Mapping[str, int], language: Language
) -> dict[int, str]:
    """What to say at each cell; at the first one, what is wrong with the row as a whole."""
    notes: dict[int, list[str]] = {}
    for error in errors:
        told = f"{error.code} : {error.message.read(language)}"
        notes.setdefault(places.get(error.column, 0), []).append(told)
    return {place: _fit("\n".join(told)) for place, told in notes.items()}


def _write_row(sheet: Worksheet, number: int, cells: Sequence[str], form: Format) -> None:
    for place, text in enumerate(cells[:COLUMNS_MAX]):
        _write_cell(sheet, number, place, text, form)


def _write_cell(sheet: Worksheet, number: int, place: int, text: str, form: Format) -> None:
    if text:
        sheet.write_string(number, place, _fit(text), form)
    else:
        sheet.write_blank(number, place, None, form)


def _fit(text: str) -> str:
    """What a cell can hold; a lone surrogate has no place in a file."""
    return text[:_CELL_LENGTH_MAX].encode("utf-8", "replace").decode()


def _write_list(
    sheet: Worksheet, formats: _Formats, found: Sequence[RowError], language: Language
) -> None:
    _write_row(sheet, 0, [title.read(language) for title in _LIST_TITLES], formats.title)
    for line, error in enumerate(found, 1):
        sheet.write_number(line, 0, error.row)
        cells = (error.column, error.code, error.message.read(language))
        for place, text in enumerate(cells, 1):
            _write_cell(sheet, line, place, text, formats.good)
    for place, width in enumerate(_LIST_WIDTHS):
        sheet.set_column(place, place, width)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(found), len(_LIST_TITLES) - 1)


# What was sent


def read_records(file: SentFile, columns: Sequence[Column]) -> Iterator[Record]:
    """The cells of a kept file as they were sent, its header first."""
    essence, charset = parse_media_type(file.media_type)
    if essence == XLSX:
        return _read_sheet(file.content)
    if essence == "text/csv":
        return read_csv_records(file.content, charset, columns)
    return _read_lines(file.content)


def _read_sheet(content: bytes) -> Iterator[Record]:
    """From the first column with a title: those before it are empty."""
    header_number, first = 0, 0
    for number, cells in workbook.read_rows(content):
        if not header_number:
            header_number, first = number, min(cells)
        row = [""] * (max(0, max(cells) - first) + 1)
        for place, cell in cells.items():
            if place >= first:
                row[place - first] = cell.shown if isinstance(cell, workbook.CellFault) else cell
        yield number - header_number, row


def _read_lines(content: bytes) -> Iterator[Record]:
    """Lines of JSON as a sheet: the columns in the order in which their names first appear."""
    places: dict[str, int] = {}
    for _, document in _read_objects(content):
        for name in document if isinstance(document, dict) else ():
            if len(places) < COLUMNS_MAX:
                places.setdefault(name, len(places))
    yield 0, list(places) or [""]
    for number, document in _read_objects(content):
        if isinstance(document, str):
            yield number, [document]
            continue
        row = [""] * len(places)
        for name, value in document.items():
            if name in places:
                row[places[name]] = _show_value(value)
        yield number, row


def _read_objects(content: bytes) -> Iterator[tuple[int, dict[str, JsonValue] | str]]:
    """Each line's object; the line itself where it is none."""
    for number, line in enumerate(io.BytesIO(content.removeprefix(b"\xef\xbb\xbf")), 1):
        if line.strip():
            try:
                document = strict_json.loads(line)
            except Problem:
                document = None
            if isinstance(document, dict):
                yield number, document
            else:
                yield number, line.decode("utf-8", "replace").strip()


def _show_value(value: JsonValue) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "|".join(map(str, value))
    return json.dumps(value, ensure_ascii=False)
