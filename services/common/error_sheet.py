"""A member's own sheet with its bad cells coloured and explained, ready to be mended and resent.

Every cell is text as it was sent, in a column of the text format: `=1+1` stays four characters,
also when somebody edits the cell. Row n stands n lines under the header, as in the answer. A second
sheet lists every error. Both are written as the file is read: memory does not grow with the rows.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.common.columns import COLUMNS_MAX, Column, RowError, find_names
from services.common.import_kinds import ImportKind
from services.common.import_queries import SentFile
from services.common.records import Record, read_records
from services.common.text import Language, Text

COMMENTS_MAX = 5_000
"""Spreadsheets take minutes over more; the list has what these do not say."""

_CELL_LENGTH_MAX = 32_767  # of Excel
_SHEET_ROWS_MAX = 1_048_576
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
    Text("Feuille", "Sheet"),
)
_LIST_WIDTHS = (8, 22, 28, 100, 22)


@dataclass(frozen=True, slots=True)
class _Form:
    """How a cell looks; `quoted` keeps what begins as a formula does from being one."""

    plain: Format
    quoted: Format


@dataclass(frozen=True, slots=True)
class _Forms:
    title: _Form
    good: _Form
    bad: _Form


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
    content = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(content, options) as book:
        forms = _Forms(
            _make_form(book, bold=True),
            _make_form(book),
            _make_form(book, bg_color="#FFC7CE", font_color="#9C0006"),
        )
        names = [name or _SHEET_NAME.read(language) for name, _ in sheets]
        worksheets = [book.add_worksheet(name) for name in names]
        listed = book.add_worksheet(_name_apart(_LIST_NAME.read(language), names))
        titles = _LIST_TITLES if sheets[-1][0] else _LIST_TITLES[:-1]
        told = _List(listed, forms, [title.read(language) for title in titles], language)
        by_sheet = groupby(told.tell(found), key=lambda error: error.sheet)
        bad_sheet, errors = next(by_sheet, ("", iter(())))
        for (name, kind), worksheet in zip(sheets, worksheets, strict=True):
            is_bad = name == bad_sheet
            _write_sheet(worksheet, forms, file, name, kind.columns, errors if is_bad else ())
            if is_bad:
                bad_sheet, errors = next(by_sheet, ("", iter(())))
        listed.autofilter(0, 0, told.line, len(told.titles) - 1)
    return content.getvalue()


def _make_form(book: xlsxwriter.Workbook, **looks: object) -> _Form:
    plain = {"num_format": "@", **looks}
    return _Form(book.add_format(plain), book.add_format({**plain, "quote_prefix": True}))


def _name_apart(name: str, taken: Sequence[str]) -> str:
    return name if name.casefold() not in map(str.casefold, taken) else f"{name} (2)"


@dataclass(frozen=True, slots=True)
class _Told:
    """An error as a comment says it."""

    sheet: str
    row: int
    column: str
    said: str


@dataclass(slots=True)
class _List:
    """The sheet that lists the errors; they pass through it on their way to the cells."""

    sheet: Worksheet
    forms: _Forms
    titles: Sequence[str]
    language: Language
    line: int = 0

    def tell(self, found: Iterable[RowError]) -> Iterator[_Told]:
        for place, width in enumerate(_LIST_WIDTHS[: len(self.titles)]):
            self.sheet.set_column(place, place, width)
        self.sheet.freeze_panes(1, 0)
        _write_row(self.sheet, 0, self.titles, self.forms.title)
        for error in found:
            said = error.message.read(self.language)
            if self.line + 1 < _SHEET_ROWS_MAX:
                self.line += 1
                self.sheet.write_number(self.line, 0, error.row)
                cells = ("", error.column, error.code, said, error.sheet)
                _write_row(self.sheet, self.line, cells, self.forms.good)
            yield _Told(error.sheet, error.row, error.column, said)


def _write_sheet(
    worksheet: Worksheet,
    forms: _Forms,
    file: SentFile,
    name: str,
    columns: Sequence[Column],
    errors: Iterable[_Told],
) -> None:
    records = read_records(file.content, file.media_type, columns, name)
    _, titles = next(records)
    places = {found: place for place, found in find_names(titles, columns).items()}
    _start_sheet(worksheet, forms, titles)
    last = _write_records(worksheet, forms, records, places, errors)
    worksheet.autofilter(0, 0, last, max(0, len(titles[:COLUMNS_MAX]) - 1))


def _start_sheet(sheet: Worksheet, forms: _Forms, titles: Sequence[str]) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, max(0, len(titles[:COLUMNS_MAX]) - 1), _WIDTH, forms.good.plain)
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    _write_row(sheet, 0, titles, forms.title)


def _write_records(
    sheet: Worksheet,
    forms: _Forms,
    records: Iterator[Record],
    places: Mapping[str, int],
    told: Iterable[_Told],
) -> int:
    """Writes them all; returns the last row."""
    by_row = groupby(told, key=lambda error: error.row)
    bad_row, errors = next(by_row, (0, iter(())))
    last = comments = 0
    for number, cells in records:
        if number != bad_row:
            _write_row(sheet, number, cells, forms.good)
        else:
            notes = _gather_notes(errors, places)
            is_bad_whole = notes.pop(-1, None)
            _write_row(sheet, number, cells, forms.bad if is_bad_whole else forms.good)
            if is_bad_whole:
                notes[0] = [*is_bad_whole, *notes.get(0, ())]
            for place, note in notes.items():
                text = cells[place] if place < len(cells) else ""
                _write_cell(sheet, number, place, text, forms.bad)
                comments += 1
                if comments <= COMMENTS_MAX:
                    sheet.write_comment(number, place, _fit("\n".join(note)), _NOTE_PIXELS)
            bad_row, errors = next(by_row, (0, iter(())))
        last = number
    return last


def _gather_notes(errors: Iterable[_Told], places: Mapping[str, int]) -> dict[int, list[str]]:
    """What to say at each place; at -1, what is wrong with the row as a whole."""
    notes: dict[int, list[str]] = {}
    for error in errors:
        notes.setdefault(places.get(error.column, -1), []).append(error.said)
    return notes


def _write_row(sheet: Worksheet, number: int, cells: Sequence[str], form: _Form) -> None:
    for place, text in enumerate(cells[:COLUMNS_MAX]):
        if text or form.plain.bg_color:
            _write_cell(sheet, number, place, text, form)


def _write_cell(sheet: Worksheet, number: int, place: int, text: str, form: _Form) -> None:
    if text:
        looks = form.quoted if text.startswith(_FORMULA_STARTS) else form.plain
        sheet.write_string(number, place, _fit(text), looks)
    else:
        sheet.write_blank(number, place, None, form.plain)


def _fit(text: str) -> str:
    """What a cell can hold; a lone surrogate has no place in a file."""
    return text[:_CELL_LENGTH_MAX].encode("utf-8", "replace").decode()
