"""Run the Alembic history of one service."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config

import services


def migrate(service: str, owner_url: str) -> None:
    """Bring a service's schema to its newest version, as the owner of that schema.

    Alembic's environment waits for an advisory lock first, and runs its own event loop: call this
    from a thread that runs none.
    """
    configuration = Config()
    configuration.set_main_option("script_location", str(migrations_of(service)).replace("%", "%%"))
    with _environment_variable("RESEAU_DATABASE_URL", owner_url):
        command.upgrade(configuration, "head")


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
