"""The smallest application that the supervisor can run: it answers with its process number."""

import os
from collections.abc import Awaitable, Callable, MutableMapping

Scope = MutableMapping[str, object]
Message = MutableMapping[str, object]


async def _app(
    scope: Scope,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        while True:
            event = (await receive())["type"]
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode("ascii")})


def create_app() -> Callable[..., Awaitable[None]]:
    return _app


def create_broken_app() -> Callable[..., Awaitable[None]]:
    raise RuntimeError("this part cannot start")
