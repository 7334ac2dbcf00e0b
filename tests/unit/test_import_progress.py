"""What is told of a long import: how many rows it seems to have, and how long it may still take."""

import hashlib
import io
import zipfile

import pytest

from services.common import import_progress
from services.common.import_progress import RECORDING_COST, ImportStopped, Watch
from services.common.import_queries import SentFile
from services.common.import_size import expect_rows
from services.common.records import XLSX
from tests.support.workbooks import SHEET, sheet


def file(content: bytes, media_type: str) -> SentFile:
    return SentFile(content, hashlib.sha256(content).digest(), media_type, None)


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        (b"a,b\n1,2\n3,4", "text/csv; charset=utf-8", 2),
        (b"{}\n{}\n", "application/x-ndjson", 2),
        (b"a", "text/csv", None),
        (b"[{},\n{}]", "application/json", None),
        (sheet([["a"], ["1"], ["2"]]), XLSX, 2),
        (b"no archive", XLSX, None),
    ],
)
def test_about_how_many_rows(content: bytes, media_type: str, expected: int | None) -> None:
    assert expect_rows(file(content, media_type)) == expected


def test_a_row_cut_between_two_pieces_is_counted() -> None:
    for shift in range(6):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(SHEET, b" " * (1024 * 1024 - shift) + b"<row/><row/><row/>")
        assert expect_rows(file(content.getvalue(), XLSX)) == 2


def test_a_damaged_sheet_has_an_unknown_number_of_rows() -> None:
    content = bytearray(sheet([["a", str(n)] for n in range(1000)]))
    place = content.index(SHEET.encode()) + len(SHEET) + 20
    content[place : place + 40] = b"\xff" * 40
    assert expect_rows(file(bytes(content), XLSX)) is None


class TestRemaining:
    def test_from_the_speed_of_checking(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now_ms = 1_000
        monkeypatch.setattr(import_progress, "_clock_ms", lambda: now_ms)
        watch = Watch(expected=10_000, began_ms=now_ms)
        assert watch.advance().remaining_seconds is None
        watch.tell("read", 5_000)
        now_ms += 2_000
        watch.tell("checked", 5_000)
        advance = watch.advance()
        assert (advance.state, advance.read, advance.checked) == ("checking", 5_000, 5_000)
        assert advance.remaining_seconds == 4 * (1 + RECORDING_COST) - 2
        watch.state = "recording"
        assert watch.advance().remaining_seconds == 2 * (1 + RECORDING_COST) - 2
        now_ms += 60_000
        assert watch.advance().remaining_seconds is None

    def test_unknown_while_nobody_knows_how_many(self) -> None:
        watch = Watch(expected=None)
        watch.tell("read", 10)
        watch.tell("checked", 10)
        assert watch.advance().remaining_seconds is None


class TestStopping:
    def test_between_rows(self) -> None:
        watch = Watch(expected=None)
        watch.tell("read", 1)
        watch.stop()
        with pytest.raises(ImportStopped):
            watch.tell("checked", 1)
