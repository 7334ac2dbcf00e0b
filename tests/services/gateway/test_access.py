"""Who gets in, how often, and by which paths."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.services.gateway.upstreams import (
    FUNDER_KEY,
    MEMBER_KEY,
    NETWORK_KEY,
    Bench,
    open_bench,
    until,
)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def raw_get(bench: Bench, target: str, *headers: str) -> tuple[int, dict[str, object]]:
    """A GET whose target no client library has tidied."""
    reader, writer = await asyncio.open_connection(*bench.address)
    head = [f"GET {target} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {MEMBER_KEY}"]
    writer.write("\r\n".join([*head, *headers, "Connection: close", "", ""]).encode())
    answer = await reader.read()
    writer.close()
    first, _, rest = answer.partition(b"\r\n")
    body = rest.partition(b"\r\n\r\n")[2]
    try:
        return int(first.split()[1]), json.loads(body)
    except ValueError:  # what the server itself refuses before the gateway sees it
        return int(first.split()[1]), {}


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        MEMBER_KEY,
        f"Basic {MEMBER_KEY}",
        "Bearer",
        f"Bearer {MEMBER_KEY} more",
        "Bearer " + "x" * 513,
        "Bearer cl\xe9".encode("latin-1"),
        "Bearer unknown",
    ],
)
async def test_no_good_key_no_entry(
    bench: Bench, anyone: httpx.AsyncClient, authorization: str | bytes | None
) -> None:
    headers = {} if authorization is None else {b"Authorization": _encode(authorization)}
    answer = await anyone.get("/v1/loans", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "access.unauthenticated"
    assert answer.headers["www-authenticate"].startswith('Bearer realm="reseau"')
    assert bench.loans.completed == []


def _encode(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


async def test_two_keys_are_no_key(bench: Bench) -> None:
    status, document = await raw_get(bench, "/v1/loans", f"Authorization: Bearer {NETWORK_KEY}")
    assert (status, document["code"]) == (400, "header.malformed")


async def test_a_revoked_key_is_refused_at_once(bench: Bench, anyone: httpx.AsyncClient) -> None:
    assert (await anyone.get("/v1/loans", headers=bearer(MEMBER_KEY))).status_code == 200
    del bench.keys.holders[MEMBER_KEY]
    assert (await anyone.get("/v1/loans", headers=bearer(MEMBER_KEY))).status_code == 401


async def test_a_read_is_withheld_until_its_key_is_confirmed(
    bench: Bench, anyone: httpx.AsyncClient
) -> None:
    await anyone.get("/v1/loans", headers=bearer(MEMBER_KEY))
    answered = len(bench.loans.completed)
    del bench.keys.holders[MEMBER_KEY]
    bench.keys.answering.clear()
    reading = asyncio.create_task(anyone.get("/v1/loans", headers=bearer(MEMBER_KEY)))
    await until(lambda: len(bench.loans.completed) > answered)  # the part has answered already
    await asyncio.sleep(0.05)
    assert not reading.done()  # its answer stays here
    bench.keys.answering.set()
    assert (await reading).status_code == 401
    for _ in range(2):
        refused = await anyone.get("/v1/loans", headers=bearer(MEMBER_KEY))
        assert refused.status_code == 401
    assert len(bench.loans.completed) == answered + 1


async def test_a_write_waits_for_its_key(bench: Bench, anyone: httpx.AsyncClient) -> None:
    await anyone.get("/v1/loans", headers=bearer(MEMBER_KEY))
    del bench.keys.holders[MEMBER_KEY]
    answer = await anyone.post("/v1/loans", json={}, headers=bearer(MEMBER_KEY))
    assert answer.status_code == 401
    assert [method for method, _, _ in bench.loans.completed] == ["GET"]


async def test_a_principal_that_has_changed_is_told_anew(
    bench: Bench, anyone: httpx.AsyncClient
) -> None:
    await anyone.get("/v1/loans", headers=bearer(MEMBER_KEY))
    member, funder = bench.keys.holders[MEMBER_KEY], bench.keys.holders[FUNDER_KEY]
    for holder, role in ((funder, "funder"), (member, "member")):
        bench.keys.holders[MEMBER_KEY] = holder
        answer = await anyone.get("/v1/loans", headers=bearer(MEMBER_KEY))
        assert answer.json()["principal"]["role"] == role


@asynccontextmanager
async def late(bench: Bench) -> AsyncIterator[None]:
    """The loans service answers nothing for the length of the block."""
    given_up = asyncio.Event()

    async def wait(request: Request) -> Response:
        await given_up.wait()
        return Response()

    bench.loans.behaviours["/v1/loans"] = wait
    yield
    given_up.set()


async def test_a_refused_key_comes_before_a_failing_part(hasty: Bench) -> None:
    async with late(hasty), hasty.open_client(MEMBER_KEY) as client:
        for _ in range(2):  # the key is known from the second on
            assert (await client.get("/v1/loans")).status_code == 503
        del hasty.keys.holders[MEMBER_KEY]
        assert (await client.get("/v1/loans")).status_code == 401


async def test_no_request_is_let_in_by_a_question_asked_before_it_came(
    bench: Bench, anyone: httpx.AsyncClient
) -> None:
    await anyone.get("/v1/loans", headers=bearer(MEMBER_KEY))
    await bench.forget()
    bench.keys.answering.clear()
    early = asyncio.create_task(anyone.get("/v1/loans", headers=bearer(MEMBER_KEY)))
    await until(lambda: bench.keys.asked == 1)
    del bench.keys.holders[MEMBER_KEY]  # revoked while the first question is on its way
    late = asyncio.gather(*(anyone.get("/v1/loans", headers=bearer(MEMBER_KEY)) for _ in range(5)))
    await until(lambda: bench.visits.begun == 6)
    bench.keys.answering.set()
    assert (await early).status_code == 200
    assert [answer.status_code for answer in await late] == [401] * 5
    assert bench.keys.asked == 2  # and those who waited together shared the second


async def test_keys_do_not_share_questions(bench: Bench, anyone: httpx.AsyncClient) -> None:
    bench.keys.answering.clear()
    answers = asyncio.gather(
        *(
            anyone.get("/v1/loans", headers=bearer(key))
            for key in (MEMBER_KEY, NETWORK_KEY, "unknown", MEMBER_KEY)
        )
    )
    await until(lambda: (bench.keys.asked, bench.visits.begun) == (3, 4))
    bench.keys.answering.set()
    roles = [answer.json().get("principal", {}).get("role") for answer in await answers]
    assert roles == ["member", "network", None, "member"]


@pytest.mark.parametrize(
    ("holder", "status"),
    [
        ({"role": "service", "organisation": None}, 502),
        ({"role": "member", "organisation": None}, 502),
        ({"role": "network", "organisation": "montreal"}, 502),
        ({"role": "admin", "organisation": None}, 502),
        ({"role": "network", "organisation": None, "key_id": 7}, 502),
        ({"role": "network", "organisation": None, "made_by": None}, 502),
    ],
)
async def test_trusts_the_registry_only_as_far_as_it_makes_sense(
    bench: Bench, anyone: httpx.AsyncClient, holder: dict[str, object], status: int
) -> None:
    whole = {"key_id": "k", "region_codes": [], "made_by": "seed", "expires_at": None, **holder}
    bench.keys.holders[MEMBER_KEY] = json.loads(json.dumps(whole))
    answer = await anyone.get("/v1/loans", headers=bearer(MEMBER_KEY))
    assert (answer.status_code, answer.json()["part"]) == (status, "registry")


async def test_names_the_registry_when_it_fails(bench: Bench, anyone: httpx.AsyncClient) -> None:
    bench.keys.status = 503
    answer = await anyone.get("/v1/loans", headers=bearer(MEMBER_KEY))
    assert (answer.status_code, answer.json()["missing"]) == (503, ["registry"])


async def test_a_part_that_is_down_is_named(tmp_path: Path) -> None:
    async with (
        open_bench(tmp_path, loans_url="http://127.0.0.1:1") as bench,
        bench.open_client(MEMBER_KEY) as client,
    ):
        for answer in (
            await client.get("/v1/loans"),
            await client.post("/v1/loans", json={}),
            await client.post("/v1/imports?kind=loans", content=b"x" * 10_000_000),
        ):
            assert (answer.status_code, answer.json()["missing"]) == (503, ["loans"])
            assert answer.headers["retry-after"] == "2"
            assert "le service des prêts" in answer.json()["detail"]
        english = await client.get("/v1/loans", headers={"Accept-Language": "en-CA"})
        assert "the loans service" in english.json()["detail"]
        assert english.headers["content-language"] == "en"
        assert (await client.get("/v1/funds")).status_code == 200


async def test_a_part_that_is_late_is_named(hasty: Bench) -> None:
    async with late(hasty), hasty.open_client(MEMBER_KEY) as client:
        answer = await client.get("/v1/loans")
    assert (answer.status_code, answer.json()["missing"]) == (503, ["loans"])


async def test_counts_requests_by_key(tmp_path: Path) -> None:
    async with (
        open_bench(tmp_path, requests_per_minute=3) as bench,
        bench.open_client() as client,
    ):
        answers = [await client.get("/v1/loans", headers=bearer(MEMBER_KEY)) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"key";q=3;w=60'
        assert answers[0].headers["ratelimit"].startswith('"key";r=2;t=')
        assert "retry-after" not in answers[2].headers
        assert 1 <= int(answers[3].headers["retry-after"]) <= 60
        assert answers[3].json()["code"] == "rate.exceeded"
        assert (bench.keys.asked, len(bench.loans.completed)) == (3, 3)
        other = await client.get("/v1/loans", headers=bearer(NETWORK_KEY))
        assert other.status_code == 200


async def test_holds_up_an_address_that_guesses_but_not_its_known_keys(tmp_path: Path) -> None:
    async with (
        open_bench(tmp_path, refusals_per_minute=3) as bench,
        bench.open_client() as client,
    ):
        await client.get("/v1/loans", headers=bearer(MEMBER_KEY))
        guesses = [await client.get("/v1/loans", headers=bearer(f"guess-{n}")) for n in range(5)]
        assert [answer.status_code for answer in guesses] == [401, 401, 401, 429, 429]
        assert guesses[3].json()["code"] == "rate.keys_refused"
        assert 1 <= int(guesses[3].headers["retry-after"]) <= 60
        assert bench.keys.asked == 4
        known = await client.get("/v1/loans", headers=bearer(MEMBER_KEY))
        assert known.status_code == 200


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("//v1/loans", 404),
        ("/v1//loans", 404),
        ("/v1/loans/", 404),
        ("/v1/loans/../organisations", 400),
        ("/v1/loans/./1", 400),
        ("/v1/loans/%2e%2e/%2e%2e/internal/totals", 400),
        ("/v1/loans/%2E%2E", 400),
        ("/v1/loans/..%2f..%2finternal", 400),
        ("/v1/loans/%2finternal", 400),
        ("/v1/loans/%5c..", 400),
        ("/v1/loans/a\\b", 400),
        ("/v1/loans/%00", 400),
        ("/v1/loans/%0d%0aX-Org:1", 400),
        ("/v1/loans/%ff", 400),
        ("/v1/loans/%zz", 400),
        ("/v1/loans;/internal", 404),
        ("/v1/loans?a=%00", 200),
        ("/v1/imports?kind=loans&kind=contributions", 400),
        ("/internal/totals", 404),
        ("/internal/authenticate", 404),
        ("/v1/internal/totals", 404),
        ("/V1/loans", 404),
        ("/v2/loans", 404),
        ("/v1", 404),
        ("/v1/loansx", 404),
        ("/v1/unknown", 404),
        ("/openapi.yaml", 404),
    ],
)
async def test_paths_that_lead_nowhere(bench: Bench, target: str, status: int) -> None:
    found, document = await raw_get(bench, target)
    assert found == status
    if status != 200:
        assert document.get("status", 400) == status
    assert all(path.startswith("/v1/loans") for _, path, _ in bench.loans.completed)
    assert bench.registry.completed == []


async def test_unknown_methods_are_refused(bench: Bench, anyone: httpx.AsyncClient) -> None:
    for method, path in (
        ("OPTIONS", "/v1/loans"),
        ("TRACE", "/v1/loans"),
        ("PROPFIND", "/v1/loans"),
        ("POST", "/health"),
        ("OPTIONS", "/health"),
    ):
        answer = await anyone.request(method, path, headers={"Origin": "https://elsewhere"})
        assert (answer.status_code, answer.json()["code"]) == (405, "method.not_allowed")
        assert "GET" in answer.headers["allow"]
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert bench.loans.completed == []


async def test_every_refusal_speaks_both_languages(anyone: httpx.AsyncClient) -> None:
    for path in ("/v1/loans", "/v1/unknown", "/v1/loans/%2e%2e"):
        french = await anyone.get(path)
        english = await anyone.get(path, headers={"Accept-Language": "en, fr;q=0.5"})
        assert french.headers["content-type"] == "application/problem+json"
        assert french.json()["title"] != english.json()["title"]
        assert french.json()["code"] == english.json()["code"]
        assert french.json()["trace_id"] == french.headers["x-trace-id"]


async def test_the_gateway_says_that_it_is_up(anyone: httpx.AsyncClient) -> None:
    assert (await anyone.get("/health")).json() == {"status": "ready"}
