"""What the requests about imports have in common: who may send them, kinds by name, files."""

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeVar
from urllib.parse import quote

from fastapi import Depends, Query, Request, Response
from fastapi.params import Query as QueryParameter

from services.common.errors import InputError, Unprocessable
from services.common.identity import Principal, Requires, Role
from services.common.import_kinds import Kind
from services.common.messages import MESSAGES
from services.common.tabular import READERS

SomeKind = TypeVar("SomeKind", bound=Kind)

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]

AnyKind = TypeVar("AnyKind", bound=Kind)
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in READERS
        },
    }
}


def names_of(by_name: Mapping[str, Kind]) -> QueryParameter:
    """`?kind=`, with the names it may have."""
    names = {"enum": list(by_name)}
    parameter: QueryParameter = Query(
        description="Ce que contient le fichier.", json_schema_extra=names
    )
    return parameter


def find_kind(by_name: Mapping[str, SomeKind], name: str) -> SomeKind:
    """Raises Unprocessable for a kind that this service has not."""
    if name not in by_name:
        message = MESSAGES["choice"].fill(expected=", ".join(by_name))
        raise Unprocessable(message, errors=[InputError("/kind", "choice", message)])
    return by_name[name]


def refuse_unknown_parameters(request: Request, known: Sequence[str]) -> None:
    """A misspelt `dry_run` must not record anything."""
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        message = MESSAGES["unknown_field"]
        raise Unprocessable(
            message, errors=[InputError(f"/{name}", "unknown_field", message) for name in unknown]
        )


def attachment(content: bytes, media_type: str, name: str) -> Response:
    headers = {
        "Cache-Control": "no-store",
        # As it is: Starlette would add a charset of its own to a bare text/csv.
        "Content-Type": media_type,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, headers=headers)
