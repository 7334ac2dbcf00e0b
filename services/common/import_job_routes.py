"""The routes of long imports: told as they go, and cancelled."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from services.common.app import database_of
from services.common.database import Database
from services.common.errors import TooManyRequests
from services.common.identity import Principal, Requires, Role
from services.common.import_jobs import cancel_import
from services.common.import_lookup import describe_import, own_id_of
from services.common.import_schemas import ImportRecordAnswer
from services.common.text import Language, Text, choose_language

EVENT_STREAM = "text/event-stream"
LOOK = timedelta(milliseconds=500)
SILENCE_LOOKS_MAX = 20
"""Ten seconds: every part between here and a browser waits longer than that."""
LOOKS_MAX = 1_200
"""Ten minutes: whoever still listens comes back by itself, with a key that is checked anew."""
STREAMS_MAX = 10
"""Streams one organisation may have open in one process."""

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]
_ENDED = ("done", "refused", "failed", "cancelled")
_STREAM = {
    "responses": {"200": {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}},
}


def add_job_routes(router: APIRouter, service_name: str) -> None:
    open_streams = Counter[uuid.UUID]()

    @router.get("/v1/imports/{import_id}/events", response_class=Response, openapi_extra=_STREAM)
    async def get_import_events(request: Request, member: Member, import_id: str) -> Response:
        """L'avancement d'un import, au fil de l'eau (`text/event-stream`)."""
        own_id = own_id_of(service_name, import_id)
        language = choose_language(request.headers.get("accept-language"))
        database = database_of(request)
        async with database.read(member.organisation_id) as session:
            await describe_import(session, service_name, own_id, language)
        if open_streams[member.organisation_id] >= STREAMS_MAX:
            raise TooManyRequests(_too_many(), headers={"Retry-After": "30"})

        async def stream() -> AsyncIterator[bytes]:
            open_streams[member.organisation_id] += 1
            try:
                async for event in _tell(database, member, service_name, own_id, language):
                    yield event
            finally:
                open_streams[member.organisation_id] -= 1

        headers = {"Cache-Control": "no-store", "Content-Type": EVENT_STREAM}
        return StreamingResponse(stream(), headers=headers)

    @router.post("/v1/imports/{import_id}/cancellations", response_model=ImportRecordAnswer)
    async def post_import_cancellation(
        request: Request, member: Member, import_id: str
    ) -> Response:
        """Arrêter un long import : rien n'en est inscrit."""
        own_id = own_id_of(service_name, import_id)
        language = choose_language(request.headers.get("accept-language"))
        return await cancel_import(request, member, service_name, own_id, language)


async def _tell(
    database: Database,
    member: Principal,
    service_name: str,
    import_id: uuid.UUID,
    language: Language,
) -> AsyncIterator[bytes]:
    """An event whenever something changed, a comment after a silence, until the import has ended.

    Asking the table is what works whoever does the job, in this process or another.
    """
    last, silence = b"", 0
    for number in range(LOOKS_MAX):
        async with database.read(member.organisation_id) as session:
            answer = await describe_import(session, service_name, import_id, language)
        data = json.dumps(answer.model_dump(mode="json"), ensure_ascii=False).encode()
        if data != last:
            yield b"id: %d\nevent: progress\ndata: %s\n\n" % (number, data)
            last, silence = data, 0
        elif silence >= SILENCE_LOOKS_MAX:
            yield b": \n\n"
            silence = 0
        if answer.state in _ENDED:
            return
        silence += 1
        await asyncio.sleep(LOOK.total_seconds())


def _too_many() -> Text:
    return Text(
        f"Au plus {STREAMS_MAX} suivis ouverts à la fois par organisme.",
        f"At most {STREAMS_MAX} streams open at a time per organisation.",
    )
