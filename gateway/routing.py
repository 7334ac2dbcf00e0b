"""Which part of the federation answers which path. What no line here names is not found.

/internal/... never stands in this table: it cannot be reached from outside.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, unquote_to_bytes

from services.common.errors import BadRequest, NotFound
from services.common.text import Text

JSON_BYTES_MAX = 1024 * 1024
IMPORT_BYTES_MAX = 20 * 1024 * 1024

METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE")


class Part(StrEnum):
    """A service behind the gateway."""

    REGISTRY = "registry"
    FUNDS = "funds"
    LOANS = "loans"


PART_NAMES: Mapping[Part, Text] = {
    Part.REGISTRY: Text("le registre", "the registry"),
    Part.FUNDS: Text("le service des fonds", "the funds service"),
    Part.LOANS: Text("le service des prêts", "the loans service"),
}

# First segment after /v1/ -> the part that holds everything below it.
PREFIXES: Mapping[str, Part] = {
    "regions": Part.REGISTRY,
    "organisations": Part.REGISTRY,
    "keys": Part.REGISTRY,
    "funds": Part.FUNDS,
    "contributions": Part.FUNDS,
    "agreements": Part.FUNDS,
    "products": Part.LOANS,
    "provision-matrices": Part.LOANS,
    "schedules": Part.LOANS,
    "borrowers": Part.LOANS,
    "loans": Part.LOANS,
    "coaching-sessions": Part.LOANS,
    "outcomes": Part.LOANS,
    "reporting-periods": Part.LOANS,
    "reporting-deadlines": Part.LOANS,
    "reporting-starts": Part.LOANS,
    "validation-rules": Part.LOANS,
    "imports": Part.LOANS,
    "import-mappings": Part.LOANS,
    "import-templates": Part.LOANS,
}
FUNDS_IMPORT_KINDS = ("contributions",)
FUNDS_IMPORT_PREFIX = "funds-"
"""An import's identifier says which part holds it: the funds' start with this."""

_PATH = re.compile(rb"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+")
_QUERY = re.compile(rb"[!$-~]*")  # printable ASCII without space, " and #
_SLASHES = re.compile(rb"[/\\]")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes, and the largest body it may carry."""

    part: Part
    body_bytes_max: int
    is_import: bool


def split_path(raw_path: bytes) -> list[str]:
    """The segments of a path, decoded once.

    Raises BadRequest for what two readers could read as two paths: dot segments, encoded slashes,
    backslashes, control characters, broken escapes. Raises NotFound for empty segments.
    """
    if _PATH.fullmatch(raw_path) is None:
        raise _malformed()
    segments = []
    for raw in raw_path.split(b"/")[1:]:
        segment = unquote_to_bytes(raw)
        if segment in (b".", b"..") or _SLASHES.search(segment):
            raise _malformed()
        try:
            text = segment.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _malformed() from error
        if not text.isprintable():
            raise _malformed()
        segments.append(text)
    if "" in segments and segments != [""]:
        raise NotFound()
    return segments


def refuse_malformed_query(query: bytes) -> None:
    """Raises BadRequest; a parameter given twice is one that two readers could take otherwise."""
    if _QUERY.fullmatch(query) is None:
        raise _malformed()
    names = [name for name, _ in parse_qsl(query.decode("ascii"), keep_blank_values=True)]
    for name in names:
        if names.count(name) > 1:
            raise BadRequest(
                Text(f"« {name} » est donné deux fois.", f'"{name}" is given twice.'),
                code="query.duplicate",
            )


def find_destination(segments: list[str], method: str, query: bytes) -> Destination | None:
    """The part that answers, or None when no part does."""
    if len(segments) < 2 or segments[0] != "v1":
        return None
    part = PREFIXES.get(segments[1])
    if part is None:
        return None
    if segments[1] == "import-mappings":
        is_file = segments[2:] == ["suggestions"]
        part = _part_of(segments[2]) if len(segments) > 3 else _part_of_kind(query)
        return Destination(part, IMPORT_BYTES_MAX if is_file else JSON_BYTES_MAX, is_import=is_file)
    if segments[1] == "import-templates" and len(segments) > 2:
        part = _part_of(segments[2].partition(".")[0])
    if segments[1] != "imports":
        return Destination(part, JSON_BYTES_MAX, is_import=False)
    if len(segments) == 2:
        part = _part_of_kind(query)
        if method == "POST":
            return Destination(part, IMPORT_BYTES_MAX, is_import=True)
    elif segments[2].startswith(FUNDS_IMPORT_PREFIX):
        part = Part.FUNDS
    return Destination(part, JSON_BYTES_MAX, is_import=False)


def _part_of_kind(query: bytes) -> Part:
    return _part_of(dict(parse_qsl(query.decode("ascii"), keep_blank_values=True)).get("kind"))


def _part_of(kind: str | None) -> Part:
    return Part.FUNDS if kind in FUNDS_IMPORT_KINDS else Part.LOANS


def _malformed() -> BadRequest:
    return BadRequest(
        Text(
            "Cette adresse contient ce qui pourrait se lire de deux façons.",
            "This address holds what could be read in two ways.",
        ),
        code="path.malformed",
    )
