"""The real federation through its command: started, broken part by part, started again."""

import os
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx

from deploy.data_folder import read_access_keys
from tests.support.federations import Federation, running_federation
from tests.support.processes import PATIENCE_SECONDS, ROOT, kill, wait_until

PARTS = ("registry", "funds", "loans", "gateway")


def reseau(federation: Federation, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command on the federation's folder, in French."""
    command = [sys.executable, "-m", "deploy.command_line", *arguments]
    return subprocess.run(
        [*command, "--data-dir", str(federation.folder.root)],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "fr_CA.UTF-8"},
        capture_output=True,
        text=True,
    )


def status(federation: Federation, key: str, path: str = "/v1/organisations") -> int:
    """What the gateway answers; 0 when it does not."""
    try:
        headers = {"Authorization": f"Bearer {key}"}
        answer = httpx.get(federation.url + path, headers=headers, timeout=PATIENCE_SECONDS)
        return answer.status_code
    except httpx.TransportError:
        return 0


def part_of(federation: Federation, name: str) -> int:
    """The process of one part of this very federation; 0 when there is none."""
    log = str(federation.folder.logs / f"{name}.log")
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            is_named = (entry / "comm").read_text(encoding="utf-8").strip() == f"reseau-{name}"
            if is_named and os.readlink(entry / "fd" / "1") == log:
                return int(entry.name)
        except OSError:
            continue
    return 0


def is_replaced(federation: Federation, name: str, before: int) -> bool:
    return part_of(federation, name) not in (0, before)


def test_first_start_writes_keys_that_work(federation: Federation) -> None:
    keys = federation.keys
    assert stat.S_IMODE(federation.folder.access_keys.stat().st_mode) == 0o600
    for key in (keys.network, keys.funder, keys.auditor, keys.members["montreal"]):
        assert status(federation, key) == 200
    assert status(federation, "none-of-them") == 401


def test_new_key_works_until_it_is_revoked(federation: Federation) -> None:
    created = reseau(federation, "keys", "create", "--role", "member", "--organisation", "estrie")
    assert created.returncode == 0, created.stderr
    key = created.stdout.strip()
    assert status(federation, key) == 200
    key_id = created.stderr.split()[1]
    assert key_id in reseau(federation, "keys", "list", "--organisation", "estrie").stdout
    assert reseau(federation, "keys", "revoke", key_id).returncode == 0
    assert status(federation, key) == 401


def test_verify_finds_no_difference(federation: Federation) -> None:
    result = reseau(federation, "verify")
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def test_whatever_is_killed_comes_back_and_a_restart_keeps_what_was_stored(directory: Path) -> None:
    with running_federation(directory) as first:
        created = reseau(first, "keys", "create", "--role", "funder")
        assert created.returncode == 0, created.stderr
        for name in PARTS:
            before = part_of(first, name)
            kill(before)
            wait_until(partial(is_replaced, first, name, before), name)
        wait_until(lambda: status(first, created.stdout.strip()) == 200, "answers again")
        postmaster = (first.folder.postgresql / "postmaster.pid").read_text().splitlines()[0]
        kill(int(postmaster))
        wait_until(lambda: status(first, created.stdout.strip()) == 200, "PostgreSQL again")
    with running_federation(directory) as second:
        assert second.keys == first.keys == read_access_keys(second.folder)
        assert status(second, second.keys.network) == 200
        assert status(second, created.stdout.strip()) == 200
    result = reseau(second, "verify")  # which starts PostgreSQL for itself
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert part_of(second, "gateway") == 0
