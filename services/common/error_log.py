"""Every error of an import, in the order of its rows, small enough to keep.

The answer shows the first thousand; a sheet whose rows are all wrong can have a million. They are
written as lines of JSON through zlib as they are found, so that they never fill the memory.
"""

import json
import zlib
from collections.abc import Iterable, Iterator

from services.common.columns import RowError
from services.common.text import Text

_CHUNK_BYTES = 64 * 1024


class ErrorLog:
    """Errors on their way to the record."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(level=1)
        self._pieces: list[bytes] = []

    def add(self, found: Iterable[RowError]) -> None:
        lines = "".join(
            json.dumps([e.row, e.column, e.code, e.message.fr, e.message.en, e.sheet]) + "\n"
            for e in found
        )
        self._pieces.append(self._compressor.compress(lines.encode()))

    def close(self) -> bytes:
        self._pieces.append(self._compressor.flush())
        return b"".join(self._pieces)


def write_log(found: Iterable[RowError]) -> bytes:
    log = ErrorLog()
    for error in found:
        log.add((error,))
    return log.close()


def read_log(content: bytes) -> Iterator[RowError]:
    """The errors again, one after the other."""
    decompressor, rest = zlib.decompressobj(), b""
    pending = content
    while pending:
        *lines, rest = (rest + decompressor.decompress(pending, _CHUNK_BYTES)).split(b"\n")
        pending = decompressor.unconsumed_tail
        for line in lines:
            row, column, code, fr, en, sheet = json.loads(line)
            yield RowError(row, column, code, Text(fr, en), sheet)
