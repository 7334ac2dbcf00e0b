"""The one flow of every import, the same for each kind of fact and each service.

    bytes ─ rows ─ models of the JSON API ─ drafts     in a thread, before any lock is taken
    drafts ─ recorder, inside a savepoint              in one write transaction, in a thread with
    file, counts, errors, audit entry ─ commit         an event loop and a connection of its own
    answer

A dry run goes through all of it and rolls the savepoint back: it answers what recording would
have. An atomic import with a bad row rolls everything back; that it was tried, its file and its
errors are then kept in a transaction of their own. A file that cannot be read at all is not kept.
"""

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from fastapi import Request, Response
from sqlalchemy import text

from services.common import audit, errors
from services.common.answers import read_body
from services.common.app import database_of, today_of
from services.common.database import Database, WriteSession
from services.common.errors import JsonValue, Problem
from services.common.idempotency import Answered, Once, at_once, to_response, work_once
from services.common.identity import Principal
from services.common.import_kinds import ERRORS_MAX, Findings, ImportKind, Prepared, place_errors
from services.common.import_queries import Counts, Mode, Outcome, SentFile, insert_import
from services.common.import_schemas import (
    ImportAnswer,
    format_import_id,
    to_counts_answer,
    to_error_answers,
)
from services.common.messages import MESSAGES
from services.common.recording import Recorded
from services.common.strict_json import escape_pointer
from services.common.tabular import (
    Batch,
    RowError,
    Table,
    TableRefused,
    find_reader,
    read_table,
)
from services.common.text import Language, choose_language

IMPORT_MAX_BYTES = 20 * 1024 * 1024

# A large import takes longer than an ordinary request; only its own organisation waits for it.
_LONGER = (
    text("SET LOCAL statement_timeout = '300s'"),
    text("SET LOCAL idle_in_transaction_session_timeout = '300s'"),
)


@dataclass(frozen=True, slots=True)
class Order:
    """What a request asks for, and in which language it is answered."""

    service_name: str
    kind: ImportKind
    mode: Mode
    dry_run: bool
    language: Language


Step = Literal["read", "checked", "stored"]
Progress = Callable[[Step, int], None]
"""Told from the thread that works how many rows took a step; may raise, to stop the import."""


def _tell_nobody(step: Step, rows: int) -> None:
    pass


class _RowsRefused(Exception):
    """Leaves the transaction of an atomic import that has bad rows."""

    def __init__(self, counts: Counts, findings: Findings) -> None:
        super().__init__(counts.rejected)
        self.counts = counts
        self.findings = findings


def make_order(
    request: Request, service_name: str, kind: ImportKind, mode: Mode, dry_run: bool
) -> Order:
    language = choose_language(request.headers.get("accept-language"))
    return Order(service_name, kind, mode, dry_run, language)


async def receive_import(
    request: Request, principal: Principal, order: Order, file_name: str | None
) -> Response:
    """Read the request's body and record its rows: the answer to `POST /v1/imports`.

    Raises UnsupportedMediaType, PayloadTooLarge, BadRequest for a body that breaks off, and what
    `run_import` raises.
    """
    file = await _read_file(request, file_name)
    once = work_once(request, principal, file.sha256 + file.media_type.encode())
    database, today = database_of(request), today_of(request)
    return to_response(await run_import(database, principal, order, file, today, once=once))


async def run_import(
    database: Database,
    principal: Principal,
    order: Order,
    file: SentFile,
    today: date,
    progress: Progress = _tell_nobody,
    once: Once = at_once,
) -> Answered:
    """Read, check and record a file: everything an import does once the file is there.

    Raises Unprocessable, with the members of the answer, when what the file holds kept it all out;
    PayloadTooLarge; and whatever `progress` raises, which undoes the import.
    """
    try:
        prepared = await asyncio.to_thread(_prepare, order.kind, file, progress)
    except TableRefused as refused:
        raise _refusal(order, None, Counts(0, 0, 0, 0), _first(refused.found)) from refused

    async def work(session: WriteSession) -> Answered:
        return await _record(session, principal, order, file, prepared, today, progress)

    async def record() -> Answered:
        async with database.apart() as own, own.write(principal.organisation_id) as session:
            return await once(session, work)

    try:
        async with database.turn(principal.organisation_id):
            # A hundred thousand facts take seconds of a processor between the statements: on the
            # service's own event loop, every other request would wait for them.
            return await asyncio.to_thread(lambda: asyncio.run(record()))
    except _RowsRefused as refused:
        import_id = None
        if not order.dry_run:
            async with database.write(principal.organisation_id) as session:
                import_id = await _keep(
                    session, principal, order, file, "refused", refused.counts, refused.findings
                )
        raise _refusal(order, import_id, refused.counts, refused.findings) from None


