"""Under which account the server runs, and what root may open for it."""

import os
import stat
from pathlib import Path

import pytest

from deploy.language import DeploymentError
from deploy.privileges import Account, command_prefix, open_programs, server_account

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes account")


@only_root
def test_programs_installed_under_a_strict_umask_are_opened(tmp_path: Path) -> None:
    programs, share = tmp_path / "bin", tmp_path / "share"
    for folder in (programs, share):
        folder.mkdir(mode=0o700)
    (programs / "postgres").touch(0o700)
    (share / "errcodes.txt").touch(0o600)
    open_programs(tmp_path)
    assert stat.S_IMODE((programs / "postgres").stat().st_mode) == 0o755
    assert stat.S_IMODE((share / "errcodes.txt").stat().st_mode) == 0o644
    assert stat.S_IMODE(share.stat().st_mode) == 0o755


@only_root
def test_root_takes_the_account_of_an_existing_cluster(tmp_path: Path) -> None:
    assert server_account(tmp_path / "none-yet") == Account(65534, 65534)
    assert server_account(tmp_path) == Account(65534, 65534)
    os.chown(tmp_path, 1234, 1235)
    assert server_account(tmp_path) == Account(1234, 1235)


@only_root
def test_capability_is_kept_only_where_a_folder_is_closed(tmp_path: Path) -> None:
    closed, opened = tmp_path / "closed", Path("/usr/bin/env")
    nobody = Account(65534, 65534)
    assert "dac_read_search" not in " ".join(command_prefix(nobody, (opened,), "INT"))
    assert "dac_read_search" in " ".join(command_prefix(nobody, (opened, closed), "INT"))


@only_root
def test_root_without_setpriv_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_arguments, **_options: None)
    with pytest.raises(DeploymentError, match="setpriv"):
        command_prefix(Account(65534, 65534), (), "INT")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use any cluster")
def test_cluster_of_another_user_is_refused() -> None:
    with pytest.raises(DeploymentError, match="uid 0"):
        server_account(Path("/"))
