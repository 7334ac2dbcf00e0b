"""The embedded PostgreSQL: its making, its faults, and that it never stays behind."""

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import asyncpg
import pytest

from deploy.cluster import (
    find_programs,
    running_cluster,
    server_processes,
    start_cluster,
    stop_cluster,
)
from deploy.data_folder import DataFolder, locked, open_data_folder
from deploy.language import DeploymentError
from deploy.ports import free_port
from deploy.privileges import command_prefix, server_account
from tests.support.processes import (
    PATIENCE_SECONDS,
    close,
    is_alive,
    kill,
    read_line,
    run_module,
    wait_until,
)


@pytest.fixture(scope="module")
def stopped_cluster() -> Iterator[DataFolder]:
    """A cluster made once; tests copy it."""
    parent = Path(mkdtemp())
    folder = open_data_folder(parent / "data")
    with running_cluster(folder, durable=False):
        pass
    yield folder
    shutil.rmtree(parent)


@pytest.fixture
def made(folder: DataFolder, stopped_cluster: DataFolder) -> DataFolder:
    """A data folder with a stopped cluster in it."""
    shutil.copytree(stopped_cluster.root, folder.root, dirs_exist_ok=True)
    return folder


async def execute(dsn: str, *statements: str) -> object:
    """Run statements, answer the first value of the last."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        value: object = await connection.fetchval(statements[-1])
        return value
    finally:
        await connection.close()


async def test_first_start_makes_a_cluster_and_the_next_keeps_its_data(folder: DataFolder) -> None:
    assert stat.S_IMODE(folder.root.parent.stat().st_mode) == 0o700
    with running_cluster(folder) as cluster:
        dsn = cluster.superuser_dsn()
        assert await execute(dsn, "SHOW data_checksums") == "on"
        assert await execute(dsn, "SHOW server_encoding") == "UTF8"
        assert await execute(dsn, "SHOW fsync") == "on"
        assert await execute(dsn, "SHOW unix_socket_directories") == ""
        locale = "SELECT datlocale FROM pg_database WHERE datname = 'template1'"
        assert await execute(dsn, locale) in {"PG_UNICODE_FAST", "C.UTF-8"}
        await execute(dsn, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n")
    assert server_processes(folder.postgresql) == []
    with running_cluster(folder) as cluster:
        assert await execute(cluster.superuser_dsn(), "SELECT n FROM kept") == 7
    assert list(folder.root.glob("postgresql.partial-*")) == []
    assert stat.S_IMODE((folder.secrets / "postgresql-superuser").stat().st_mode) == 0o600


async def test_password_is_asked(made: DataFolder) -> None:
    with running_cluster(made, durable=False) as cluster:
        dsn = f"postgresql://postgres:wrong@127.0.0.1:{cluster.port}/postgres"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(dsn)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes account")
def test_as_root_the_server_runs_unprivileged_behind_closed_folders(folder: DataFolder) -> None:
    with running_cluster(folder, durable=False):
        for process in server_processes(folder.postgresql):
            assert Path(f"/proc/{process}").stat().st_uid != 0


def test_ordinary_user(folder: DataFolder) -> None:
    os.chmod(folder.root.parent, 0o777)
    holder = run_module(
        "tests.support.hold_cluster", str(folder.root.parent / "own"), ordinary_user=True
    )
    try:
        assert read_line(holder).startswith("postgresql://")
        holder.terminate()
        assert holder.wait(PATIENCE_SECONDS) == 0
        assert server_processes(folder.root.parent / "own" / "postgresql") == []
    finally:
        close(holder)


async def test_recovers_from_kill_of_the_postmaster(made: DataFolder) -> None:
    cluster = start_cluster(made)
    await execute(
        cluster.superuser_dsn(),
        "CREATE TABLE kept (n int)",
        "INSERT INTO kept VALUES (1) RETURNING n",
    )
    kill(postmaster(made))
    assert cluster.guardian.wait(PATIENCE_SECONDS) == 128 + signal.SIGKILL
    stop_cluster(cluster)
    with running_cluster(made, port=cluster.port) as again:
        assert again.port == cluster.port
        assert await execute(again.superuser_dsn(), "SELECT n FROM kept") == 1


async def test_kill_of_the_guardian_leaves_no_obstacle(made: DataFolder) -> None:
    cluster = start_cluster(made)
    cluster.guardian.kill()
    stop_cluster(cluster)
    with running_cluster(made) as again:
        assert await execute(again.superuser_dsn(), "SELECT 1") == 1
    assert server_processes(made.postgresql) == []


def test_kill_of_the_starter_stops_the_server(made: DataFolder) -> None:
    holder = run_module("tests.support.hold_cluster", str(made.root))
    try:
        read_line(holder)
        assert server_processes(made.postgresql)
        holder.kill()
        wait_until(lambda: not server_processes(made.postgresql), "server stopped")
        with locked(made), running_cluster(made, durable=False):
            pass
    finally:
        close(holder)


def test_server_that_nobody_guards_is_stopped_first(made: DataFolder) -> None:
    programs = find_programs()
    with running_cluster(made, durable=False):
        account = server_account(made.postgresql)
    prefix = command_prefix(account, (programs, made.postgresql), "INT")
    command = [*prefix, str(programs / "postgres"), "-D", str(made.postgresql)]
    command += ["-c", f"port={free_port()}", "-c", "unix_socket_directories="]
    orphan = subprocess.Popen(command, env={}, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(server_processes(made.postgresql)) > 3, "orphan started")
    with running_cluster(made, durable=False):
        assert orphan.wait(PATIENCE_SECONDS) == 0


def test_lock_file_that_names_a_stranger_is_stale(made: DataFolder) -> None:
    (made.postgresql / "postmaster.pid").write_text(f"{os.getpid()}\n{made.postgresql}\n")
    with running_cluster(made, durable=False):
        pass


def test_interrupted_making_is_done_again(folder: DataFolder) -> None:
    holder = run_module("tests.support.hold_cluster", str(folder.root))
    try:
        making = "postgresql.partial-*/cluster"
        wait_until(lambda: any(folder.root.glob(making)), "initdb begun")
        holder.send_signal(signal.SIGSTOP)  # it gives the cluster no name before it is killed
        wait_until(lambda: any(folder.root.glob(f"{making}/base/1")), "initdb half-way")
        holder.kill()
    finally:
        close(holder)
    assert not folder.postgresql.exists()
    with running_cluster(folder, durable=False):
        pass
    assert list(folder.root.glob("postgresql.partial-*")) == []


def test_folder_has_one_owner_at_a_time(folder: DataFolder) -> None:
    with locked(folder), pytest.raises(DeploymentError, match=str(os.getpid())), locked(folder):
        pass
    with locked(folder):
        pass


def test_folder_of_something_else_is_refused(folder: DataFolder) -> None:
    folder.postgresql.mkdir()
    (folder.postgresql / "letter.txt").write_text("Bonjour")
    with pytest.raises(DeploymentError, match=r"postgresql"):
        start_cluster(folder)
    assert (folder.postgresql / "letter.txt").exists()


def test_cluster_of_another_version_is_refused(made: DataFolder) -> None:
    (made.postgresql / "PG_VERSION").write_text("16\n")
    with pytest.raises(DeploymentError, match="16"):
        start_cluster(made)


def test_throw_away_cluster_is_removed_with_its_folder(made: DataFolder) -> None:
    with running_cluster(made, durable=False, throw_away=True) as cluster:
        process = cluster.guardian.pid
    assert not is_alive(process)
    assert not made.root.exists()


def test_start_failure_quotes_the_server(made: DataFolder) -> None:
    (made.postgresql / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(DeploymentError, match="no_such_setting"):
        start_cluster(made)


def postmaster(folder: DataFolder) -> int:
    return int((folder.postgresql / "postmaster.pid").read_text().splitlines()[0])
