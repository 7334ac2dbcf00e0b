"""The routes of imports, the same in each service that has some."""

import asyncio
import uuid
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from email.message import Message
from pathlib import PurePath
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, import_settings_of, service_router, today_of
from services.common.archive import WorkbookRefused
from services.common.columns import TableRefused
from services.common.error_log import read_log
from services.common.error_sheet import is_told_in_titles, write_error_sheet
from services.common.errors import InputError, Problem, Unprocessable, not_found
from services.common.fields import Reason
from services.common.identity import Principal
from services.common.import_job_routes import add_job_routes
from services.common.import_jobs import accept_import, prefers_job
from services.common.import_kinds import WORKBOOK, Findings, ImportKind, Kind, Measure
from services.common.import_lookup import (
    IMPORT,
    describe_import,
    list_described,
    own_id_of,
    require_content,
)
from services.common.import_mapping_routes import create_mappings_router
from services.common.import_orders import Order, read_with, with_mappings
from services.common.import_parts import sheets_of
from services.common.import_queries import (
    Mode,
    OnChange,
    SentFile,
    find_error_log,
    find_file,
    find_import,
)
from services.common.import_replays import add_replay_route
from services.common.import_requests import (
    BODY,
    Member,
    attachment,
    find_kind,
    names_of,
    refuse_unknown_parameters,
)
from services.common.import_schemas import (
    ImportAnswer,
    ImportPageAnswer,
    ImportRecordAnswer,
    parse_import_id,
)
from services.common.import_size import has_more_rows
from services.common.importing import (
    describe_outcome,
    read_file,
    receive_import,
    refuse_order,
    try_import,
)
from services.common.messages import MESSAGES
from services.common.pagination import LIMIT_DEFAULT, Limit, decode_cursor, page
from services.common.quoting import reword_sheets
from services.common.records import XLSX, parse_media_type
from services.common.template_routes import create_templates_router
from services.common.text import Language, Text, choose_language

FILE_NAME_LENGTH_MAX = 200

_NEWEST = uuid.UUID(int=2**128 - 1)
_ERRORS_NAME = Text("erreurs", "errors")
_PARAMETERS = ("kind", "mode", "dry_run", "on_change", "reason", "mapping", "errors", "async")
_REASON = "Pourquoi ce qui est inscrit est corrigé ; requis avec on_change=correct."
_MAPPING = (
    "Nom d'une correspondance : vos titres et vos mots. D'un classeur : de toutes ses sortes qui "
    "en ont une de ce nom, ou sorte:nom, séparés par des virgules."
)
_ERRORS = "Avec dry_run=true : `xlsx` rend votre feuille, les cellules fautives colorées."
_MAPPING_QUERY = Query(description=_MAPPING, max_length=500)
_KIND_MISSING = Text(
    "Dites ce que contient le fichier (kind) : {expected}. Un classeur XLSX dont les feuilles "
    "portent ces noms n'en a pas besoin.",
    "Say what the file holds (kind): {expected}. An XLSX workbook whose sheets have these names "
    "does not need it.",
)
_SHEET = {
    "responses": {
        "200": {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}},
    }
}
_ASYNC = Query(alias="async", description="Comme `Prefer: respond-async`.")


