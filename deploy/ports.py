"""TCP ports of the loopback interface."""

import itertools
import os
import socket
import time

from deploy.language import DeploymentError

# Below the range from which systems take the ports of outgoing connections: a port chosen here is
# still free when its server binds it a second later.
_FIRST, _LAST = 20000, 31999
# Programs started one after the other look in different places, and none gives a port out twice:
# with random ones, of a thousand starts one got the same for two of its servers.
_PORTS_A_PROCESS = 16
_ATTEMPTS_MAX = 200
_given = itertools.count()


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    for number in itertools.islice(_given, _ATTEMPTS_MAX):
        place = os.getpid() * _PORTS_A_PROCESS + number
        port = _FIRST + place % (_LAST - _FIRST + 1)
        if _can_bind(port):
            return port
    raise DeploymentError(
        f"Aucun port libre entre {_FIRST} et {_LAST} sur 127.0.0.1.",
        f"No free port between {_FIRST} and {_LAST} on 127.0.0.1.",
    )


def require_port(port: int, patience_seconds: float) -> None:
    """Wait for a port that a run killed a moment ago still holds; DeploymentError if it stays."""
    deadline = time.monotonic() + patience_seconds
    while not _can_bind(port):
        if time.monotonic() > deadline:
            raise DeploymentError(
                f"Le port {port} de 127.0.0.1 est déjà pris par un autre programme. "
                "Choisissez-en un autre avec --port.",
                f"Port {port} of 127.0.0.1 is already taken by another program. "
                "Choose another one with --port.",
            )
        time.sleep(0.1)


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections that are only waiting to be forgotten do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
