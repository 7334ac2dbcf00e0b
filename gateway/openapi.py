"""GET /openapi.json: the one document of the whole, as committed in api/openapi.json.

It is made from the code by `make openapi`; a test fails when the two differ.
"""

from pathlib import Path

from fastapi import APIRouter, Request, Response

OPENAPI_FILE = Path(__file__).parent.parent / "api" / "openapi.json"

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def get_openapi(request: Request) -> Response:
    """Read once, when the gateway starts."""
    document: bytes = request.app.state.openapi_document
    return Response(document, 200, {"Cache-Control": "public, max-age=300"}, "application/json")
