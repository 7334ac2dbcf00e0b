"""Dates as sheets hold them, turned into YYYY-MM-DD.

`31/03/2026`, `31-03-2026`, `2026/3/31`, `20260331`, `31 mars 2026`, a moment whose time is left
aside, and Excel's number of days where the cell lost its format. What two people would read as
two days (`03/04/2026`) is settled by the whole column: the day comes first unless a cell of the
column can only be month first and none only day first. What cannot be read is left as it is.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from services.common.columns import Remarks, fold_name

Order = Literal["day", "month"]

MONTH_FIRST = re.compile(rb"([/.-])(?:1[3-9]|2\d|3[01])\1\d{4}(?!\d)")
"""The end of what only the month-first order can mean; a file without any needs no second look."""

_TIME = r"([T ]\d{1,2}[:h]\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?Z| ?UTC)?)?"
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_YEAR_FIRST = re.compile(rf"(\d{{4}})([-/. ])(\d{{1,2}})\2(\d{{1,2}}){_TIME}", re.ASCII)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/. ])(\d{{1,2}})\2(\d{{4}}){_TIME}", re.ASCII)
_COMPACT = re.compile(r"((?:19|20|21)\d{2})(\d{2})(\d{2})", re.ASCII)
_SERIAL = re.compile(r"([1-9]\d{4})(?:[.,]\d+)?", re.ASCII)
_DAY_MONTH = re.compile(r"(\d{1,2})(?:er|st|nd|rd|th)?[-. ]+([^\W\d]+)\.?[-., ]+(\d{4})")
_MONTH_DAY = re.compile(r"([^\W\d]+)\.? +(\d{1,2})(?:st|nd|rd|th)?,? +(\d{4})")
_NOT_MIDNIGHT = re.compile(r"[1-9]")
_WEEKDAY = re.compile(r"^[^\W\d]+day,? +|^[^\W\d]+di,? +|^dimanche,? +", re.IGNORECASE)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "janvier january janv jan",
            "fevrier february fevr fev feb",
            "mars march mar",
            "avril april avr apr",
            "mai may",
            "juin june jun",
            "juillet july juil jul",
            "aout august aug",
            "septembre september sept sep",
            "octobre october oct",
            "novembre november nov",
            "decembre december dec",
        ),
        1,
    )
    for name in names.split()
}
_EPOCH_1900, _EPOCH_1904 = date(1899, 12, 30), date(1904, 1, 1)
_LAST_SERIAL = 73_050  # 2099-12-31, in the 1900 system


@dataclass(slots=True)
class DateReading:
    """How the cells of one column are read as dates, and what was seen while doing so."""

    order: Order = "day"
    starts_in_1904: bool = False
    is_decided: bool = False
    ambiguous: tuple[str, str] | None = None
    serial: tuple[str, str] | None = None
    timed: str = ""

    def __call__(self, text: str) -> str:
        if _ISO.fullmatch(text):
            return text
        if match := _YEAR_LAST.fullmatch(text):
            self._note_time(text, match[5])
            return self._read_year_last(text, int(match[1]), int(match[3]), match[4])
        if match := _YEAR_FIRST.fullmatch(text):
            self._note_time(text, match[5])
            return _write(match[1], int(match[3]), int(match[4]), text)
        if match := _COMPACT.fullmatch(text):
            return _write(match[1], int(match[2]), int(match[3]), text)
        if match := _SERIAL.fullmatch(text):
            return self._read_serial(text, int(match[1]))
        bare = _WEEKDAY.sub("", text)
        if match := _DAY_MONTH.fullmatch(bare):
            return _write(match[3], _MONTHS.get(fold_name(match[2]), 0), int(match[1]), text)
        if match := _MONTH_DAY.fullmatch(bare):
            return _write(match[3], _MONTHS.get(fold_name(match[1]), 0), int(match[2]), text)
        return text

    def _read_year_last(self, text: str, first: int, second: int, year: str) -> str:
        day, month = (first, second) if self.order == "day" else (second, first)
        read = _write(year, month, day, text)
        self.is_decided |= max(first, second) > 12
        if self.ambiguous is None and first != second and max(first, second) <= 12:
            self.ambiguous = text, read
        return read

    def _note_time(self, text: str, time: str | None) -> None:
        if time is not None and _NOT_MIDNIGHT.search(time):
            self.timed = self.timed or text

    def _read_serial(self, text: str, days: int) -> str:
        if days > _LAST_SERIAL:
            return text
        read = ((_EPOCH_1904 if self.starts_in_1904 else _EPOCH_1900) + timedelta(days)).isoformat()
        self.serial = self.serial or (text, read)
        return read

    def tell(self, title: str, remarks: Remarks) -> None:
        """Say how the column of this title was read, where another could read it otherwise."""
        if self.ambiguous is not None and (self.order == "month" or not self.is_decided):
            shown, read = self.ambiguous
            code = "dates.month_first" if self.order == "month" else "dates.day_first"
            remarks.notice(code, title, shown=shown, read=read)
        if self.serial is not None:
            remarks.notice("dates.serials", title, shown=self.serial[0], read=self.serial[1])
        if self.timed:
            remarks.notice("dates.times", title, shown=self.timed)


def find_order(text: str) -> set[Order]:
    """What the cell alone says of the order of its column; nothing when both could be."""
    match = _YEAR_LAST.fullmatch(text)
    if match is None or max(int(match[1]), int(match[3])) <= 12:
        return set()
    return {"day"} if int(match[1]) > 12 else {"month"}


def _write(year: str, month: int, day: int, text: str) -> str:
    """The day in ISO form, also one like 31 February that its field then refuses in words."""
    return f"{year}-{month:02}-{day:02}" if 1 <= month <= 12 and 1 <= day <= 31 else text
