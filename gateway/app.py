"""The only door: what a part holds goes through the proxy, what the gateway says itself is its own.

    Door ── /v1/loans, /v1/funds, ... ──> Proxy ──> a part
      └──── reports, pages, the rest ───> FastAPI application (404 and 405 are its own)

Start it with `uvicorn --factory gateway.app:create_app`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

import structlog
from fastapi import APIRouter, FastAPI, Request
from joserfc.jwk import OKPKey
from starlette.types import Message, Receive, Scope, Send

from gateway.authentication import Doorkeeper, Registry, TokenSigner
from gateway.entry import refuse_unscoped_operations
from gateway.home_totals import HomeTotals
from gateway.incoming import read_incoming
from gateway.limits import RateLimits
from gateway.openapi import OPENAPI_FILE
from gateway.openapi import router as openapi_router
from gateway.pages.routes import create_pages_router
from gateway.proxy import Proxy, make_timeout, open_session
from gateway.relay import Relay
from gateway.reports.completeness_routes import router as completeness_router
from gateway.reports.partnership_routes import router as partnership_router
from gateway.reports.provision_routes import router as provision_router
from gateway.reports.reading import PartReader
from gateway.reports.regional_routes import router as regional_router
from gateway.routing import Part, find_destination, refuse_malformed_query, split_path
from gateway.settings import GatewaySettings
from gateway.uploads import ClientGone, Upload
from services.common.answers import (
    describe_failure,
    install_problem_handlers,
    problem_response,
)
from services.common.clock import legal_today
from services.common.errors import Internal, Problem
from services.common.telemetry import configure_logging, make_traceparent, read_trace_id

# Added to every answer that does not say otherwise itself (the pages do). CORS stays closed.
_STANDARD_HEADERS: Mapping[bytes, bytes] = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
_log = structlog.get_logger()


def create_app(settings: GatewaySettings | None = None) -> "Door":
    """The gateway as an ASGI application, its settings from the environment unless given."""
    configure_logging()
    return Door(create_own_app(settings or GatewaySettings()))


def create_own_app(settings: GatewaySettings) -> FastAPI:
    """What the gateway answers itself, and what the whole of it shares while it runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        key = OKPKey.import_key(settings.token_private_key_file.read_text())
        signer = TokenSigner(key)
        limits = RateLimits(settings.requests_per_minute, settings.refusals_per_minute)
        timeout = make_timeout(settings, settings.read_seconds)
        async with open_session() as session:
            registry = Registry(
                session,
                settings.url_of(Part.REGISTRY),
                make_timeout(settings, settings.authentication_seconds),
                signer,
            )
            app.state.doorkeeper = Doorkeeper(registry, limits)
            app.state.proxy = Proxy(settings, session, app.state.doorkeeper, signer)
            app.state.part_reader = PartReader(settings, session, signer, timeout)
            app.state.openapi_document = (settings.openapi_file or OPENAPI_FILE).read_bytes()
            relaying = asyncio.create_task(Relay(session, settings, signer).run())
            try:
                yield
            finally:
                relaying.cancel()
                await asyncio.gather(relaying, return_exceptions=True)

    app = FastAPI(
        title="Passerelle",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.report_seconds = settings.report_seconds
    install_problem_handlers(app)
    pages = create_pages_router(
        HomeTotals(app), legal_today, is_demonstration=settings.is_demonstration
    )
    for router in (regional_router, partnership_router, provision_router, completeness_router):
        refuse_unscoped_operations(router)
        app.include_router(router)
    for open_to_all in (_health_router(), openapi_router, pages):
        app.include_router(open_to_all)
    return app


def _health_router() -> APIRouter:
    router = APIRouter()

    @router.get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:
        """The gateway is up; each part answers for itself."""
        return {"status": "ready"}

    return router


class Door:
    """Reads the request's line and headers, refuses what is malformed, and shows the way."""

    def __init__(self, own: FastAPI) -> None:
        self.own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.own(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        trace_id = read_trace_id(dict(scope["headers"]).get(b"traceparent", b""))
        scope["trace_id"] = trace_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
        outgoing = Outgoing(send, trace_id)
        upload = Upload(receive, None)
        try:
            incoming = read_incoming(scope, trace_id)
            upload = Upload(receive, incoming.declared_bytes)
            segments = split_path(incoming.raw_path)
            refuse_malformed_query(incoming.query)
            destination = find_destination(segments, incoming.method, incoming.query)
            if destination is None:
                await self.own(_own_scope(scope, segments, outgoing), receive, outgoing)
            else:
                proxy: Proxy = self.own.state.proxy
                await proxy.forward(incoming, destination, upload, outgoing)
        except ClientGone:
            return
        except Problem as problem:
            await _refuse(problem, scope, upload, outgoing)
        except Exception as error:
            _log.error("request_failed", path=scope["path"], **describe_failure(error))
            if outgoing.has_begun:
                raise
            await _refuse(Internal(), scope, upload, outgoing)


def _own_scope(scope: Scope, segments: list[str], outgoing: "Outgoing") -> Scope:
    """HEAD is GET whose body the server leaves out; the trace goes on under the same name.

    What is made for the ministry answers in French whatever language is asked for.
    """
    dropped = {b"traceparent"}
    if segments[:2] == ["v1", "reports"] and segments[-1].startswith("partnership"):
        dropped.add(b"accept-language")
    headers = [(name, value) for name, value in scope["headers"] if name not in dropped]
    headers.append((b"traceparent", make_traceparent(outgoing.trace_id).encode()))
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    return {
        **scope,
        "headers": headers,
        "method": method,
        "answer_headers": outgoing.more_headers,
    }


async def _refuse(problem: Problem, scope: Scope, upload: Upload, send: "Outgoing") -> None:
    """Answer with the problem document; a client still sending may go on for a while, unread."""
    response = problem_response(problem, Request(scope))
    headers = list(response.raw_headers)
    if not upload.is_whole:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    await upload.drain()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class Outgoing:
    """Sends the answer with the headers every answer carries, and those put in `more_headers`."""

    def __init__(self, send: Send, trace_id: str) -> None:
        self._send = send
        self.trace_id = trace_id
        self.more_headers: dict[str, str] = {}
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = cast("list[tuple[bytes, bytes]]", list(message["headers"]))
            present = {name for name, _ in headers}
            headers += [pair for pair in _STANDARD_HEADERS.items() if pair[0] not in present]
            for name, value in self.more_headers.items():
                if name.lower().encode() not in present:
                    headers.append((name.encode(), value.encode()))
            headers.append((b"x-trace-id", self.trace_id.encode()))
            message = {**message, "headers": headers}
        await self._send(message)
