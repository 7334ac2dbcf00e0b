"""The files the pages refer to: read once, named by their content, kept by browsers for a year.

Swagger UI (Apache-2.0) comes from the package fastapi-swagger, whose two files are those
of the published swagger-ui-dist; nothing else of that package is used.
"""

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

OWN = ("site.css", "docs.css", "docs.js", "favicon.svg")
SWAGGER_UI = ("swagger-ui.css", "swagger-ui-bundle.js")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: `path` carries a digest of its content, so it never changes under its name."""

    path: str
    media_type: str
    content: bytes
    compressed: bytes

    def answer(self, request: Request) -> Response:
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept-Encoding",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(self.compressed, media_type=self.media_type, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def load_assets() -> Mapping[str, Asset]:
    """All assets by file name."""
    own = files("gateway.pages") / "static"
    swagger_ui = files("fastapi_swagger") / "resources"
    return dict(_read((own, OWN), (swagger_ui, SWAGGER_UI)))


def _read(*folders: tuple[Traversable, Iterable[str]]) -> Iterable[tuple[str, Asset]]:
    for folder, names in folders:
        for name in names:
            content = (folder / name).read_bytes()
            stem, dot, suffix = name.rpartition(".")
            digest = hashlib.sha256(content).hexdigest()[:12]
            path = f"/static/{stem}-{digest}{dot}{suffix}"
            yield name, Asset(path, MEDIA_TYPES[dot + suffix], content, gzip.compress(content))
