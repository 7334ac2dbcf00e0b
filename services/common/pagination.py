"""Lists by keyset: `?limit=` and an opaque cursor that continues after the last row seen."""

import base64
import binascii
import json
from typing import Annotated

from fastapi import Query, Request

from services.common.errors import InputError, JsonValue, Unprocessable
from services.common.text import Text

LIMIT_DEFAULT = 50
LIMIT_MAX = 200

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Nombre d'éléments par page.")]


def encode_cursor(last_key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(last_key).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str:
    """The key of the last row seen; empty at the start. Raises Unprocessable `cursor.invalid`."""
    if cursor is None:
        return ""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.urlsafe_b64decode(padded.encode()))
        if isinstance(key, str) and "\0" not in key:
            key.encode()  # half a surrogate pair is no text
            return key
    except (binascii.Error, ValueError, RecursionError):
        pass
    message = Text("Ce curseur ne vient pas d'ici.", "This cursor was not given here.")
    raise Unprocessable(
        message, code="cursor.invalid", errors=[InputError("/cursor", "cursor.invalid", message)]
    )


def page(
    request: Request, items: list[dict[str, JsonValue]], limit: int, key: str
) -> dict[str, JsonValue]:
    """A page of at most `limit` items; pass one more to tell that there is a next page."""
    shown = items[:limit]
    link: str | None = None
    if len(items) > limit:
        last = str(shown[-1][key])
        url = request.url.include_query_params(cursor=encode_cursor(last), limit=limit)
        link = f"{url.path}?{url.query}"
    return {"items": shown, "next": link}
