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
from tests.benchmarks.processes import family, proportional_megabytes
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
        megabytes = proportional_megabytes(family(process.pid))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        return seconds, megabytes
    finally:
        close(process)
