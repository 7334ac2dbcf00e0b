"""Long imports, from the side of who sends them: accepted, looked at, cancelled.

POST ─ file and job kept, queue told ─ commit ─ 202        here, without the write lock
queue ─ run_import ─ commit                                import_worker.py
"""

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request, Response

from services.common.app import database_of, today_of
from services.common.database import AsideSession, ReadSession
from services.common.errors import Conflict, JsonValue, TooManyRequests, not_found
from services.common.idempotency import REPLAYED, Answered, to_response, work_once
from services.common.identity import Principal
from services.common.import_job_queries import (
    ImportJob,
    JobEnded,
    count_unfinished,
    end_job,
    find_job,
    insert_job,
)
from services.common.import_kinds import Kind, Measure
from services.common.import_lookup import IMPORT, describe_import
from services.common.import_orders import Order, read_with
from services.common.import_queries import SentFile, drop_refused_files, find_import
from services.common.import_schemas import to_job_answer
from services.common.import_size import expect_rows
from services.common.job_queue import enqueue
from services.common.job_schema import queue_schema
from services.common.text import Language, Text

UNFINISHED_MAX = 20
"""Long imports one organisation may have under way: they are done one after the other."""
_PREFERENCE = "respond-async"


@dataclass(frozen=True, slots=True)
class JobPlace:
    """What the queue carries: where the job is."""

    organisation_id: uuid.UUID
    import_id: uuid.UUID

    def pack(self) -> bytes:
        return json.dumps([str(self.organisation_id), str(self.import_id)]).encode()

    @staticmethod
    def unpack(payload: bytes) -> "JobPlace":
        organisation_id, import_id = json.loads(payload)
        return JobPlace(uuid.UUID(organisation_id), uuid.UUID(import_id))


def prefers_job(header: str | None) -> bool:
    """Whether a `Prefer` (RFC 7240) agrees to an answer before the work is done."""
    preferences = (header or "").split(",")
    return _PREFERENCE in (each.partition(";")[0].strip().lower() for each in preferences)


def pack_options(order: Order) -> Mapping[str, JsonValue]:
    """What an order asks for beside its kind and mode, as a job keeps it."""
    options: dict[str, JsonValue] = {}
    if order.reason is not None:
        options["reason"] = order.reason
    if order.mapping is not None:
        options |= {"mapping": order.mapping.name, "mapping_version": order.mapping.version}
    elif order.mappings:
        options["mappings"] = {k: [m.name, m.version] for k, m in order.mappings.items()}
    return options


async def unpack_order(
    session: ReadSession,
    job: ImportJob,
    kind: Kind,
    service_name: str,
    measure: Measure | None,
) -> Order:
    """What was asked for when the job was accepted, also when its mapping has changed since."""
    return Order(
        service_name,
        await read_with(session, kind, job.mappings),
        job.mode,
        dry_run=False,
        language="fr",
        job_id=job.import_id,
        reason=job.reason,
        measure=measure,
        mappings=job.mappings,
    )


async def accept_import(
    request: Request, principal: Principal, order: Order, file: SentFile
) -> Response:
    """Keep the file and answer 202; the queue does the rest. Raises TooManyRequests."""
    database, today = database_of(request), today_of(request)
    once = work_once(request, principal, file.sha256 + file.media_type.encode())
    expected = await asyncio.to_thread(expect_rows, file)

    async def work(session: AsideSession) -> Answered:
        if await count_unfinished(session) >= UNFINISHED_MAX:
            raise _too_many()
        accepted = await insert_job(
            session,
            principal,
            file,
            kind=order.kind.name,
            mode=order.mode,
            options=pack_options(order),
            accepted_on=today,
            expected=expected,
        )
        if accepted.is_new:
            place = JobPlace(principal.organisation_id, accepted.import_id)
            await enqueue(session, queue_schema(order.service_name), place.pack())
        job = await find_job(session, accepted.import_id)
        assert job is not None, "a job was kept"
        answer = to_job_answer(job, order.service_name, order.language)
        headers = {
            "Location": f"/v1/imports/{answer.import_id}",
            "Preference-Applied": _PREFERENCE,
            **({} if accepted.is_new else REPLAYED),
        }
        return Answered(202, answer.model_dump(mode="json"), headers)

    async with database.write_aside(principal.organisation_id) as session:
        answered = await once(session, work)
    return to_response(answered)


async def cancel_import(
    request: Request,
    principal: Principal,
    service_name: str,
    import_id: uuid.UUID,
    language: Language,
) -> Response:
    """Let nothing of a long import be recorded. Raises NotFound, and Conflict when it has ended.

    The import may hold the write lock, so the worker that lets go of it writes the audit entry.
    """
    once = work_once(request, principal, b"")

    async def work(session: AsideSession) -> Answered:
        job = await find_job(session, import_id)
        if job is None or job.advance.state != "cancelled":
            await _cancel(session, principal, job, import_id)
        answer = await describe_import(session, service_name, import_id, language)
        return Answered(200, answer.model_dump(mode="json"))

    async with database_of(request).write_aside(principal.organisation_id) as session:
        answered = await once(session, work)
    return to_response(answered)


async def _cancel(
    session: AsideSession, principal: Principal, job: ImportJob | None, import_id: uuid.UUID
) -> None:
    if job is None and await find_import(session, import_id) is None:
        raise not_found(IMPORT)
    try:
        await end_job(session, import_id, "cancelled", cancelled_by=principal.subject)
    except JobEnded:
        raise Conflict(
            Text(
                "Cet import est terminé ; pour corriger un fait, inscrivez un renversement.",
                "This import has ended; to correct a fact, post a reversal.",
            ),
            code="import.ended",
        ) from None
    await drop_refused_files(session)


def _too_many() -> TooManyRequests:
    return TooManyRequests(
        Text(
            f"Vous avez déjà {UNFINISHED_MAX} longs imports en cours ; attendez la fin d'un autre.",
            f"You already have {UNFINISHED_MAX} long imports under way; wait until one has ended.",
        ),
        code="import.too_many_jobs",
        headers={"Retry-After": "30"},
    )
