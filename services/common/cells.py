"""What a spreadsheet cell means: its text as people write it, turned into what our fields read.

A cell that cannot be turned is left as it is: the field then refuses it, with the same code and
sentence as in a JSON body. Nothing is guessed: the comma and the dot are both the decimal sign,
thousands are set apart by spaces alone, so `1,234` and `1,234.56` are refused.
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
    DATE = "date"  # YYYY-MM-DD
    LIST = "list"  # a|b
    BOOLEAN = "boolean"


# What sets thousands apart: a space, plain, no-break, narrow no-break or thin.
_SPACES = " \u00a0\u202f\u2009"
_GROUPED = rf"[0-9]{{1,3}}(?:[{_SPACES}][0-9]{{3}})+"
_NUMBER = re.compile(rf"([-\u2212]?)([0-9]+|{_GROUPED})(?:[.,]([0-9]+))?")
_INTEGER_DIGITS_MAX = 15  # as in a JSON body
_WITHOUT_SPACES = str.maketrans("", "", _SPACES)

_BOOLEANS = {
    **dict.fromkeys(("true", "vrai", "oui", "yes", "1"), True),
    **dict.fromkeys(("false", "faux", "non", "no", "0"), False),
}


def read_amount(cell: str) -> str:
    """A decimal string from dollars, the sign `$` before or after."""
    return _read_number(cell, cell.removesuffix("$") if cell.endswith("$") else _unprefix(cell))


def read_rate(cell: str) -> str:
    """A decimal string from a percentage, with or without its sign."""
    return _read_number(cell, cell.removesuffix("%"))


def _unprefix(cell: str) -> str:
    return cell.removeprefix("$")


def _read_number(cell: str, bare: str) -> str:
    match = _NUMBER.fullmatch(bare.strip(_SPACES))
    if match is None:
        return cell
    sign, digits, decimals = match.groups()
    whole = digits.translate(_WITHOUT_SPACES)
    return f"{'-' if sign else ''}{whole}{f'.{decimals}' if decimals else ''}"


def read_integer(cell: str) -> int | str:
    match = _NUMBER.fullmatch(cell)
    if match is None or match[3] is not None:
        return cell
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
