"""Tiny real parts on loopback, and a gateway in front of them: no database, real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn
from joserfc.jwk import OKPKey
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import create_app
from gateway.http_protocol import GuardedProtocol
from gateway.settings import GatewaySettings
from services.common.errors import PROBLEM_MEDIA_TYPE, JsonValue
from services.common.identity import verify_token

MEMBER_KEY, NETWORK_KEY, FUNDER_KEY = "member-key", "network-key", "funder-key"
AUDITOR_KEY, OPERATOR_KEY = "auditor-key", "operator-key"

ANSWER_HEADERS = {
    "ETag": '"7"',
    "Location": "/v1/loans/1",
    "Server": "secret",
    "Connection": "X-Secret",
    "X-Secret": "secret",
}

PATIENCE_SECONDS = 60
"""Longer than any machine is busy: reached by a defect alone."""
_PATIENT = {
    f"{what}_seconds": PATIENCE_SECONDS
    for what in ("connect", "authentication", "read", "report", "upload_idle", "upload")
}

Behaviour = Callable[[Request], Awaitable[Response]]


def _holder(role: str, organisation: str | None = None) -> dict[str, JsonValue]:
    regions: list[JsonValue] = ["06"] if organisation else []
    return {
        "key_id": f"id-of-{role}",
        "role": role,
        "organisation": organisation,
        "region_codes": regions,
        "made_by": "seed",
        "expires_at": "2027-01-01T00:00:00Z",
    }


@dataclass
class Keys:
    """What the tiny registry knows of keys; a test may revoke one, or keep the registry waiting."""

    holders: dict[str, JsonValue] = field(default_factory=dict)
    asked: int = 0
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 200

    def forget(self) -> None:
        self.holders = {
            MEMBER_KEY: _holder("member", "montreal"),
            NETWORK_KEY: _holder("network"),
            FUNDER_KEY: _holder("funder"),
            AUDITOR_KEY: _holder("auditor"),
            OPERATOR_KEY: _holder("operator"),
        }
        self.asked, self.status = 0, 200
        self.answering.set()


@dataclass
class Visits:
    """What has come to a server: a request that is counted has come to its first wait."""

    begun: int = 0
    ended: int = 0

    def count(self, app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return await app(scope, receive, send)
            self.begun += 1
            try:
                await app(scope, receive, send)
            finally:
                self.ended += 1

        return counted


@dataclass
class TinyPart:
    """A part that says what reached it, or does what the test gave it to do.

    What is `lasting` it does in every test.
    """

    name: str
    token_key: OKPKey
    lasting: dict[str, Behaviour] = field(default_factory=dict)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    begun: list[tuple[str, str]] = field(default_factory=list)
    completed: list[tuple[str, str, int]] = field(default_factory=list)
    aborted: list[tuple[str, str, int]] = field(default_factory=list)
    visits: Visits = field(default_factory=Visits)
    url: str = ""

    async def answer(self, request: Request) -> Response:
        behaviour = self.behaviours.get(request.url.path)
        if behaviour is not None:
            return await behaviour(request)
        if request.url.path.startswith("/internal/"):  # the relay's; no test is about it here
            return problem(503, "database.unavailable")
        self.begun.append((request.method, request.url.path))
        received = 0
        try:
            async for piece in request.stream():
                received += len(piece)
        except ClientDisconnect:
            self.aborted.append((request.method, request.url.path, received))
            return Response(status_code=400)
        self.completed.append((request.method, request.url.path, received))
        token = request.headers["authorization"].removeprefix("Bearer ")
        principal = verify_token(token, self.token_key)
        return JSONResponse(
            {
                "part": self.name,
                "method": request.method,
                "path": request.scope["raw_path"].decode(),
                "query": request.url.query,
                "headers": [[n.decode(), v.decode("latin-1")] for n, v in request.headers.raw],
                "bytes": received,
                "principal": {
                    "subject": principal.subject,
                    "role": principal.role,
                    "organisation": principal.organisation,
                },
            },
            201 if request.method == "POST" else 200,
            ANSWER_HEADERS,
        )

    def forget(self) -> None:
        """Back to how it began, for the next test."""
        self.behaviours = dict(self.lasting)
        for seen in (self.begun, self.completed, self.aborted):
            seen.clear()

    def app(self) -> ASGIApp:
        methods = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        app = Starlette(routes=[Route("/{path:path}", self.answer, methods=methods)])
        return self.visits.count(app)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what another task does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.01)


def problem(status: int, code: str) -> Response:
    document = {"type": f"urn:reseau:problem:{code}", "status": status, "code": code}
    return JSONResponse(document, status, media_type=PROBLEM_MEDIA_TYPE)


def registry_behaviour(keys: Keys) -> Behaviour:
    async def authenticate(request: Request) -> Response:
        presented = (await request.json())["key"]
        keys.asked += 1
        holder = keys.holders.get(presented)  # as it stands when the question comes
        await keys.answering.wait()
        if keys.status != 200:
            return problem(keys.status, "database.unavailable")
        return JSONResponse(holder) if holder else problem(401, "access.unauthenticated")

    return authenticate


async def record_reading(_: Request) -> Response:
    return Response(status_code=204)


@asynccontextmanager
async def serve(app: ASGIApp) -> AsyncIterator[str]:
    """A real server on a free port; yields its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=GuardedProtocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,  # as `deploy` says: longer than any client here keeps a connection
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    # What Server.serve() does, without its signal handlers and its ticks of 100 ms.
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening])
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        await server.shutdown(sockets=[listening])


@dataclass
class Bench:
    """A gateway and the tiny parts behind it."""

    url: str
    visits: Visits
    keys: Keys
    registry: TinyPart
    funds: TinyPart
    loans: TinyPart

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def open_client(self, key: str | None = None) -> httpx.AsyncClient:
        """Patient: whoever is late here is what the test is about, and not the machine."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=PATIENCE_SECONDS)

    async def forget(self) -> None:
        """Back to how it began, once nobody is left: a client has its answer before we are done."""
        self.keys.answering.set()
        parts = (self.registry, self.funds, self.loans)
        counts = [self.visits, *(part.visits for part in parts)]
        await until(lambda: all(count.begun == count.ended for count in counts))
        self.visits.begun = self.visits.ended = 0
        self.keys.forget()
        for part in parts:
            part.forget()


@asynccontextmanager
async def open_bench(folder: Path, **settings: object) -> AsyncIterator[Bench]:
    """Any setting may be given; `loans_url` and the like replace a tiny part by another address.

    No deadline is short unless a test says so.
    """
    private = OKPKey.generate_key("Ed25519")
    key_file = folder / "gateway.pem"
    key_file.write_bytes(private.as_pem(private=True))
    public = OKPKey.import_key(private.as_pem(private=False))
    keys = Keys()
    keys.forget()
    parts = {name: TinyPart(name, public) for name in ("registry", "funds", "loans")}
    parts["registry"].lasting = {
        "/internal/authenticate": registry_behaviour(keys),
        "/internal/readings": record_reading,
    }
    parts["registry"].forget()
    async with AsyncExitStack() as stack:
        for name, part in parts.items():
            part.url = await stack.enter_async_context(serve(part.app()))
            settings.setdefault(f"{name}_url", part.url)
        made = GatewaySettings.model_validate(
            {"token_private_key_file": key_file, **_PATIENT, **settings}
        )
        visits = Visits()
        url = await stack.enter_async_context(serve(visits.count(create_app(made))))
        yield Bench(url, visits, keys, parts["registry"], parts["funds"], parts["loans"])
