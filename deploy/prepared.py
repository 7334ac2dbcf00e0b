"""Whether the database still stands as it was last prepared: then a start need not prepare it.

The mark is a comment on the database itself, so that it goes wherever the data go.
"""

import hashlib
from importlib.metadata import version
from pathlib import Path

import asyncpg

import services
from deploy import provisioning
from deploy.data_folder import DataFolder, read_or_create_secret
from deploy.provisioning import DATABASE, SERVICES, roles_of


def fingerprint(folder: DataFolder) -> str:
    """A digest of everything that preparing reads: migrations, register, grants and passwords.

    And of the version of the library whose queue it installs.
    """
    root = Path(services.__path__[0])
    files = [
        Path(provisioning.__file__),
        root / "common" / "schema.py",
        root / "common" / "import_tables.py",
        root / "common" / "job_queue.py",
        *root.glob("*/migrations/**/*.py"),
        *root.glob("registry/**/*.csv"),
        *root.glob("*/seed.py"),
    ]
    digest = hashlib.sha256(version("pgqueuer").encode())
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    for role in (role for service in SERVICES for role in roles_of(service)):
        digest.update(read_or_create_secret(folder, role).encode() + b"\0")
    return f"prepared {digest.hexdigest()}"


async def is_prepared(folder: DataFolder, superuser_dsn: str) -> bool:
    """True when the database carries the mark of this fingerprint and no file is missing."""
    if not folder.access_keys.exists() or not folder.token_public_key.exists():
        return False
    connection = await asyncpg.connect(superuser_dsn)
    try:
        mark: object = await connection.fetchval(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1",
            DATABASE,
        )
        return mark == fingerprint(folder)
    finally:
        await connection.close()


async def mark_prepared(folder: DataFolder, superuser_dsn: str) -> None:
    """Leave the mark; call it last."""
    connection = await asyncpg.connect(superuser_dsn)
    try:
        await connection.execute(f"COMMENT ON DATABASE {DATABASE} IS '{fingerprint(folder)}'")
    finally:
        await connection.close()
