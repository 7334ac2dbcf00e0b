"""How long a file is, before it is read for good."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress

from services.common.archive import WorkbookRefused
from services.common.columns import TableRefused
from services.common.errors import Problem
from services.common.import_kinds import Kind, WorkbookKind
from services.common.import_queries import SentFile
from services.common.import_sheets import choose_sheets
from services.common.readings import Batch
from services.common.records import XLSX, parse_media_type
from services.common.tabular import read_sheet, read_table
from services.common.workbook import open_book

_PIECE_BYTES = 1024 * 1024
_UNPACKED_BYTES_MAX = 256 * 1024 * 1024
_OF_LINES = ("text/csv", "application/x-ndjson")
_SHEETS = "xl/worksheets/sheet"
_ROW = b"<row"


class _Enough(Exception):
    """A file has more rows than was asked."""


def has_more_rows(kind: Kind, file: SentFile, rows: int) -> bool:
    """Whether a file goes on after so many rows; False when it is refused before."""
    counted = 0

    def count(batches: Iterator[Batch]) -> None:
        nonlocal counted
        for batch in batches:
            counted += len(batch.numbers) + len(batch.refused_numbers)
            if counted > rows:
                raise _Enough

    try:
        if isinstance(kind, WorkbookKind):
            book = open_book(file.content)
            for sheet, of in choose_sheets(book, kind).sheets:
                with suppress(TableRefused):  # a sheet without rows
                    count(read_sheet(book, sheet, of.columns).batches)
        else:
            count(read_table(file.content, file.media_type, kind.columns).batches)
    except (TableRefused, WorkbookRefused, Problem):
        return False
    except _Enough:
        return True
    return False


def expect_rows(file: SentFile) -> int | None:
    """About how many rows a file has, which its progress is told against; None when unknown.

    For a file that `has_more_rows` has begun to read: its archive was found harmless.
    """
    media_type, _ = parse_media_type(file.media_type)
    if media_type in _OF_LINES:
        return file.content.count(b"\n") or None
    if media_type != XLSX:
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
            sheets = [info for info in archive.infolist() if info.filename.startswith(_SHEETS)]
            if sum(info.file_size for info in sheets) > _UNPACKED_BYTES_MAX:
                return None
            return sum(_count_rows(archive, info) for info in sheets) - len(sheets) or None
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile):
        return None


def _count_rows(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    counted, tail = 0, b""
    with archive.open(info) as sheet:
        while piece := sheet.read(_PIECE_BYTES):
            counted += (tail + piece).count(_ROW)
            tail = piece[-len(_ROW) + 1 :]
    return counted
