"""A real federation for tests: every process, through the command that people run."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from deploy.data_folder import AccessKeys, DataFolder, open_data_folder, read_access_keys
from deploy.ports import free_port
from tests.support.databases import fast_directory
from tests.support.processes import PATIENCE_SECONDS, ROOT, close

_ENVIRONMENT = {
    # Much less than by default, so that tests of long imports are not long.
    "RESEAU_LONG_IMPORT_ROWS": "1000",
    "RESEAU_JOB_HEARTBEAT_SECONDS": "2",
    # A busy machine is slow, not down.
    "RESEAU_AUTHENTICATION_SECONDS": "60",
    "RESEAU_CONNECT_SECONDS": "60",
    "RESEAU_REPORT_SECONDS": "120",
}


@dataclass(frozen=True, slots=True)
class Federation:
    """A running federation and its first access keys."""

    url: str
    folder: DataFolder
    process: subprocess.Popen[str]
    keys: AccessKeys


@contextmanager
def running_federation(directory: Path | None = None) -> Iterator[Federation]:
    """`reseau up` on a directory of its own, or on a given one, which is then kept."""
    root = directory or Path(mkdtemp(prefix="reseau-federation-", dir=fast_directory()))
    folder = open_data_folder(root)
    process = start_federation(folder)
    try:
        yield read_federation(folder, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_SECONDS)
        finally:
            close(process)
            if directory is None:
                shutil.rmtree(root)


def start_federation(folder: DataFolder, *options: str) -> subprocess.Popen[str]:
    """Start `reseau up` without waiting; its messages go to logs/up.log."""
    command = ["up", "--data-dir", str(folder.root), "--port", str(free_port()), *options]
    with (folder.logs / "up.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.command_line", *command],
            cwd=ROOT,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )


def read_federation(folder: DataFolder, process: subprocess.Popen[str]) -> Federation:
    """Wait until it says that it is ready."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("ready "), (folder.logs / "up.log").read_text(encoding="utf-8")
    url = line.removeprefix("ready ").strip().rstrip("/")
    return Federation(url, folder, process, read_access_keys(folder))
