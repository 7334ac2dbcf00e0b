"""What a sheet may say and hardly means: cells far from the others of their column.

An amount with its decimal comma lost is a hundred times too large; a year mistyped stands decades
away. Such cells are recorded, with a warning. Money is compared in cents, dates by year.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from statistics import median_low

from services.common.cells import CellKind
from services.common.columns import Column, Remarks, RowError, row_error
from services.common.money import format_cents
from services.common.readings import Batch, Memory

WARNINGS_MAX = 1_000
CELLS_MIN = 20
"""Fewer cells have no usual value."""
TIMES_MAX = 50
YEARS_MAX = 20
RATE_USUAL = (Decimal(1), Decimal(20))
RATE_MAX = Decimal(100)

_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?", re.ASCII)
_DATE = re.compile(r"([0-9]{4})-[0-9]{2}-[0-9]{2}", re.ASCII)
_RATE = re.compile(r"[0-9]{1,3}(?:\.[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Cells:
    """The figures of a column by row, cents or a year, and what texts stand for them."""

    known: Memory[int]
    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    figures: "array[int]" = field(default_factory=lambda: array("q"))


def watch(batches: Iterator[Batch], columns: Sequence[Column], remarks: Remarks) -> Iterator[Batch]:
    """The same batches; once they are walked, the remarks hold what is odd in them."""
    by_kind = {
        kind: {column.name: _Cells(Memory(read)) for column in columns if column.kind is kind}
        for kind, read in ((CellKind.AMOUNT, _to_cents), (CellKind.DATE, _to_year))
    }
    rates = [column.name for column in columns if column.kind is CellKind.RATE]
    for batch in batches:
        for of_kind in by_kind.values():
            for name, cells in of_kind.items():
                _collect(batch, name, cells)
        for name in rates:
            remarks.warnings.extend(islice(_odd_rates(batch, name), WARNINGS_MAX))
        yield batch
    for name, cells in by_kind[CellKind.AMOUNT].items():
        remarks.warnings.extend(islice(_odd_amounts(name, cells), WARNINGS_MAX))
    for name, cells in by_kind[CellKind.DATE].items():
        remarks.warnings.extend(islice(_odd_years(name, cells), WARNINGS_MAX))


def _collect(batch: Batch, name: str, cells: _Cells) -> None:
    texts = [t if isinstance(t, str) else "" for t in batch.columns.get(name, ())]
    figures = list(map(cells.known.__getitem__, texts))
    if all(figures):
        cells.numbers.extend(batch.numbers[: len(figures)])
        cells.figures.extend(figures)
        return
    for number, figure in zip(batch.numbers, figures, strict=True):
        if figure:  # most optional amounts are zero: that is none
            cells.numbers.append(number)
            cells.figures.append(figure)


def _to_cents(text: str) -> int:
    match = _AMOUNT.fullmatch(text)
    return 0 if match is None else int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def _to_year(text: str) -> int:
    match = _DATE.fullmatch(text)
    return 0 if match is None else int(match[1])


def _odd_amounts(name: str, cells: _Cells) -> Iterator[RowError]:
    if len(cells.figures) < CELLS_MIN:
        return
    usual = median_low(cells.figures)
    if max(cells.figures) <= TIMES_MAX * usual:
        return
    for number, cents in zip(cells.numbers, cells.figures, strict=True):
        if cents > TIMES_MAX * usual:
            blanks = {"shown": format_cents(cents), "usual": format_cents(usual)}
            yield row_error(number, name, "amount.unusual", **blanks)


def _odd_years(name: str, cells: _Cells) -> Iterator[RowError]:
    if len(cells.figures) < CELLS_MIN:
        return
    usual = median_low(cells.figures)
    if usual - min(cells.figures) <= YEARS_MAX >= max(cells.figures) - usual:
        return
    for number, year in zip(cells.numbers, cells.figures, strict=True):
        if abs(year - usual) > YEARS_MAX:
            yield row_error(number, name, "date.unusual", shown=year, usual=usual)


def _odd_rates(batch: Batch, name: str) -> Iterator[RowError]:
    low, high = RATE_USUAL
    for number, value in zip(batch.numbers, batch.columns.get(name, ()), strict=False):
        if isinstance(value, str) and _RATE.fullmatch(value):
            rate = Decimal(value)
            if high < rate <= RATE_MAX or 0 < rate < low:
                yield row_error(number, name, "rate.unusual", shown=value)
