"""A file read and checked: one table, or the sheets of a workbook, each of its kind."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.common import workbook
from services.common.archive import WorkbookRefused
from services.common.columns import Notice, RowError, TableRefused, row_error
from services.common.import_kinds import ImportKind, Kind, Prepared, WorkbookKind
from services.common.import_sheets import choose_sheets
from services.common.readings import Batch
from services.common.tabular import (
    ROWS_MAX,
    Table,
    read_sheet,
    read_table,
    refuse_workbook,
    too_many_rows,
)

Step = Literal["read", "checked", "stored"]
Progress = Callable[[Step, int], None]
"""Told from the thread that works how many rows took a step; may raise, to stop the import."""


def tell_nobody(step: Step, rows: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one sheet, which has no name when the file is one table.

    `place` is where the sheet stands among those that are read.
    """

    place: int
    sheet: str
    kind: ImportKind
    prepared: Prepared


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """The parts in the order in which they are recorded, whatever their order in the file."""

    parts: Sequence[Part]
    notices: Sequence[Notice] = ()

    @property
    def received(self) -> int:
        return sum(part.prepared.received for part in self.parts)

    @property
    def digest(self) -> bytes:
        """The same whenever the same file gives the same drafts in the same rows."""
        digests = [part.prepared.digest for part in self.parts]
        return digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()


def prepare_file(
    kind: Kind, content: bytes, media_type: str, progress: Progress = tell_nobody
) -> PreparedFile:
    """Raises UnsupportedMediaType, TableRefused, PayloadTooLarge."""
    counter = _Counter(progress)
    if isinstance(kind, WorkbookKind):
        try:
            return _prepare_workbook(kind, content, counter)
        except WorkbookRefused as refused:
            raise refuse_workbook(refused) from refused
    table = read_table(content, media_type, kind.columns)
    return PreparedFile([Part(0, "", kind, kind.prepare(counter.count(table)))])


def sheets_of(kind: Kind, content: bytes) -> list[tuple[str, ImportKind]]:
    """The sheets that are read of a file that was read before, in their order in it."""
    if isinstance(kind, ImportKind):
        return [("", kind)]
    chosen = choose_sheets(workbook.open_book(content), kind)
    return [(sheet.name, of) for sheet, of in chosen.sheets]


def _prepare_workbook(kind: WorkbookKind, content: bytes, counter: "_Counter") -> PreparedFile:
    book = workbook.open_book(content)
    chosen = choose_sheets(book, kind)
    if not chosen.sheets:
        known = ", ".join(each.name for each in kind.kinds)
        raise TableRefused([row_error(0, "", "workbook.no_known_sheet", known=known)])
    parts: list[Part] = []
    found: list[tuple[int, RowError]] = []
    for each in kind.kinds:
        for place, (sheet, of) in enumerate(chosen.sheets):
            if of is not each:
                continue
            table = counter.count(read_sheet(book, sheet, each.columns))
            try:
                parts.append(Part(place, sheet.name, each, each.prepare(table)))
            except TableRefused as refused:
                found += [(place, replace(e, sheet=sheet.name)) for e in refused.found]
    wrong = [error for _, error in sorted(found, key=lambda f: f[0])]
    if any(error.code != "import.no_rows" for error in wrong):
        raise TableRefused([error for error in wrong if error.code != "import.no_rows"])
    if not parts:  # a template nobody filled
        raise TableRefused([row_error(0, "", "import.no_rows")])
    return PreparedFile(parts, chosen.notices)


@dataclass(slots=True)
class _Counter:
    """Tells how many rows of a file were read, then how many of them were checked."""

    progress: Progress
    rows: int = 0

    def count(self, table: Table) -> Table:
        return replace(table, batches=self._count(table.batches))

    def _count(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.rows += len(batch.numbers) + len(batch.refused_numbers)
            if self.rows > ROWS_MAX:
                raise too_many_rows()
            self.progress("read", self.rows)
            yield batch
            self.progress("checked", self.rows)
