"""The process that the services are forked from: libraries are loaded once and shared in memory.

    python -m deploy.stem LIBRARY...        standard input is a socket from the supervisor

Importing libraries takes most of a service's start and of its memory. A request on the socket is a
JSON document and three open files: the pipe that lets the service serve and makes it stop, a pipe
on which it says its process number and whose end says that it ended, and its log.
"""

import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass

from deploy.serve import serve

_REQUEST_BYTES_MAX = 64 * 1024
_FILES = 3
_PR_SET_NAME = 15


@dataclass(frozen=True, slots=True)
class Request:
    name: str
    factory: str
    port: int
    environment: dict[str, str]


def main() -> None:
    for library in sys.argv[1:]:
        importlib.import_module(library)
    # Objects that the collector never visits again stay in pages that all processes share.
    gc.collect()
    gc.freeze()
    # A child that ends leaves no zombie; the supervisor learns of it from the pipe.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    request = _fork_until_closed(socket.socket(fileno=0))
    if request is not None:
        serve(request.factory, request.port)


def _fork_until_closed(requests: socket.socket) -> Request | None:
    """Fork for every request. Returns the request in the forked process, None at the end."""
    while True:
        message, files, _, _ = socket.recv_fds(requests, _REQUEST_BYTES_MAX, _FILES)
        if not message:
            return None
        request = Request(**json.loads(message))
        if os.fork() == 0:
            requests.close()
            _become(request, *files)
            return request
        for file in files:
            os.close(file)


def _become(request: Request, lifeline: int, status: int, log: int) -> None:
    """Make the forked process a service of its own: session, files, environment, name."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for file, number in ((lifeline, 0), (log, 1), (log, 2)):
        os.dup2(file, number)
    os.close(lifeline)
    os.close(log)
    os.environ.update(request.environment)
    if sys.platform == "linux":
        # What ps, top and pgrep show; the kernel keeps 15 bytes.
        ctypes.CDLL(None).prctl(_PR_SET_NAME, f"reseau-{request.name}".encode())
    os.write(status, f"{os.getpid()}\n".encode("ascii"))


if __name__ == "__main__":
    main()
