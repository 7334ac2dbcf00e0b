"""TCP ports of the loopback interface."""

import random
import socket
import sys
import time

from deploy.language import DeploymentError

# Below the range from which systems take the ports of outgoing connections: a port chosen here is
# still free when its server binds it a second later.
_FIRST, _LAST = 20000, 32000
_ATTEMPTS_MAX = 200


def free_port() -> int:
    """A port that nobody listens on, and that no process is given until this one ends."""
    for _ in range(_ATTEMPTS_MAX):
        port = random.randint(_FIRST, _LAST)
        if _reserve(port):
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


def _reserve(port: int) -> bool:
    """Bind the port for good, without listening: a server that shares addresses still can.

    Whoever looks for a free port does not share, and finds it taken: two federations that start at
    the same time get none in common. Elsewhere than on Linux a bound port is nobody else's.
    """
    keeper = socket.socket()
    try:
        keeper.bind(("127.0.0.1", port))
    except OSError:
        keeper.close()
        return False
    if sys.platform != "linux":
        keeper.close()
        return True
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.detach()
    return True


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections that are only waiting to be forgotten do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
