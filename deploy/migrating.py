"""Run the Alembic history of one service, and install the queue of its jobs."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config

import services
from deploy.provisioning import SERVICES_WITH_JOBS, roles_of
from services.common import job_queue
from services.common.job_schema import queue_schema


def migrate(service: str, owner_url: str, version: str = "head") -> None:
    """Bring a service's schema to a version, the newest unless said, as the owner of that schema.

    Alembic's environment waits for an advisory lock first, and runs its own event loop: call this
    from a thread that runs none.
    """
    configuration = Config()
    configuration.set_main_option("script_location", str(migrations_of(service)).replace("%", "%%"))
    with _environment_variable("RESEAU_DATABASE_URL", owner_url):
        command.upgrade(configuration, version)


def install_queue(service: str, owner_url: str) -> None:
    """Bring the tables of the service's queue to what the installed library needs.

    They follow the library, not our history: every preparation brings them up to date.
    """
    if service in SERVICES_WITH_JOBS:
        asyncio.run(_install_queue(service, owner_url.replace("+asyncpg", "")))


async def _install_queue(service: str, owner_dsn: str) -> None:
    _, app, *_ = roles_of(service)
    connection = await asyncpg.connect(owner_dsn)
    try:
        await job_queue.install(connection, queue_schema(service), app)
    finally:
        await connection.close()


def migrations_of(service: str) -> Path:
    """The folder of the service's Alembic environment."""
    return Path(services.__path__[0]) / service / "migrations"


@contextmanager
def _environment_variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
