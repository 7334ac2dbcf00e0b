"""Start, watch and kill processes from tests."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.privileges import Account, command_prefix

ROOT = Path(__file__).parents[2]
NOBODY = Account(65534, 65534)


PATIENCE_SECONDS = 240
"""Longer than any machine is busy: reached by a defect alone."""


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition holds; an AssertionError naming `what` when it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.02)


def kill(process_id: int) -> None:
    """kill -9 of one process: 0 would be all of this group, the tests among them."""
    assert process_id > 0, "there is no such process"
    os.kill(process_id, signal.SIGKILL)


def is_alive(process_id: int) -> bool:
    """True while the process runs; a zombie that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def run_module(module: str, *arguments: str, ordinary_user: bool = False) -> subprocess.Popen[str]:
    """Start `python -m module`; as root, `ordinary_user` gives up every right but reading."""
    prefix: tuple[str, ...] = ()
    if ordinary_user and os.geteuid() == 0:
        prefix = command_prefix(NOBODY, (Path(sys.executable).resolve(), ROOT), "KILL")
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def read_line(process: subprocess.Popen[str]) -> str:
    """The next line of standard output; fails with the standard error when there is none."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return line.strip()


def close(process: subprocess.Popen[str]) -> None:
    """Kill what is left of a process and close its pipes, so that no warning is raised later."""
    process.kill()
    process.communicate()
