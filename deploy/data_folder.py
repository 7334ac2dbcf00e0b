"""The one folder that holds everything a federation on one machine keeps.

DIR/postgresql/         the PostgreSQL cluster
DIR/secrets/            passwords of roles and keys that sign tokens, mode 600
DIR/logs/               one file per process
DIR/access-keys.json    the first access keys, mode 600
DIR/running.json        where the running federation listens; gone once it has stopped
DIR/lock                held (flock) for as long as one process owns the folder
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.language import DeploymentError

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths inside a data folder; `root` is absolute."""

    root: Path

    @property
    def postgresql(self) -> Path:
        return self.root / "postgresql"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def token_private_key(self) -> Path:
        return self.secrets / "token-private-key.pem"

    @property
    def token_public_key(self) -> Path:
        return self.secrets / "token-public-key.pem"

    @property
    def access_keys(self) -> Path:
        return self.root / "access-keys.json"

    @property
    def demonstration(self) -> Path:
        return self.root / "demonstration.json"

    @property
    def running(self) -> Path:
        return self.root / "running.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"


@dataclass(frozen=True, slots=True)
class RunningFederation:
    """Where a running federation answers."""

    url: str
    process_id: int
    postgresql_port: int


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """The first access keys of a federation, as its first start wrote them; never shown in logs."""

    network: str = field(repr=False)
    funder: str = field(repr=False)
    auditor: str = field(repr=False)
    operator: str = field(repr=False)
    members: Mapping[str, str] = field(repr=False)


def open_data_folder(path: Path) -> DataFolder:
    """Create what is missing of the folder.

    The folder itself may be entered by others, because the database server can run under another
    account than ours; what it holds may not be read by them.
    """
    root = path.expanduser().absolute()
    try:
        root.mkdir(mode=0o755, parents=True, exist_ok=True)
        for private in (root / "secrets", root / "logs"):
            private.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise DeploymentError(
            f"Le dossier {root} ne peut pas être créé : {error.strerror}.",
            f"The folder {root} cannot be created: {error.strerror}.",
        ) from error
    return DataFolder(root)


def existing_data_folder(path: Path) -> DataFolder:
    """The folder of a federation that has been started before. DeploymentError when it is none."""
    folder = DataFolder(path.expanduser().absolute())
    if not folder.secrets.is_dir():
        raise DeploymentError(
            f"{folder.root} n'est pas un dossier de données de reseau. Donnez --data-dir.",
            f"{folder.root} is not a data folder of reseau. Give --data-dir.",
        )
    return folder


@contextmanager
def locked(folder: DataFolder) -> Iterator[None]:
    """Own the folder until the block ends; the kernel frees it if the process is killed.

    Raises DeploymentError when another process owns it.
    """
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(descriptor, 32).decode("ascii", "replace").strip() or "?"
            raise DeploymentError(
                f"Le dossier {folder.root} est déjà utilisé par une autre exécution de reseau "
                f"(processus {owner}). Arrêtez-la d'abord, ou choisissez un autre --data-dir.",
                f"The folder {folder.root} is already in use by another run of reseau "
                f"(process {owner}). Stop it first, or choose another --data-dir.",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)


def write_private(path: Path, content: str) -> None:
    """Write a file of mode 600 so that it is either wholly there or not there."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_or_create_secret(folder: DataFolder, name: str) -> str:
    """The random password kept under `name`; made at the first call."""
    path = folder.secrets / name
    if not path.exists():
        write_private(path, secrets.token_urlsafe(_SECRET_BYTES))
    return path.read_text(encoding="utf-8")


def write_running(folder: DataFolder, running: RunningFederation) -> None:
    """Remember where this federation answers, for the other commands."""
    write_private(folder.running, json.dumps(asdict(running)) + "\n")


def read_running(folder: DataFolder) -> RunningFederation | None:
    """Where the federation of this folder answers; None when none says so."""
    try:
        document = json.loads(folder.running.read_text(encoding="utf-8"))
        return RunningFederation(
            url=str(document["url"]),
            process_id=int(document["process_id"]),
            postgresql_port=int(document["postgresql_port"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def require_running(folder: DataFolder) -> RunningFederation:
    """Where the federation answers. DeploymentError when it is not running."""
    running = read_running(folder)
    if running is None:
        raise DeploymentError(
            f"La fédération de {folder.root} n'est pas en marche : lancez d'abord reseau up.",
            f"The federation of {folder.root} is not running: start it first with reseau up.",
        )
    return running


def read_access_keys(folder: DataFolder) -> AccessKeys:
    """The keys of `access-keys.json`. Raises DeploymentError when the file is missing or cut."""
    try:
        document = json.loads(folder.access_keys.read_text(encoding="utf-8"))
        return AccessKeys(
            network=str(document["network"]),
            funder=str(document["funder"]),
            auditor=str(document["auditor"]),
            operator=str(document["operator"]),
            members={str(slug): str(key) for slug, key in document["members"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DeploymentError(
            f"Les clés d'accès ne se lisent pas dans {folder.access_keys} : {error}",
            f"The access keys cannot be read from {folder.access_keys}: {error}",
        ) from error
