"""Proving an import: the kept file, read again, gives the rows that were recorded from it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from services.common.answers import json_response
from services.common.app import database_of
from services.common.columns import TableRefused
from services.common.database import ReadSession
from services.common.errors import not_found
from services.common.fields import Answer
from services.common.identity import Principal, Requires, Role
from services.common.import_kinds import Kind
from services.common.import_lookup import IMPORT, own_id_of, require_content
from services.common.import_orders import read_with
from services.common.import_parts import prepare_file
from services.common.import_queries import (
    SentFile,
    find_damaged_files,
    find_file,
    find_import,
)
from services.common.import_schemas import format_import_id

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]


class ReplayAnswer(Answer):
    import_id: str
    file_intact: bool = Field(description="Le fichier gardé a encore son empreinte.")
    rows_received: int = Field(description="Lignes lues de nouveau.")
    rows_digest: str | None = Field(description="Empreinte des lignes lors de l'import.")
    replayed_digest: str | None = Field(description="La même, de ce qui vient d'être relu.")
    same: bool | None = Field(description="Nul pour un import d'avant cette empreinte.")


def add_replay_route(router: APIRouter, kinds: Mapping[str, Kind], service_name: str) -> None:
    @router.get("/v1/imports/{import_id}/replay", response_model=ReplayAnswer)
    async def get_import_replay(request: Request, member: Member, import_id: str) -> Response:
        """Relire le fichier gardé, sans rien inscrire, et comparer."""
        own_id = own_id_of(service_name, import_id)
        async with database_of(request).read(member.organisation_id) as session:
            found = await find_import(session, own_id)
            file = await find_file(session, own_id)
            if found is None:
                raise not_found(IMPORT)
            kind = await read_with(session, kinds[found[0].kind], found[0].mappings)
        kept, content = found[0].rows_digest, require_content(file)
        received, replayed = await asyncio.to_thread(_replay, kind, content)
        answer = ReplayAnswer(
            import_id=format_import_id(service_name, own_id),
            file_intact=hashlib.sha256(content.content).digest() == content.sha256,
            rows_received=received,
            rows_digest=None if kept is None else kept.hex(),
            replayed_digest=None if replayed is None else replayed.hex(),
            same=None if kept is None else kept == replayed,
        )
        return json_response(answer.model_dump(mode="json"))


def _replay(kind: Kind, file: SentFile) -> tuple[int, bytes | None]:
    try:
        prepared = prepare_file(kind, file.content, file.media_type)
    except TableRefused:
        return 0, None
    return prepared.received, prepared.digest


async def find_damage(session: ReadSession) -> AsyncIterator[str]:
    """What `reseau verify` says of kept files whose content is not what was sent."""
    for sha256 in await find_damaged_files(session):
        yield f"kept file {sha256.hex()}: its content has another hash"
