"""The smallest service: it records marks as events, through everything the kernel offers."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import asyncpg
import httpx
from fastapi import Depends, FastAPI, Request, Response
from joserfc.jwk import OKPKey
from pydantic import SecretStr

from services.common import audit, outbox
from services.common.app import create_service, service_router
from services.common.bulk import insert_rows
from services.common.database import Database, WriteSession
from services.common.errors import Conflict
from services.common.events import create_events_router
from services.common.fields import Body, Name
from services.common.idempotency import Answered, answer_once, created
from services.common.identity import Principal, Requires, Role, sign_principal
from services.common.settings import ServiceSettings
from services.common.tables import AuditEntry
from tests.support.databases import ClonedDatabase

Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]

router = service_router()


class MarkBody(Body):
    text: Name


@router.post("/v1/marks", status_code=201)
async def post_mark(
    request: Request, body: MarkBody, member: Member, dry_run: bool = False
) -> Response:
    """`dry_run` is there to be part of the request's identity."""
    return await answer_once(request, member, lambda session: record_mark(session, member, body))


@router.post("/v1/other-marks", status_code=201)
async def post_other_mark(request: Request, body: MarkBody, member: Member) -> Response:
    return await answer_once(request, member, lambda session: record_mark(session, member, body))


@router.post("/v1/refused-marks/{place}", status_code=201)
async def post_refused_mark(
    request: Request, body: MarkBody, member: Member, place: str
) -> Response:
    """Fails once the mark is written: by a refusal, or by a server process that goes away."""

    async def work(session: WriteSession) -> Answered:
        answered = await record_mark(session, member, body)
        if place == "conflict":
            raise Conflict()
        process = await _process_of(session)
        superuser = await asyncpg.connect(request.app.state.superuser_dsn)
        await superuser.execute("SELECT pg_terminate_backend($1, 5000)", process)
        await superuser.close()
        if place == "statement":
            await _process_of(session)
        if place == "rows":
            rows = [{"organisation_id": session.organisation_id, "entry_number": 99}]
            await insert_rows(session, AuditEntry, rows)
        return answered

    return await answer_once(request, member, work)


@router.get("/v1/marks/{text}")
async def get_mark(request: Request, text: str, member: Member) -> Response:
    async with database_of(request.app).read(member.organisation_id) as session:
        events = await outbox.read_after(session, 0, 100)
        await session.connection.exec_driver_sql("SELECT $1::text", (text,))
    return Response(str(sum(event.payload == {"text": text} for event in events)))


async def record_mark(session: WriteSession, member: Principal, body: MarkBody) -> Answered:
    await outbox.append(session, "mark.recorded", {"text": body.text})
    await audit.append(session, member, "mark.record", {"count": 1})
    return created({"text": body.text}, f"/v1/marks/{uuid.uuid4()}")


async def _process_of(session: WriteSession) -> int:
    found = await session.connection.exec_driver_sql("SELECT pg_backend_pid()")
    process: int = found.scalar_one()
    return process


def database_of(app: FastAPI) -> Database:
    database: Database = app.state.database
    return database


@dataclass(frozen=True, slots=True)
class Caller:
    """A member with its key, and what it sends."""

    http: httpx.AsyncClient
    signing_key: OKPKey
    organisation: str
    subject: str = "key-1"
    role: Role = Role.MEMBER

    @property
    def principal(self) -> Principal:
        return Principal(self.subject, self.role, self.organisation)

    async def post(
        self, text: str, key: str | None = None, path: str = "/v1/marks"
    ) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.http.post(path, json={"text": text}, headers=self._headers(headers))

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(path, headers=self._headers({}))

    def through(self, other: "MarksService") -> "Caller":
        """The same member, answered by another process of the service."""
        return replace(self, http=other.http)

    def authorization(self) -> str:
        return f"Bearer {sign_principal(self.principal, self.signing_key)}"

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {"Authorization": self.authorization(), **headers}


@dataclass(frozen=True, slots=True)
class MarksService:
    """One process of the running service, with a pool and queues of its own."""

    app: FastAPI
    http: httpx.AsyncClient
    signing_key: OKPKey
    cloned: ClonedDatabase

    @property
    def database(self) -> Database:
        return database_of(self.app)

    def caller(self, organisation: str | None = None, subject: str = "key-1") -> Caller:
        """A member of an organisation of its own, unless one is named."""
        slug = organisation or f"org-{uuid.uuid4().hex[:12]}"
        return Caller(self.http, self.signing_key, slug, subject)

    async def look(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Past row-level security, as nobody but a superuser can."""
        connection = await asyncpg.connect(
            self.cloned.superuser_dsn, server_settings={"search_path": "registry"}
        )
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()

    async def numbers(self, caller: Caller) -> list[int]:
        """Those of the organisation's events, in order."""
        rows = await self.look(
            "SELECT event_number FROM events WHERE organisation_id = $1 ORDER BY 1",
            caller.principal.organisation_id,
        )
        return [row["event_number"] for row in rows]


@asynccontextmanager
async def running_marks_service(
    database: ClonedDatabase, folder: Path, signing_key: OKPKey
) -> AsyncIterator[MarksService]:
    public_key_file = folder / "public.pem"
    public_key_file.write_bytes(signing_key.as_pem(private=False))
    settings = ServiceSettings(
        database_url=SecretStr(database.url("registry_app")),
        token_public_key_file=public_key_file,
    )
    app = create_service("Marques", settings, [router, create_events_router()])
    app.state.superuser_dsn = database.superuser_dsn
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://marks") as http,
    ):
        yield MarksService(app, http, signing_key, database)
