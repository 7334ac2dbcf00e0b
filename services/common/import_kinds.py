"""Kinds of imports: from the rows of a table to drafts of facts, and what is wrong with the rest.

The rows are checked by the same models and the same functions as the JSON API; here is only what
makes a document of a row, and a cell's place of a place in the document.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue, PayloadTooLarge, Problem
from services.common.identity import Principal
from services.common.messages import MESSAGES
from services.common.recording import Recorded
from services.common.tabular import Column, RowError, Table, index_columns, show
from services.common.validation import to_input_errors

ERRORS_MAX = 1_000
WEIGHT_MAX = 1_000_000
"""Rows of the record that one file may make, at the most: some 1 GB while they are recorded."""

Row = TypeVar("Row")
Draft = TypeVar("Draft")
Recorder = Callable[[WriteSession, Principal, Sequence[Draft], date], Awaitable[Recorded]]


@dataclass(frozen=True, slots=True)
class Findings:
    """The first errors by row and column, and whether there were more."""

    errors: Sequence[RowError]
    is_truncated: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file read and checked: its good rows ready to be recorded, its bad ones explained.

    `numbers` are the row numbers of the drafts, by position.
    """

    received: int
    numbers: Sequence[int]
    findings: Findings
    record: Callable[[WriteSession, Principal, date], Awaitable[Recorded]]


@dataclass(frozen=True, slots=True)
class ImportKind:
    """What `?kind=` names; made by `import_kind`."""

    name: str
    columns: Sequence[Column]
    places: Mapping[str, str]  # column names by their pointers
    prepare: Callable[[Table], Prepared]


def import_kind(
    *,
    name: str,
    columns: Sequence[Column],
    model: TypeAdapter[Row],
    to_draft: Callable[[Row], Draft],
    record: Recorder[Draft],
    weigh: Callable[[Draft], int] = lambda _: 1,
    quick: Callable[[Mapping[str, JsonValue]], Draft | None] = lambda _: None,
) -> ImportKind:
    """Describe a kind of import. Raises ValueError when two columns share a name.

    A row becomes the document that `model` reads by its columns' pointers. `to_draft` may raise a
    Problem; its errors are then the row's. A file whose drafts weigh more than WEIGHT_MAX in all
    (a loan weighs its instalments) is refused while it is read, before it fills the memory.
    `quick` makes the drafts of plain rows, those that `model` and `to_draft` would make, and leaves
    to these two, with None, any row it is not sure of: it never tells what is wrong with one.
    """
    index_columns(columns)
    to_document = _nest_by(columns)
    places = {column.pointer or f"/{column.name}": column.name for column in columns}

    def read_row(values: dict[str, JsonValue]) -> Draft:
        draft = quick(values)
        return to_draft(model.validate_python(to_document(values))) if draft is None else draft

    def prepare(table: Table) -> Prepared:
        numbers, drafts, found = list[int](), list[Draft](), list[RowError]()
        received, weight, is_truncated = 0, 0, False
        for batch in table.batches:
            of_batch = len(batch.numbers) + len(batch.refused_numbers)
            received += of_batch
            # Batches come in order: once enough is found, what later ones hold is not shown.
            is_full, good = len(found) >= ERRORS_MAX, len(numbers)
            if not is_full:
                found += batch.refused
            for number, values in zip(batch.numbers, batch.values, strict=True):
                try:
                    drafts.append(read_row(values))
                    numbers.append(number)
                except (ValidationError, Problem) as error:
                    if not is_full:
                        found += place_errors(number, _errors_of(error), places)
            weight += sum(map(weigh, drafts[good:]))
            if weight > WEIGHT_MAX:
                raise PayloadTooLarge(MESSAGES["import.too_heavy"], code="import.too_heavy")
            is_truncated |= is_full and len(numbers) - good < of_batch

        async def record_drafts(
            session: WriteSession, principal: Principal, today: date
        ) -> Recorded:
            if not drafts:
                return Recorded(created=(), unchanged=())
            return await record(session, principal, drafts, today)

        return Prepared(received, numbers, Findings(found, is_truncated), record_drafts)

    return ImportKind(name, tuple(columns), places, prepare)


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
