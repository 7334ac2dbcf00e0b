"""The one flow of every import, the same for each kind of fact and each service.

    bytes ─ rows ─ models of the JSON API ─ drafts     in a thread, before any lock is taken
    drafts ─ recorder, inside a savepoint              in one write transaction, in a thread with
    file, counts, errors, audit entry ─ commit         an event loop and a connection of its own
    answer

A dry run goes through all of it and rolls the savepoint back: it answers what recording would
have. An atomic import with a bad row rolls everything back; that it was tried, its file and its
errors are then kept in a transaction of their own. A file that cannot be read at all is not kept,
unless it was accepted as a job.
"""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import chain, groupby
from typing import TypeVar

import uvloop
from fastapi import Request, Response
from sqlalchemy import text

from services.common import audit, errors
from services.common.answers import read_body
from services.common.app import database_of, today_of
from services.common.columns import RowError, TableRefused
from services.common.database import Database, ReadSession, WriteSession
from services.common.errors import JsonValue, Problem
from services.common.idempotency import Answered, Once, at_once, to_response, work_once
from services.common.identity import Principal
from services.common.import_job_queries import End, end_job
from services.common.import_orders import Order
from services.common.import_parts import Part, PreparedFile, Progress, prepare_file, tell_nobody
from services.common.import_queries import (
    Outcome,
    SentFile,
    drop_refused_files,
    insert_import,
)
from services.common.import_schemas import (
    ImportAnswer,
    TotalsAnswer,
    format_import_id,
    to_counts_answer,
    to_error_answers,
    to_notice_answers,
)
from services.common.import_sums import Came, refuse_file, sum_up
from services.common.messages import MESSAGES
from services.common.oddities import WARNINGS_MAX
from services.common.recording import Recorded, split
from services.common.strict_json import escape_pointer
from services.common.tabular import find_reader

Result = TypeVar("Result")

IMPORT_MAX_BYTES = 20 * 1024 * 1024

# A large import takes longer than an ordinary request; only its own organisation waits for it.
_LONGER = (
    text("SET LOCAL statement_timeout = '300s'"),
    text("SET LOCAL idle_in_transaction_session_timeout = '300s'"),
)


class _RowsRefused(Exception):
    """Leaves the transaction of an atomic import that has bad rows."""

    def __init__(self, came: Came) -> None:
        super().__init__(came.counts.rejected)
        self.came = came


async def receive_import(
    request: Request, principal: Principal, order: Order, file: SentFile
) -> Response:
    """Record the rows of a file and tell what came of it. Raises what `run_import` raises."""
    once = work_once(request, principal, file.sha256 + file.media_type.encode())
    database, today = database_of(request), today_of(request)
    return to_response(await run_import(database, principal, order, file, today, once=once))


async def run_import(
    database: Database,
    principal: Principal,
    order: Order,
    file: SentFile,
    today: date,
    progress: Progress = tell_nobody,
    once: Once = at_once,
) -> Answered:
    """Read, check and record a file: everything an import does once the file is there.

    Raises Unprocessable, with the members of the answer, when what the file holds kept it all out;
    PayloadTooLarge; and whatever `progress` raises, which undoes the import.
    """

    async def keeprefuse_order(came: Came) -> uuid.UUID:
        async with database.write(principal.organisation_id) as session:
            return await _keep(session, principal, order, file, "refused", came)

    try:
        prepared = await asyncio.to_thread(
            prepare_file, order.kind, file.content, file.media_type, progress
        )
    except TableRefused as refused:
        came = refuse_file(refused.found)
        import_id = None if order.job_id is None else await keeprefuse_order(came)
        raise refuse_order(order, import_id, came) from refused

    async def work(session: WriteSession) -> Answered:
        return await _record(session, principal, order, file, prepared, today, progress)

    try:
        return await _write_apart(database, principal, lambda session: once(session, work))
    except _RowsRefused as refused:
        import_id = None
        if not order.dry_run:
            import_id = await keeprefuse_order(refused.came)
        raise refuse_order(order, import_id, refused.came) from None


