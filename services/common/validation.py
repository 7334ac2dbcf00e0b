"""From pydantic's findings to ours: the place, a stable code, a sentence in French and English."""

from collections.abc import Mapping, Sequence

from pydantic_core import ErrorDetails

from services.common.errors import InputError
from services.common.messages import MESSAGES
from services.common.strict_json import escape_pointer
from services.common.text import Text

# pydantic's error types on the left, our codes on the right; anything else is "value.invalid".
_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "string_type": "text.type",
    "string_too_short": "text.too_short",
    "string_too_long": "text.too_long",
    "string_unicode": "text.control",
    "string_pattern_mismatch": "text.form",
    "int_type": "integer.type",
    "int_parsing": "integer.type",
    "int_parsing_size": "integer.type",
    "int_from_float": "integer.type",
    "bool_type": "boolean.type",
    "bool_parsing": "boolean.type",
    "greater_than": "number.too_small",
    "greater_than_equal": "number.too_small",
    "less_than": "number.too_large",
    "less_than_equal": "number.too_large",
    "list_type": "list.type",
    "tuple_type": "list.type",
    "too_short": "list.too_short",
    "too_long": "list.too_long",
    "model_type": "object.type",
    "model_attributes_type": "object.type",
    "dict_type": "object.type",
    "literal_error": "choice",
    "enum": "choice",
    "date_type": "date.form",
    "date_parsing": "date.form",
    "date_from_datetime_parsing": "date.form",
    "date_from_datetime_inexact": "date.form",
    "uuid_type": "identifier.form",
    "uuid_parsing": "identifier.form",
}


def say(code: str, context: Mapping[str, object]) -> Text:
    """The sentence for a code, its blanks filled from the context."""
    message = MESSAGES.get(code, MESSAGES["value.invalid"])
    if "{" not in message.fr:
        return message
    bound = next((context[k] for k in ("bound", "ge", "gt", "le", "lt") if k in context), "")
    # pydantic lists choices as an English phrase: 'phone', 'video' or 'group'
    expected = str(context.get("expected", "")).replace(" or ", ", ").replace("'", "")
    blanks = {"min_length": "", "max_length": "", "pattern": "", **context}
    return message.fill(**{**blanks, "bound": bound, "expected": expected})


def find_code(error: ErrorDetails) -> str:
    kind = error["type"]
    return kind if kind in MESSAGES else _CODES.get(kind, "value.invalid")


def _is_place(token: str | int) -> bool:
    """Leave out the tags pydantic adds for unions: they name a model, not a place in the input."""
    return isinstance(token, int) or "[" not in token


def to_input_errors(errors: Sequence[ErrorDetails], skip: int = 0) -> list[InputError]:
    """Translate findings; `skip` leaves out leading location parts (FastAPI's "body", "query")."""
    found = []
    for error in errors:
        place = [escape_pointer(token) for token in error["loc"][skip:] if _is_place(token)]
        pointer = "".join(f"/{token}" for token in place)
        code = find_code(error)
        found.append(InputError(pointer, code, say(code, error.get("ctx", {}))))
    return found
