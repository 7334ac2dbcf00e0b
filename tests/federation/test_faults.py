"""kill -9 in the middle of an import: all of it or none, and sending it again completes it."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import httpx
import pytest

from tests.federation.test_federation import part_of, reseau
from tests.support.databases import fast_directory
from tests.support.federations import Federation, running_federation
from tests.support.processes import PATIENCE_SECONDS, ROOT, kill, wait_until

LOANS = 500
HEADER = "external_id,borrower_external_id,principal,annual_rate,instalments,disbursed_on"


def sheet(prefix: str) -> bytes:
    rows = [f"{prefix}-{n},{prefix}-B{n},{5000 + n}.00,7,24,2026-01-15" for n in range(LOANS)]
    return "\n".join([HEADER, *rows]).encode()


def send(
    federation: Federation, body: bytes, organisation: str = "estrie"
) -> httpx.Response | None:
    """Post the sheet; None when the answer never came."""
    try:
        return httpx.post(
            f"{federation.url}/v1/imports?kind=loans",
            content=body,
            headers={
                "Authorization": f"Bearer {federation.keys.members[organisation]}",
                "Content-Type": "text/csv",
            },
            timeout=PATIENCE_SECONDS,
        )
    except httpx.TransportError:
        return None


def send_until_taken(federation: Federation, body: bytes) -> dict[str, int]:
    """Send the sheet as often as it is refused for a part that is down; its counts."""
    answers: list[httpx.Response] = []

    def is_taken() -> bool:
        response = send(federation, body)
        if response is not None and response.status_code not in (502, 503):
            answers.append(response)
        return bool(answers)

    wait_until(is_taken, "answers again")
    counts: dict[str, int] = answers[0].json()["counts"]
    return counts


def break_while_sending(
    federation: Federation, body: bytes, seconds: float, fault: Callable[[], None]
) -> list[httpx.Response | None]:
    """Send the sheet, strike after some time, and tell what the client saw."""
    seen: list[httpx.Response | None] = []
    client = threading.Thread(target=lambda: seen.append(send(federation, body)))
    client.start()
    time.sleep(seconds)
    fault()
    client.join()
    return seen


def complete(federation: Federation, body: bytes, seen: list[httpx.Response | None]) -> None:
    """What was stored is all or nothing, what was answered was true, and again makes it whole."""
    [before] = seen
    counts = send_until_taken(federation, body)
    assert (counts["created"], counts["unchanged"]) in ((LOANS, 0), (0, LOANS)), counts
    if before is not None and before.is_success:
        assert counts["unchanged"] == LOANS, "an import answered as stored was lost"
    assert send_until_taken(federation, body)["unchanged"] == LOANS


def kill_part(federation: Federation, name: str) -> None:
    kill(part_of(federation, name))


def kill_postgresql(federation: Federation) -> None:
    pid_file = federation.folder.postgresql / "postmaster.pid"
    kill(int(pid_file.read_text().splitlines()[0]))


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    path = Path(mkdtemp(dir=fast_directory()))
    yield path
    shutil.rmtree(path)


@pytest.mark.xdist_group("federation")
def test_killed_parts_leave_all_or_nothing(directory: Path) -> None:
    with running_federation(directory) as federation:
        faults: list[tuple[float, Callable[[], None]]] = [
            (0.05, partial(kill_part, federation, "loans")),
            (0.3, partial(kill_part, federation, "loans")),
            (0.2, partial(kill_postgresql, federation)),
            (0.1, partial(kill_part, federation, "gateway")),
        ]
        for number, (seconds, fault) in enumerate(faults):
            body = sheet(f"F{number}")
            seen = break_while_sending(federation, body, seconds, fault)
            complete(federation, body, seen)
        body = sheet("F-supervisor")
        seen = break_while_sending(federation, body, 0.3, partial(kill, federation.process.pid))
    with running_federation(directory) as again:
        complete(again, body, seen)
        result = reseau(again, "verify")
        assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


@pytest.mark.xdist_group("federation")
def test_a_client_that_leaves_half_way_stores_nothing(federation: Federation) -> None:
    body = sheet("GONE")
    script = (
        "import socket,sys;"
        "body=sys.stdin.buffer.read();"
        "s=socket.create_connection(('127.0.0.1',int(sys.argv[1])));"
        "s.sendall(('POST /v1/imports?kind=loans HTTP/1.1\\r\\nHost: x\\r\\n"
        "Authorization: Bearer '+sys.argv[2]+'\\r\\nContent-Type: text/csv\\r\\n"
        "Content-Length: '+str(len(body))+'\\r\\n\\r\\n').encode()+body[:len(body)//2]);"
        "s.close()"
    )
    port = federation.url.rpartition(":")[2]
    key = federation.keys.members["outaouais"]
    command = [sys.executable, "-c", script, port, key]
    subprocess.run(command, input=body, cwd=ROOT, check=True)
    time.sleep(0.5)
    whole = send(federation, body, "outaouais")
    assert whole is not None
    assert whole.json()["counts"]["created"] == LOANS
