"""The routes of mappings, the same in each service that has imports."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.common import audit, strict_json
from services.common.answers import json_response, read_body
from services.common.app import database_of, service_router
from services.common.archive import WorkbookRefused
from services.common.columns import COLUMNS_MAX, TableRefused, row_error
from services.common.database import WriteSession
from services.common.errors import (
    Conflict,
    InputError,
    JsonValue,
    NotFound,
    Unprocessable,
    not_found,
)
from services.common.idempotency import Answered, answer_once, created, replayed
from services.common.identity import Principal
from services.common.import_kinds import ImportKind
from services.common.import_mapping_queries import find_mapping, insert_mapping, list_mappings
from services.common.import_mapping_schemas import (
    MappingAnswer,
    MappingBody,
    MappingFields,
    MappingPageAnswer,
    SuggestionAnswer,
    find_faults,
    to_mapping_document,
    to_suggestion_answer,
)
from services.common.import_mappings import ImportMapping, Suggestion, suggest_mapping
from services.common.import_requests import BODY, Member, find_kind, names_of
from services.common.importing import IMPORT_MAX_BYTES
from services.common.messages import MESSAGES
from services.common.pagination import LIMIT_DEFAULT, Limit, decode_cursor, page
from services.common.preconditions import etag_of, require_match
from services.common.records import JSON, parse_media_type, read_records
from services.common.tabular import find_reader
from services.common.text import Text

VERSION_MAX = 1_000_000

_PATH = "/v1/import-mappings/{kind}/{name}"


def create_mappings_router(kinds: Sequence[ImportKind]) -> APIRouter:
    """`/v1/import-mappings` for these kinds; `?kind=` tells the gateway which service has them."""
    router = service_router()
    by_name = {kind.name: kind for kind in kinds}
    names = names_of(by_name)

    @router.get("/v1/import-mappings", response_model=MappingPageAnswer)
    async def get_import_mappings(
        request: Request,
        member: Member,
        kind: Annotated[str | None, names] = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: str | None = None,
    ) -> Response:
        """Les correspondances de l'organisation : ses titres et ses mots."""
        listed = list(by_name) if kind is None else [find_kind(by_name, kind).name]
        after, _, name = decode_cursor(cursor).partition("/")
        async with database_of(request).read(member.organisation_id) as session:
            found = await list_mappings(session, listed, (after, name), limit + 1)
        items = [to_mapping_document(mapping) for mapping in found]
        return json_response(page(request, items, limit, "mapping_id"))

    @router.post("/v1/import-mappings", status_code=201, response_model=MappingAnswer)
    async def post_import_mapping(
        request: Request, member: Member, kind: Annotated[str, names], body: MappingBody
    ) -> Response:
        """Enregistre une correspondance. Le même contenu sous le même nom : 200, rien ne change."""
        _refuse_faults(body, find_kind(by_name, kind))
        return await answer_once(
            request, member, lambda session: _record(session, member, kind, body.name, body)
        )

    @router.post(
        "/v1/import-mappings/suggestions", response_model=SuggestionAnswer, openapi_extra=BODY
    )
    async def post_import_mapping_suggestion(
        request: Request, member: Member, kind: Annotated[str, names]
    ) -> Response:
        """Propose une correspondance pour un fichier, ou pour une liste JSON de titres."""
        del member
        asked = find_kind(by_name, kind)
        media_type = request.headers.get("content-type", "")
        find_reader(media_type)
        content = await read_body(request, IMPORT_MAX_BYTES)
        suggestion = await asyncio.to_thread(_suggest, content, media_type, asked)
        return json_response(to_suggestion_answer(kind, suggestion).model_dump(mode="json"))

    _add_routes_of_one_mapping(router, by_name)
    return router


