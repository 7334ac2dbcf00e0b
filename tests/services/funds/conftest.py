"""The funds service behind HTTP, on the run's real PostgreSQL.

Every test acts for organisations of its own, so that they all share one service and one database.
"""

import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import OKPKey
from sqlalchemy import Engine, event

from services.common.database import Database
from services.common.errors import JsonValue
from services.common.identity import Principal, Role, sign_principal
from services.funds.app import create_app
from services.funds.verify import find_differences
from tests.support.databases import ClonedDatabase

TODAY = date(2026, 3, 31)


@dataclass(frozen=True, slots=True)
class Client:
    """One caller of the service: a role and, for a member, its organisation."""

    http: httpx.AsyncClient
    key: OKPKey
    role: Role
    organisation: str | None = None

    @property
    def principal(self) -> Principal:
        return Principal(f"key-{self.organisation or self.role}", self.role, self.organisation)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=self._headers(headers))

    async def post(self, path: str, body: JsonValue = None, **headers: str) -> httpx.Response:
        """A name of a header is written with underscores: `idempotency_key`."""
        if body is None:
            return await self.http.post(path, headers=self._headers(headers))
        return await self.http.post(path, json=body, headers=self._headers(headers))

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        token = sign_principal(self.principal, self.key)
        return {"Authorization": f"Bearer {token}", **named}


@dataclass(frozen=True, slots=True)
class Funds:
    """The service under test."""

    app: FastAPI
    database: ClonedDatabase
    http: httpx.AsyncClient
    key: OKPKey

    def as_member(self, slug: str | None = None) -> Client:
        """A member of an organisation nobody else acts for, unless one is named."""
        return Client(self.http, self.key, Role.MEMBER, slug or f"org-{uuid.uuid4().hex[:12]}")

    def as_role(self, role: Role, organisation: str | None = None) -> Client:
        return Client(self.http, self.key, role, organisation)

    @property
    def service_database(self) -> Database:
        """The pool of the service's own role, for commands that have no route."""
        database: Database = self.app.state.database
        return database

    async def look(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Look into the tables themselves, past row-level security."""
        connection = await asyncpg.connect(self.database.superuser_dsn)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()


@pytest.fixture(scope="session")
async def funds(
    database: ClonedDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Funds]:
    key = OKPKey.generate_key("Ed25519")
    public_key_file = tmp_path_factory.mktemp("funds") / "public.pem"
    public_key_file.write_bytes(key.as_pem(private=False))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RESEAU_DATABASE_URL", database.url("funds_app"))
        environment.setenv("RESEAU_TOTALS_DATABASE_URL", database.url("funds_totals"))
        environment.setenv("RESEAU_TOKEN_PUBLIC_KEY_FILE", str(public_key_file))
        app = create_app()
    app.state.today = lambda: TODAY
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://funds") as http,
    ):
        yield Funds(app, database, http, key)


@pytest.fixture
def member(funds: Funds) -> Client:
    return funds.as_member()


@pytest.fixture(scope="session")
def network(funds: Funds) -> Client:
    return funds.as_role(Role.NETWORK)


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The SQL that is sent within the block."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    # Every engine's: an import has one of its own.
    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert statements


async def differences(funds: Funds, member: Client) -> Sequence[str]:
    organisation = member.principal.organisation_id
    async with funds.service_database.read(organisation) as session:
        return [one async for one in find_differences(session)]


async def balances_of(member: Client, as_of: str = "2026-03-31") -> dict[str, str]:
    place = f"/v1/funds/{member.organisation}/balance?as_of={as_of}"
    accounts = (await member.get(place)).json()["accounts"]
    return {account["account"]: account["balance"] for account in accounts}


def codes_of(response: httpx.Response) -> dict[str, str]:
    """Of a problem document: the code found at each pointer."""
    assert response.headers["content-type"] == "application/problem+json"
    return {error["pointer"]: error["code"] for error in response.json().get("errors", [])}


def contribution(**changes: JsonValue) -> dict[str, JsonValue]:
    """The body of a sound contribution with an identifier of its own."""
    return {
        "external_id": f"APPORT-{uuid.uuid4().hex[:8]}",
        "contributor": "Caisse du Quartier",
        "contributor_kind": "financial_institution",
        "instrument": "placement",
        "purpose": "capital",
        "amount": "25000.00",
        "received_on": "2025-06-02",
        "annual_rate": "2.5",
        "repayable_on": "2030-06-02",
        **changes,
    }


def gift(**changes: JsonValue) -> dict[str, JsonValue]:
    """A donation of an individual: no rate, nothing to pay back."""
    body = contribution(contributor="Une voisine", contributor_kind="individual")
    body |= {"instrument": "donation", **changes}
    del body["annual_rate"]
    del body["repayable_on"]
    return body
