"""The way through: a request of an admitted client goes to its part, the answer comes back.

Pure ASGI and one aiohttp session: a framework, or another client, costs more here than all the
rest of the way. Nothing a client sends passes unless `_PASSED` names it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import structlog
from starlette.types import Send
from yarl import URL

from gateway.authentication import Doorkeeper, Expected, TokenSigner
from gateway.incoming import Incoming
from gateway.parts import bad_answer, to_problem
from gateway.routing import METHODS, Destination, Part
from gateway.settings import GatewaySettings
from gateway.uploads import ClientGone, Upload, UploadLimits, too_large
from services.common.errors import (
    PROBLEM_MEDIA_TYPE,
    BadGateway,
    MethodNotAllowed,
    Unavailable,
)
from services.common.telemetry import make_traceparent

ANSWER_BUFFERED_BYTES_MAX = 256 * 1024
"""An answer known to be no larger is read whole before it is passed on: it is cheaper, and a part
that dies in the middle of it can still be refused as such."""
SEND_SECONDS = 60
"""A client that takes longer to read what was sent is cut off."""
CONNECTIONS_PER_PART_MAX = 200
KEEP_ALIVE_SECONDS = 4
"""Less than the 5 s after which uvicorn closes unless told otherwise (`deploy` says 75): an idle
connection is never used as it closes."""

SAFE_METHODS = ("GET", "HEAD")

_PASSED: Mapping[bytes, str] = {
    b"accept": "Accept",
    b"accept-language": "Accept-Language",
    b"content-disposition": "Content-Disposition",
    b"content-type": "Content-Type",
    b"idempotency-key": "Idempotency-Key",
    b"if-match": "If-Match",
    b"if-none-match": "If-None-Match",
    b"prefer": "Prefer",
}
_NOT_PASSED_BACK = frozenset(
    {
        b"connection",
        b"date",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"server",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_BODILESS = (204, 304)
_log = structlog.get_logger()


def open_session() -> aiohttp.ClientSession:
    """The one session to the parts: no cookies, no redirects, no headers of its own."""
    connector = aiohttp.TCPConnector(
        limit=0, limit_per_host=CONNECTIONS_PER_PART_MAX, keepalive_timeout=KEEP_ALIVE_SECONDS
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        trust_env=False,
    )


def make_timeout(settings: GatewaySettings, read_seconds: float) -> aiohttp.ClientTimeout:
    """`connect` counts the wait for a free connection, `sock_read` each silence of the part."""
    return aiohttp.ClientTimeout(
        total=None,
        connect=settings.connect_seconds + settings.read_seconds,
        sock_connect=settings.connect_seconds,
        sock_read=read_seconds,
    )


class Proxy:
    """Passes requests on to the parts and their answers back."""

    def __init__(
        self,
        settings: GatewaySettings,
        session: aiohttp.ClientSession,
        doorkeeper: Doorkeeper,
        signer: TokenSigner,
    ) -> None:
        self._settings = settings
        self._session = session
        self._doorkeeper = doorkeeper
        self._signer = signer
        self._bases = {part: URL(settings.url_of(part)) for part in Part}
        self._timeout = make_timeout(settings, settings.read_seconds)
        self._import_timeout = make_timeout(settings, settings.import_seconds)

    async def forward(
        self, incoming: Incoming, destination: Destination, upload: Upload, send: Send
    ) -> None:
        """Raises Problem as long as no answer has begun; ClientGone when nobody is left."""
        _refuse_unacceptable(incoming, destination, upload)
        authorization = incoming.headers.get(b"authorization", [])
        traceparent = make_traceparent(incoming.trace_id)
        if incoming.method in SAFE_METHODS and upload.is_whole:
            expected = self._doorkeeper.expect(authorization, incoming.address, traceparent)
            if expected is not None:
                passage = AnswerPassage(incoming.method, destination.part, upload, send, expected)
                if await self._exchange_expected(incoming, destination, passage, traceparent):
                    return
        asked = f"{incoming.method} {incoming.raw_path.decode('ascii')}"
        admission = await self._doorkeeper.admit(
            authorization, incoming.address, traceparent, asked
        )
        passage = AnswerPassage(
            incoming.method, destination.part, upload, send, Expected(admission, None)
        )
        await self._exchange(incoming, destination, passage, traceparent)

    async def _exchange_expected(
        self,
        incoming: Incoming,
        destination: Destination,
        passage: "AnswerPassage",
        traceparent: str,
    ) -> bool:
        """Ask the part while the registry confirms the key; False when it names another principal.

        A refusal of the key comes before any failure of the part.
        """
        try:
            await self._exchange(incoming, destination, passage, traceparent)
        except (BadGateway, Unavailable):
            await passage.is_confirmed()
            raise
        finally:
            passage.expected.abandon()
        return passage.has_begun

    async def _exchange(
        self,
        incoming: Incoming,
        destination: Destination,
        passage: "AnswerPassage",
        traceparent: str,
    ) -> None:
        upload = passage.upload
        headers = dict(_passed_headers(incoming))
        headers["Authorization"] = (
            f"Bearer {self._signer.sign(passage.expected.admission.principal)}"
        )
        headers["traceparent"] = traceparent
        data: AsyncIterator[bytes] | bytes | None = None
        if not destination.is_import:
            data = None if upload.is_whole else await upload.read_all(self._limits_of(destination))
        elif not upload.is_whole:
            data = upload.parts(self._limits_of(destination))
            if upload.declared is not None:
                headers["Content-Length"] = str(upload.declared)
        try:
            async with self._session.request(
                "GET" if incoming.method == "HEAD" else incoming.method,
                self._url(incoming, destination.part),
                headers=headers,
                data=data,
                allow_redirects=False,
                timeout=self._import_timeout if destination.is_import else self._timeout,
            ) as response:
                await passage.pass_back(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            # What stopped the upload comes out wrapped by the client library.
            if upload.failure is not None:
                raise upload.failure from error
            _log.warning("part_failed", part=destination.part.value, error=type(error).__name__)
            if passage.has_begun:
                raise ClientGone from error
            raise to_problem(destination.part, error) from error
        await passage.end()

    def _limits_of(self, destination: Destination) -> UploadLimits:
        settings = self._settings
        return UploadLimits(
            destination.body_bytes_max,
            settings.upload_idle_seconds,
            settings.upload_import_seconds if destination.is_import else settings.upload_seconds,
        )

    def _url(self, incoming: Incoming, part: Part) -> URL:
        base = self._bases[part]
        return URL.build(
            scheme=base.scheme,
            authority=base.authority,
            path=incoming.raw_path.decode("ascii"),
            query_string=incoming.query.decode("ascii"),
            encoded=True,
        )


class AnswerPassage:
    """Passes one answer back: whole when it is small, else piece by piece as the client reads."""

    def __init__(
        self, method: str, part: Part, upload: Upload, send: Send, expected: Expected
    ) -> None:
        self._method = method
        self._part = part
        self._send = send
        self.upload = upload
        self.expected = expected
        self.has_begun = False
        self._has_ended = False

    async def is_confirmed(self) -> bool:
        """Whether the key still stands for the principal the part was told; raises if refused."""
        confirmed, principal = self.expected.confirmed, self.expected.admission.principal
        return confirmed is None or await confirmed == principal

    async def pass_back(self, response: aiohttp.ClientResponse) -> None:
        """Raises BadGateway for an answer the contract does not know, before anything is sent."""
        if not await self.is_confirmed():
            return
        if not _is_expected(response):
            _log.error("answer_refused", part=self._part.value, status=response.status)
            raise bad_answer(self._part)
        size = response.content_length
        if self._method == "HEAD" or response.status in _BODILESS:
            await self._begin(response)
        elif size is not None and size <= ANSWER_BUFFERED_BYTES_MAX:
            body = await response.read()
            await self._begin(response)
            self._has_ended = self.upload.is_whole
            await self._send_body(body, more=not self._has_ended)
        else:
            await self._begin(response)
            async with self._let_go(response):
                async for piece in response.content.iter_any():
                    await self._send_body(piece, more=True)
        if not self.upload.is_whole:  # the part answered early: take nothing more from the client
            response.close()

    @asynccontextmanager
    async def _let_go(self, response: aiohttp.ClientResponse) -> AsyncIterator[None]:
        """Let the part go when the client leaves: an event stream would last until it has ended."""
        leaving = asyncio.create_task(self.upload.departure())
        leaving.add_done_callback(lambda task: None if task.cancelled() else response.close())
        try:
            yield
        finally:
            leaving.cancel()

    async def _begin(self, response: aiohttp.ClientResponse) -> None:
        self.has_begun = True
        headers = list(_passed_back_headers(response))
        headers += [
            (name.encode(), value.encode())
            for name, value in self.expected.admission.headers.items()
        ]
        if not self.upload.is_whole:
            headers.append((b"connection", b"close"))
        await self._send(
            {"type": "http.response.start", "status": response.status, "headers": headers}
        )

    async def _send_body(self, piece: bytes, more: bool) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self._send({"type": "http.response.body", "body": piece, "more_body": more})

    async def end(self) -> None:
        """Finish the answer, once a client that is still sending has had time to read it."""
        if self._has_ended or not self.has_begun:
            return
        await self.upload.drain()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _refuse_unacceptable(incoming: Incoming, destination: Destination, upload: Upload) -> None:
    if incoming.method not in METHODS:
        raise MethodNotAllowed(headers={"Allow": ", ".join(METHODS)})
    if upload.declared is not None and upload.declared > destination.body_bytes_max:
        raise too_large(destination.body_bytes_max)


def _passed_headers(incoming: Incoming) -> Iterator[tuple[str, str]]:
    for name, passed_name in _PASSED.items():
        values = incoming.headers.get(name)
        if values is not None:
            yield passed_name, ", ".join(values)


def _passed_back_headers(response: aiohttp.ClientResponse) -> Iterator[tuple[bytes, bytes]]:
    named = {
        token.strip().lower().encode()
        for value in response.headers.getall("Connection", ())
        for token in value.split(",")
    }
    for name, value in response.raw_headers:
        lowered = name.lower()
        if lowered not in _NOT_PASSED_BACK and lowered not in named:
            yield lowered, value


def _is_expected(response: aiohttp.ClientResponse) -> bool:
    """A refusal is a problem document; no part redirects, and none refuses the gateway's token."""
    if response.status < 300 or response.status == 304:
        return response.status >= 200
    return (
        response.status >= 400
        and response.status != 401
        and response.content_type == PROBLEM_MEDIA_TYPE
    )
