"""The rows of an XLSX workbook's visible sheets, each cell as the text a person would type.

    bytes ─ archive vetted ─ which sheet ─ formats, shared texts ─ rows, as the sheet is unpacked

The sheet is parsed as a stream: no more than one piece of it is in memory, wherever its cells
stand, and a formula or an error is seen at its cell. Hidden sheets are ignored; hidden rows are
not.
"""

import re
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from xml.etree.ElementTree import Element

from services.common.archive import WorkbookRefused, open_archive
from services.common.number_formats import NumberFormat, read_format, to_text
from services.common.xml_parts import load_part, local_name, stream_children, stream_windows

CELL_LENGTH_MAX = 131_072  # as a cell of CSV
TEXTS_BYTES_MAX = 128 * 1024 * 1024
STYLES_MAX = 100_000
SHEET_COLUMNS_MAX = 16_384  # of the file format: XFD
SHEET_ROWS_MAX = 1_048_576
MERGED_MAX = 10_000

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_MIDNIGHT = re.compile(r"T(00:00:00(\.0+)?Z?$)?")
_BOOLEANS = {"1": "true", "0": "false"}
_DIGITS = "0123456789"
_MERGED = re.compile(rb'mergeCell ref="([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})"')
_REFERENCE = re.compile("([A-Z]+)([0-9]+)")


@dataclass(frozen=True, slots=True)
class CellFault:
    """A cell that is not read: the code says why, `shown` is what it displays."""

    code: str
    shown: str


Cell = str | CellFault
SheetRow = tuple[int, dict[int, Cell]]
"""A row's number in the sheet, from 1, and its cells that hold something, by column from 0."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet, by the name on its tab."""

    name: str
    part: str
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """A vetted workbook: its sheets in the order of their tabs, and what they share."""

    archive: zipfile.ZipFile
    tabs: Sequence[Sheet]
    texts_part: str | None
    texts: Sequence[str]
    formats: Sequence[NumberFormat]
    starts_in_1904: bool

    @property
    def sheets(self) -> list[Sheet]:
        """Those that are visible: no other is read."""
        return [sheet for sheet in self.tabs if not sheet.is_hidden]

    @property
    def hidden(self) -> list[str]:
        return [sheet.name for sheet in self.tabs if sheet.is_hidden]

    def sheet(self, name: str) -> Sheet:
        return next(sheet for sheet in self.sheets if sheet.name == name)


@dataclass(frozen=True, slots=True)
class Merged:
    """A range of merged cells, as `B3:B7`: lines from 1, columns from 0, both ends within."""

    name: str
    top: int
    left: int
    bottom: int
    right: int


def open_book(body: bytes) -> Book:
    """Raises WorkbookRefused, also when no sheet is visible."""
    return _read_book(open_archive(body))


def read_rows(book: Book, sheet: Sheet | None = None) -> Iterator[SheetRow]:
    """The rows of a sheet, the first unless said, that hold something, in order.

    Raises WorkbookRefused while walking.
    """
    reader = _CellReader(book.texts, book.formats, book.starts_in_1904)
    number, part = 0, (sheet or book.sheets[0]).part
    for row in stream_children(book.archive, part, "sheetData"):
        number = _row_number(row.get("r"), number)
        cells = reader.read_row(row, str(number))
        if cells:
            yield number, cells


def read_merged(book: Book, sheet: Sheet) -> list[Merged]:
    """The merged ranges of a sheet, the first MERGED_MAX. They stand after its rows."""
    names: dict[str, None] = {}
    for window in stream_windows(book.archive, sheet.part):
        if b"mergeCell " in window and len(names) < MERGED_MAX:
            names |= dict.fromkeys(match[1].decode() for match in _MERGED.finditer(window))
    return [_to_merged(name) for name in islice(names, MERGED_MAX)]


def _to_merged(name: str) -> Merged:
    (left, top), (right, bottom) = _REFERENCE.findall(name)
    return Merged(name, int(top), _column_at(left), int(bottom), _column_at(right))