def create_imports_router(
    kinds: Sequence[Kind], service_name: str, measure: Measure | None = None
) -> APIRouter:
    """`/v1/imports` for these kinds, with mappings and templates.

    Identifiers start with the service's name. `measure` reads the totals that are answered as they
    were before and as they are after.
    """
    router = service_router()
    single = [kind for kind in kinds if isinstance(kind, ImportKind)]
    router.include_router(create_mappings_router(single))
    router.include_router(create_templates_router(single))
    by_name = {kind.name: kind for kind in kinds}
    names = names_of(by_name)

    @router.post(
        "/v1/imports",
        status_code=201,
        response_model=ImportAnswer,
        responses={202: {"model": ImportRecordAnswer}},
        openapi_extra=BODY,
    )
    async def post_import(
        request: Request,
        member: Member,
        kind: Annotated[str | None, names] = None,
        mode: Mode = "atomic",
        dry_run: bool = False,
        on_change: OnChange = "refuse",
        reason: Annotated[Reason | None, Query(description=_REASON)] = None,
        mapping: Annotated[str | None, _MAPPING_QUERY] = None,
        errors: Annotated[Literal["xlsx"] | None, Query(description=_ERRORS)] = None,
        is_async: Annotated[bool, _ASYNC] = False,
    ) -> Response:
        """Inscrire les lignes d'un fichier, ou les feuilles d'un classeur de plusieurs sortes.

        Un long fichier est accepté d'abord (202) et inscrit ensuite quand la demande porte
        `Prefer: respond-async` ou `?async=true` ; un essai à blanc ne l'est jamais.
        """
        refuse_unknown_parameters(request, _PARAMETERS)
        is_book = parse_media_type(request.headers.get("content-type", ""))[0] == XLSX
        kind = WORKBOOK if kind is None else kind
        if kind == WORKBOOK and not (is_book and kind in by_name):
            raise _missing_kind(list(by_name))
        found = find_kind(by_name, kind)
        if (on_change == "correct") != (reason is not None):
            raise _missing("reason" if on_change == "correct" else "on_change")
        if errors is not None and not dry_run:
            raise _missing("dry_run")
        language = choose_language(request.headers.get("accept-language"))
        order = Order(service_name, found, mode, dry_run, language, reason=reason, measure=measure)
        if mapping is not None:
            async with database_of(request).read(member.organisation_id) as session:
                order = await with_mappings(session, order, mapping)
        name = read_file_name(request.headers.get("content-disposition"))
        file = await read_file(request, name)
        if errors is not None:
            return await _mark_errors(request, member, order, file)
        rows_max = import_settings_of(request).long_import_rows
        may_wait = not dry_run and (is_async or prefers_job(request.headers.get("prefer")))
        if may_wait and await asyncio.to_thread(has_more_rows, order.kind, file, rows_max):
            return await accept_import(request, member, order, file)
        return await receive_import(request, member, order, file)

    _add_list(router, by_name, service_name)
    _add_routes_of_one_import(router, by_name, service_name)
    add_job_routes(router, service_name)
    add_replay_route(router, by_name, service_name)
    return router


def _add_list(router: APIRouter, by_name: Mapping[str, Kind], service_name: str) -> None:
    names = names_of(by_name)

    @router.get("/v1/imports", response_model=ImportPageAnswer)
    async def get_imports(
        request: Request,
        member: Member,
        kind: Annotated[str | None, names] = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: str | None = None,
    ) -> Response:
        """Les imports de l'organisation, en cours ou terminés, du plus récent au plus ancien."""
        listed = list(by_name) if kind is None else [find_kind(by_name, kind).name]
        before = _NEWEST if cursor is None else _read_cursor(service_name, cursor)
        async with database_of(request).read(member.organisation_id) as session:
            found = await list_described(session, service_name, listed, before, limit + 1)
        items = [each.model_dump(mode="json") for each in found]
        return json_response(page(request, items, limit, "import_id"))


def _add_routes_of_one_import(
    router: APIRouter, by_name: Mapping[str, Kind], service_name: str
) -> None:
    @router.get("/v1/imports/{import_id}", response_model=ImportRecordAnswer)
    async def get_import(request: Request, member: Member, import_id: str) -> Response:
        """Un import, ce qu'il a donné et ses erreurs."""
        own_id = own_id_of(service_name, import_id)
        language = choose_language(request.headers.get("accept-language"))
        async with database_of(request).read(member.organisation_id) as session:
            answer = await describe_import(session, service_name, own_id, language)
        return json_response(answer.model_dump(mode="json"))

    @router.get("/v1/imports/{import_id}/file", response_class=Response)
    async def get_import_file(request: Request, member: Member, import_id: str) -> Response:
        """Le fichier reçu, octet pour octet."""
        own_id = own_id_of(service_name, import_id)
        async with database_of(request).read(member.organisation_id) as session:
            file = await find_file(session, own_id)
        return _file_response(require_content(file))

    @router.get(
        "/v1/imports/{import_id}/errors.xlsx", response_class=Response, openapi_extra=_SHEET
    )
    async def get_import_errors(request: Request, member: Member, import_id: str) -> Response:
        """Le fichier reçu, en chiffrier : les cellules fautives colorées et expliquées."""
        own_id = own_id_of(service_name, import_id)
        async with database_of(request).read(member.organisation_id) as session:
            found = await find_import(session, own_id)
            file = await find_file(session, own_id)
            log = await find_error_log(session, own_id)
            if found is None or not found[1].errors:
                raise not_found(IMPORT)
            kind = await read_with(session, by_name[found[0].kind], found[0].mappings)
        language = choose_language(request.headers.get("accept-language"))
        findings = replace(found[1], log=log)
        content, refusal = require_content(file), not_found(IMPORT)
        return await _send_errors(kind, content, findings, language, refusal)


