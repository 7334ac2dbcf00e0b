"""Under which account the server runs, and what root may open for it."""

import os
import shutil
from pathlib import Path

import pytest

from deploy.cluster import find_programs, running_cluster, server_processes
from deploy.data_folder import open_data_folder
from deploy.language import DeploymentError
from deploy.privileges import Account, command_prefix, server_account

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes account")


@only_root
def test_server_runs_from_programs_that_root_keeps_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pip leaves them under umask 077, below a folder of mode 700."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = find_programs().parents[1]
    for part in (f"{package.name}/pginstall18", f"{package.name}.libs"):
        shutil.copytree(package.parent / part, closed / part)
    for folder, _, files in os.walk(closed):
        os.chmod(folder, 0o700)
        for name in files:
            os.chmod(os.path.join(folder, name), 0o711 if folder.endswith("/bin") else 0o600)
    programs = closed / package.name / "pginstall18" / "bin"
    monkeypatch.setattr("deploy.cluster.find_programs", lambda: programs)
    with running_cluster(open_data_folder(tmp_path / "data"), durable=False) as cluster:
        for process in server_processes(cluster.folder.postgresql):
            status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
            capabilities = {line for line in status.splitlines() if line.startswith("CapEff")}
            assert capabilities == {"CapEff:\t0000000000000004"}  # CAP_DAC_READ_SEARCH alone


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
