"""Rows from documents of JSON: lines (NDJSON) or the elements of an array."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.common.cells import JSON_READINGS
from services.common.columns import (
    Column,
    Remarks,
    RowError,
    duplicate,
    find_slip,
    fold_name,
    index_columns,
    misspelt,
    row_error,
    show,
)
from services.common.errors import JsonValue, Problem
from services.common.messages import MESSAGES
from services.common.readings import ReadRow, with_words
from services.common.records import read_json


@dataclass(frozen=True, slots=True)
class _Names:
    """The names seen so far: the column of each, or the one that it is a slip for."""

    columns: Sequence[Column]
    remarks: Remarks
    index: Mapping[str, Column]
    known: dict[str, Column | None] = field(default_factory=dict)
    slips: dict[str, Column] = field(default_factory=dict)

    def find(self, name: str) -> Column | None:
        if name not in self.known:
            column = self.known[name] = self.index.get(fold_name(name))
            meant = None if column is not None else find_slip(name, self.columns)
            if meant is not None:
                self.slips[name] = meant
            elif column is None:
                self.remarks.notice("column.ignored", name)
        return self.known[name]


def read_documents(
    body: bytes, essence: str, columns: Sequence[Column], remarks: Remarks
) -> Iterator[ReadRow]:
    """One JSON object a row, always UTF-8. Null and empty text are an empty cell."""
    names = _Names(columns, remarks, index_columns(columns))
    for number, document in read_json(body, essence):
        if isinstance(document, Problem):
            yield number, [_refused(number, document)]
        elif isinstance(document, dict):
            yield number, _read_members(number, document, names)
        else:
            yield number, [row_error(number, "", "object.type")]


def _refused(number: int, problem: Problem) -> RowError:
    for error in problem.errors:
        column = error.pointer.partition("/")[2].partition("/")[0]
        return RowError(number, show(column), error.code, error.message)
    return RowError(number, "", problem.code, MESSAGES["row.json"])


def _read_members(
    number: int, document: Mapping[str, JsonValue], names: _Names
) -> dict[str, JsonValue] | list[RowError]:
    values: dict[str, JsonValue] = {}
    present: dict[str, str] = {}
    for name, value in document.items():
        column = names.find(name)
        if column is None or not column.name:
            continue
        if column.name in present:
            return [duplicate(number, column, present[column.name], name)]
        present[column.name] = name
        read = _read_value(column, value)
        if read is not None and read != "":
            values[column.name] = read
    for name in document.keys() & names.slips.keys():
        if names.slips[name].name not in present:
            return [misspelt(number, name, names.slips[name])]
    return values


def _read_value(column: Column, value: JsonValue) -> JsonValue:
    if not isinstance(value, str):
        return value
    text = value.strip()
    reading = JSON_READINGS.get(column.kind)
    if column.words:
        reading = with_words(column, reading)
    return reading(text) if text and reading is not None else text
