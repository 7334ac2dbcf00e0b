"""Start of the whole federation on an existing cluster, and its memory at rest."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

from deploy.data_folder import DataFolder, open_data_folder
from tests.support.federations import read_federation, start_federation
from tests.support.processes import close

RUNS = 7
READY_SECONDS_TARGET = 1.0
MEMORY_MEGABYTES_TARGET = 250
_REST_SECONDS = 1.0


def measure() -> Iterator[str]:
    """The first start makes the cluster and is told apart; the others are the measure."""
    directory = Path(mkdtemp(prefix="reseau-bench-"))
    folder = open_data_folder(directory)
    try:
        runs = [_start_and_stop(folder) for _ in range(RUNS + 1)]
    finally:
        shutil.rmtree(directory)
    seconds = [run[0] for run in runs[1:]]
    memory = [run[1] for run in runs[1:]]
    one, five, _ = os.getloadavg()
    yield f"load of the machine, five minutes and one: {five:.1f}, {one:.1f}"
    yield f"first start: {runs[0][0]:.2f} s"
    yield (
        f"ready from an existing cluster: {median(seconds):.2f} s"
        f" ({min(seconds):.2f} to {max(seconds):.2f}), target {READY_SECONDS_TARGET} s"
    )
    yield (
        f"memory besides PostgreSQL: {median(memory):.0f} MB"
        f" ({min(memory):.0f} to {max(memory):.0f}), target {MEMORY_MEGABYTES_TARGET} MB"
    )


def _start_and_stop(folder: DataFolder) -> tuple[float, float]:
    """Seconds until ready, and megabytes of all our processes, shared pages counted once."""
    began = time.monotonic()
    process = start_federation(folder)
    try:
        read_federation(folder, process)
        seconds = time.monotonic() - began
        time.sleep(_REST_SECONDS)
        kilobytes = sum(map(_proportional_kilobytes, _family(process.pid)))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        return seconds, kilobytes / 1024
    finally:
        close(process)


def _family(process: int) -> set[int]:
    """A process and all its descendants, PostgreSQL's left out."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    family = {process}
    for child in map(int, children.split()):
        if Path(f"/proc/{child}/comm").read_text(encoding="utf-8").strip() != "postgres":
            family |= _family(child)
    return family


def _proportional_kilobytes(process: int) -> int:
    """Private pages whole, shared pages divided by those who share them (Linux: Pss)."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
