"""A table from the bytes a member sends: its columns recognised, its cells read.

CSV, XLSX, lines of JSON and arrays of JSON, with French or English titles in any order on the
first line that holds something. Rows count from 1 and keep their place: a blank line is skipped
but counted, so row n stands n lines under the header of the sheet. In JSON, row n is line or
element n. Another format is another reader (`READERS`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from services.common import encoding, errors, workbook
from services.common.archive import WorkbookRefused
from services.common.columns import (
    COLUMNS_MAX,
    Column,
    Remarks,
    RowError,
    TableRefused,
    match_titles,
    row_error,
    show,
)
from services.common.dates import MONTH_FIRST, Order
from services.common.documents import read_documents
from services.common.errors import JsonValue, Problem
from services.common.messages import MESSAGES
from services.common.oddities import watch
from services.common.readings import (
    Batch,
    Plan,
    ReadRow,
    find_orders,
    make_batch,
    make_plan,
    read_plain,
    read_text,
)
from services.common.records import CSV, JSON, NDJSON, XLSX, parse_media_type, read_csv
from services.common.workbook import Book, Sheet

PARSER_VERSION = 2
"""Kept with each import; a test holds what this version reads. Another reading, another number."""

ROWS_MAX = 200_000
BATCH_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Table:
    """The rows, a batch at a time: a large file is never held twice in memory.

    Walking them raises TableRefused or PayloadTooLarge where the file turns out unreadable. The
    remarks are complete once they are walked.
    """

    batches: Iterator[Batch]
    remarks: Remarks = field(default_factory=Remarks)


Reader = Callable[[bytes, str, Sequence[Column], Remarks], Iterator[ReadRow | Batch]]


def read_table(body: bytes, media_type: str, columns: Sequence[Column]) -> Table:
    """The table in `body`; `media_type` is the whole Content-Type.

    Raises UnsupportedMediaType or TableRefused.
    """
    reader, charset = find_reader(media_type)
    if not body.removeprefix(encoding.BYTE_ORDER_MARK).strip():
        raise TableRefused([row_error(0, "", "import.empty")])
    remarks = Remarks()
    batches = _gather(reader(body, charset, columns, remarks))
    return Table(watch(batches, columns, remarks), remarks)


def find_reader(media_type: str) -> tuple[Reader, str]:
    """What reads this Content-Type, and its charset. Raises UnsupportedMediaType."""
    essence, charset = parse_media_type(media_type)
    reader = READERS.get(essence)
    if reader is None or charset not in ("", *encoding.UTF_8_LABELS, *encoding.CP1252_LABELS):
        raise errors.UnsupportedMediaType(
            headers={"Accept": ", ".join(READERS)}, extra={"accepted": list(READERS)}
        )
    return reader, charset


def read_sheet(book: Book, sheet: Sheet, columns: Sequence[Column]) -> Table:
    """The table in one sheet of a workbook."""
    remarks = Remarks()
    batches = _gather(_read_sheet(book, sheet, columns, remarks))
    return Table(watch(batches, columns, remarks), remarks)


def _gather(read: Iterator[ReadRow | Batch]) -> Iterator[Batch]:
    """Rows in batches; those that were read together stay so."""
    received, single = 0, list[ReadRow]()
    for item in read:
        received += len(item.numbers) if isinstance(item, Batch) else 1
        if received > ROWS_MAX:
            raise too_many_rows()
        if isinstance(item, Batch):
            if single:
                yield make_batch(single)
                single = []
            yield item
        else:
            single.append(item)
            if len(single) == BATCH_ROWS:
                yield make_batch(single)
                single = []
    if not received:
        raise TableRefused([row_error(0, "", "import.no_rows")])
    if single:
        yield make_batch(single)


def too_many_rows() -> Problem:
    return errors.PayloadTooLarge(
        MESSAGES["import.too_many_rows"].fill(rows_max=ROWS_MAX),
        code="import.too_many_rows",
        extra={"limit_rows": ROWS_MAX},
    )


# Sheets


def _read_csv(
    body: bytes, charset: str, columns: Sequence[Column], remarks: Remarks
) -> Iterator[ReadRow | Batch]:
    records = read_csv(body, charset, columns)
    _, header = next(records, (0, []))
    width, titles = len(header), list(header)
    while 1 < len(titles) <= COLUMNS_MAX and not titles[-1].strip():
        titles.pop()  # spreadsheets leave empty columns at the end
    matched = dict(enumerate(match_titles(titles, columns, remarks)))
    orders: dict[int, Order] = {}
    if MONTH_FIRST.search(body):
        again = read_csv(body, charset, columns)
        orders = find_orders(((n, dict(enumerate(cells))) for n, cells in again), matched)
    plan = make_plan(matched, orders, starts_in_1904=False)
    unnamed = [place for place in range(width) if not header[place].strip()]
    while some := list(islice(records, BATCH_ROWS)):
        batch = None if unnamed else read_plain(some, plan, width)
        if batch is not None:
            yield batch
            continue
        for number, cells in some:
            if len(cells) != width:
                yield number, [row_error(number, "", "row.cells", found=len(cells), expected=width)]
                continue
            _note_unnamed((place for place in unnamed if cells[place].strip()), remarks)
            yield number, _read_cells(number, cells, plan)
    plan.tell(remarks)


def _read_cells(
    number: int, cells: Sequence[str], plan: Plan
) -> dict[str, JsonValue] | list[RowError]:
    values: dict[str, JsonValue] = {}
    found: list[RowError] | None = None
    for place, (name, reading) in plan.readings.items():
        text = cells[place].strip()
        if not text:
            continue
        if text[0] == "=":
            value = read_text(number, name, reading, text)
            if isinstance(value, RowError):
                found = [*(found or ()), value]
                continue
            values[name] = value
        else:
            values[name] = text if reading is None else reading(text)
    return found or values


def _note_unnamed(places: Iterable[int], remarks: Remarks) -> None:
    for place in places:
        remarks.notice("column.unnamed", position=place + 1)


def _read_workbook(
    body: bytes, charset: str, columns: Sequence[Column], remarks: Remarks
) -> Iterator[ReadRow]:
    del charset
    try:
        book = workbook.open_book(body)
    except WorkbookRefused as refused:
        raise refuse_workbook(refused) from refused
    yield from _read_sheet(book, book.sheets[0], columns, remarks)


def refuse_workbook(refused: WorkbookRefused) -> TableRefused:
    return TableRefused([row_error(0, "", refused.code, **refused.blanks)])


def _read_sheet(
    book: Book, sheet: Sheet, columns: Sequence[Column], remarks: Remarks
) -> Iterator[ReadRow]:
    try:
        rows = workbook.read_rows(book, sheet)
        header_number, header = next(rows, (0, {}))
        matched = _match_cells(header, columns, remarks)
        orders: dict[int, Order] = {}
        if workbook.holds(book, MONTH_FIRST):
            orders = find_orders(
                (
                    (number, {p: c for p, c in cells.items() if isinstance(c, str)})
                    for number, cells in workbook.read_rows(book, sheet)
                ),
                matched,
            )
        plan = make_plan(matched, orders, book.starts_in_1904)
        for row_number, cells in rows:
            number = row_number - header_number
            _note_unnamed(cells.keys() - header.keys(), remarks)
            yield number, _read_sheet_row(number, cells, plan)
        plan.tell(remarks)
    except WorkbookRefused as refused:
        raise refuse_workbook(refused) from refused


def _match_cells(
    header: Mapping[int, workbook.Cell], columns: Sequence[Column], remarks: Remarks
) -> dict[int, Column | None]:
    """The columns by their places."""
    if not header:
        raise TableRefused([row_error(0, "", "import.empty")])
    titles = [cell for cell in header.values() if isinstance(cell, str)]
    faults = [cell for cell in header.values() if isinstance(cell, workbook.CellFault)]
    if faults:
        raise TableRefused([row_error(0, f.shown, f.code, shown=show(f.shown)) for f in faults])
    return dict(zip(header, match_titles(titles, columns, remarks), strict=True))


def _read_sheet_row(
    number: int, cells: Mapping[int, workbook.Cell], plan: Plan
) -> dict[str, JsonValue] | list[RowError]:
    """The values of a row, or everything that is wrong with its cells."""
    values: dict[str, JsonValue] = {}
    found: list[RowError] = []
    for place, cell in cells.items():
        if place not in plan.readings:
            continue
        name, reading = plan.readings[place]
        if isinstance(cell, workbook.CellFault):
            found.append(row_error(number, name, cell.code, shown=show(cell.shown)))
            continue
        value = read_text(number, name, reading, cell)
        if isinstance(value, RowError):
            found.append(value)
        else:
            values[name] = value
    return found or values


def _read_lines(
    body: bytes, charset: str, columns: Sequence[Column], remarks: Remarks
) -> Iterator[ReadRow]:
    del charset
    return read_documents(body, NDJSON, columns, remarks)


def _read_array(
    body: bytes, charset: str, columns: Sequence[Column], remarks: Remarks
) -> Iterator[ReadRow]:
    del charset
    return read_documents(body, JSON, columns, remarks)


READERS: Mapping[str, Reader] = {
    CSV: _read_csv,
    NDJSON: _read_lines,
    JSON: _read_array,
    XLSX: _read_workbook,
}
