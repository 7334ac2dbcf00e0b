"""Faults in the middle of a long import: it goes on by itself, and is recorded exactly once."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import httpx
import pytest

from deploy.cluster import find_programs, superuser_dsn
from deploy.data_folder import read_running
from deploy.provisioning import DATABASE
from services.common.identity import organisation_id
from tests.federation.test_faults import kill_part, kill_postgresql
from tests.federation.test_federation import reseau
from tests.support.databases import fast_directory
from tests.support.federations import Federation, running_federation
from tests.support.processes import PATIENCE_SECONDS, ROOT, close, kill, read_line, wait_until

LOANS = 1_200
HEADER = "external_id,borrower_external_id,principal,annual_rate,instalments,disbursed_on"
ENDED = ("done", "refused", "failed", "cancelled")
LOCK = """
BEGIN;
INSERT INTO loans.organisation_counters (organisation_id) VALUES ('{}')
ON CONFLICT (organisation_id)
DO UPDATE SET last_event_number = organisation_counters.last_event_number;
\\echo held
"""


def sheet(prefix: str) -> bytes:
    rows = [f"{prefix}-{n},{prefix}-B{n},{500 + n}.00,7,3,2026-01-15" for n in range(LOANS)]
    return "\n".join([HEADER, *rows]).encode()


def headers_of(federation: Federation, organisation: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {federation.keys.members[organisation]}",
        "Content-Type": "text/csv",
        "Prefer": "respond-async",
    }


def accept(federation: Federation, organisation: str, body: bytes) -> str:
    """Send a sheet; the address of its import."""
    address = f"{federation.url}/v1/imports?kind=loans"
    response = post(address, headers_of(federation, organisation), body)
    assert response.status_code == 202, response.text
    return federation.url + response.headers["location"]


def get(federation: Federation, organisation: str, address: str) -> httpx.Response:
    headers = headers_of(federation, organisation)
    return httpx.get(address, headers=headers, timeout=PATIENCE_SECONDS)


def post(address: str, headers: dict[str, str], body: bytes = b"") -> httpx.Response:
    return httpx.post(address, content=body, headers=headers, timeout=PATIENCE_SECONDS)


def look(federation: Federation, organisation: str, address: str) -> dict[str, object]:
    """The import; empty while the part that holds it is down."""
    try:
        response = get(federation, organisation, address)
    except httpx.TransportError:
        return {}
    return dict(response.json()) if response.is_success else {}


def wait_for(federation: Federation, organisation: str, address: str, *states: str) -> None:
    def is_there() -> bool:
        return look(federation, organisation, address).get("state") in states

    wait_until(is_there, f"{address}: {', '.join(states)}")


@contextmanager
def held(federation: Federation, organisation: str) -> Iterator[None]:
    """Keep an organisation's write lock: its imports come as far as recording, and wait."""
    running = read_running(federation.folder)
    assert running is not None
    psql = subprocess.Popen(
        [
            *(find_programs() / "psql", "-X", "-q"),
            superuser_dsn(federation.folder, running.postgresql_port, DATABASE),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert psql.stdin is not None
        psql.stdin.write(LOCK.format(organisation_id(organisation)))
        psql.stdin.flush()
        assert read_line(psql) == "held"
        yield
    finally:
        close(psql)


def expect_done(federation: Federation, organisation: str, address: str) -> None:
    wait_for(federation, organisation, address, *ENDED)
    found = look(federation, organisation, address)
    assert found["state"] == "done", found
    assert found["counts"] == {
        "received": LOANS,
        "created": LOANS,
        "unchanged": 0,
        "rejected": 0,
    }
    listed = get(federation, organisation, f"{federation.url}/v1/imports").json()["items"]
    of_this_file = [each["import_id"] for each in listed if each["sha256"] == found["sha256"]]
    assert of_this_file == [address.rpartition("/")[2]]


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    path = Path(mkdtemp(dir=fast_directory()))
    yield path
    shutil.rmtree(path)


@pytest.mark.xdist_group("federation")
def test_a_killed_import_goes_on_and_is_recorded_once(directory: Path) -> None:
    """Killed in turn: the service as it records, PostgreSQL, the supervisor and all it runs."""
    with running_federation(directory) as federation:
        with held(federation, "estrie"):
            address = accept(federation, "estrie", sheet("estrie"))
            wait_for(federation, "estrie", address, "checking")
        kill_part(federation, "loans")
        expect_done(federation, "estrie", address)
        with held(federation, "laval"):
            address = accept(federation, "laval", sheet("laval"))
            wait_for(federation, "laval", address, "checking")
            kill_postgresql(federation)
        expect_done(federation, "laval", address)
        with held(federation, "outaouais"):
            path = accept(federation, "outaouais", sheet("outaouais")).removeprefix(federation.url)
            wait_for(federation, "outaouais", federation.url + path, "checking")
            kill(federation.process.pid)
    with running_federation(directory) as again:
        expect_done(again, "outaouais", again.url + path)
        result = reseau(again, "verify")
        assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


def test_a_cancelled_import_stores_nothing(federation: Federation) -> None:
    headers = headers_of(federation, "gaspesie")
    with held(federation, "gaspesie"):
        address = accept(federation, "gaspesie", sheet("CANCEL"))
        wait_for(federation, "gaspesie", address, "checking")
        cancelled = post(f"{address}/cancellations", headers)
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    sync = {name: value for name, value in headers.items() if name != "Prefer"}
    few = b"\n".join(sheet("CANCEL").splitlines()[:3])
    after = post(f"{federation.url}/v1/imports?kind=loans", sync, few)
    assert after.json()["counts"] == {"received": 2, "created": 2, "unchanged": 0, "rejected": 0}
    assert look(federation, "gaspesie", address)["state"] == "cancelled"


def test_two_at_once_are_one_and_a_listener_that_leaves_stops_nothing(
    federation: Federation,
) -> None:
    body = sheet("TWICE")
    with held(federation, "mauricie"):
        with ThreadPoolExecutor() as clients:
            asked = [clients.submit(accept, federation, "mauricie", body) for _ in range(2)]
        [address] = {each.result() for each in asked}
        with httpx.stream(
            "GET",
            f"{address}/events",
            headers=headers_of(federation, "mauricie"),
            timeout=PATIENCE_SECONDS,
        ) as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            assert next(stream.iter_lines()).startswith("id: ")
    expect_done(federation, "mauricie", address)


def test_a_client_that_leaves_half_way_starts_nothing(federation: Federation) -> None:
    body = sheet("HALF")
    script = (
        "import socket,sys;"
        "body=sys.stdin.buffer.read();"
        "s=socket.create_connection(('127.0.0.1',int(sys.argv[1])));"
        "s.sendall(('POST /v1/imports?kind=loans HTTP/1.1\\r\\nHost: x\\r\\n"
        "Authorization: Bearer '+sys.argv[2]+'\\r\\nContent-Type: text/csv\\r\\n"
        "Prefer: respond-async\\r\\n"
        "Content-Length: '+str(len(body))+'\\r\\n\\r\\n').encode()+body[:len(body)//2]);"
        "s.close()"
    )
    key = federation.keys.members["charlevoix"]
    command = [sys.executable, "-c", script, federation.url.rpartition(":")[2], key]
    subprocess.run(command, input=body, cwd=ROOT, check=True)
    time.sleep(0.5)
    address = accept(federation, "charlevoix", body)
    expect_done(federation, "charlevoix", address)