def _add_routes_of_one_mapping(router: APIRouter, by_name: Mapping[str, ImportKind]) -> None:
    @router.get(_PATH, response_model=MappingAnswer)
    async def get_import_mapping(
        request: Request,
        member: Member,
        kind: str,
        name: str,
        version: Annotated[int | None, Query(ge=1, le=VERSION_MAX)] = None,
    ) -> Response:
        """Une correspondance, dans sa dernière version ou dans celle qu'on nomme."""
        async with database_of(request).read(member.organisation_id) as session:
            found = await find_mapping(session, kind, name, version)
        if found is None or kind not in by_name or (found.is_retired and version is None):
            raise _not_found()
        return json_response(to_mapping_document(found), headers={"ETag": etag_of(found.version)})

    @router.put(_PATH, response_model=MappingAnswer)
    async def put_import_mapping(
        request: Request, member: Member, kind: str, name: str, body: MappingFields
    ) -> Response:
        """Une nouvelle version ; `If-Match` porte l'ETag de ce qui a été lu."""
        async with database_of(request).write(member.organisation_id) as session:
            before = await _find_in_use(session, by_name, kind, name)
            require_match(request, etag_of(before.version))
            _refuse_faults(body, by_name[kind])
            after = before
            if _content(body) != (before.columns, before.codes):
                after = await _add_version(session, member, kind, name, body, before.version + 1)
        return json_response(to_mapping_document(after), headers={"ETag": etag_of(after.version)})

    @router.delete(_PATH, status_code=204, response_class=Response)
    async def delete_import_mapping(
        request: Request, member: Member, kind: str, name: str
    ) -> Response:
        """Retire une correspondance ; les imports qui l'ont suivie gardent la leur."""
        async with database_of(request).write(member.organisation_id) as session:
            before = await _find_in_use(session, by_name, kind, name)
            require_match(request, etag_of(before.version))
            retired = replace(before, version=before.version + 1, is_retired=True)
            await _keep(session, member, retired, "import_mapping.retired")
        return Response(status_code=204)


async def _record(
    session: WriteSession, member: Principal, kind: str, name: str, fields: MappingFields
) -> Answered:
    """Raises Conflict when the name has other content. A retired name may be taken again."""
    location = f"/v1/import-mappings/{kind}/{name}"
    before = await find_mapping(session, kind, name)
    if before is not None and not before.is_retired:
        if _content(fields) == (before.columns, before.codes):
            return replayed(to_mapping_document(before), location)
        message = MESSAGES["mapping.conflict"]
        raise Conflict(
            message,
            code="mapping.conflict",
            errors=[InputError("/name", "mapping.conflict", message)],
        )
    version = 1 if before is None else before.version + 1
    mapping = await _add_version(session, member, kind, name, fields, version)
    return created(to_mapping_document(mapping), location)


async def _add_version(
    session: WriteSession,
    member: Principal,
    kind: str,
    name: str,
    fields: MappingFields,
    version: int,
) -> ImportMapping:
    columns, codes = _content(fields)
    mapping = ImportMapping(kind, name, version, columns, codes)
    await _keep(session, member, mapping, "import_mapping.recorded")
    return mapping


async def _keep(
    session: WriteSession, member: Principal, mapping: ImportMapping, action: str
) -> None:
    await insert_mapping(session, mapping, member.subject)
    details: dict[str, JsonValue] = {
        "kind": mapping.kind,
        "name": mapping.name,
        "version": mapping.version,
    }
    await audit.append(session, member, action, details)


async def _find_in_use(
    session: WriteSession, by_name: Mapping[str, ImportKind], kind: str, name: str
) -> ImportMapping:
    found = await find_mapping(session, kind, name) if kind in by_name else None
    if found is None or found.is_retired:
        raise _not_found()
    return found


def _content(
    fields: MappingFields,
) -> tuple[Mapping[str, str | None], Mapping[str, Mapping[str, str]]]:
    return fields.columns, fields.codes


def _refuse_faults(fields: MappingFields, kind: ImportKind) -> None:
    found = find_faults(fields, kind.columns)
    if found:
        raise Unprocessable(found[0].message, errors=found)


def _not_found() -> NotFound:
    return not_found(Text("Correspondance", "Mapping"))


def _suggest(content: bytes, media_type: str, kind: ImportKind) -> Suggestion:
    """For a file of any form, or a JSON array of titles alone. Raises Unprocessable."""
    try:
        titles = _read_titles(content, media_type)
        if titles is not None:
            return suggest_mapping(titles, (), kind.columns)
        records = read_records(content, media_type, kind.columns)
        if len(records.titles) > COLUMNS_MAX:
            raise TableRefused([row_error(0, "", "header.too_wide", columns_max=COLUMNS_MAX)])
        return suggest_mapping(records.titles, records.rows, kind.columns)
    except WorkbookRefused as refused:
        message = MESSAGES[refused.code].fill(**refused.blanks)
        raise Unprocessable(message, code=refused.code) from refused
    except TableRefused as refused:
        [first, *_] = refused.found
        raise Unprocessable(first.message, code=first.code) from refused


def _read_titles(content: bytes, media_type: str) -> list[str] | None:
    """The titles of a JSON array of texts; None for anything else."""
    if parse_media_type(media_type)[0] != JSON:
        return None
    document = strict_json.loads(content)
    if not isinstance(document, list) or not document or len(document) > COLUMNS_MAX:
        return None
    titles = [each for each in document if isinstance(each, str)]
    return titles if len(titles) == len(document) else None
