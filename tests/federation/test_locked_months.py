"""A month locked in one service is locked in the other: told by the relay, as facts are."""

import time
import uuid
from collections.abc import Iterator

import httpx
import pytest

from services.common.errors import JsonValue
from tests.federation.test_federation import reseau
from tests.support.federations import Federation

MEMBER = "centre-du-quebec"
MONTH = f"/v1/reporting-periods/{MEMBER}/1994-06"
CONTRIBUTIONS = f"/v1/funds/{MEMBER}/contributions"
SECONDS_MAX = 30.0
SIGNED = {"name": "A. Roy", "role": "directrice", "statement": "Complet et exact."}


@pytest.fixture(scope="module")
def client(federation: Federation) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=federation.url, timeout=30) as opened:
        yield opened


def post(client: httpx.Client, key: str, path: str, body: JsonValue = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"}
    if body is None:
        return client.post(path, headers=headers)
    return client.post(path, headers=headers, json=body)


def give(client: httpx.Client, key: str) -> httpx.Response:
    """A donation dated in the month, another one each time."""
    donation: JsonValue = {
        "external_id": f"DON-{uuid.uuid4().hex}",
        "contributor": "Une voisine",
        "contributor_kind": "individual",
        "instrument": "donation",
        "purpose": "capital",
        "amount": "20.00",
        "received_on": "1994-06-15",
    }
    return post(client, key, CONTRIBUTIONS, donation)


def give_until(client: httpx.Client, key: str, status: int) -> httpx.Response:
    """The relay carries what happened within seconds."""
    end = time.monotonic() + SECONDS_MAX
    while (answer := give(client, key)).status_code != status:
        assert time.monotonic() < end, answer.text
        time.sleep(0.1)
    return answer


def test_a_month_locked_in_the_loans_is_locked_in_the_funds(
    federation: Federation, client: httpx.Client
) -> None:
    keys = federation.keys
    member = keys.members[MEMBER]
    assert give(client, member).status_code == 201
    assert post(client, member, f"{MONTH}/submissions", {**SIGNED}).status_code == 201
    for step in ("approvals", "locks"):
        assert post(client, keys.network, f"{MONTH}/{step}", {}).status_code == 201
    refused = give_until(client, member, 422).json()
    assert refused["code"] == "reporting_period.locked"
    assert refused["detail"].startswith("Le mois 1994-06 est verrouillé : demandez sa réouverture")
    assert refused["errors"][0]["pointer"] == "/received_on"

    asked = post(client, member, f"{MONTH}/reopenings", {"reason": "Un don oublié."})
    assert give(client, member).status_code == 422
    path = f"{MONTH}/reopenings/{asked.json()['event_id']}/confirmations"
    assert post(client, keys.network, path).status_code == 201
    give_until(client, member, 201)
    result = reseau(federation, "verify")
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr
