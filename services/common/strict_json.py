"""JSON as I-JSON (RFC 7493): what two readers could read differently is refused, with its place."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from json.encoder import encode_basestring

from services.common.errors import (
    ERRORS_SHOWN_MAX,
    BadRequest,
    InputError,
    JsonValue,
    Unprocessable,
)
from services.common.money import format_rate
from services.common.text import Text

INTEGER_DIGITS_MAX = 15  # what every reader holds exactly (RFC 7493, 2.2)
DIGITS_SHOWN_MAX = 40


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in the parsed document where something may not stand, until its path is known."""

    code: str
    message: Text


class _Reader:
    """Collects what the parser's hooks refuse; one per document."""

    def __init__(self) -> None:
        self.refused_any = False

    def refuse(self, code: str, message: Text) -> _Refused:
        self.refused_any = True
        return _Refused(code, message)

    def constant(self, name: str) -> _Refused:
        text = Text(f"« {name} » n'est pas une valeur JSON.", f'"{name}" is not a JSON value.')
        return self.refuse("json.not_finite", text)

    def fraction(self, digits: str) -> _Refused:
        shown = digits if len(digits) <= DIGITS_SHOWN_MAX else f"{digits[:DIGITS_SHOWN_MAX]}…"
        text = Text(
            f"{shown} doit être écrit entre guillemets, comme une chaîne décimale.",
            f"{shown} must be written in quotes, as a decimal string.",
        )
        return self.refuse("json.number", text)

    def integer(self, digits: str) -> int | _Refused:
        if len(digits.lstrip("-")) <= INTEGER_DIGITS_MAX:
            return int(digits)
        text = Text(
            f"Un entier a {INTEGER_DIGITS_MAX} chiffres au plus.",
            f"An integer has at most {INTEGER_DIGITS_MAX} digits.",
        )
        return self.refuse("json.number", text)

    def members(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) != len(pairs):
            text = Text("Cette clé est écrite deux fois.", "This key is written twice.")
            for name, times in Counter(name for name, _ in pairs).items():
                if times > 1:
                    members[name] = self.refuse("json.duplicate_key", text)
        return members


def escape_pointer(token: str | int) -> str:
    """One token of a JSON pointer (RFC 6901); half a surrogate pair is shown, not sent."""
    shown = str(token).encode("utf-8", "backslashreplace").decode("utf-8")
    return shown.replace("~", "~0").replace("/", "~1")


def _find_refused(node: object, pointer: str) -> Iterator[InputError]:
    if isinstance(node, _Refused):
        yield InputError(pointer, node.code, node.message)
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _find_refused(value, f"{pointer}/{escape_pointer(name)}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _find_refused(value, f"{pointer}/{index}")


def loads(body: bytes) -> JsonValue:
    """Read one document.

    Raises BadRequest when it is not JSON in UTF-8, Unprocessable when it is not I-JSON.
    """
    reader = _Reader()
    try:
        document: JsonValue = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=reader.members,
            parse_constant=reader.constant,
            parse_float=reader.fraction,
            parse_int=reader.integer,
        )
        found = _find_refused(document, "") if reader.refused_any else ()
        errors = list(islice(found, ERRORS_SHOWN_MAX))
    except UnicodeDecodeError as error:
        raise BadRequest(
            Text(
                f"Le texte n'est pas de l'UTF-8 (octet {error.start}).",
                f"The text is not UTF-8 (byte {error.start}).",
            ),
            code="body.encoding",
        ) from error
    except json.JSONDecodeError as error:
        raise BadRequest(
            Text(
                f"Ce n'est pas du JSON : ligne {error.lineno}, colonne {error.colno}.",
                f"This is not JSON: line {error.lineno}, column {error.colno}.",
            ),
            code="json.malformed",
        ) from error
    except RecursionError as error:
        raise BadRequest(
            Text("Trop de niveaux imbriqués.", "Nested too deeply."), code="json.depth"
        ) from error
    if errors:
        raise Unprocessable(errors[0].message, code=errors[0].code, errors=errors)
    return document


_CANONICAL = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
)


def canonical(document: JsonValue) -> bytes:
    """The same bytes for the same content: RFC 8785 for the text and integers we write."""
    return _CANONICAL.encode(document).encode()


quote: Callable[[str], str] = encode_basestring
"""A text as `canonical` writes it."""


def fingerprint(document: JsonValue) -> bytes:
    """SHA-256 of the canonical form: two posts with one fingerprint say the same thing."""
    return hashlib.sha256(canonical(document)).digest()


def to_json(value: object) -> JsonValue:
    """Typed values as JSON: dates in ISO form, decimals without trailing zeros, enums by value."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Decimal):
        return format_rate(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): to_json(member) for key, member in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [to_json(member) for member in value]
    raise TypeError(f"no JSON form for {type(value).__name__}")
