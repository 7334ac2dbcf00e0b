"""Identifiers made here, not by the database: rows that name each other then go together."""

import os
import time
from array import array
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as FastUUID

_RANDOM_A = 0x7 << 76
_RANDOM_B = 0x2 << 62
_LOW_BITS = (1 << 62) - 1


def new_ids(count: int) -> list[UUID]:
    """UUIDs of version 7 in ascending order: of one moment, each a random step after the last.

    RFC 9562, 6.2, method 2: the 74 random bits are one number that grows.
    """
    moment = time.time_ns() // 1_000_000 << 80
    tail = int.from_bytes(os.urandom(9), "big")  # 72 bits: the steps cannot overflow the 74
    steps = array("I", os.urandom(4 * count))
    found: list[UUID] = []
    for step in steps:
        tail += step + 1
        bits = moment | _RANDOM_A | (tail >> 62) << 64 | _RANDOM_B | tail & _LOW_BITS
        found.append(FastUUID(bits.to_bytes(16, "big")))
    return found
