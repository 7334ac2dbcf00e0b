"""A table from the bytes a member sends: its columns recognised, its cells read.

CSV: `,` `;` or tab, UTF-8 or cp1252. XLSX: the first visible sheet. Both have French or English
headers in any order, on the first line that holds something. Rows count from 1 and keep their
place: a blank line is skipped but counted, so row n stands n lines under the header of the sheet.
NDJSON: row n is line n. Another format is another reader (`READERS`).
"""

import csv
import io
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.common import encoding, errors, strict_json, workbook
from services.common.archive import WorkbookRefused
from services.common.cells import JSON_READINGS, SHEET_READINGS, CellKind, Reading
from services.common.errors import JsonValue, Problem
from services.common.messages import MESSAGES
from services.common.text import Text

ROWS_MAX = 200_000
COLUMNS_MAX = 200
BATCH_ROWS = 5_000
SHOWN_LENGTH_MAX = 100

_DELIMITERS = ",;\t"
_SMALL_WORDS = frozenset({"d", "de", "des", "du", "l", "la", "le", "les"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its English name, what else it may be called, and how its cells are read.

    `pointer` is the place of its value in the model of the row, `/name` unless said.
    """

    name: str
    kind: CellKind = CellKind.TEXT
    aliases: tuple[str, ...] = ()
    required: bool = False
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing wrong. Row 0 is the header or the file; column "" is the whole row."""

    row: int
    column: str
    code: str
    message: Text


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows in order: their numbers and values by column name; what is wrong with others."""

    numbers: list[int] = field(default_factory=list)
    values: list[dict[str, JsonValue]] = field(default_factory=list)
    refused: list[RowError] = field(default_factory=list)
    refused_numbers: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows, a batch at a time: a large file is never held twice in memory.

    Walking them raises TableRefused or PayloadTooLarge where the file turns out unreadable.
    """

    batches: Iterator[Batch]


class TableRefused(Exception):
    """The file as a whole cannot be read as a table of these columns."""

    def __init__(self, found: Sequence[RowError]) -> None:
        super().__init__(found[0].code)
        self.found = found


ReadRow = tuple[int, dict[str, JsonValue] | list[RowError]]
Reader = Callable[[bytes, str, Sequence[Column]], Iterator[ReadRow]]


def read_table(body: bytes, media_type: str, columns: Sequence[Column]) -> Table:
    """The table in `body`; `media_type` is the whole Content-Type.

    Raises UnsupportedMediaType or TableRefused.
    """
    reader, charset = find_reader(media_type)
    if not body.removeprefix(encoding.BYTE_ORDER_MARK).strip():
        raise TableRefused([row_error(0, "", "import.empty")])
    return Table(_gather(reader(body, charset, columns)))


def find_reader(media_type: str) -> tuple[Reader, str]:
    """What reads this Content-Type, and its charset. Raises UnsupportedMediaType."""
    essence, charset = parse_media_type(media_type)
    reader = READERS.get(essence)
    if reader is None or charset not in ("", *encoding.UTF_8_LABELS, *encoding.CP1252_LABELS):
        raise errors.UnsupportedMediaType(
            headers={"Accept": ", ".join(READERS)}, extra={"accepted": list(READERS)}
        )
    return reader, charset


def parse_media_type(header: str) -> tuple[str, str]:
    """The media type and its charset in lower case; the charset is empty when not declared."""
    essence, *parameters = header.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return essence.strip().lower(), value.strip().strip('"').lower()
    return essence.strip().lower(), ""


def row_error(row: int, column: str, code: str, **blanks: object) -> RowError:
    shown = show(column)
    return RowError(row, shown, code, MESSAGES[code].fill(column=shown, **blanks))


def show(name: str) -> str:
    """A name from outside as it may stand in an answer: printable and short."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name[:SHOWN_LENGTH_MAX])


def _gather(rows: Iterator[ReadRow]) -> Iterator[Batch]:
    batch, received = Batch(), 0
    for number, row in rows:
        received += 1
        if received > ROWS_MAX:
            raise errors.PayloadTooLarge(
                MESSAGES["import.too_many_rows"].fill(rows_max=ROWS_MAX),
                code="import.too_many_rows",
                extra={"limit_rows": ROWS_MAX},
            )
        if isinstance(row, list):
            batch.refused.extend(row)
            batch.refused_numbers.append(number)
        else:
            batch.numbers.append(number)
            batch.values.append(row)
        if received % BATCH_ROWS == 0:
            yield batch
            batch = Batch()
    if not received:
        raise TableRefused([row_error(0, "", "import.no_rows")])
    yield batch


def fold_name(name: str) -> str:
    """What column names are compared by: no case, no accents, no punctuation, no small words.

    « Date de versement », "date_versement" and « Nº de prêt » are as people write them.
    """
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c))
    words = [word for word in plain.split() if word not in _SMALL_WORDS]
    return "".join(words or plain.split())


def index_columns(columns: Sequence[Column]) -> dict[str, Column]:
    """Columns by each of their names, folded. Raises ValueError when two share one."""
    index: dict[str, Column] = {}
    for column in columns:
        for name in (column.name, *column.aliases):
            if index.setdefault(fold_name(name), column) is not column:
                raise ValueError(f"two columns answer to {name!r}")
    return index


def find_name(title: str, columns: Sequence[Column]) -> str:
    """The English name of the column with this title, or nothing."""
    column = index_columns(columns).get(fold_name(title))
    return column.name if column else ""


def _match_header(header: Sequence[str], columns: Sequence[Column]) -> list[Column]:
    """The column of each cell of the header. Raises TableRefused with all that is wrong in it."""
    if len(header) > COLUMNS_MAX:
        raise TableRefused([row_error(0, "", "header.too_wide", columns_max=COLUMNS_MAX)])
    index, found = index_columns(columns), list[RowError]()
    matched: list[Column] = []
    for position, cell in enumerate(header, 1):
        column = index.get(fold_name(cell))
        if not cell.strip():
            found.append(row_error(0, "", "column.unnamed", position=position))
        elif column is None:
            found.append(_unknown_column(0, cell, columns))
        elif column in matched:
            found.append(row_error(0, column.name, "column.duplicate"))
        else:
            matched.append(column)
    for column in columns:
        if column.required and column not in matched:
            found.append(row_error(0, column.name, "column.missing"))
    if found:
        raise TableRefused(found)
    return matched


def _unknown_column(row: int, name: str, columns: Sequence[Column]) -> RowError:
    known = ", ".join(column.name for column in columns)
    return row_error(row, name.strip(), "column.unknown", known=known)


def read_csv_records(
    body: bytes, charset: str, columns: Sequence[Column]
) -> Iterator[tuple[int, list[str]]]:
    """The cells as they were sent, blank lines left out; the header is number 0."""
    try:
        lines = io.StringIO(encoding.decode(body, charset), newline="")
    except encoding.UnreadableText as error:
        raise TableRefused([row_error(0, "", "import.encoding", line=error.line)]) from error
    yield from _read_records(lines, _find_delimiter(lines, index_columns(columns)))


def _read_csv(body: bytes, charset: str, columns: Sequence[Column]) -> Iterator[ReadRow]:
    records = read_csv_records(body, charset, columns)
    _, header = next(records, (0, []))
    width = len(header)
    while 1 < len(header) <= COLUMNS_MAX and not header[-1].strip():
        header.pop()  # spreadsheets leave empty columns at the end
    plan = [(c.name, SHEET_READINGS.get(c.kind)) for c in _match_header(header, columns)]
    for number, cells in records:
        if len(cells) == width and not "".join(cells[len(plan) :]).strip():
            yield number, _read_cells(plan, cells[: len(plan)])
        else:
            found = row_error(number, "", "row.cells", found=len(cells), expected=width)
            yield number, [found]


def _read_cells(
    plan: Sequence[tuple[str, Reading | None]], cells: Sequence[str]
) -> dict[str, JsonValue]:
    values: dict[str, JsonValue] = {}
    for (name, reading), cell in zip(plan, cells, strict=True):
        text = cell.strip()
        if text:
            values[name] = text if reading is None else reading(text)
    return values


def _read_records(lines: io.StringIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
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


def _read_workbook(body: bytes, charset: str, columns: Sequence[Column]) -> Iterator[ReadRow]:
    del charset
    try:
        rows = workbook.read_rows(body)
        header_number, header = next(rows, (0, {}))
        matched = _match_titles(header, columns)
        plan = {place: (c.name, SHEET_READINGS.get(c.kind)) for place, c in matched.items()}
        for number, cells in rows:
            yield number - header_number, _read_sheet_row(number - header_number, cells, plan)
    except WorkbookRefused as refused:
        raise TableRefused([row_error(0, "", refused.code, **refused.blanks)]) from refused


def _match_titles(
    header: Mapping[int, workbook.Cell], columns: Sequence[Column]
) -> dict[int, Column]:
    """The columns by their places. Those without a title are none, as long as they stay empty."""
    if not header:
        raise TableRefused([row_error(0, "", "import.empty")])
    titles = [cell for cell in header.values() if isinstance(cell, str)]
    faults = [cell for cell in header.values() if isinstance(cell, workbook.CellFault)]
    if faults:
        raise TableRefused([row_error(0, f.shown, f.code, shown=show(f.shown)) for f in faults])
    return dict(zip(header, _match_header(titles, columns), strict=True))


def _read_sheet_row(
    number: int,
    cells: Mapping[int, workbook.Cell],
    plan: Mapping[int, tuple[str, Reading | None]],
) -> dict[str, JsonValue] | list[RowError]:
    """The values of a row, or everything that is wrong with its cells."""
    values: dict[str, JsonValue] = {}
    found: list[RowError] = []
    for place, cell in cells.items():
        if place not in plan:
            found.append(row_error(number, "", "column.unnamed", position=place + 1))
            continue
        name, reading = plan[place]
        if isinstance(cell, workbook.CellFault):
            found.append(row_error(number, name, cell.code, shown=show(cell.shown)))
        else:
            values[name] = cell if reading is None else reading(cell)
    return found or values


def _read_ndjson(body: bytes, charset: str, columns: Sequence[Column]) -> Iterator[ReadRow]:
    """One JSON object a line, always UTF-8. Null and empty text are an empty cell."""
    del charset
    index = index_columns(columns)
    names: dict[str, Column | None] = {}
    lines = io.BytesIO(body.removeprefix(encoding.BYTE_ORDER_MARK))
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            document = strict_json.loads(line)
        except Problem as problem:
            yield number, [_refused_line(number, problem)]
            continue
        if not isinstance(document, dict):
            yield number, [row_error(number, "", "object.type")]
            continue
        for name in document.keys() - names.keys():
            names[name] = index.get(fold_name(name))
        yield number, _read_members(number, document, names, columns)


def _refused_line(number: int, problem: Problem) -> RowError:
    for error in problem.errors:
        column = error.pointer.partition("/")[2].partition("/")[0]
        return RowError(number, show(column), error.code, error.message)
    return RowError(number, "", problem.code, MESSAGES["row.json"])


def _read_members(
    number: int,
    document: Mapping[str, JsonValue],
    names: Mapping[str, Column | None],
    columns: Sequence[Column],
) -> dict[str, JsonValue] | list[RowError]:
    values: dict[str, JsonValue] = {}
    for name, value in document.items():
        column = names[name]
        if column is None:
            return [_unknown_column(number, name, columns)]
        if column.name in values:
            return [row_error(number, column.name, "column.duplicate")]
        if isinstance(value, str):
            value = value.strip()
            reading = JSON_READINGS.get(column.kind)
            if value and reading is not None:
                value = reading(value)
        if value is not None and value != "":
            values[column.name] = value
    return values


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
READERS: Mapping[str, Reader] = {
    "text/csv": _read_csv,
    "application/x-ndjson": _read_ndjson,
    XLSX: _read_workbook,
}
