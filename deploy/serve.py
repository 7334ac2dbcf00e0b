"""Serve one application until the supervisor says stop, or is gone.

Standard input is a pipe from the supervisor. The application is imported at once, while PostgreSQL
is still starting; one byte on the pipe lets it serve, the end of the pipe makes it stop.
"""

import gc
import importlib
import os
import signal
import threading
import time

import uvicorn

from gateway.http_protocol import GuardedProtocol

_GRACEFUL_STOP_SECONDS = 4
# Longer than any client of ours keeps an idle connection: never closed under a request.
_KEEP_ALIVE_SECONDS = 75
# An import makes a million objects and no cycle: looking for cycles among them at Python's own
# pace takes a third of its time.
_COLLECTOR_THRESHOLDS = (50_000, 20, 100)


def serve(factory: str, port: int) -> None:
    """Run `module:function`, an application factory, on a port of the loopback interface."""
    module, _, name = factory.partition(":")
    create_app = getattr(importlib.import_module(module), name)
    if os.read(0, 1) == b"":
        return
    threading.Thread(target=_stop_with_the_supervisor, daemon=True).start()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    uvicorn.run(
        create_app,
        factory=True,
        host="127.0.0.1",
        port=port,
        http=GuardedProtocol,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACEFUL_STOP_SECONDS,
    )


def _stop_with_the_supervisor() -> None:
    """Wait for the end of the pipe, which even kill -9 of the supervisor brings about."""
    while os.read(0, 1) != b"":
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACEFUL_STOP_SECONDS + 1)
    os.kill(os.getpid(), signal.SIGKILL)
