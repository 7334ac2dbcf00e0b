"""Entity tags (RFC 9110, 8.8.3 and 13): no lost update, no answer sent twice."""

from fastapi import Request

from services.common.errors import PreconditionFailed, PreconditionRequired
from services.common.text import Text


def etag_of(version: int) -> str:
    """The strong tag of a representation's version."""
    return f'"{version}"'


def is_known(request: Request, etag: str) -> bool:
    """True when `If-None-Match` holds the tag: the client has this representation already."""
    tags = [tag.removeprefix("W/") for tag in _tags(request, "if-none-match")]
    return "*" in tags or etag in tags


def require_match(request: Request, etag: str) -> None:
    """Raises PreconditionRequired without `If-Match`, PreconditionFailed when it is stale."""
    tags = _tags(request, "if-match")
    if not tags:
        raise PreconditionRequired(
            Text(
                "Lisez d'abord l'objet, puis envoyez son ETag dans l'en-tête If-Match.",
                "Read the object first, then send its ETag in the If-Match header.",
            )
        )
    if "*" not in tags and etag not in tags:
        raise PreconditionFailed(
            Text(
                "L'objet a changé depuis votre lecture ; relisez-le, puis recommencez.",
                "The object has changed since you read it; read it again, then retry.",
            ),
            headers={"ETag": etag},
        )


def _tags(request: Request, header: str) -> list[str]:
    sent = ",".join(request.headers.getlist(header))
    return [tag.strip() for tag in sent.split(",") if tag.strip()]
