"""A file's records as they were sent: nothing of their cells is turned into anything yet.

CSV: `,` `;` or tab, UTF-8, cp1252 or UTF-16. XLSX: a visible sheet. JSON: a line or an element of
an array is a record. Records count from 1 below the titles, blank ones left out but counted.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from services.common import encoding, strict_json, workbook
from services.common.columns import COLUMNS_MAX, Column, TableRefused, index_columns, row_error
from services.common.errors import JsonValue, Problem
from services.common.headers import LINES_MAX, find_header, find_known
from services.common.sheets import choose_table, open_sheet
from services.common.workbook import Book, CellFault, Sheet, SheetRow

CSV = "text/csv"
NDJSON = "application/x-ndjson"
JSON = "application/json"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_DELIMITERS = ",;\t"

Record = tuple[int, Sequence[str]]
"""A record's number, that of the titles being 0, and its cells."""
JsonRecord = tuple[int, JsonValue | Problem]
"""A record's number, and what stands there or why it cannot be read."""


@dataclass(frozen=True, slots=True)
class Records:
    """A file as it was sent: its titles, at which line, what is above and under them.

    `line` counts from 1; records above the titles have numbers under 0.
    """

    titles: Sequence[str]
    rows: Iterator[Record]
    line: int = 1
    above: Sequence[Record] = ()


def parse_media_type(header: str) -> tuple[str, str]:
    """The media type and its charset in lower case; the charset is empty when not declared."""
    essence, *parameters = header.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return essence.strip().lower(), value.strip().strip('"').lower()
    return essence.strip().lower(), ""


def read_records(
    body: bytes, media_type: str, columns: Sequence[Column], sheet: str = ""
) -> Records:
    """The cells of any file that can be read; `sheet` is that of a workbook of several kinds.

    Raises TableRefused, also while the rows are walked, and WorkbookRefused.
    """
    essence, charset = parse_media_type(media_type)
    if essence == XLSX:
        book = workbook.open_book(body)
        return read_sheet(
            book, book.sheet(sheet) if sheet else choose_table(book, columns), columns
        )
    if essence == CSV:
        return read_csv(body, charset, columns)
    return _read_objects(body, essence)


# CSV


def read_csv(body: bytes, charset: str, columns: Sequence[Column]) -> Records:
    """Raises TableRefused where nobody could say what the rest of the file is.

    A quotation mark left open, or a cell over csv's limit of 131,072 characters that mostly comes
    of one, refuses the whole file: nobody can say where the rows after it begin.
    """
    try:
        codec = encoding.find_encoding(body, charset)
    except encoding.UnreadableText as error:
        raise TableRefused([row_error(0, "", "import.encoding", line=error.line)]) from error
    text = io.TextIOWrapper(io.BytesIO(body), codec, newline="")
    first, rest = _take_first(_read_lines(text, _find_delimiter(text, columns)))
    if not first:
        return Records([], iter(list(_count_from(0, rest))))
    place = find_header(first, columns)
    line, titles = first[place]
    above = [(number - line, cells) for number, cells in first[:place]]
    return Records(titles, _count_from(line, chain(first[place + 1 :], rest)), line, above)


class _Malformed(Exception):
    """The line from which on a file is not read, and why."""

    def __init__(self, line: int, code: str) -> None:
        super().__init__(line, code)
        self.line = line
        self.code = code


def _read_lines(text: io.TextIOWrapper, delimiter: str) -> Iterator[Record]:
    """Records that hold something, by their line from 1. Raises _Malformed."""
    line = 0
    try:
        for cells in csv.reader(text, delimiter=delimiter, strict=True, skipinitialspace=True):
            line += 1
            if cells and (cells[0].strip() or "".join(cells).strip()):
                yield line, cells
            elif line > workbook.SHEET_ROWS_MAX:
                raise _Malformed(line, "csv.blank_lines")
    except csv.Error as error:
        raise _Malformed(line + 1, "csv.malformed") from error


def _take_first(lines: Iterator[Record]) -> tuple[list[Record], Iterator[Record]]:
    """The first lines, and those after them; what is wrong among the first is raised after them."""
    first: list[Record] = []
    try:
        first.extend(islice(lines, LINES_MAX))
    except _Malformed as malformed:
        return first, map(_raise, (malformed,))
    return first, lines


def _raise(malformed: _Malformed) -> Record:
    raise malformed


