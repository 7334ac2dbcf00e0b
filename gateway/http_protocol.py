"""HTTP/1.1 as uvicorn speaks it, with two bounds it lacks: the size and the time of a head.

Without them a client holds memory and a connection before any application sees it. What is refused
here is a problem document like any other; no header has been read, so it is in French.

    uvicorn.run(..., http=GuardedProtocol)
"""

import asyncio
import json
import secrets

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.incoming import HEAD_BYTES_MAX, HeadTooLarge
from gateway.uploads import RequestTimeout
from services.common.errors import PROBLEM_MEDIA_TYPE, BadRequest, Problem

HEAD_SECONDS = 20.0


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `_head_bytes` counts a head that is not whole yet, and is None otherwise."""

    _head_bytes: int | None = None
    _head_timer: asyncio.TimerHandle | None = None

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse, RequestTimeout())
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._forget_head()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(HeadTooLarge())

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        self._refuse(BadRequest())

    def _forget_head(self) -> None:
        self._head_bytes = None
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, problem: Problem) -> None:
        self._forget_head()
        document = problem.render("fr", secrets.token_hex(16))
        body = json.dumps(document, ensure_ascii=False).encode()
        head = (
            f"content-type: {PROBLEM_MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "content-language: fr-CA\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[problem.status] + head.encode() + body)
        self.transport.close()
