"""What a number of a workbook stands for, by the format of its cell: a number, a rate, a date."""

import math
import re
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache


class NumberFormat(StrEnum):
    PLAIN = "plain"
    PERCENT = "percent"  # 0.0725 is shown as 7.25 %
    DATE = "date"  # 46112 is shown as 2026-03-31


# ECMA-376 part 1, 18.8.30: formats that files name by number alone; 27-36 and 50-58 are dates
# in the Asian editions.
_PERCENT_IDS = frozenset(map(str, (9, 10)))
_DATE_IDS = frozenset(map(str, (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59))))
# What stands in a code as itself: quoted, escaped, space of a width, colour or currency.
_LITERAL = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DATE_LETTERS = re.compile(r"[ymdhs]", re.IGNORECASE)

_DAY_SECONDS = 86_400
_LAST_DAY = 2_958_465  # 9999-12-31
_LEAP_DAY_OF_1900 = 60  # a day that Excel has and that never was


def read_format(identifier: str, code: str | None) -> NumberFormat:
    """A format by its number, and by its code when the file gives one."""
    if code is None:
        if identifier in _PERCENT_IDS:
            return NumberFormat.PERCENT
        return NumberFormat.DATE if identifier in _DATE_IDS else NumberFormat.PLAIN
    shown = _LITERAL.sub("", code).partition(";")[0]
    if "%" in shown:
        return NumberFormat.PERCENT
    is_date = _DATE_LETTERS.search(shown) and shown.lower() != "general"
    return NumberFormat.DATE if is_date else NumberFormat.PLAIN


def to_text(raw: str, form: NumberFormat, starts_in_1904: bool) -> str | None:
    """A stored number as a person would type it; None for what is not a number.

    Excel keeps binary fractions and shows 15 significant digits: 300.29999999999995 is 300.3 to
    whoever wrote it. A rate ends in %, a day is YYYY-MM-DD, a moment has its time after it.
    """
    if raw.isascii() and raw.isdecimal() and len(raw) < 15 and form is NumberFormat.PLAIN:
        return raw.lstrip("0") or "0"
    try:
        value = float(raw)
    except ValueError:
        return None
    if not math.isfinite(value) or "_" in raw:
        return None
    if form is NumberFormat.DATE:
        shown = _to_moment(value, starts_in_1904)
        if shown is not None:
            return shown
    shown = format(value or 0.0, ".15g")  # zero has no sign
    if form is NumberFormat.PERCENT:
        return f"{_plain(Decimal(shown) * 100)}%"
    return _plain(Decimal(shown)) if "e" in shown else shown


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=4096)
def _to_moment(serial: float, starts_in_1904: bool) -> str | None:
    """Days since the epoch of the book, to the second; None before it and past the year 9999."""
    if not 0 <= serial <= _LAST_DAY:
        return None
    days, seconds = divmod(round(serial * _DAY_SECONDS), _DAY_SECONDS)
    time = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if not days and not starts_in_1904:
        return time
    if starts_in_1904:
        day = _add(date(1904, 1, 1), days)
    elif days == _LEAP_DAY_OF_1900:
        day = "1900-02-29"
    else:
        day = _add(date(1899, 12, 30 + (days < _LEAP_DAY_OF_1900)), days)
    if day is None:
        return None
    return f"{day} {time}" if seconds else day


def _add(epoch: date, days: int) -> str | None:
    try:
        return (epoch + timedelta(days=days)).isoformat()
    except OverflowError:
        return None
