"""How the cells of a sheet are read, column by column: kinds, the order of dates, own words."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from services.common.cells import SHEET_READINGS, CellKind, Reading
from services.common.columns import (
    Column,
    Remarks,
    RowError,
    fold_name,
    fold_words,
    row_error,
    show,
)
from services.common.dates import DateReading, Order, find_order
from services.common.errors import JsonValue

Read = TypeVar("Read")

KNOWN_TEXTS_MAX = 20_000

_KEPT_AS_TEXT = re.compile(r'="([^"]*)"')  # how some programs keep the zeros of ="0012"

_TOTALS = frozenset({"total", "totaux", "totals", "soustotal", "subtotal"})
_OF_TOTALS = frozenset(
    {"annee", "annuel", "cumulatif", "general", "generaux", "global", "grand", "loans", "mensuel"}
    | {"mois", "month", "montants", "overall", "paiements", "partiel", "payments", "prets"}
    | {"remboursements", "repayments", "sous", "sub", "year"}
)
"""What may stand beside the word: « Total général », « Sous-total 2026 »."""
_TOTAL_LENGTH_MAX = 40

ReadRow = tuple[int, dict[str, JsonValue] | list[RowError]]
"""A row's number, and its values by column name or everything that is wrong with it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows in order: their numbers and values by column; what is wrong with others.

    Columns and not rows: a sheet may have a hundred thousand. Where a row holds nothing, "".
    """

    numbers: list[int] = field(default_factory=list)
    columns: Mapping[str, Sequence[JsonValue]] = field(default_factory=dict)
    refused: list[RowError] = field(default_factory=list)
    refused_numbers: list[int] = field(default_factory=list)

    @property
    def values(self) -> list[dict[str, JsonValue]]:
        """What each row holds by column name, made anew at each look."""
        if not self.columns:
            return [{} for _ in self.numbers]
        rows = zip(*self.columns.values(), strict=True)
        return [
            {name: value for name, value in zip(self.columns, row, strict=True) if value != ""}
            for row in rows
        ]


def make_batch(read: Sequence[ReadRow]) -> Batch:
    good = [(number, row) for number, row in read if isinstance(row, dict)]
    bad = [(number, row) for number, row in read if not isinstance(row, dict)]
    names = dict.fromkeys(name for _, row in good for name in row)
    return Batch(
        [number for number, _ in good],
        {name: [row.get(name, "") for _, row in good] for name in names},
        [error for _, found in bad for error in found],
        [number for number, _ in bad],
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read of a sheet: the columns by their places, and how their cells are read.

    `required` are the names of those without which there is no row.
    """

    readings: Mapping[int, tuple[str, Reading | None]]
    dates: Mapping[str, DateReading]
    required: Mapping[int, str]

    def tell(self, remarks: Remarks) -> None:
        for name, reading in self.dates.items():
            reading.tell(remarks.titles.get(name, name), remarks)


class Memory(dict[str, Read]):
    """What texts were read as: dates and codes come back row after row."""

    def __init__(self, read: Callable[[str], Read]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> Read:
        if len(self) >= KNOWN_TEXTS_MAX:
            self.clear()
        value = self[text] = self._read(text)
        return value


def make_plan(
    matched: Mapping[int, Column | None], orders: Mapping[int, Order], starts_in_1904: bool
) -> Plan:
    readings: dict[int, tuple[str, Reading | None]] = {}
    dates: dict[str, DateReading] = {}
    for place, column in matched.items():
        if column is None:
            continue
        reading = SHEET_READINGS.get(column.kind)
        if column.kind is CellKind.DATE:
            reading = DateReading(orders.get(place, "day"), starts_in_1904)
            dates[column.name] = reading
        if column.words:
            reading = with_words(column, reading)
        readings[place] = column.name, reading and Memory(reading).__getitem__
    required = {place: c.name for place, c in matched.items() if c is not None and c.required}
    return Plan(readings, dates, required)


def with_words(column: Column, reading: Reading | None) -> Reading:
    """Cells with an organisation's own words in the place of ours."""

    def to_code(text: str) -> str:
        return column.words.get(fold_name(text), text)

    def read(text: str) -> JsonValue:
        value = text if reading is None or column.kind is not CellKind.LIST else reading(text)
        if isinstance(value, list):
            return [to_code(str(item)) for item in value]
        return to_code(text) if reading is None else reading(to_code(text))

    return read


def find_orders(
    rows: Iterator[tuple[int, Mapping[int, str]]], matched: Mapping[int, Column | None]
) -> dict[int, Order]:
    """The order of day and month in each column of dates, from all its cells."""
    votes: dict[int, set[Order]] = {
        place: set()
        for place, column in matched.items()
        if column is not None and column.kind is CellKind.DATE
    }
    for _, cells in rows:
        for place, orders in votes.items():
            orders |= find_order(cells.get(place, "").strip())
    return {place: "month" for place, orders in votes.items() if orders == {"month"}}


def is_total(cells: Iterable[tuple[int, str]], plan: Plan) -> bool:
    """Whether a row sums up others: it begins with that word, and lacks what a row must have.

    An identifier that is the word alone tells no fact either.
    """
    filled = ((place, text) for place, text in cells if text and not text.isspace())
    place, first = next(filled, (0, ""))
    if "tota" not in first[:_TOTAL_LENGTH_MAX].casefold():
        return False
    every = set(fold_words(first))
    words = {word for word in every if not word.isdecimal()}
    if not (words & _TOTALS and words <= _TOTALS | _OF_TOTALS):
        return False
    if place in plan.required and words == every:
        return True
    return not plan.required.keys() <= {place, *(each for each, _ in filled)}


def read_plain(
    records: Sequence[tuple[int, Sequence[str]]], plan: Plan, width: int, unnamed: Sequence[int]
) -> Batch | None:
    """The rows of records, column by column; None when one of them needs a look of its own.

    `unnamed` are the places without a title, where nothing is expected.
    """
    numbers, rows = zip(*records, strict=True)
    if set(map(len, rows)) != {width}:
        return None
    cells = list(zip(*rows, strict=True))
    if any("".join(cells[place]).strip() for place in unnamed):
        return None
    columns: dict[str, Sequence[JsonValue]] = {}
    for place, (name, reading) in plan.readings.items():
        texts = _strip_each(cells[place])
        if "\n=" in "\n".join(["", *texts]):
            return None
        columns[name] = texts if reading is None else [text and reading(text) for text in texts]
    return Batch(list(numbers), columns)


def _strip_each(texts: Sequence[str]) -> Sequence[str]:
    """Mostly nothing is to be stripped of a whole column, which is seen at once."""
    joined = "".join(texts)
    if joined.isascii() and joined.isprintable() and " " not in joined:
        return texts
    return list(map(str.strip, texts))


def read_text(number: int, name: str, reading: Reading | None, text: str) -> JsonValue | RowError:
    """A cell that holds something. What begins with = is a formula to every spreadsheet."""
    if text.startswith("="):
        literal = _KEPT_AS_TEXT.fullmatch(text)
        if literal is None:
            return row_error(number, name, "cell.formula", shown=show(text))
        text = literal[1].strip()
    return text if reading is None else reading(text)
