"""A tiny service that imports notes: the real flow, on a real PostgreSQL."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import asyncpg
import httpx
from alembic.migration import MigrationContext
from alembic.operations import Operations
from fastapi import FastAPI
from joserfc.jwk import OKPKey
from pydantic import Field, SecretStr, TypeAdapter
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from services.common import outbox
from services.common.app import create_service
from services.common.bulk import insert_rows
from services.common.cells import CellKind
from services.common.columns import Choice, Column
from services.common.database import WriteSession
from services.common.errors import InputError, Unprocessable
from services.common.fields import Body, CalendarDate, ExternalId, Name, PositiveAmount
from services.common.identity import Principal, Role, organisation_id, sign_principal
from services.common.import_kinds import import_kind
from services.common.import_routes import create_imports_router
from services.common.import_tables import (
    add_import_readings,
    add_import_reports,
    add_job_cancellations,
    create_import_jobs,
    create_import_tables,
    create_mapping_tables,
)
from services.common.import_worker import ImportingService, import_worker
from services.common.job_queue import install
from services.common.messages import MESSAGES
from services.common.recording import Recorded, refuse, sort_batch
from services.common.schema import create_kernel_tables, grant, protect_tenant_table
from services.common.settings import ImportSettings
from services.common.strict_json import fingerprint, to_json
from services.common.tables import Cents, Key, TextKey, Words, new_registry
from services.common.text import Text
from tests.support.databases import ClonedDatabase

TODAY = date(2026, 3, 31)
LONG_ROWS = 2
GOOD = "identifiant;nom;montant;sujets\nN1;Zoé;1 234,56 $;loan|training\nN2;Émile;5,00;\n"


class PersonBody(Body):
    name: Name


class NoteBody(Body):
    external_id: ExternalId
    person: PersonBody
    amount: PositiveAmount
    noted_on: CalendarDate | None = None
    count: Annotated[int, Field(ge=0, le=100)] = 0
    topics: list[Literal["loan", "training"]] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NoteDraft:
    external_id: str
    person: str
    amount_cents: int
    noted_on: date | None

    @property
    def fingerprint(self) -> bytes:
        return fingerprint(to_json([self.person, self.amount_cents, self.noted_on]))


class NotesTable(SQLModel, registry=new_registry()):
    """A table of the schema `notes`."""


class Note(NotesTable, table=True):
    __tablename__ = "notes"

    organisation_id: Key
    external_id: TextKey
    amount_cents: Cents
    fingerprint: bytes
    recorded_by: Words


COLUMNS = (
    Column("external_id", aliases=("identifiant",), required=True),
    Column("person_name", aliases=("nom",), required=True, pointer="/person/name"),
    Column("amount", CellKind.AMOUNT, aliases=("montant",), required=True),
    Column("noted_on", CellKind.DATE, aliases=("date_note",)),
    Column("count", CellKind.INTEGER, aliases=("nombre",)),
    Column(
        "topics",
        CellKind.LIST,
        aliases=("sujets",),
        choices=(
            Choice("loan", Text("prêt", "loan")),
            Choice("training", Text("cours", "training")),
        ),
    ),
)


def to_draft(body: NoteBody) -> NoteDraft:
    if body.amount > 1_000_000_00:
        message = Text("Trop pour une note.", "Too much for a note.")
        raise Unprocessable(message, errors=[InputError("/amount", "note.too_much", message)])
    if body.count == 13:
        raise Unprocessable(Text("Treize, jamais.", "Never thirteen."), code="note.thirteen")
    return NoteDraft(body.external_id, body.person.name, body.amount, body.noted_on)


async def record_notes(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[NoteDraft],
    today: date,
    reason: str | None = None,
) -> Recorded:
    known = await session.connection.execute(
        text(
            "SELECT external_id, fingerprint FROM notes WHERE organisation_id = :organisation"
            " AND external_id = ANY(:external_ids)"
        ),
        {
            "organisation": session.organisation_id,
            "external_ids": [d.external_id for d in drafts],
        },
    )
    batch = sort_batch(
        [d.external_id for d in drafts],
        [d.fingerprint for d in drafts],
        {row.external_id: row.fingerprint for row in known},
    ).refuse_changed()
    assert all(draft.person != "Défaut" for draft in drafts), "a defect of ours"
    if any(draft.person == "Lenteur" for draft in drafts):
        await session.connection.execute(text("SELECT pg_sleep(60)"))
    refused: dict[int, list[InputError]] = {}
    for row in batch.new:
        noted_on = drafts[row].noted_on
        if noted_on is not None and noted_on > today:
            refuse(refused, row, "/noted_on", "date.future", MESSAGES["date.future"])
    good = [drafts[row] for row in batch.new if row not in refused]
    rows = [
        {
            "organisation_id": session.organisation_id,
            "external_id": draft.external_id,
            "amount_cents": draft.amount_cents,
            "fingerprint": draft.fingerprint,
            "recorded_by": principal.subject,
        }
        for draft in good
    ]
    await insert_rows(session, Note, rows)
    await outbox.append(session, "notes.recorded", {"count": len(good)})
    odd = InputError("/amount", "note.round", Text("Un compte bien rond.", "A round sum."))
    warned = {row: [odd] for row in batch.new if drafts[row].amount_cents == 777_00}
    return replace(batch.conclude(refused), warned=warned)


NOTES = import_kind(
    name="notes",
    title=Text("Notes", "Notes"),
    columns=COLUMNS,
    model=TypeAdapter(NoteBody),
    to_draft=to_draft,
    record=record_notes,
)
SERVICE = ImportingService("notes", {NOTES.name: NOTES})


@dataclass(frozen=True, slots=True)
class NotesService:
    """The service as the gateway calls it."""

    app: FastAPI
    client: httpx.AsyncClient
    superuser_dsn: str
    signing_key: OKPKey

    def token(self, organisation: str | None, role: Role = Role.MEMBER) -> str:
        return sign_principal(Principal(f"key-{role}", role, organisation), self.signing_key)

    def headers(self, organisation: str, **others: str) -> dict[str, str]:
        sent = {name.replace("_", "-"): value for name, value in others.items()}
        return {"Authorization": f"Bearer {self.token(organisation)}", **sent}

    async def send(
        self,
        organisation: str,
        body: str | bytes,
        query: str = "",
        media_type: str = "text/csv",
        **others: str,
    ) -> httpx.Response:
        headers = self.headers(organisation, Content_Type=media_type, **others)
        content = body.encode() if isinstance(body, str) else body
        return await self.client.post(
            f"/v1/imports?kind=notes{query}", content=content, headers=headers
        )

    async def get(self, organisation: str, path: str, **others: str) -> httpx.Response:
        return await self.client.get(path, headers=self.headers(organisation, **others))

    async def look(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Look into the tables themselves, past row-level security."""
        connection = await asyncpg.connect(self.superuser_dsn)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()

    async def count(self, organisation: uuid.UUID) -> Mapping[str, int]:
        """Rows of an organisation, by table."""
        tables = ("notes", "events", "audit_entries", "imports", "import_files", "idempotency_keys")
        counts = ", ".join(
            f"(SELECT count(*) FROM notes.{table} WHERE organisation_id = $1) AS {table}"
            for table in tables
        )
        return dict((await self.look(f"SELECT {counts}", organisation))[0])