def holds(book: Book, pattern: re.Pattern[bytes]) -> bool:
    """Whether a text of the book, as it is in its XML, starts with what the pattern matches."""
    opening = re.compile(rb">(?:" + pattern.pattern + rb")")
    parts = [sheet.part for sheet in book.sheets]
    if book.texts_part is not None:
        parts.append(book.texts_part)
    return any(
        opening.search(window) for part in parts for window in stream_windows(book.archive, part)
    )


# The parts of the book


def _read_book(archive: zipfile.ZipFile) -> Book:
    """Where the visible worksheets are, and the parts they need."""
    if _WORKBOOK not in archive.namelist():
        raise WorkbookRefused("workbook.form")
    parts: dict[str, tuple[str, str]] = {}  # relation -> kind of part, part
    for relation in load_part(archive, _RELATIONS):
        target = relation.get("Target", "")
        part = target[1:] if target.startswith("/") else f"xl/{target}"
        kind = relation.get("Type", "").rpartition("/")[2]
        parts[relation.get("Id", "")] = kind, part
    by_kind = dict(parts.values())
    starts_in_1904, tabs = False, list[Sheet]()
    for element in load_part(archive, _WORKBOOK).iter():
        name = local_name(element)
        if name == "workbookPr":
            starts_in_1904 = element.get("date1904") in ("1", "true")
        elif name == "sheet":
            relations = [value for key, value in element.items() if key.endswith("}id")]
            kind, part = parts.get("".join(relations), ("", ""))
            is_hidden = element.get("state", "visible") != "visible"
            if kind == "worksheet":
                tabs.append(Sheet(element.get("name", ""), part, is_hidden))
    if all(sheet.is_hidden for sheet in tabs):
        raise WorkbookRefused("workbook.no_sheet")
    texts_part = by_kind.get("sharedStrings")
    return Book(
        archive,
        tabs,
        texts_part,
        _read_texts(archive, texts_part),
        _read_formats(archive, by_kind.get("styles")),
        starts_in_1904,
    )


def _read_texts(archive: zipfile.ZipFile, part: str | None) -> list[str]:
    """The texts that cells refer to by number."""
    texts: list[str] = []
    size = 0
    for item in stream_children(archive, part) if part else ():
        texts.append(_read_text(item))
        size += sys.getsizeof(texts[-1])
        if size > TEXTS_BYTES_MAX:
            raise _too_much_text()
    return texts


def _read_text(item: Element) -> str:
    """The runs of a text, one after the other; phonetic guides are left out."""
    if len(item) == 1 and item[0].tag.endswith("}t"):  # most texts: one run
        return _unescape(item[0].text or "").strip()
    pieces: list[str] = []
    for element in item:
        name = local_name(element)
        if name == "t":
            pieces.append(element.text or "")
        elif name == "r":
            pieces += (run.text or "" for run in element if local_name(run) == "t")
    return _unescape("".join(pieces)).strip()


def _read_formats(archive: zipfile.ZipFile, part: str | None) -> list[NumberFormat]:
    """What each style of cell shows numbers as."""
    codes: dict[str, str] = {}
    formats: list[NumberFormat] = []
    for group in load_part(archive, part) if part else ():
        if local_name(group) == "numFmts":
            codes = {f.get("numFmtId", ""): f.get("formatCode", "") for f in group}
        elif local_name(group) == "cellXfs":
            if len(group) > STYLES_MAX:
                raise WorkbookRefused("workbook.damaged")
            for style in group:
                identifier = style.get("numFmtId", "0")
                formats.append(read_format(identifier, codes.get(identifier)))
    return formats


# The cells


