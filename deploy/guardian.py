"""Hold one database server, and stop it when whoever started it goes away.

Run as a script, with the standard library alone:
    python -I -S guardian.py [--remove DIR] COMMAND...
Standard input is a pipe whose other end only the starter holds. Its end of file, however it comes
about (a clean stop, a crash, kill -9), asks the server for a fast shutdown. The exit code is the
server's.
"""

import os
import select
import shutil
import signal
import sys
import time

# PostgreSQL: SIGINT ends sessions and writes a checkpoint, SIGQUIT leaves recovery to the next
# start. Each is given this many seconds before the next, harder one.
_STOP_STEPS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
_POLL_SECONDS = 0.01
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    remove = None
    if arguments[0] == "--remove":
        remove, arguments = arguments[1], arguments[2:]
    wake = _signals_as_file()
    server = os.posix_spawn(
        arguments[0],
        arguments,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
        setsigdef=_STOP_SIGNALS,
    )
    code = _wait_until_asked_to_stop(server, wake)
    if code is None:
        code = _stop(server)
    if remove is not None:
        shutil.rmtree(remove, ignore_errors=True)
    return code


def _signals_as_file() -> int:
    """Turn signals into bytes on a pipe, so that one select() waits for everything."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    for number in (*_STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda _number, _frame: None)
    return readable


def _wait_until_asked_to_stop(server: int, wake: int) -> int | None:
    """The server's exit code if it ended by itself, None when it is to be stopped."""
    while (code := _exit_code(server)) is None:
        readable, _, _ = select.select([0, wake], [], [])
        if 0 in readable and os.read(0, 1) == b"":
            return None
        if wake in readable and set(os.read(wake, 64)) & set(_STOP_SIGNALS):
            return None
    return code


def _stop(server: int) -> int:
    for number, patience_seconds in _STOP_STEPS:
        os.kill(server, number)
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            if (code := _exit_code(server)) is not None:
                return code
            time.sleep(_POLL_SECONDS)
    return 1


def _exit_code(server: int) -> int | None:
    """The shell's reading of how the server ended: 128 + n for signal n; None while it runs."""
    finished, status = os.waitpid(server, os.WNOHANG)
    if finished == 0:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
