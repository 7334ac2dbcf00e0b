"""`/v1/import-templates`: a sheet to fill for each kind of import, the same in each service."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.common.app import service_router
from services.common.errors import not_found
from services.common.identity import Principal, Requires, Role
from services.common.import_kinds import ImportKind
from services.common.import_requests import attachment
from services.common.records import CSV, XLSX
from services.common.templates import write_csv_template, write_template
from services.common.text import Text, choose_language

Reader = Annotated[Principal, Depends(Requires(Role.MEMBER, Role.NETWORK))]

_NAME = Text("modele", "template")
_XLSX = {
    "responses": {"200": {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}}
}
_CSV = {"responses": {"200": {"content": {CSV: {"schema": {"type": "string"}}}}}}


def create_templates_router(kinds: Sequence[ImportKind]) -> APIRouter:
    """For these kinds; French unless English is asked for."""
    router = service_router()
    by_name = {kind.name: kind for kind in kinds}

    def find(kind: str) -> ImportKind:
        if kind not in by_name:
            raise not_found(Text("Modèle", "Template"))
        return by_name[kind]

    @router.get("/v1/import-templates/{kind}.xlsx", response_class=Response, openapi_extra=_XLSX)
    async def get_import_template(request: Request, reader: Reader, kind: str) -> Response:
        """Un classeur à remplir : listes déroulantes, exemples, dictionnaire des colonnes."""
        del reader
        language = choose_language(request.headers.get("accept-language"))
        book = await asyncio.to_thread(write_template, find(kind), language)
        return attachment(book, XLSX, f"{_NAME.read(language)}-{kind}.xlsx")

    @router.get("/v1/import-templates/{kind}.csv", response_class=Response, openapi_extra=_CSV)
    async def get_import_csv_template(request: Request, reader: Reader, kind: str) -> Response:
        """Le même en CSV : les titres et les exemples."""
        del reader
        language = choose_language(request.headers.get("accept-language"))
        sheet = write_csv_template(find(kind), language)
        return attachment(sheet, CSV, f"{_NAME.read(language)}-{kind}.csv")

    return router