class _CellReader:
    """Elements of cells into their texts. Cells stand in order, as every program writes them."""

    def __init__(
        self, texts: Sequence[str], formats: Sequence[NumberFormat], starts_in_1904: bool
    ) -> None:
        self._texts = texts
        self._formats: Mapping[str, NumberFormat] = {str(i): f for i, f in enumerate(formats)}
        self._starts_in_1904 = starts_in_1904
        self._shared_length = 0

    def read_row(self, row: Element, number: str) -> dict[int, Cell]:
        cells: dict[int, Cell] = {}
        last = -1
        for element in row:
            reference = element.get("r")
            if reference is None:
                column = last + 1
            else:
                letters = reference.rstrip(_DIGITS)
                column = _column_at(letters)
                if reference[len(letters) :] != number:
                    raise WorkbookRefused("workbook.damaged")
            if not last < column < SHEET_COLUMNS_MAX:
                raise WorkbookRefused("workbook.damaged")
            last = column
            parts = len(element)
            if not parts:
                continue
            if parts == 1 and element[0].tag.endswith("}v"):  # most cells: a value and no more
                cell = self._convert(element, element[0].text or "")
            else:
                cell = self._read_cell(element)
            if cell:
                cells[column] = cell
        return cells

    def _read_cell(self, element: Element) -> Cell:
        raw = ""
        for part in element:
            name = local_name(part)
            if name == "f":
                shown = next((v.text for v in element if local_name(v) == "v"), None)
                return CellFault("cell.formula", (shown or "")[:CELL_LENGTH_MAX])
            if name == "v":
                raw = part.text or ""
            elif name == "is":
                raw = _read_text(part)
        return self._convert(element, raw)

    def _convert(self, element: Element, raw: str) -> Cell:
        kind = element.get("t")
        if kind == "s":
            cell = self._shared_text(raw)
        elif kind is None or kind == "n":
            cell = self._number(raw.strip(), element.get("s"))
        elif kind in ("inlineStr", "str"):
            cell = _unescape(raw).strip() if kind == "str" else raw
        elif kind == "b":
            cell = _BOOLEANS.get(raw.strip(), raw.strip())
        elif kind == "d":
            cell = _MIDNIGHT.sub(" ", raw).strip()
        elif kind == "e":
            return CellFault("cell.error", raw[:CELL_LENGTH_MAX])
        else:
            raise WorkbookRefused("workbook.damaged")
        return cell if len(cell) <= CELL_LENGTH_MAX else CellFault("cell.too_long", "")

    def _number(self, raw: str, style: str | None) -> str:
        form = self._formats.get(style or "0", NumberFormat.PLAIN)
        text = to_text(raw, form, self._starts_in_1904) if raw else ""
        if text is None:
            raise WorkbookRefused("workbook.damaged")
        return text

    def _shared_text(self, raw: str) -> str:
        if not raw:
            return ""
        position = _whole_number(raw)
        if position >= len(self._texts):
            raise WorkbookRefused("workbook.damaged")
        text = self._texts[position]
        # One long text that every cell refers to is little in the file and much in memory.
        self._shared_length += len(text)
        if self._shared_length > TEXTS_BYTES_MAX:
            raise _too_much_text()
        return text


def _row_number(declared: str | None, last: int) -> int:
    if declared is None:
        return last + 1
    number = _whole_number(declared)
    if not last < number <= SHEET_ROWS_MAX:
        raise WorkbookRefused("workbook.damaged")
    return number


def _whole_number(raw: str) -> int:
    if not (raw.isascii() and raw.isdecimal() and len(raw) < 10):
        raise WorkbookRefused("workbook.damaged")
    return int(raw)


@lru_cache(maxsize=1024)
def _column_at(letters: str) -> int:
    """A is 0, Z is 25, AA is 26."""
    if not re.fullmatch("[A-Z]{1,3}", letters):
        raise WorkbookRefused("workbook.damaged")
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _unescape(text: str) -> str:
    """Characters that XML has no place for are written _x000D_."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def _too_much_text() -> WorkbookRefused:
    return WorkbookRefused("workbook.texts", megabytes_max=TEXTS_BYTES_MAX // 1024**2)
