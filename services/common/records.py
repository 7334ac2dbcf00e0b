"""A file's records as they were sent: nothing of their cells is turned into anything yet.

CSV: `,` `;` or tab, UTF-8, cp1252 or UTF-16. XLSX: a visible sheet. JSON: a line or an element of
an array is a record. Records count from 1 below the header, blank ones left out but counted.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence

from services.common import encoding, strict_json, workbook
from services.common.columns import (
    COLUMNS_MAX,
    Column,
    TableRefused,
    fold_name,
    index_columns,
    row_error,
)
from services.common.errors import JsonValue, Problem

CSV = "text/csv"
NDJSON = "application/x-ndjson"
JSON = "application/json"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_DELIMITERS = ",;\t"

Record = tuple[int, Sequence[str]]
"""A record's number, the header's being 0, and its cells."""
JsonRecord = tuple[int, JsonValue | Problem]
"""A record's number, and what stands there or why it cannot be read."""


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
) -> Iterator[Record]:
    """The cells of any file that can be read, its header first; `sheet` is that of a workbook."""
    essence, charset = parse_media_type(media_type)
    if essence == XLSX:
        return _read_sheet(workbook.open_book(body), sheet)
    if essence == CSV:
        return read_csv(body, charset, columns)
    return _read_objects(body, essence)


def read_sheets(
    body: bytes, media_type: str, sheets: Sequence[str], columns: Sequence[Column]
) -> list[Iterator[Record]]:
    """The cells of these sheets; of any file but a workbook there is one, without a name."""
    if any(sheets):
        book = workbook.open_book(body)
        return [_read_sheet(book, sheet) for sheet in sheets]
    return [read_records(body, media_type, columns)]


# CSV


def read_csv(body: bytes, charset: str, columns: Sequence[Column]) -> Iterator[Record]:
    """Raises TableRefused where nobody could say what the rest of the file is."""
    try:
        lines = io.StringIO(encoding.decode(body, charset), newline="")
    except encoding.UnreadableText as error:
        raise TableRefused([row_error(0, "", "import.encoding", line=error.line)]) from error
    yield from _read_lines(lines, _find_delimiter(lines, index_columns(columns)))


def _read_lines(lines: io.StringIO, delimiter: str) -> Iterator[Record]:
    """Records that hold something, the first one (the header) as number 0.

    A quotation mark left open, or a cell over csv's limit of 131,072 characters that mostly comes
    of one, refuses the whole file: nobody can say where the rows after it begin.
    """
    number = -1
    try:
        for cells in _csv_reader(lines, delimiter):
            is_blank = not "".join(cells).strip()
            if is_blank and number < 0:
                continue
            number += 1
            if not is_blank:
                yield number, cells
    except csv.Error as error:
        raise TableRefused([row_error(number + 1, "", "csv.malformed")]) from error


def _csv_reader(lines: io.StringIO, delimiter: str) -> "Iterator[list[str]]":
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)


def _find_delimiter(lines: io.StringIO, index: Mapping[str, Column]) -> str:
    """The delimiter under which most names of the header are known; the widest among equals."""

    def score(delimiter: str) -> tuple[int, int]:
        lines.seek(0)
        try:
            header = next(filter(any, _csv_reader(lines, delimiter)), [])
        except csv.Error:
            return (0, 0)
        return sum(fold_name(cell) in index for cell in header), len(header)

    delimiter = max(_DELIMITERS, key=score)
    lines.seek(0)
    return delimiter


# XLSX


def _read_sheet(book: workbook.Book, sheet: str) -> Iterator[Record]:
    """From the first column with a title: those before it are empty."""
    header_number, first = 0, 0
    for number, cells in workbook.read_rows(book, book.sheet(sheet)):
        if not header_number:
            header_number, first = number, min(cells)
        row = [""] * (max(0, max(cells) - first) + 1)
        for place, cell in cells.items():
            if place >= first:
                row[place - first] = cell.shown if isinstance(cell, workbook.CellFault) else cell
        yield number - header_number, row


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


def _read_objects(body: bytes, essence: str) -> Iterator[Record]:
    """Objects as a sheet: the columns in the order in which their names first appear."""
    places: dict[str, int] = {}
    for _, document in read_json(body, essence):
        for name in document if isinstance(document, dict) else ():
            if len(places) < COLUMNS_MAX:
                places.setdefault(name, len(places))
    yield 0, list(places) or [""]
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
