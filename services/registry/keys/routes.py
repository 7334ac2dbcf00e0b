"""Access keys: POST and GET by organisation and by role, DELETE, POST /internal/authenticate."""

import json
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request, Response

from services.common import audit
from services.common.answers import json_response, trace_id_of
from services.common.app import database_of, service_router, today_of
from services.common.errors import JsonValue
from services.common.idempotency import answer_once
from services.common.identity import (
    NO_ORGANISATION,
    Principal,
    Public,
    Requires,
    Role,
    organisation_id,
)
from services.common.pagination import LIMIT_DEFAULT, Limit, decode_cursor, page
from services.registry.keys import commands, queries
from services.registry.keys.commands import KeyDraft, may_manage
from services.registry.keys.schemas import (
    AuthenticateBody,
    KeyAnswer,
    KeyBody,
    KeyList,
    MemberKeyBody,
    NewKeyAnswer,
    PrincipalAnswer,
    ReadingBody,
    to_document,
)
from services.registry.organisations.commands import find_or_refuse

router = service_router()

Manager = Annotated[Principal, Depends(Requires(Role.NETWORK, Role.OPERATOR))]
Auditor = Annotated[Principal, Depends(Requires(Role.AUDITOR))]


@router.post(
    "/v1/organisations/{slug}/keys", status_code=201, response_model=NewKeyAnswer, tags=["keys"]
)
async def post_member_key(
    request: Request, slug: str, body: MemberKeyBody, manager: Manager
) -> Response:
    """Crée une clé d'accès d'un organisme. La clé n'est montrée que dans cette réponse."""
    draft = KeyDraft(Role.MEMBER, slug, body.label, body.expires_on)
    return await _create_and_show(request, manager, draft)


@router.post("/v1/keys", status_code=201, response_model=NewKeyAnswer, tags=["keys"])
async def post_key(request: Request, body: KeyBody, manager: Manager) -> Response:
    """Crée une clé d'un rôle du réseau.

    L'exploitant crée tous les rôles ; le réseau, ceux du bailleur de fonds et des vérificateurs.
    """
    draft = KeyDraft(Role(body.role), None, body.label, body.expires_on)
    return await _create_and_show(request, manager, draft)


async def _create_and_show(request: Request, manager: Principal, draft: KeyDraft) -> Response:
    """What an Idempotency-Key keeps has no secret: it is put in the first answer alone."""
    key, today = commands.draw_key(), today_of(request)
    response = await answer_once(
        request,
        manager,
        lambda session: commands.create_key(session, manager, draft, key, today),
    )
    if "idempotent-replayed" in response.headers:
        return response
    document: dict[str, JsonValue] = json.loads(bytes(response.body))
    headers = {"Location": response.headers["location"]}
    return json_response({**document, "key": key.text}, response.status_code, headers)


@router.get("/v1/organisations/{slug}/keys", response_model=KeyList, tags=["keys"])
async def get_member_keys(
    request: Request,
    slug: str,
    manager: Manager,
    limit: Limit = LIMIT_DEFAULT,
    cursor: str | None = None,
) -> Response:
    """Les clés d'un organisme, sans leurs secrets."""
    after = decode_cursor(cursor)
    async with database_of(request).read(NO_ORGANISATION) as session:
        await find_or_refuse(session, slug)
        keys = await queries.list_keys(
            session, [Role.MEMBER], organisation_id(slug), after, limit + 1
        )
    return json_response(page(request, [to_document(key) for key in keys], limit, "key_id"))


@router.get("/v1/keys", response_model=KeyList, tags=["keys"])
async def get_keys(
    request: Request, manager: Manager, limit: Limit = LIMIT_DEFAULT, cursor: str | None = None
) -> Response:
    """Les clés des rôles dont on répond, sans leurs secrets."""
    after = decode_cursor(cursor)
    roles = [role for role in Role if may_manage(manager.role, role)]
    async with database_of(request).read(NO_ORGANISATION) as session:
        keys = await queries.list_keys(session, roles, None, after, limit + 1)
    return json_response(page(request, [to_document(key) for key in keys], limit, "key_id"))


@router.get("/v1/keys/{key_id}", response_model=KeyAnswer, tags=["keys"])
async def get_key(request: Request, key_id: str, manager: Manager) -> Response:
    """Une clé, sans son secret."""
    async with database_of(request).read(NO_ORGANISATION) as session:
        record = await commands.find_managed(session, manager, key_id)
    return json_response(to_document(record))


@router.delete("/v1/keys/{key_id}", status_code=204, tags=["keys"])
async def delete_key(request: Request, key_id: str, manager: Manager) -> Response:
    """Révoque une clé, tout de suite et pour toujours."""
    async with database_of(request).write(manager.organisation_id) as session:
        await commands.revoke_key(session, manager, key_id, datetime.now(UTC))
    return Response(status_code=204)


@router.post(
    "/internal/authenticate",
    response_model=PrincipalAnswer,
    include_in_schema=False,
    dependencies=[Depends(Public())],  # the key in the body is the credential
)
async def post_authenticate(request: Request, body: AuthenticateBody) -> Response:
    """Whom a key stands for; the gateway asks at each request."""
    async with database_of(request).read(NO_ORGANISATION) as session:
        found = await commands.authenticate(session, body.key, datetime.now(UTC))
    answer = PrincipalAnswer(
        key_id=found.key_id,
        role=found.credential.role,
        organisation=found.credential.organisation,
        region_codes=list(found.credential.region_codes),
        made_by=found.credential.created_by,
        expires_at=found.credential.expires_at,
    )
    return json_response(answer.model_dump(mode="json"))


@router.post("/internal/readings", status_code=204, include_in_schema=False)
async def post_reading(request: Request, body: ReadingBody, auditor: Auditor) -> Response:
    """What an auditor is about to read: the gateway says it before it lets the request in."""
    details: dict[str, JsonValue] = {"asked": body.asked, "trace_id": trace_id_of(request)}
    async with database_of(request).write(NO_ORGANISATION) as session:
        await audit.append(session, auditor, "auditor.read", details)
    return Response(status_code=204)