@asynccontextmanager
async def running_notes_service(
    database: ClonedDatabase, folder: Path
) -> AsyncIterator[NotesService]:
    await _create_tables(database)
    signing_key = OKPKey.generate_key("Ed25519")
    public_key_file = folder / "public.pem"
    public_key_file.write_bytes(signing_key.as_pem(private=False))
    settings = ImportSettings(
        database_url=SecretStr(database.url("loans_app")),
        token_public_key_file=public_key_file,
        long_import_rows=LONG_ROWS,
    )
    app = create_service(
        "notes",
        settings,
        [create_imports_router([NOTES], "notes")],
        [import_worker([NOTES], "notes")],
    )
    app.state.today = lambda: TODAY
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://notes") as client,
    ):
        yield NotesService(app, client, database.superuser_dsn, signing_key)


async def _create_tables(database: ClonedDatabase) -> None:
    """A schema of its own beside those of the real services, in this database alone."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        for schema in ("notes", "notes_jobs"):
            await connection.execute(f"CREATE SCHEMA {schema} AUTHORIZATION loans_owner")
            await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO loans_app")
        for role in ("loans_owner", "loans_app"):
            await connection.execute(
                f"ALTER ROLE {role} IN DATABASE {database.name} SET search_path = notes"
            )
    finally:
        await connection.close()
    connection = await asyncpg.connect(database.dsn("loans_owner"))
    try:
        await install(connection, "notes_jobs", "loans_app")
    finally:
        await connection.close()
    engine = create_async_engine(database.url("loans_owner"))
    async with engine.begin() as owner:
        await owner.run_sync(_migrate)
    await engine.dispose()


def _migrate(connection: Connection) -> None:
    with Operations.context(MigrationContext.configure(connection)) as operations:
        create_kernel_tables("loans_app")
        create_import_tables("loans_app")
        create_mapping_tables("loans_app")
        add_import_readings()
        create_import_jobs("loans_app")
        add_import_reports()
        add_job_cancellations()
        operations.execute(
            """
            CREATE TABLE notes (
                organisation_id uuid NOT NULL,
                external_id text NOT NULL,
                amount_cents bigint NOT NULL,
                fingerprint bytea NOT NULL,
                recorded_by text NOT NULL,
                CONSTRAINT notes_pkey PRIMARY KEY (organisation_id, external_id)
            )
            """
        )
        protect_tenant_table("loans_app", "notes")
        grant("loans_app", "SELECT, INSERT", ["notes"])


def places(response: httpx.Response) -> list[tuple[int, str, str]]:
    return [(e["row"], e["column"], e["code"]) for e in response.json()["errors"]]


async def kept(service: NotesService, member: str) -> dict[str, int]:
    """What is on record of a member, empty tables left out."""
    counts = await service.count(organisation_id(member))
    return {table: count for table, count in counts.items() if count}
