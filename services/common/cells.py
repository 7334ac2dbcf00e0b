"""What a spreadsheet cell means: its text as people write it, turned into what our fields read.

A cell that cannot be turned is left as it is: the field then refuses it, with the same code as in
a JSON body. Nothing is guessed: the comma and the dot are both the decimal sign and `1,234` has
three decimals; only where both stand (`1,234.56`, `1.234,56`) does the first set thousands apart.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

from services.common.errors import JsonValue

LIST_SEPARATOR = "|"


class CellKind(StrEnum):
    """How the text of a column is read."""

    TEXT = "text"
    AMOUNT = "amount"  # dollars: "1 234,56 $" is "1234.56"
    RATE = "rate"  # per cent a year: "7,25 %" is "7.25"
    INTEGER = "integer"
    DATE = "date"  # `services.common.dates`
    LIST = "list"  # a|b
    BOOLEAN = "boolean"


# What sets thousands apart: a space, plain, no-break, narrow no-break or thin.
_SPACES = " \u00a0\u202f\u2009"
_GROUPED = rf"[0-9]{{1,3}}(?:[{_SPACES}][0-9]{{3}})+"
_NUMBER = re.compile(rf"([-\u2212]?)([0-9]+|{_GROUPED})(?:[.,]([0-9]+))?")
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)
_BOTH_SIGNS = re.compile(
    r"([-\u2212]?)([0-9]{1,3}(?:(?:,[0-9]{3})+(?=\.)|(?:\.[0-9]{3})+(?=,)))[.,]([0-9]{1,2})"
)
_CURRENCY = re.compile(rf"^(?:\$|CAD)[{_SPACES}]*|[{_SPACES}]*(?:\$[{_SPACES}]*CAD?|\$|CAD)$", re.I)
_INTEGER_DIGITS_MAX = 15  # as in a JSON body
_WITHOUT_SPACES = str.maketrans("", "", _SPACES)
_WITHOUT_THOUSANDS = str.maketrans("", "", ".,")

_BOOLEANS = {
    **dict.fromkeys(("true", "vrai", "oui", "yes", "1"), True),
    **dict.fromkeys(("false", "faux", "non", "no", "0"), False),
}


def read_amount(cell: str) -> str:
    """A decimal string from dollars, with `$` or CAD before or after."""
    if _PLAIN.fullmatch(cell):
        return cell
    bare = _CURRENCY.sub("", cell, count=1)
    match = _BOTH_SIGNS.fullmatch(bare)
    if match is not None:
        whole = match[2].translate(_WITHOUT_THOUSANDS)
        return f"{'-' if match[1] else ''}{whole}.{match[3]}"
    return _read_number(cell, bare)


def read_rate(cell: str) -> str:
    """A decimal string from a percentage, with or without its sign."""
    return _read_number(cell, cell.removesuffix("%"))


def _read_number(cell: str, bare: str) -> str:
    match = _NUMBER.fullmatch(bare.strip(_SPACES))
    if match is None:
        return cell
    sign, digits, decimals = match.groups()
    whole = digits.translate(_WITHOUT_SPACES)
    return f"{'-' if sign else ''}{whole}{f'.{decimals}' if decimals else ''}"


def read_integer(cell: str) -> int | str:
    match = _NUMBER.fullmatch(cell)
    if match is None or (match[3] or "0").strip("0"):
        return cell  # 24.0 is what some programs write for 24
    digits = match[2].translate(_WITHOUT_SPACES)
    if len(digits) > _INTEGER_DIGITS_MAX:
        return cell
    return -int(digits) if match[1] else int(digits)


def read_list(cell: str) -> list[str]:
    return [item for part in cell.split(LIST_SEPARATOR) if (item := part.strip())]


def read_boolean(cell: str) -> bool | str:
    return _BOOLEANS.get(cell.lower(), cell)


Reading = Callable[[str], JsonValue]

SHEET_READINGS: Mapping[CellKind, Reading] = {
    CellKind.AMOUNT: read_amount,
    CellKind.RATE: read_rate,
    CellKind.INTEGER: read_integer,
    CellKind.LIST: read_list,
    CellKind.BOOLEAN: read_boolean,
}
"""For cells of a sheet. The kinds that are not named here stay text."""

JSON_READINGS: Mapping[CellKind, Reading] = {
    CellKind.INTEGER: read_integer,
    CellKind.LIST: read_list,
    CellKind.BOOLEAN: read_boolean,
}
"""For texts in a line of JSON: amounts and rates keep the strict form of the JSON API."""