async def _read_file(request: Request, file_name: str | None) -> SentFile:
    media_type = request.headers.get("content-type", "")
    find_reader(media_type)
    content = await read_body(request, IMPORT_MAX_BYTES)
    digest = await asyncio.to_thread(lambda: hashlib.sha256(content).digest())
    return SentFile(content, digest, media_type, file_name)


def _prepare(kind: ImportKind, file: SentFile, progress: Progress) -> Prepared:
    table = read_table(file.content, file.media_type, kind.columns)
    return kind.prepare(Table(_count(table.batches, progress)))


def _count(batches: Iterator[Batch], progress: Progress) -> Iterator[Batch]:
    """The same batches; tells how many rows were read, then how many of them were checked."""
    rows = 0
    for batch in batches:
        rows += len(batch.numbers) + len(batch.refused_numbers)
        progress("read", rows)
        yield batch
        progress("checked", rows)


async def _record(
    session: WriteSession,
    principal: Principal,
    order: Order,
    file: SentFile,
    prepared: Prepared,
    today: date,
    progress: Progress,
) -> Answered:
    """Record the good rows and keep the import; or, on a dry run, find out what that would say."""
    for statement in _LONGER:
        await session.connection.execute(statement)
    savepoint = await session.connection.begin_nested()
    recorded = await prepared.record(session, principal, today)
    progress("stored", len(prepared.numbers))
    created, unchanged = len(recorded.created), len(recorded.unchanged)
    drafts = len(prepared.numbers)
    assert created + unchanged + len(recorded.refused) == drafts, "a row is recorded or refused"
    rejected = prepared.received - drafts + len(recorded.refused)
    findings = _merge(prepared, recorded, order.kind.places)
    if rejected and order.mode == "atomic":
        raise _RowsRefused(Counts(prepared.received, 0, unchanged, rejected), findings)
    counts = Counts(prepared.received, created, unchanged, rejected)
    if order.dry_run:
        await savepoint.rollback()
        return Answered(200, _document(order, None, counts, findings))
    await savepoint.commit()
    import_id = await _keep(session, principal, order, file, "recorded", counts, findings)
    return Answered(
        201 if created else 200,
        _document(order, import_id, counts, findings),
        {"Location": f"/v1/imports/{format_import_id(order.service_name, import_id)}"},
    )


async def _keep(
    session: WriteSession,
    principal: Principal,
    order: Order,
    file: SentFile,
    outcome: Outcome,
    counts: Counts,
    findings: Findings,
) -> uuid.UUID:
    import_id = await insert_import(
        session,
        kind=order.kind.name,
        mode=order.mode,
        outcome=outcome,
        file=file,
        counts=counts,
        findings=findings,
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
    }
    await audit.append(session, principal, f"import.{outcome}", details)
    return import_id


def _first(found: Sequence[RowError], is_truncated: bool = False) -> Findings:
    ordered = sorted(found, key=lambda error: (error.row, error.column))
    return Findings(ordered[:ERRORS_MAX], is_truncated or len(ordered) > ERRORS_MAX)


def _merge(prepared: Prepared, recorded: Recorded, places: Mapping[str, str]) -> Findings:
    """What reading found and what recording found: the first of both by row and column."""
    positions = sorted(recorded.refused)
    found = list(prepared.findings.errors)
    for position in positions[:ERRORS_MAX]:
        found += place_errors(prepared.numbers[position], recorded.refused[position], places)
    return _first(found, prepared.findings.is_truncated or len(positions) > ERRORS_MAX)


def _document(
    order: Order, import_id: uuid.UUID | None, counts: Counts, findings: Findings
) -> dict[str, JsonValue]:
    answer = ImportAnswer(
        import_id=None if import_id is None else format_import_id(order.service_name, import_id),
        kind=order.kind.name,
        mode=order.mode,
        dry_run=order.dry_run,
        counts=to_counts_answer(counts),
        errors=to_error_answers(findings.errors, order.language),
        errors_truncated=findings.is_truncated,
    )
    return answer.model_dump(mode="json")


def _refusal(
    order: Order, import_id: uuid.UUID | None, counts: Counts, findings: Findings
) -> Problem:
    """The answer's members in a problem document, whose errors also have the pointer of a place."""
    document = _document(order, import_id, counts, findings)
    document["errors"] = [
        {"pointer": _pointer_to(error), **answer.model_dump()}
        for error, answer in zip(
            findings.errors, to_error_answers(findings.errors, order.language), strict=True
        )
    ]
    if not counts.received:
        first = findings.errors[0]
        return errors.Unprocessable(first.message, code=first.code, extra=document)
    detail = MESSAGES["import.rejected"].fill(received=counts.received, rejected=counts.rejected)
    return errors.Unprocessable(detail, code="import.rejected", extra=document)


def _pointer_to(error: RowError) -> str:
    """Row and column as a JSON pointer, for readers of any problem document; the file is ""."""
    tokens = (error.row, error.column) if error.column else (error.row,)
    return "".join(f"/{escape_pointer(token)}" for token in tokens) if error.row else ""
