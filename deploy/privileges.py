"""Under which account the database server runs.

PostgreSQL refuses to run as root. Started by an ordinary user it runs as that user; started by root
it runs as the owner of an existing cluster, else as `nobody`: no account is created on the machine.
"""

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from deploy.language import DeploymentError

_NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Account:
    user_id: int
    group_id: int


def server_account(cluster_directory: Path) -> Account | None:
    """The account the server must change to; None when it runs as we do."""
    owner = cluster_directory.stat() if cluster_directory.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise DeploymentError(
                f"{cluster_directory} appartient à un autre utilisateur (uid {owner.st_uid}).",
                f"{cluster_directory} belongs to another user (uid {owner.st_uid}).",
            )
        return None
    if owner is not None and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    return Account(_NOBODY, _NOBODY)


def give(path: Path, account: Account | None) -> None:
    """Make the account the owner of a path and of all it holds."""
    if account is None:
        return
    os.chown(path, account.user_id, account.group_id)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            entry = os.path.join(folder, name)
            os.chown(entry, account.user_id, account.group_id, follow_symlinks=False)


def command_prefix(
    account: Account | None, needed: tuple[Path, ...], parent_death_signal: str
) -> tuple[str, ...]:
    """What goes before a command so that it runs as the account, and never outlives its parent.

    When a needed path is closed to the account (below a home of mode 700 or a `mktemp -d`, or
    installed under a strict umask), the command keeps one capability of root: to read and search,
    never to write. Without `no_setuid_fixup` the kernel would forget it whenever PostgreSQL asks
    beforehand, with access(2), whether a file can be read.
    """
    setpriv = shutil.which("setpriv", path=f"{os.environ.get('PATH', '')}:/usr/bin:/bin")
    if account is None:
        if setpriv is None:
            return ()
        return (setpriv, "--pdeathsig", parent_death_signal)
    if setpriv is None:
        raise DeploymentError(
            "PostgreSQL refuse de tourner sous root, et la commande setpriv (util-linux) est "
            "introuvable. Installez-la, ou lancez reseau sous un utilisateur ordinaire.",
            "PostgreSQL refuses to run as root, and the command setpriv (util-linux) is not found. "
            "Install it, or run reseau as an ordinary user.",
        )
    prefix = [setpriv, "--reuid", str(account.user_id), "--regid", str(account.group_id)]
    prefix += ["--clear-groups", "--no-new-privs", "--pdeathsig", parent_death_signal]
    if not all(_reachable(path, account) for path in needed):
        prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        prefix += ["--securebits", "+no_setuid_fixup"]
    return tuple(prefix)


def _reachable(path: Path, account: Account) -> bool:
    """True when the mode bits let the account enter every folder above the path, and read it."""
    above = {*path.absolute().parents, *path.resolve().parents}
    return all(
        _allows(folder.stat(), account, stat.S_IXUSR) for folder in above if folder.exists()
    ) and (not path.exists() or _allows(path.stat(), account, stat.S_IRUSR))


def _allows(file: os.stat_result, account: Account, owner_bit: int) -> bool:
    """Whether the bit is set that counts for the account: the owner's, the group's or others'."""
    if file.st_uid == account.user_id:
        return bool(file.st_mode & owner_bit)
    if file.st_gid == account.group_id:
        return bool(file.st_mode & owner_bit >> 3)
    return bool(file.st_mode & owner_bit >> 6)
