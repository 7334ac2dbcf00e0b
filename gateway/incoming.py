"""A client's request as the door reads it: once, and refused when it could be read in two ways."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Scope

from services.common.errors import BadRequest, Problem, UnsupportedMediaType
from services.common.text import Text

HEAD_BYTES_MAX = 64 * 1024
"""The largest request line with its headers: many times what any client of ours sends."""

# Headers that two readers could each take another value of, if they stood twice.
_SINGLE = (b"authorization", b"content-length", b"content-type", b"idempotency-key")


class HeadTooLarge(Problem):
    """431: too much before the body (RFC 6585)."""

    status = 431
    default_code = "header.too_large"
    title = Text("En-têtes trop volumineux", "Headers too large")


@dataclass(frozen=True, slots=True)
class Incoming:
    """The line and headers of a request."""

    method: str
    raw_path: bytes
    query: bytes
    headers: Mapping[bytes, list[str]]
    address: str
    trace_id: str

    @property
    def declared_bytes(self) -> int | None:
        """The size of the body: 0 when there is none, None when it is not said beforehand."""
        if b"transfer-encoding" in self.headers:
            return None
        declared = self.headers.get(b"content-length", ["0"])[0]
        if not (declared.isascii() and declared.isdecimal()):
            raise _malformed("content-length")
        return int(declared)


def read_incoming(scope: Scope, trace_id: str) -> Incoming:
    """Raises BadRequest for a header given twice, UnsupportedMediaType for an encoded body."""
    headers: dict[bytes, list[str]] = {}
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEAD_BYTES_MAX:
        raise HeadTooLarge()
    for name, value in scope["headers"]:
        headers.setdefault(name, []).append(value.decode("latin-1"))
    for name in _SINGLE:
        if len(headers.get(name, ())) > 1:
            raise _malformed(name.decode())
    for name in (b"content-encoding", b"transfer-encoding"):
        for value in headers.get(name, ()):
            if value.strip().lower() not in ("", "identity", "chunked"):
                raise UnsupportedMediaType(
                    Text("Envoyez le contenu sans compression.", "Send the body uncompressed."),
                    code="content_encoding.unsupported",
                    headers={"Accept-Encoding": "identity"},
                )
    client = scope.get("client")
    return Incoming(
        scope["method"],
        scope["raw_path"],
        scope["query_string"],
        headers,
        client[0] if client else "",
        trace_id,
    )


def _malformed(name: str) -> BadRequest:
    return BadRequest(
        Text(
            f"L'en-tête {name} est illisible ou donné deux fois.",
            f"The header {name} is malformed or given twice.",
        ),
        code="header.malformed",
    )
