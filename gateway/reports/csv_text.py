"""Reports as CSV (RFC 4180): UTF-8, comma, a header row, the same columns whatever the figures."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request, Response

from services.common.errors import JsonValue

CSV_MEDIA_TYPE = "text/csv"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Label:
    """Text for people: the only cells a spreadsheet could take for a formula."""

    text: str


Cell = Label | str | int | None


def escape_formula(text: str) -> str:
    """A quote before what a spreadsheet would compute (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Numbers as they are, a missing value as an empty cell, labels escaped."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    for row in rows:
        writer.writerow(
            [escape_formula(cell.text) if isinstance(cell, Label) else cell for cell in row]
        )
    return out.getvalue().encode("utf-8")


def csv_response(body: bytes, filename: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        body,
        200,
        {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Vary": "Accept",
            **(headers or {}),
        },
        f"{CSV_MEDIA_TYPE}; charset=utf-8; header=present",
    )


def flatten(document: Mapping[str, JsonValue], prefix: str = "") -> dict[str, Cell]:
    """Figures by column: the names of the JSON joined by underscores, lists left out."""
    columns: dict[str, Cell] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            columns.update(flatten(value, f"{prefix}{name}_"))
        elif value is None or isinstance(value, int | str):
            columns[f"{prefix}{name}"] = value
    return columns


def wants_csv(request: Request) -> bool:
    """Asked for by `.csv`, or by an Accept that prefers it to JSON."""
    if request.url.path.endswith(".csv"):
        return True
    accept = request.headers.get("accept", "")
    return _quality(accept, CSV_MEDIA_TYPE) > _quality(accept, "application/json")


def _quality(accept: str, media_type: str) -> float:
    """The weight of a media type in an Accept header (RFC 9110, 12.5.1); the closest name wins."""
    best = (-1, 0.0)
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.lower().split(";"))
        places = {media_type: 2, f"{media_type.partition('/')[0]}/*": 1, "*/*": 0}
        if name in places:
            best = max(best, (places[name], _weight(parameters)))
    return best[1]


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter.removeprefix("q="))
            except ValueError:
                return 0.0
    return 1.0
