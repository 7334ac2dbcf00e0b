"""What an access key is made of and how long it serves. Pure: no clock, no chance.

rmc_<key_id>_<secret>     key_id: public, names the key     secret: 256 random bits
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

AUDITOR_DAYS_MAX = 366
"""An auditor's key is for one mandate: it lasts a year at the most."""

_PREFIX = "rmc"
_FORM = re.compile(r"rmc_([0-9a-f]{16})_[A-Za-z0-9_-]{43}", re.ASCII)
_KEY_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key as it is handed to its holder, once."""

    key_id: str
    text: str


def make_key(key_id: bytes, secret: str) -> AccessKey:
    """The key of 8 random bytes and of a secret of 43 URL-safe characters."""
    key = AccessKey(key_id.hex(), f"{_PREFIX}_{key_id.hex()}_{secret}")
    assert read_key(key.text) == key
    return key


def read_key(text: str) -> AccessKey | None:
    """The key a text holds; None when it has not the form of one."""
    match = _FORM.fullmatch(text)
    return None if match is None else AccessKey(match[1], text)


def is_key_id(text: str) -> bool:
    return _KEY_ID.fullmatch(text) is not None


def hash_key(key: AccessKey) -> bytes:
    """SHA-256 of the whole key.

    A slow hash protects what people choose; nobody can guess 256 random bits, so a fast one is as
    safe here and costs a microsecond where each request pays for it.
    """
    return hashlib.sha256(key.text.encode("ascii")).digest()


def matches(key: AccessKey, secret_hash: bytes | None) -> bool:
    """Compare in constant time, also when there is no such key (`secret_hash` None)."""
    is_equal = hmac.compare_digest(hash_key(key), secret_hash or _NO_HASH)
    return is_equal and secret_hash is not None


def find_expiry(last_day: date, legal_time: tzinfo) -> datetime:
    """The moment a key stops working: the end of its last day in legal time."""
    return datetime.combine(last_day + timedelta(days=1), time(), legal_time)


def find_last_day(expires_at: datetime, legal_time: tzinfo) -> date:
    """The last day on which a key serves, in legal time."""
    return (expires_at - timedelta.resolution).astimezone(legal_time).date()
