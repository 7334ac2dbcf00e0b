"""A table from the bytes a member sends: its columns recognised, its cells read.

CSV, XLSX, lines of JSON and arrays of JSON, with French or English titles in any order on the
first line that holds something, or under a few lines about the sheet. Rows count from 1 and keep
their place: a blank line is skipped but counted, so row n stands n lines under the titles. A line
of totals is no row: it is left out with a warning. In JSON, row n is line or element n. Another
format is another reader (`READERS`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import filterfalse, islice

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
from services.common.merged_cells import MergedCells, find_merged
from services.common.messages import MESSAGES
from services.common.oddities import WARNINGS_MAX, watch
from services.common.readings import (
    Batch,
    Plan,
    ReadRow,
    find_orders,
    is_total,
    make_batch,
    make_plan,
    read_plain,
    read_text,
)
from services.common.records import CSV, JSON, NDJSON, XLSX, parse_media_type, read_csv
from services.common.sheets import choose_table, is_ours, list_others, open_sheet
from services.common.workbook import Book, Sheet

PARSER_VERSION = 4
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
    width, titles = len(records.titles), list(records.titles)
    while 1 < len(titles) <= COLUMNS_MAX and not titles[-1].strip():
        titles.pop()  # spreadsheets leave empty columns at the end
    _tell_header(records.line, bool(records.above), remarks)
    with _at_line(records.line):
        matched = dict(enumerate(match_titles(titles, columns, remarks)))
    orders: dict[int, Order] = {}
    if MONTH_FIRST.search(body):
        again = read_csv(body, charset, columns).rows
        orders = find_orders(((n, dict(enumerate(cells))) for n, cells in again), matched)
    plan = make_plan(matched, orders, starts_in_1904=False)
    unnamed = [place for place in range(width) if not records.titles[place].strip()]
    # What is cut in the middle ends inside a line: a short row of it may be half of one.
    is_whole = body.endswith((b"\n", b"\r", b"\n\0", b"\r\0"))
    has_totals = b"tota" in body.replace(b"\0", b"").lower()  # in UTF-16 too
    while some := list(islice(records.rows, BATCH_ROWS)):
        if has_totals:
            some = [row for row in some if not _leaves_out(*row, plan, remarks)]
        batch = read_plain(some, plan, width, unnamed) if some else None
        if batch is not None:
            yield batch
            continue
        for number, sent in some:
            cells = _fit(sent, width, plan, is_whole)
            if cells is None:
                yield number, [row_error(number, "", "row.cells", found=len(sent), expected=width)]
                continue
            _note_unnamed((place for place in unnamed if cells[place].strip()), remarks)
            yield number, _read_cells(number, cells, plan)
    plan.tell(remarks)


def _leaves_out(
    number: int, cells: Sequence[str] | Mapping[int, workbook.Cell], plan: Plan, remarks: Remarks
) -> bool:
    """Whether a line is no row but a total, one of the first thousand: more are another table."""
    by_place = cells.items() if isinstance(cells, Mapping) else enumerate(cells)
    texts = ((place, cell) for place, cell in by_place if isinstance(cell, str))
    if len(remarks.warnings) >= WARNINGS_MAX or not is_total(texts, plan):
        return False
    remarks.warnings.append(row_error(number, "", "row.total"))
    return True


def _tell_header(line: int, is_under_others: bool, remarks: Remarks) -> None:
    remarks.header_line = line
    if is_under_others:
        remarks.notice("header.under_others", line=line)


@contextmanager
def _at_line(line: int) -> Iterator[None]:
    """What is wrong with the titles is wrong at this line."""
    try:
        yield
    except TableRefused as refused:
        raise TableRefused([replace(e, line=line) for e in refused.found]) from refused


def _fit(cells: Sequence[str], width: int, plan: Plan, may_be_short: bool) -> Sequence[str] | None:
    """A row as wide as its titles; None when nobody can say which cell is missing or too many.

    Excel leaves out the empty cells at the end of a row, where sixteen rows have none there. One
    cell more is an amount like 1,000.00 in two, even when the last is empty.
    """
    missing = width - len(cells)
    if not missing:
        return cells
    if missing < 0 or not may_be_short or max(plan.required, default=0) >= len(cells):
        return None
    return [*cells, *[""] * missing]


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
        sheet = choose_table(book, columns)
        for name in filterfalse(is_ours, book.hidden):
            remarks.notice("sheet.hidden", sheet=show(name))
        others = ", ".join(f"« {show(name)} »" for name in list_others(book, sheet))
        if others:
            remarks.notice("sheet.not_read", sheets=others, read=show(sheet.name))
    except WorkbookRefused as refused:
        raise refuse_workbook(refused) from refused
    yield from _read_sheet(book, sheet, columns, remarks)


def refuse_workbook(refused: WorkbookRefused) -> TableRefused:
    return TableRefused([row_error(0, "", refused.code, **refused.blanks)])


def _read_sheet(
    book: Book, sheet: Sheet, columns: Sequence[Column], remarks: Remarks
) -> Iterator[ReadRow]:
    try:
        found = open_sheet(book, sheet, columns)
        _tell_header(found.line, bool(found.above), remarks)
        with _at_line(found.line):
            matched = _match_cells(found.titles, columns, remarks)
        plan = make_plan(matched, _find_orders(book, sheet, matched), book.starts_in_1904)
        merged = find_merged(book, sheet, plan.readings.keys(), found.line)
        for line, cells in found.rows:
            if _leaves_out(line - found.line, cells, plan, remarks):
                continue
            merged.see(line, cells)
            _note_unnamed(cells.keys() - found.titles.keys(), remarks)
            yield line - found.line, _read_sheet_row(line, found.line, cells, plan, merged)
        plan.tell(remarks)
        merged.tell(remarks)
    except WorkbookRefused as refused:
        raise refuse_workbook(refused) from refused


def _find_orders(
    book: Book, sheet: Sheet, matched: Mapping[int, Column | None]
) -> dict[int, Order]:
    if not workbook.holds(book, MONTH_FIRST):
        return {}
    rows = workbook.read_rows(book, sheet)
    return find_orders(
        ((n, {p: c for p, c in cells.items() if isinstance(c, str)}) for n, cells in rows), matched
    )


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
    line: int,
    header_line: int,
    cells: Mapping[int, workbook.Cell],
    plan: Plan,
    merged: MergedCells,
) -> dict[str, JsonValue] | list[RowError]:
    """The values of a row, or everything that is wrong with its cells."""
    values: dict[str, JsonValue] = {}
    found: list[RowError] = []
    number = line - header_line
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
    if merged.by_place:
        empty = (place for place in plan.required if place not in cells)
        refused = (merged.refuse(line, number, p, plan.required[p]) for p in empty)
        found += [error for error in refused if error is not None]
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
