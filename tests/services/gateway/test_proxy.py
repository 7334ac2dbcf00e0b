"""The way through: what passes, what does not, and what comes back."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from tests.services.gateway.upstreams import (
    MEMBER_KEY,
    PATIENCE_SECONDS,
    Bench,
    open_bench,
    problem,
)


async def test_passes_the_request_on_and_the_answer_back(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    answer = await client.post(
        "/v1/loans/7/repayments?as_of=2026-03-31&q=%C3%A9",
        content=b'{"amount":"1.00"}',
        headers={"Content-Type": "application/json", "Idempotency-Key": "k-1"},
    )
    seen = answer.json()
    assert answer.status_code == 201
    assert (seen["part"], seen["method"], seen["bytes"]) == ("loans", "POST", 17)
    assert seen["path"] == "/v1/loans/7/repayments"
    assert seen["query"] == "as_of=2026-03-31&q=%C3%A9"
    assert seen["principal"] == {
        "subject": "id-of-member",
        "role": "member",
        "organisation": "montreal",
    }
    assert dict(seen["headers"])["idempotency-key"] == "k-1"
    assert answer.headers["etag"] == '"7"'
    assert answer.headers["location"] == "/v1/loans/1"


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/v1/regions", "registry"),
        ("/v1/organisations/montreal", "registry"),
        ("/v1/keys/1", "registry"),
        ("/v1/funds/montreal/balance", "funds"),
        ("/v1/contributions/1/reversals", "funds"),
        ("/v1/agreements", "funds"),
        ("/v1/schedules", "loans"),
        ("/v1/coaching-sessions", "loans"),
        ("/v1/imports", "loans"),
        ("/v1/imports?kind=loans", "loans"),
        ("/v1/imports?kind=contributions", "funds"),
        ("/v1/imports/019f-1", "loans"),
        ("/v1/imports/funds-019f-1/errors.xlsx", "funds"),
        ("/v1/imports/funds-019f-1/events", "funds"),
        ("/v1/imports/loans-019f-1/replay", "loans"),
        ("/v1/import-mappings", "loans"),
        ("/v1/import-mappings?kind=contributions", "funds"),
        ("/v1/import-mappings/suggestions?kind=contributions", "funds"),
        ("/v1/import-mappings/contributions/excel", "funds"),
        ("/v1/import-mappings/loans/excel", "loans"),
        ("/v1/import-templates/loans.xlsx", "loans"),
        ("/v1/import-templates/contributions.csv", "funds"),
        ("/v1/organisations/montr%C3%A9al", "registry"),
    ],
)
async def test_finds_the_part(client: httpx.AsyncClient, path: str, part: str) -> None:
    assert (await client.get(path)).json()["part"] == part


async def test_drops_what_a_client_could_forge(bench: Bench, client: httpx.AsyncClient) -> None:
    forged = {
        "X-Org-Id": "laval",
        "X-Organisation": "laval",
        "Forwarded": "for=10.0.0.1",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Host": "elsewhere",
        "Proxy-Authorization": "Basic eDp5",
        "Cookie": "session=1",
        "TE": "trailers",
        "Connection": "keep-alive, X-Org-Id",
        "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01",
        "Accept-Language": "en",
        "If-Match": '"6"',
    }
    answer = await client.get("/v1/loans", headers=forged)
    seen = dict(answer.json()["headers"])
    assert seen.keys() == {
        "host",
        "accept",
        "accept-language",
        "authorization",
        "if-match",
        "traceparent",
    }
    assert MEMBER_KEY not in seen["authorization"]
    assert seen["traceparent"].split("-")[1] == "ab" * 16
    assert seen["traceparent"].split("-")[2] != "cd" * 8
    assert seen["host"] in bench.loans.url
    assert answer.headers["x-trace-id"] == "ab" * 16


async def test_hides_what_is_between_the_gateway_and_its_parts(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/loans")
    assert "x-secret" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


async def test_answers_head_like_get_without_a_body(client: httpx.AsyncClient) -> None:
    answer = await client.head("/v1/loans")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 0
    assert (await client.head("/health")).status_code == 200


async def test_passes_conditional_answers(bench: Bench, client: httpx.AsyncClient) -> None:
    async def not_modified(request: Request) -> Response:
        return Response(status_code=304, headers={"ETag": request.headers["if-none-match"]})

    bench.loans.behaviours["/v1/loans/1"] = not_modified
    answer = await client.get("/v1/loans/1", headers={"If-None-Match": '"3"'})
    assert (answer.status_code, answer.headers["etag"]) == (304, '"3"')


async def test_passes_the_refusals_of_a_part(bench: Bench, client: httpx.AsyncClient) -> None:
    async def refuse(request: Request) -> Response:
        return problem(409, "external_id.conflict")

    bench.loans.behaviours["/v1/loans"] = refuse
    answer = await client.post("/v1/loans", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "external_id.conflict")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_streams_an_answer_as_it_comes(bench: Bench, client: httpx.AsyncClient) -> None:
    """The end is not made before the beginning has arrived."""
    has_arrived = asyncio.Event()

    async def stream() -> AsyncIterator[bytes]:
        yield b"a" * 1000
        await has_arrived.wait()
        yield b"b" * 1000

    async def answer(request: Request) -> Response:
        return StreamingResponse(stream(), media_type="text/csv")

    bench.loans.behaviours["/v1/loans"] = answer
    received = b""
    async with client.stream("GET", "/v1/loans") as streamed:
        async for piece in streamed.aiter_raw():
            received += piece
            if len(received) == 1000:
                has_arrived.set()
    assert received == b"a" * 1000 + b"b" * 1000


async def test_cuts_off_the_answer_of_a_part_that_dies(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"row\n"
            await asyncio.sleep(0.01)
        raise ConnectionAbortedError

    async def answer(request: Request) -> Response:
        return StreamingResponse(stream(), media_type="text/csv")

    bench.loans.behaviours["/v1/loans"] = answer
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/v1/loans")


async def test_a_part_that_answers_nonsense_is_a_bad_gateway(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    async def page(request: Request) -> Response:
        return Response("Internal Server Error", 500)

    async def redirect(request: Request) -> Response:
        return RedirectResponse("http://127.0.0.1:1/internal")

    async def refused_token(request: Request) -> Response:
        return problem(401, "token.invalid")

    async def short(request: Request) -> Response:
        return JSONResponse({}, headers={"Content-Length": "1000"})

    for behaviour in (page, redirect, refused_token, short):
        bench.loans.behaviours["/v1/loans"] = behaviour
        answer = await client.get("/v1/loans")
        assert answer.status_code == 502, behaviour
        assert answer.json()["code"] == "part.bad_answer"
        assert answer.json()["part"] == "loans"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_part_that_does_not_speak_http_is_a_bad_gateway(tmp_path: Path) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x00\x01\x02 garbage\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with (
            open_bench(tmp_path, loans_url=f"http://127.0.0.1:{port}") as bench,
            bench.open_client(MEMBER_KEY) as client,
        ):
            answer = await client.get("/v1/loans")
    assert (answer.status_code, answer.json()["part"]) == (502, "loans")


async def test_two_requests_with_one_connection(client: httpx.AsyncClient) -> None:
    for number in range(3):
        answer = await client.post("/v1/loans", content=json.dumps({"number": number}))
        assert answer.json()["bytes"] == len(json.dumps({"number": number}))


async def test_a_part_is_let_go_when_its_listener_leaves(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    left = asyncio.Event()

    async def tell(request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b": \n\n"
                    await asyncio.sleep(0.02)
            finally:
                left.set()

        return StreamingResponse(events(), headers={"Content-Type": "text/event-stream"})

    bench.loans.behaviours["/v1/imports/loans-1/events"] = tell
    async with client.stream("GET", "/v1/imports/loans-1/events") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        piece = await anext(answer.aiter_bytes())
        assert piece.startswith(b": \n\n")  # one event or, on a busy machine, several at once
    async with asyncio.timeout(PATIENCE_SECONDS):
        await left.wait()
