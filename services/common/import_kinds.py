"""Kinds of imports: from the rows of a table to drafts of facts, and what is wrong with the rest.

The rows are checked by the same models and the same functions as the JSON API; here is only what
makes a document of a row, and a cell's place of a place in the document.
"""

from array import array
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import repeat
from typing import Generic, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from services.common.columns import Column, Notice, Remarks, RowError, index_columns, show
from services.common.database import ReadSession, WriteSession
from services.common.error_log import ErrorLog
from services.common.errors import InputError, JsonValue, PayloadTooLarge, Problem
from services.common.identity import Principal
from services.common.messages import MESSAGES
from services.common.readings import Batch
from services.common.recording import DraftList, Drafts, Posted, Recorded
from services.common.tabular import Table
from services.common.text import Text
from services.common.validation import to_input_errors

ERRORS_MAX = 1_000
WORKBOOK = "workbook"
"""The name of the kind of workbooks whose sheets are of several kinds."""
WEIGHT_MAX = 1_000_000
"""What the drafts of one file may weigh in all: it keeps a service under 400 MB."""

Row = TypeVar("Row")
Draft = TypeVar("Draft", bound=Posted)
JsonSchema = Mapping[str, object]
Columns = Mapping[str, Sequence[JsonValue]]
"""Values of rows by column; where a row holds nothing, ""."""
Recorder = Callable[
    [WriteSession, Principal, Sequence[Draft], date, str | None], Awaitable[Recorded]
]
"""The last argument is the reason of corrections; without one, nothing is corrected."""
Measure = Callable[[ReadSession, date], Awaitable[dict[str, int | str]]]
"""The totals of the organisation on a day."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The first errors by row and column, and what is odd or worth saying.

    `log` holds every error (`services.common.error_log`), empty when `errors` are all.
    """

    errors: Sequence[RowError]
    is_truncated: bool = False
    warnings: Sequence[RowError] = ()
    notices: Sequence[Notice] = ()
    log: bytes = b""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file read and checked: its good rows ready to be recorded, its bad ones explained.

    `numbers` are the row numbers of the drafts, by position. `header_line` is where the titles of a
    sheet stand, and `titles` what its sender calls our columns.
    """

    received: int
    numbers: Sequence[int]
    drafts: Drafts[Posted]
    findings: Findings
    header_line: int | None
    titles: Mapping[str, str]

    @property
    def digest(self) -> bytes:
        """The same whenever the same file gives the same drafts in the same rows."""
        pairs = zip(self.numbers, self.drafts.fingerprints, strict=True)
        return sha256(b"".join([number.to_bytes(4) + each for number, each in pairs])).digest()


@dataclass(frozen=True, slots=True)
class Quick(Generic[Draft]):
    """The drafts of the rows of a batch that are sure, and which of its rows these are."""

    drafts: Drafts[Draft]
    is_sure: Sequence[bool]


@dataclass(frozen=True, slots=True)
class ImportKind:
    """What `?kind=` names; made by `import_kind`."""

    name: str
    title: Text
    columns: Sequence[Column]
    places: Mapping[str, str]  # column names by their pointers
    describe: Callable[[], JsonSchema]  # of the model of a row
    prepare: Callable[[Table], Prepared]
    record: Recorder[Posted]  # of drafts that `prepare` made
    sheet_names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class KindElsewhere:
    """A kind that another service records: by what people call its sheet, or by one of its titles.

    `shown` is how a notice calls its facts.
    """

    name: str
    shown: Text
    sheet_names: Sequence[str]
    titles: Sequence[str]


@dataclass(frozen=True, slots=True)
class WorkbookKind:
    """A workbook whose sheets are of these kinds; they are recorded in this order."""

    kinds: Sequence[ImportKind]
    elsewhere: Sequence[KindElsewhere] = ()

    @property
    def name(self) -> str:
        return WORKBOOK


Kind = ImportKind | WorkbookKind


def import_kind(
    *,
    name: str,
    title: Text,
    columns: Sequence[Column],
    model: TypeAdapter[Row],
    to_draft: Callable[[Row], Draft],
    record: Recorder[Draft],
    weigh: Callable[[Draft], int] | None = None,
    gather: Callable[[], Drafts[Draft]] = DraftList,
    quick: Callable[[Columns], Quick[Draft] | None] = lambda _: None,
    sheet_names: Sequence[str] = (),
) -> ImportKind:
    """Describe a kind of import. Raises ValueError when two columns share a name.

    A row becomes the document that `model` reads by its columns' pointers. `to_draft` may raise a
    Problem; its errors are then the row's. A file whose drafts weigh more than WEIGHT_MAX in all
    (a loan weighs its instalments) is refused while it is read, before it fills the memory.
    `gather` makes the collection of the drafts. `quick` makes those of plain rows, as `model` and
    `to_draft` would, from the columns of a batch; any row it is not sure of, or all of them with
    None, is left to these two. It never tells what is wrong with one.
    `sheet_names` are what people call the sheet of a workbook that holds this kind.
    """
    index_columns(columns)
    to_document = _nest_by(columns)
    places = {column.pointer or f"/{column.name}": column.name for column in columns}

    def read_row(values: dict[str, JsonValue]) -> Draft:
        return to_draft(model.validate_python(to_document(values)))

    def prepare(table: Table) -> Prepared:
        numbers, drafts, found = array("q"), gather(), list[RowError]()
        received, weight, log = 0, 0, ErrorLog()
        for batch in table.batches:
            received += len(batch.numbers) + len(batch.refused_numbers)
            wrong, good = list(batch.refused), len(numbers)
            wrong += _take_rows(batch, quick(batch.columns), read_row, places, numbers, drafts)
            weight += len(numbers) - good if weigh is None else sum(map(weigh, drafts[good:]))
            if weight > WEIGHT_MAX:
                raise PayloadTooLarge(MESSAGES["import.too_heavy"], code="import.too_heavy")
            log.add(sorted(wrong, key=by_row))
            # Batches come in order: once enough is found, what later ones hold is not shown.
            if len(found) <= ERRORS_MAX:
                found += wrong

        remarks = table.remarks
        first, line = _find_first(found, log, remarks), remarks.header_line
        made = cast(Drafts[Posted], drafts)
        return Prepared(received, numbers, made, first, line, remarks.titles)

    return ImportKind(
        name,
        title,
        tuple(columns),
        places,
        model.json_schema,
        prepare,
        _record_any(record),
        tuple(sheet_names),
    )


def _take_rows(
    batch: Batch,
    made: Quick[Draft] | None,
    read_row: Callable[[dict[str, JsonValue]], Draft],
    places: Mapping[str, str],
    numbers: "array[int]",
    drafts: Drafts[Draft],
) -> list[RowError]:
    """Add the drafts of a batch and the numbers of their rows; what is wrong with the others."""
    if made is not None and all(made.is_sure):
        drafts.extend(made.drafts)
        numbers.extend(batch.numbers)
        return []
    wrong = list[RowError]()
    is_sure = repeat(False) if made is None else made.is_sure
    sure = iter(() if made is None else made.drafts)
    for number, is_read, values in zip(batch.numbers, is_sure, batch.values, strict=False):
        try:
            drafts.append(next(sure) if is_read else read_row(values))
            numbers.append(number)
        except (ValidationError, Problem) as error:
            wrong += place_errors(number, _errors_of(error), places)
    return wrong


def _record_any(record: Recorder[Draft]) -> Recorder[Posted]:
    """The recorder of a kind for drafts that its `prepare` made."""

    async def record_drafts(
        session: WriteSession,
        principal: Principal,
        drafts: Sequence[Posted],
        today: date,
        reason: str | None,
    ) -> Recorded:
        if not drafts:
            return Recorded(created=(), unchanged=())
        return await record(session, principal, cast(Sequence[Draft], drafts), today, reason)

    return record_drafts


def _find_first(found: Sequence[RowError], log: ErrorLog, remarks: Remarks) -> Findings:
    is_truncated = len(found) > ERRORS_MAX
    return Findings(
        sorted(found, key=by_row)[:ERRORS_MAX],
        is_truncated,
        remarks.warnings,
        remarks.notices,
        log.close() if is_truncated else b"",
    )


def by_row(error: RowError) -> tuple[int, str]:
    return error.row, error.column


def _nest_by(columns: Sequence[Column]) -> Callable[[dict[str, JsonValue]], dict[str, JsonValue]]:
    """Values by column name into the document of their pointers."""
    paths = {c.name: c.pointer.split("/")[1:] for c in columns if c.pointer}
    if not paths:
        return lambda values: values

    def nest(values: dict[str, JsonValue]) -> dict[str, JsonValue]:
        document: dict[str, JsonValue] = {}
        for name, value in values.items():
            *parents, last = paths.get(name, (name,))
            place = document
            for parent in parents:
                inner = place.setdefault(parent, {})
                assert isinstance(inner, dict), f"{name} stands inside another column's value"
                place = inner
            place[last] = value
        return document

    return nest


def _errors_of(error: ValidationError | Problem) -> Sequence[InputError]:
    if isinstance(error, ValidationError):
        return to_input_errors(error.errors(include_url=False, include_input=False))
    message = error.detail or error.title
    return error.errors or [InputError("", error.code or error.default_code, message)]


def place_errors(
    number: int, found: Sequence[InputError], places: Mapping[str, str]
) -> Iterator[RowError]:
    """Errors in a row's document as errors in its cells."""
    assert found, "a refusal says why"
    for error in found:
        yield RowError(number, _column_at(error.pointer, places), error.code, error.message)


def _column_at(pointer: str, places: Mapping[str, str]) -> str:
    """The column whose value stands at the pointer, around it or inside it; else the pointer."""
    tokens = pointer.split("/")[1:]
    for end in range(len(tokens), 0, -1):
        name = places.get("/" + "/".join(tokens[:end]))
        if name is not None:
            return name
    inside = (name for place, name in places.items() if tokens and place.startswith(f"{pointer}/"))
    return next(inside, show(".".join(tokens)))