async def _mark_errors(
    request: Request, member: Principal, order: Order, file: SentFile
) -> Response:
    """A dry run answered by the file with its bad cells marked, as usual when it has none."""
    database, today = database_of(request), today_of(request)
    came = await try_import(database, member, order, file, today)
    found = came.findings.errors
    if not found:
        return json_response(describe_outcome(order, None, came))
    refusal = refuse_order(order, None, came)
    if not came.counts.received and not is_told_in_titles(found):
        raise refusal
    return await _send_errors(order.kind, file, came.findings, order.language, refusal)


async def _send_errors(
    kind: Kind, file: SentFile, findings: Findings, language: Language, refusal: Problem
) -> Response:
    """Raises `refusal` for a file that nobody can mark: it is no table."""
    try:
        sheet = await asyncio.to_thread(_write_errors, kind, file, findings, language)
    except (TableRefused, WorkbookRefused) as refused:
        raise refusal from refused
    name = PurePath(file.name or f"import-{file.sha256.hex()[:12]}").stem
    return attachment(sheet, XLSX, f"{name}-{_ERRORS_NAME.read(language)}.xlsx")


def _write_errors(kind: Kind, file: SentFile, findings: Findings, language: Language) -> bytes:
    sheets = sheets_of(kind, file.content)
    columns = {name: of.columns for name, of in sheets}
    log = findings.log
    every = reword_sheets(read_log(log), columns) if log else findings.errors
    return write_error_sheet(file, sheets, every, language)


def read_file_name(header: str | None) -> str | None:
    """The file name of a Content-Disposition, without folders or unprintable characters."""
    if header is None:
        return None
    message = Message()
    message["Content-Disposition"] = header
    sent = message.get_filename("")
    with suppress(UnicodeError):  # headers arrive as Latin-1; most senders mean UTF-8
        sent = sent.encode("latin-1").decode("utf-8")
    name = sent.replace("\\", "/").rpartition("/")[2]
    return "".join(filter(str.isprintable, name)).strip()[:FILE_NAME_LENGTH_MAX] or None


def _missing_kind(names: Sequence[str]) -> Problem:
    """Only the sheets of a workbook say by themselves what they hold."""
    message = _KIND_MISSING.fill(expected=", ".join(names))
    return Unprocessable(message, errors=[InputError("/kind", "missing", message)])


def _missing(name: str) -> Problem:
    """A correction has a reason, a reason is that of a correction; a sheet of errors, a dry run."""
    message = MESSAGES["missing"]
    return Unprocessable(message, errors=[InputError(f"/{name}", "missing", message)])


def _read_cursor(service_name: str, cursor: str) -> uuid.UUID:
    before = parse_import_id(service_name, decode_cursor(cursor))
    if before is None:
        message = MESSAGES["cursor.foreign"]
        raise Unprocessable(
            message,
            code="cursor.invalid",
            errors=[InputError("/cursor", "cursor.invalid", message)],
        )
    return before


def _file_response(file: SentFile) -> Response:
    name = file.name or f"import-{file.sha256.hex()[:12]}"
    response = attachment(file.content, file.media_type, name)
    response.headers["Repr-Digest"] = f"sha-256=:{b64encode(file.sha256).decode()}:"
    return response
