"""A seeded registry behind HTTP, on a database of the test module's own."""

import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import OKPKey

from services.common.errors import JsonValue
from services.common.identity import Principal, Role, sign_principal
from services.registry.app import create_app
from services.registry.seed import seed_register
from tests.support.databases import (
    ClonedDatabase,
    SharedCluster,
    clone_database,
    drop_database,
)

TODAY = date(2026, 3, 31)


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry's application as the gateway calls it."""

    app: FastAPI
    database: ClonedDatabase
    client: httpx.AsyncClient
    signing_key: OKPKey
    keys_file: Path

    async def call(
        self,
        method: str,
        path: str,
        body: JsonValue = None,
        *,
        role: Role | None = Role.NETWORK,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send as a role (a member is `montreal`), or as nobody when it is None."""
        sent = dict(headers or {})
        if role is not None:
            organisation = "montreal" if role is Role.MEMBER else None
            principal = Principal(f"test-{role}", role, organisation, ())
            sent["Authorization"] = f"Bearer {sign_principal(principal, self.signing_key)}"
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
            return await self.client.request(method, path, content=content, headers=sent)
        if body is None:
            return await self.client.request(method, path, headers=sent)
        return await self.client.request(method, path, json=body, headers=sent)

    async def look(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Look into the tables themselves, past row-level security."""
        connection = await asyncpg.connect(self.database.superuser_dsn)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()


@pytest.fixture(scope="module")
async def registry(
    cluster: SharedCluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Registry]:
    database = await clone_database(cluster, f"registry_{uuid.uuid4().hex}")
    folder = tmp_path_factory.mktemp("registry")
    keys_file = folder / "access-keys.json"
    await seed_register(database.url("registry_app"), keys_file)
    signing_key = OKPKey.generate_key("Ed25519")
    public_key_file = folder / "public.pem"
    public_key_file.write_bytes(signing_key.as_pem(private=False))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RESEAU_DATABASE_URL", database.url("registry_app"))
        environment.setenv("RESEAU_TOKEN_PUBLIC_KEY_FILE", str(public_key_file))
        app = create_app()
    app.state.today = lambda: TODAY
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://registry") as client,
    ):
        yield Registry(app, database, client, signing_key, keys_file)
    await drop_database(database)


def codes_of(response: httpx.Response) -> dict[str, str]:
    """Of a problem document: the code found at each pointer."""
    assert response.headers["content-type"] == "application/problem+json"
    return {error["pointer"]: error["code"] for error in response.json().get("errors", [])}


def draft_organisation(slug: str, **fields: JsonValue) -> dict[str, JsonValue]:
    return {"slug": slug, "name": f"Fonds {slug}", "region_codes": ["09"], **fields}


async def create_organisation(registry: Registry, slug: str, **fields: JsonValue) -> httpx.Response:
    response = await registry.call("POST", "/v1/organisations", draft_organisation(slug, **fields))
    assert response.status_code == 201, response.text
    return response


async def patch_organisation(registry: Registry, slug: str, **fields: JsonValue) -> httpx.Response:
    """Change an organisation as it now is."""
    etag = (await registry.call("GET", f"/v1/organisations/{slug}")).headers["etag"]
    return await registry.call(
        "PATCH", f"/v1/organisations/{slug}", fields, headers={"If-Match": etag}
    )