async def try_import(
    database: Database, principal: Principal, order: Order, file: SentFile, today: date
) -> Came:
    """What would come of a file, with all its errors. Raises PayloadTooLarge."""
    try:
        prepared = await asyncio.to_thread(prepare_file, order.kind, file.content, file.media_type)
    except TableRefused as refused:
        return refuse_file(refused.found)

    async def work(session: WriteSession) -> Came:
        savepoint = await session.connection.begin_nested()
        came = await _record_rows(session, principal, order, file, prepared, today)
        await savepoint.rollback()
        return came

    return await _write_apart(database, principal, work)


async def _write_apart(
    database: Database,
    principal: Principal,
    work: Callable[[WriteSession], Awaitable[Result]],
) -> Result:
    """In a transaction on an event loop of its own.

    A hundred thousand facts take seconds of a processor between the statements: on the service's
    own event loop, every other request would wait for them.
    """

    async def write() -> Result:
        async with database.apart() as own, own.write(principal.organisation_id) as session:
            session.beside = partial(_read_longer, own, principal.organisation_id)
            return await work(session)

    async with database.turn(principal.organisation_id):
        return await asyncio.to_thread(lambda: uvloop.run(write()))


@asynccontextmanager
async def _read_longer(
    database: Database, organisation_id: uuid.UUID
) -> AsyncIterator[ReadSession]:
    async with database.read(organisation_id) as session:
        await _allow_longer(session)
        yield session


async def _allow_longer(session: ReadSession) -> None:
    for statement in _LONGER:
        await session.connection.execute(statement)


async def read_file(request: Request, file_name: str | None) -> SentFile:
    """The body. Raises UnsupportedMediaType, PayloadTooLarge, BadRequest when it breaks off."""
    media_type = request.headers.get("content-type", "")
    find_reader(media_type)
    content = await read_body(request, IMPORT_MAX_BYTES)
    digest = await asyncio.to_thread(lambda: hashlib.sha256(content).digest())
    return SentFile(content, digest, media_type, file_name)


async def _record(
    session: WriteSession,
    principal: Principal,
    order: Order,
    file: SentFile,
    prepared: PreparedFile,
    today: date,
    progress: Progress,
) -> Answered:
    """Record the good rows and keep the import; or, on a dry run, find out what that would say."""
    savepoint = await session.connection.begin_nested()
    came = await _record_rows(session, principal, order, file, prepared, today, progress)
    if came.counts.rejected and order.mode == "atomic":
        raise _RowsRefused(came)
    if order.dry_run:
        await savepoint.rollback()
        return Answered(200, describe_outcome(order, None, came))
    await savepoint.commit()
    import_id = await _keep(session, principal, order, file, "recorded", came)
    return Answered(
        201 if came.counts.created else 200,
        describe_outcome(order, import_id, came),
        {"Location": f"/v1/imports/{format_import_id(order.service_name, import_id)}"},
    )


async def _record_rows(
    session: WriteSession,
    principal: Principal,
    order: Order,
    file: SentFile,
    prepared: PreparedFile,
    today: date,
    progress: Progress = tell_nobody,
) -> Came:
    """Record the good rows, and say what came of all of them."""
    await _allow_longer(session)
    before = await _measure(session, order, today)
    recorded: list[Recorded] = []
    stored = 0
    for _, of_kind in groupby(prepared.parts, key=lambda part: part.kind.name):
        parts = list(of_kind)
        recorded += await _record_kind(session, principal, parts, today, order.reason)
        # A kind is stored by statements for all its rows at once: there is no row by row to tell.
        stored += sum(len(part.prepared.numbers) for part in parts)
        session.beside = None  # it would not see what was recorded here
        progress("stored", stored)
    came = sum_up(prepared, recorded, order.mode, order.reason, file, order.mappings)
    if before is None or (came.counts.rejected and order.mode == "atomic"):
        return came
    after = await _measure(session, order, today)
    totals = TotalsAnswer(before=before, after=after or {})
    return replace(came, report=came.report.model_copy(update={"totals": totals}))


