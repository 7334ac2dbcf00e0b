"""Reading the cursors of this service's lists; one that was altered is refused like a bad input."""

from uuid import UUID

from services.common.errors import InputError, Unprocessable
from services.common.pagination import decode_cursor
from services.common.text import Text

REFUSED = InputError(
    "/cursor",
    "cursor.invalid",
    Text("Ce curseur ne vient pas d'ici.", "This cursor was not given here."),
)
_FIRST = UUID(int=0)
_NUMBER_MAX = 2**63 - 1


def read_identifier(cursor: str | None) -> UUID:
    """The identifier after which a list goes on. Raises Unprocessable."""
    key = decode_cursor(cursor)
    try:
        return UUID(key) if key else _FIRST
    except ValueError as error:
        raise _refusal() from error


def read_number(cursor: str | None) -> int:
    """The number after which a list goes on. Raises Unprocessable."""
    key = decode_cursor(cursor)
    if not key:
        return 0
    if not (key.isascii() and key.isdigit()) or len(key) > 19 or int(key) > _NUMBER_MAX:
        raise _refusal()
    return int(key)


def _refusal() -> Unprocessable:
    return Unprocessable(REFUSED.message, code=REFUSED.code, errors=[REFUSED])
