"""A period asked for: two days, both included."""

from dataclasses import dataclass
from datetime import date

from services.common.errors import InputError, Unprocessable
from services.common.text import Text

REVERSED = InputError(
    "/to",
    "period.reversed",
    Text("La période finit avant de commencer.", "The period ends before it begins."),
)


@dataclass(frozen=True, slots=True)
class Period:
    from_on: date
    to_on: date


def read_period(from_on: date, to_on: date) -> Period:
    """Raises Unprocessable `period.reversed`."""
    if to_on < from_on:
        raise Unprocessable(REVERSED.message, code=REVERSED.code, errors=[REVERSED])
    return Period(from_on, to_on)
