"""The supervisor: parts that die come back, and nothing survives its end."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

import pytest

from deploy.cluster import server_processes
from deploy.data_folder import DataFolder, read_running
from deploy.ports import free_port
from deploy.supervisor import shorten_logs
from tests.support.processes import (
    PATIENCE_SECONDS,
    close,
    is_alive,
    kill,
    read_line,
    run_module,
    wait_until,
)

MODULE = "tests.support.tiny_federation"


@dataclass(frozen=True, slots=True)
class Tiny:
    """A running tiny federation."""

    folder: DataFolder
    port: int
    inner_port: int
    process: subprocess.Popen[str]

    @property
    def ports(self) -> tuple[int, int]:
        return self.port, self.inner_port

    def processes(self) -> list[int]:
        """Everything it has started: PostgreSQL's processes and the two parts."""
        return [*server_processes(self.folder.postgresql), *map(ask, self.ports)]


@pytest.fixture
def tiny(folder: DataFolder) -> Iterator[Tiny]:
    running = start(folder)
    yield running
    running.process.send_signal(signal.SIGTERM)
    try:
        running.process.wait(PATIENCE_SECONDS)
    finally:
        close(running.process)


def start(folder: DataFolder) -> Tiny:
    port, inner_port = free_port(), free_port()
    process = run_module(MODULE, str(folder.root), str(port), str(inner_port))
    assert read_line(process) == f"ready http://127.0.0.1:{port}/"
    return Tiny(folder, port, inner_port, process)


def ask(port: int) -> int:
    """The process number of the part behind a port; 0 when none answers."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE_SECONDS) as answer:
            return int(answer.read())
    except (OSError, HTTPException):
        return 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_everything_with_exit_code_zero(folder: DataFolder, number: int) -> None:
    tiny = start(folder)
    try:
        processes = tiny.processes()
        note = read_running(folder)
        assert note is not None
        assert note.url == f"http://127.0.0.1:{tiny.port}"
        tiny.process.send_signal(number)
        assert tiny.process.wait(PATIENCE_SECONDS) == 0
        assert [process for process in processes if is_alive(process)] == []
        assert read_running(folder) is None
    finally:
        close(tiny.process)


def test_signal_while_starting_stops_everything(folder: DataFolder) -> None:
    process = run_module(MODULE, str(folder.root), str(free_port()), str(free_port()))
    try:
        wait_until(lambda: any(folder.root.glob("postgresql*")), "making of the cluster")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0
        assert server_processes(folder.postgresql) == []
    finally:
        close(process)


def test_kill_of_the_supervisor_leaves_nothing_and_the_next_start_works(folder: DataFolder) -> None:
    tiny = start(folder)
    try:
        processes = tiny.processes()
        tiny.process.kill()
        wait_until(lambda: not any(map(is_alive, processes)), "all processes ended")
    finally:
        close(tiny.process)
    again = start(folder)
    again.process.send_signal(signal.SIGTERM)
    try:
        assert again.process.wait(PATIENCE_SECONDS) == 0
    finally:
        close(again.process)


def test_kill_of_the_supervisor_and_start_at_once_on_the_same_port(folder: DataFolder) -> None:
    tiny = start(folder)
    tiny.process.kill()
    again = run_module(MODULE, str(folder.root), str(tiny.port), str(free_port()))
    try:
        assert read_line(again) == f"ready http://127.0.0.1:{tiny.port}/"
        again.send_signal(signal.SIGTERM)
        assert again.wait(PATIENCE_SECONDS) == 0
    finally:
        close(tiny.process)
        close(again)


@pytest.mark.parametrize("part", ["inner", "gateway"])
def test_killed_part_comes_back_on_its_port(tiny: Tiny, part: str) -> None:
    port = tiny.inner_port if part == "inner" else tiny.port
    before = ask(port)
    kill(before)
    wait_until(lambda: ask(port) not in (0, before), f"{part} again")


def test_parts_outlive_the_process_they_were_forked_from(tiny: Tiny) -> None:
    before = ask(tiny.inner_port)
    stem = int(Path(f"/proc/{before}/stat").read_text().rpartition(")")[2].split()[1])
    kill(stem)
    wait_until(lambda: not is_alive(stem), "stem ended")
    assert ask(tiny.inner_port) == before
    kill(before)
    wait_until(lambda: ask(tiny.inner_port) not in (0, before), "inner part again")


def test_parts_are_told_apart_by_name(tiny: Tiny) -> None:
    names = [Path(f"/proc/{ask(port)}/comm").read_text().strip() for port in tiny.ports]
    assert names == ["reseau-gateway", "reseau-inner"]


def test_killed_postgresql_comes_back_on_its_port(tiny: Tiny) -> None:
    lock_file = tiny.folder.postgresql / "postmaster.pid"
    before = lock_file.read_text().splitlines()
    kill(int(before[0]))

    def is_back() -> bool:
        lines = lock_file.read_text().splitlines() if lock_file.exists() else []
        return len(lines) > 7 and lines[0] != before[0] and lines[7].strip() == "ready"

    wait_until(is_back, "PostgreSQL again")
    assert lock_file.read_text().splitlines()[3] == before[3]


def test_second_start_on_the_folder_is_refused(tiny: Tiny) -> None:
    second = run_module(MODULE, str(tiny.folder.root), str(free_port()), str(free_port()))
    _, errors = second.communicate(timeout=PATIENCE_SECONDS)
    assert second.returncode == 1
    assert str(tiny.process.pid) in errors
    assert ask(tiny.port) != 0


def test_port_taken_by_a_stranger_is_named(folder: DataFolder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        refused = run_module(MODULE, str(folder.root), str(port), str(free_port()))
        _, errors = refused.communicate(timeout=PATIENCE_SECONDS)
    assert refused.returncode == 1
    assert str(port) in errors
    assert not folder.postgresql.exists()


def test_part_that_cannot_start_stops_the_whole_and_is_quoted(folder: DataFolder) -> None:
    broken = "tests.support.tiny_app:create_broken_app"
    refused = run_module(MODULE, str(folder.root), str(free_port()), str(free_port()), broken)
    _, errors = refused.communicate(timeout=PATIENCE_SECONDS)
    assert refused.returncode == 1
    assert "inner" in errors
    assert "this part cannot start" in errors
    assert server_processes(folder.postgresql) == []


def test_logs_are_bounded(tmp_path: Path) -> None:
    long, short = tmp_path / "long.log", tmp_path / "short.log"
    long.write_text("old\n" * 100)
    short.write_text("kept\n")
    with long.open("a") as writer:
        shorten_logs(tmp_path, 100)
        writer.write("new\n")
    assert long.read_text() == "new\n"
    assert (tmp_path / "long.log.1").read_text() == "old\n" * 100
    assert short.read_text() == "kept\n"
