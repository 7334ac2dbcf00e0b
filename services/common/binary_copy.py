"""Rows with lists in the binary format of COPY, made by column while the connection is busy.

The driver makes an object of each row, and looks at each element of its lists, when it is its turn
to write. Source: PostgreSQL's manual, COPY, "Binary Format"; a list as `array_recv` reads it.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, repeat

import numpy as np
from numpy.typing import NDArray

_BEGIN = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_END = struct.pack(">h", -1)
_NULL = -1
_ROWS_AT_ONCE = 500
"""What is made of rows on their way takes twice their memory."""
_OIDS = {"uuid": 2950, "bigint": 20, "date": 1082}
_WIDTHS = {"uuid": "V16", "bigint": ">i8", "date": ">i4"}


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """A column of lists, one after the other: that of row n ends before `ends[n]`.

    `values` are of the type that `_WIDTHS` says, or become it; where `is_null`, none counts.
    """

    type: str
    values: NDArray[np.generic]
    ends: NDArray[np.intp]
    is_null: NDArray[np.bool_] | None = None

    def of_rows(self, first: int, last: int) -> "Lists":
        """Those of some rows, `last` left out."""
        start, *ends = np.append(0, self.ends)[first : last + 1].tolist()
        end = max(start, *ends)
        is_null = None if self.is_null is None else self.is_null[start:end]
        return Lists(self.type, self.values[start:end], np.array(ends) - start, is_null)


def encode_rows(keys: NDArray[np.void], columns: Sequence[Lists]) -> bytes:
    """Rows of an identifier, 16 bytes each, and lists."""
    encoded = bytearray(_BEGIN)
    count = struct.pack(">h", len(columns) + 1)
    for first in range(0, len(keys), _ROWS_AT_ONCE):
        last = min(first + _ROWS_AT_ONCE, len(keys))
        names = [struct.pack(">i", 16) + key for key in keys[first:last].tolist()]
        fields = (_encode(lists.of_rows(first, last)) for lists in columns)
        encoded += b"".join(chain.from_iterable(zip(repeat(count), names, *fields)))
    return bytes(encoded + _END)


def _encode(lists: Lists) -> list[bytes]:
    width = np.dtype(_WIDTHS[lists.type])
    cells = np.empty(len(lists.values), dtype=[("length", ">i4"), ("value", width)])
    cells["length"], cells["value"] = width.itemsize, lists.values
    sizes = np.full(len(cells), cells.itemsize)
    content = cells.tobytes()
    if lists.is_null is not None and lists.is_null.any():
        cells["length"][lists.is_null] = _NULL
        sizes[lists.is_null] = 4
        content = (
            cells.view(np.uint8)
            .reshape(len(cells), -1)[np.arange(cells.itemsize) < sizes[:, None]]
            .tobytes()
        )
    bytes_before = np.append(0, np.cumsum(sizes))
    starts = np.append(0, lists.ends)
    counts, places = np.diff(starts).tolist(), bytes_before[starts].tolist()
    heads = {count: _head(count, _OIDS[lists.type]) for count in set(counts)}
    return [
        struct.pack(">i", len(heads[count]) + end - start) + heads[count] + content[start:end]
        for count, (start, end) in zip(counts, pairwise(places), strict=True)
    ]


def _head(count: int, oid: int) -> bytes:
    """How many dimensions, flags, the type; of the one dimension the length and the first index."""
    return struct.pack(">iiiii", 1, 0, oid, count, 1) if count else struct.pack(">iii", 0, 0, oid)
