"""A client's body: counted, timed, and never taken for whole when it is not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.types import Receive

from services.common.errors import PayloadTooLarge, Problem
from services.common.text import Text

DRAIN_SECONDS = 5
DRAIN_BYTES_MAX = 64 * 1024 * 1024


class RequestTimeout(Problem):
    """408: the request did not arrive in time (RFC 9110, 15.5.9)."""

    status = 408
    default_code = "body.too_slow"
    title = Text("Envoi trop lent", "Body sent too slowly")


class ClientGone(Exception):
    """The client closed the connection, or reads no more: nobody is left to answer."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How large a body may be and how long it may take."""

    bytes_max: int
    idle_seconds: float
    whole_seconds: float


def too_large(bytes_max: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        Text(
            f"Pas plus de {bytes_max} octets par envoi.", f"At most {bytes_max} bytes per request."
        ),
        extra={"limit_bytes": bytes_max},
    )


class Upload:
    """Reads the body once; remembers whether it is whole and, if not, why it stopped.

    `declared` is its Content-Length, None when it comes in chunks of unknown number.
    """

    def __init__(self, receive: Receive, declared: int | None) -> None:
        self._receive = receive
        self.declared = declared
        self.is_whole = declared == 0
        self.failure: Problem | ClientGone | None = None

    async def parts(self, limits: UploadLimits) -> AsyncIterator[bytes]:
        """The body as it comes. Raises PayloadTooLarge, RequestTimeout or ClientGone."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + limits.whole_seconds
        received = 0
        while not self.is_whole:
            part = await self._next_part(min(deadline, clock() + limits.idle_seconds))
            received += len(part)
            if received > limits.bytes_max:
                self.failure = too_large(limits.bytes_max)
                raise self.failure
            if part:
                yield part

    async def read_all(self, limits: UploadLimits) -> bytes:
        return b"".join([part async for part in self.parts(limits)])

    async def departure(self) -> None:
        """Wait until the client closes the connection; for ever while its body is not whole."""
        if not self.is_whole:
            await asyncio.Event().wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def drain(self) -> None:
        """Let a client that is still sending read its answer: a closed socket would hide it."""
        drained = 0
        deadline = asyncio.get_running_loop().time() + DRAIN_SECONDS
        try:
            while not self.is_whole and drained < DRAIN_BYTES_MAX:
                drained += len(await self._next_part(deadline))
        except (RequestTimeout, ClientGone):
            return

    async def _next_part(self, deadline: float) -> bytes:
        try:
            async with asyncio.timeout_at(deadline):
                message = await self._receive()
        except TimeoutError as error:
            self.failure = RequestTimeout()
            raise self.failure from error
        if message["type"] == "http.disconnect":
            self.failure = ClientGone()
            raise self.failure
        self.is_whole = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part
