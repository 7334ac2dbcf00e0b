"""One throw-away PostgreSQL for a whole run of the tests, and databases copied from a template.

The first worker of pytest-xdist that needs it starts it; that worker stops it after the last one
has finished. When they are killed instead, the guardian process stops and removes it all the same.
"""

import asyncio
import fcntl
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import asyncpg

from deploy.cluster import Cluster, start_cluster, stop_cluster, superuser_dsn
from deploy.data_folder import DataFolder, open_data_folder
from deploy.migrating import install_queue, migrate
from deploy.provisioning import SERVICES, database_url, grant_database, provision

_TEMPLATE = "template_reseau"


@dataclass(frozen=True, slots=True)
class SharedCluster:
    """The cluster of this run of the tests."""

    folder: DataFolder
    port: int


@dataclass(frozen=True, slots=True)
class ClonedDatabase:
    """A database with every service's newest schema and no rows."""

    cluster: SharedCluster
    name: str

    def url(self, role: str) -> str:
        """For SQLAlchemy and for RESEAU_DATABASE_URL; a role is `loans_app`, `loans_totals`..."""
        return database_url(self.cluster.folder, self.cluster.port, role, self.name)

    def dsn(self, role: str) -> str:
        """For asyncpg itself."""
        return self.url(role).replace("+asyncpg", "")

    @property
    def superuser_dsn(self) -> str:
        return superuser_dsn(self.cluster.folder, self.cluster.port, self.name)


def fast_directory() -> Path:
    """Where throw-away data go: memory where the machine has it."""
    shared_memory = Path("/dev/shm")
    return shared_memory if os.access(shared_memory, os.W_OK) else Path(gettempdir())


@contextmanager
def shared_cluster(run_id: str) -> Iterator[SharedCluster]:
    """The run's cluster; `run_id` is the same in all workers of one run."""
    folder = open_data_folder(fast_directory() / f"reseau-tests-{run_id}")
    users = os.open(folder.root / "users", os.O_RDWR | os.O_CREAT, 0o600)
    started: Cluster | None = None
    try:
        fcntl.flock(users, fcntl.LOCK_SH)
        with _alone(folder.root / "starting"):
            note = folder.root / "port"
            if not note.exists():
                started = start_cluster(folder, durable=False, throw_away=True)
                with ThreadPoolExecutor(1) as thread:  # Alembic runs a loop of its own
                    thread.submit(_make_template, folder, started.port).result()
                note.write_text(str(started.port), encoding="ascii")
            port = int(note.read_text(encoding="ascii"))
        yield SharedCluster(folder, port)
    finally:
        if started is not None:
            fcntl.flock(users, fcntl.LOCK_EX)  # wait for the other workers
            stop_cluster(started)
        os.close(users)


async def clone_database(cluster: SharedCluster, name: str) -> ClonedDatabase:
    """Copy the template: some 15 ms in memory."""
    connection = await asyncpg.connect(superuser_dsn(cluster.folder, cluster.port))
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
        await grant_database(connection, name)
    finally:
        await connection.close()
    return ClonedDatabase(cluster, name)


async def drop_database(database: ClonedDatabase) -> None:
    """Remove it, with whatever is still connected."""
    cluster = database.cluster
    connection = await asyncpg.connect(superuser_dsn(cluster.folder, cluster.port))
    try:
        await connection.execute(f"DROP DATABASE {database.name} WITH (FORCE)")
    finally:
        await connection.close()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_template(folder: DataFolder, port: int) -> None:
    asyncio.run(provision(folder, superuser_dsn(folder, port), _TEMPLATE))
    for service in SERVICES:
        owner_url = database_url(folder, port, f"{service}_owner", _TEMPLATE)
        migrate(service, owner_url)
        install_queue(service, owner_url)
