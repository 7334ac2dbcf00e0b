"""What the processes of a federation use: processors and memory, read from Linux's /proc."""

import os
from collections.abc import Collection
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def family(process: int) -> set[int]:
    """A process and all its descendants, PostgreSQL's left out."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    found = {process}
    for child in map(int, children.split()):
        if Path(f"/proc/{child}/comm").read_text(encoding="utf-8").strip() != "postgres":
            found |= family(child)
    return found


def proportional_megabytes(processes: Collection[int]) -> float:
    """Private pages whole, shared pages divided by those who share them (Pss)."""
    return sum(_read_megabytes(f"/proc/{each}/smaps_rollup", "Pss:") for each in processes)


def reset_peak(processes: Collection[int]) -> None:
    """Start the peak of each anew."""
    for each in processes:
        Path(f"/proc/{each}/clear_refs").write_text("5", encoding="ascii")


def peak_megabytes(processes: Collection[int]) -> float:
    """The largest resident set that any one of them has had since the peak was reset."""
    return max(_read_megabytes(f"/proc/{each}/status", "VmHWM:") for each in processes)


def processor_seconds(processes: Collection[int]) -> float:
    """Time of processors used until now, in user and system mode."""
    return sum(map(_read_processor_seconds, processes))


def _read_processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def _read_megabytes(file: str, name: str) -> float:
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0