async def _record_kind(
    session: WriteSession,
    principal: Principal,
    parts: Sequence[Part],
    today: date,
    reason: str | None,
) -> list[Recorded]:
    """Record the sheets of a kind as one batch: what one does not name, another may."""
    record, [first, *others] = parts[0].kind.record, [part.prepared.drafts for part in parts]
    drafts = [*first, *chain(*others)] if others else first
    recorded = await record(session, principal, drafts, today, reason)
    return split(recorded, [len(first), *map(len, others)]) if others else [recorded]


async def _measure(session: WriteSession, order: Order, today: date) -> dict[str, int | str] | None:
    return None if order.measure is None else await order.measure(session, today)


async def _keep(
    session: WriteSession,
    principal: Principal,
    order: Order,
    file: SentFile,
    outcome: Outcome,
    came: Came,
) -> uuid.UUID:
    """Put the attempt on record. Raises JobEnded for a job that was cancelled meanwhile."""
    counts = came.counts
    import_id = await insert_import(
        session,
        import_id=order.job_id,
        rows_digest=came.rows_digest,
        kind=order.kind.name,
        mode=order.mode,
        outcome=outcome,
        file=file,
        counts=counts,
        findings=came.findings,
        report=came.report.model_dump(mode="json", exclude_defaults=True),
        mapping=order.mapping,
        subject=principal.subject,
    )
    details: dict[str, JsonValue] = {
        "import_id": format_import_id(order.service_name, import_id),
        "kind": order.kind.name,
        "sha256": file.sha256.hex(),
        "received": counts.received,
        "created": counts.created,
        "unchanged": counts.unchanged,
        "rejected": counts.rejected,
        "corrected": came.report.corrected,
    }
    await audit.append(session, principal, f"import.{outcome}", details)
    if order.job_id is not None:
        end: End = "done" if outcome == "recorded" else "refused"
        stored = counts.created + counts.unchanged if end == "done" else 0
        await end_job(session, order.job_id, end, stored=stored)
    if outcome == "refused":
        await drop_refused_files(session)
    return import_id


def describe_outcome(order: Order, import_id: uuid.UUID | None, came: Came) -> dict[str, JsonValue]:
    """The answer."""
    findings = came.findings
    answer = ImportAnswer(
        import_id=None if import_id is None else format_import_id(order.service_name, import_id),
        kind=order.kind.name,
        mode=order.mode,
        dry_run=order.dry_run,
        counts=to_counts_answer(came.counts),
        errors=to_error_answers(findings.errors, order.language),
        errors_truncated=findings.is_truncated,
        warnings=to_error_answers(findings.warnings[:WARNINGS_MAX], order.language),
        warnings_truncated=len(findings.warnings) > WARNINGS_MAX,
        notices=to_notice_answers(findings.notices, order.language),
        **dict(came.report),
    )
    return answer.model_dump(mode="json")


def refuse_order(order: Order, import_id: uuid.UUID | None, came: Came) -> Problem:
    """The answer's members in a problem document, whose errors also have the pointer of a place."""
    document = describe_outcome(order, import_id, came)
    found, counts = came.findings.errors, came.counts
    document["errors"] = [
        {"pointer": _pointer_to(error), **answer.model_dump()}
        for error, answer in zip(found, to_error_answers(found, order.language), strict=True)
    ]
    if not counts.received:
        return errors.Unprocessable(found[0].message, code=found[0].code, extra=document)
    detail = MESSAGES["import.rejected"].fill(received=counts.received, rejected=counts.rejected)
    return errors.Unprocessable(detail, code="import.rejected", extra=document)


def _pointer_to(error: RowError) -> str:
    """Sheet, row and column as a JSON pointer, as any problem document has; the file is ""."""
    tokens = [error.sheet] if error.sheet else []
    if error.row:
        tokens += [str(error.row), error.column] if error.column else [str(error.row)]
    return "".join(f"/{escape_pointer(token)}" for token in tokens)