def _count_from(line: int, lines: Iterator[Record]) -> Iterator[Record]:
    """The same records by their number under the titles."""
    try:
        for number, cells in lines:
            yield number - line, cells
    except _Malformed as malformed:
        number = malformed.line - line if line else 0
        blanks = {"lines_max": workbook.SHEET_ROWS_MAX}
        error = replace(row_error(number, "", malformed.code, **blanks), line=malformed.line)
        raise TableRefused([error]) from malformed


def _find_delimiter(text: io.TextIOWrapper, columns: Sequence[Column]) -> str:
    """The delimiter under which a line knows most titles; the widest among equals."""
    index = index_columns(columns)

    def score(delimiter: str) -> tuple[int, int]:
        text.seek(0)
        first, _ = _take_first(_read_lines(text, delimiter))
        known = [len(find_known(cells, index)) for _, cells in first]
        return max(known, default=0), len(first[0][1]) if first else 0

    delimiter = max(_DELIMITERS, key=score)
    text.seek(0)
    return delimiter


# XLSX


def read_sheet(book: Book, sheet: Sheet, columns: Sequence[Column]) -> Records:
    """From the first column in which something stands, at the titles or above them."""
    found = open_sheet(book, sheet, columns)
    if not found.titles:
        return Records([], iter(()))
    first = min(min(cells) for _, cells in [*found.above, (found.line, found.titles)])

    def to_record(row: SheetRow) -> Record:
        number, cells = row
        texts = [""] * (max(0, max(cells) - first) + 1)
        for place, cell in cells.items():
            if place >= first:
                texts[place - first] = cell.shown if isinstance(cell, CellFault) else cell
        return number - found.line, texts

    _, titles = to_record((found.line, dict(found.titles)))
    return Records(
        titles, map(to_record, found.rows), found.line, [to_record(row) for row in found.above]
    )


# JSON


def read_json(body: bytes, essence: str) -> Iterator[JsonRecord]:
    """Lines of JSON, or the elements of an array. Raises TableRefused for what is no array."""
    body = body.removeprefix(encoding.BYTE_ORDER_MARK)
    return _read_array(body) if essence == JSON else _read_json_lines(body)


def _read_json_lines(body: bytes) -> Iterator[JsonRecord]:
    for number, line in enumerate(io.BytesIO(body), 1):
        if line.strip():
            yield number, _load(line)


def _read_array(body: bytes) -> Iterator[JsonRecord]:
    """One element after the other: the whole array is never held as objects."""
    try:
        text = body.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise TableRefused([row_error(0, "", "import.encoding", line=line)]) from error
    if not (text.startswith("[") and text.endswith("]")):
        raise TableRefused([row_error(0, "", "import.array")])
    scanner, end = json.JSONDecoder(), len(text) - 1
    place, number = _skip(text, 1), 0
    while place < end:
        number += 1
        try:
            _, after = scanner.raw_decode(text, place)
        except (json.JSONDecodeError, RecursionError) as error:
            raise TableRefused([row_error(number, "", "import.array")]) from error
        yield number, _load(text[place:after].encode("utf-8", "surrogatepass"))
        place = _skip(text, after)
        is_last = place == end
        if not is_last:
            if text[place] != "," or _skip(text, place + 1) == end:
                raise TableRefused([row_error(number, "", "import.array")])
            place = _skip(text, place + 1)


def _skip(text: str, place: int) -> int:
    """Past white space."""
    while text[place] in " \t\r\n":
        place += 1
    return place


def _load(line: bytes) -> JsonValue | Problem:
    try:
        return strict_json.loads(line)
    except Problem as problem:
        return problem


def _read_objects(body: bytes, essence: str) -> Records:
    """Objects as a sheet: the columns in the order in which their names first appear."""
    places: dict[str, int] = {}
    for _, document in read_json(body, essence):
        for name in document if isinstance(document, dict) else ():
            if len(places) < COLUMNS_MAX:
                places.setdefault(name, len(places))
    return Records(list(places) or [""], _show_objects(body, essence, places))


def _show_objects(body: bytes, essence: str, places: Mapping[str, int]) -> Iterator[Record]:
    lines = [] if essence == JSON else body.removeprefix(encoding.BYTE_ORDER_MARK).split(b"\n")
    for number, document in read_json(body, essence):
        if isinstance(document, dict):
            row = [""] * len(places)
            for name, value in document.items():
                if name in places:
                    row[places[name]] = show_value(value)
            yield number, row
        elif lines:
            yield number, [lines[number - 1].decode("utf-8", "replace").strip()]
        else:
            yield number, ["" if isinstance(document, Problem) else show_value(document)]


def show_value(value: JsonValue) -> str:
    """A value of JSON as it may stand in a cell."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "|".join(map(str, value))
    return json.dumps(value, ensure_ascii=False)
