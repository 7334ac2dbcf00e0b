"""Bodies: too large, too slow, cut short. What is not whole never looks whole to a part."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from gateway import uploads
from gateway.routing import IMPORT_BYTES_MAX, JSON_BYTES_MAX
from tests.services.gateway.upstreams import (
    MEMBER_KEY,
    PATIENCE_SECONDS,
    Bench,
    problem,
    until,
)

IMPORT = "/v1/imports?kind=loans"
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def pieces(number: int, size: int = 64 * 1024, pause: float = 0) -> AsyncIterator[bytes]:
    for _ in range(number):
        yield b"x" * size
        await asyncio.sleep(pause)


async def open_raw(bench: Bench, path: str, *headers: str) -> Stream:
    """A connection on which the head of a POST has been sent."""
    reader, writer = await asyncio.open_connection(*bench.address)
    lines = [f"POST {path} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {MEMBER_KEY}"]
    writer.write("\r\n".join([*lines, *headers, "", ""]).encode())
    await writer.drain()
    return reader, writer


async def read_problem(reader: asyncio.StreamReader) -> dict[str, object]:
    head = await reader.readuntil(b"\r\n\r\n")
    size = next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    document: dict[str, object] = json.loads(await reader.readexactly(size))
    return document


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal reaches a client that is still sending, however slow the machine."""
    monkeypatch.setattr(uploads, "DRAIN_SECONDS", PATIENCE_SECONDS)


async def until_begun(bench: Bench, count: int) -> None:
    """Until as many requests have come to the loans service."""
    await until(lambda: len(bench.loans.begun) == count)


async def test_takes_bodies_up_to_their_limit(bench: Bench, client: httpx.AsyncClient) -> None:
    largest = await client.post("/v1/loans", content=b"x" * JSON_BYTES_MAX)
    assert largest.json()["bytes"] == JSON_BYTES_MAX
    declared = await client.post(IMPORT, content=b"x" * IMPORT_BYTES_MAX)
    assert declared.json()["bytes"] == IMPORT_BYTES_MAX
    chunked = await client.post(IMPORT, content=pieces(320))
    assert chunked.json()["bytes"] == IMPORT_BYTES_MAX
    assert ["transfer-encoding", "chunked"] in chunked.json()["headers"]


async def test_refuses_a_declared_size_at_once(bench: Bench) -> None:
    for path, limit in (("/v1/loans", JSON_BYTES_MAX), (IMPORT, IMPORT_BYTES_MAX)):
        reader, writer = await open_raw(bench, path, f"Content-Length: {limit + 1}")
        document = await read_problem(reader)
        assert (document["status"], document["code"]) == (413, "body.too_large")
        assert document["limit_bytes"] == limit
        writer.close()
    assert bench.keys.asked == 0
    assert bench.loans.completed == []


async def test_refuses_chunks_once_they_pass_the_limit(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    answer = await client.post("/v1/loans", content=pieces(20))
    assert answer.status_code == 413
    assert (bench.loans.completed, bench.loans.aborted) == ([], [])
    answer = await client.post(IMPORT, content=pieces(321))
    assert (answer.status_code, answer.json()["limit_bytes"]) == (413, IMPORT_BYTES_MAX)
    await until(lambda: len(bench.loans.aborted) == 1)
    assert bench.loans.completed == []


async def test_a_client_still_sending_gets_its_refusal(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    async def refuse_unread(request: Request) -> Response:
        return problem(422, "import.kind")

    bench.loans.behaviours["/v1/imports"] = refuse_unread
    for answer in (
        await client.post("/v1/loans", content=b"x" * 8 * JSON_BYTES_MAX),
        await client.post(IMPORT, content=pieces(300)),
        await client.post(IMPORT, content=b"x" * IMPORT_BYTES_MAX),
    ):
        assert answer.status_code in (413, 422)
        assert answer.headers["connection"] == "close"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_an_upload_cut_short_is_never_complete(bench: Bench) -> None:
    whole = 4 * JSON_BYTES_MAX
    for number, (path, headers, body) in enumerate(
        (
            (IMPORT, [f"Content-Length: {whole}"], b"x" * (whole // 2)),
            (IMPORT, ["Transfer-Encoding: chunked"], b"5\r\nhello\r\n"),
            ("/v1/loans", ["Content-Length: 10"], b"hello"),
            ("/v1/loans", ["Transfer-Encoding: chunked"], b"5\r\nhello\r\n"),
        )
    ):
        _, writer = await open_raw(bench, path, *headers)
        writer.write(body)
        await writer.drain()
        await until_begun(bench, min(number + 1, 2))  # a body of JSON goes on once it is whole
        writer.close()
        await writer.wait_closed()
    await until(lambda: bench.visits.ended == 4 and len(bench.loans.aborted) == 2)
    assert bench.loans.completed == []
    assert [path for _, path, _ in bench.loans.aborted] == ["/v1/imports"] * 2


async def test_an_upload_half_closed_is_never_complete(bench: Bench) -> None:
    _, writer = await open_raw(bench, IMPORT, "Content-Length: 5000000")
    writer.write(b"x" * 100_000)
    await until_begun(bench, 1)
    writer.write_eof()
    await until(lambda: len(bench.loans.aborted) == 1)
    assert bench.loans.completed == []
    writer.close()


async def test_cuts_off_a_client_that_stops_sending(hasty: Bench) -> None:
    for path in ("/v1/loans", IMPORT):
        reader, writer = await open_raw(hasty, path, "Content-Length: 1000")
        writer.write(b"half")
        document = await read_problem(reader)
        assert (document["status"], document["code"]) == (408, "body.too_slow")
        writer.close()
    assert hasty.loans.completed == []


async def test_cuts_off_a_client_that_trickles(hasty: Bench) -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.05)

    for path in ("/v1/loans", IMPORT):
        reader, writer = await open_raw(hasty, path, "Content-Length: 1000000")
        sending = asyncio.create_task(trickle(writer))
        document = await read_problem(reader)
        sending.cancel()
        assert document["code"] == "body.too_slow"
        writer.close()
    await until(lambda: len(hasty.loans.aborted) == 1)
    assert hasty.loans.completed == []


async def test_asks_for_the_body_only_after_letting_the_client_in(bench: Bench) -> None:
    reader, writer = await open_raw(bench, "/v1/loans", "Content-Length: 2", "Expect: 100-continue")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert (await reader.readline()).startswith(b"HTTP/1.1 201")
    writer.close()
    bench.keys.holders.clear()
    reader, writer = await open_raw(bench, "/v1/loans", "Content-Length: 2", "Expect: 100-continue")
    assert (await read_problem(reader))["status"] == 401
    writer.close()


async def test_refuses_a_compressed_body(bench: Bench) -> None:
    for header in ("Content-Encoding: gzip", "Transfer-Encoding: gzip, chunked"):
        reader, writer = await open_raw(bench, IMPORT, header)
        document = await read_problem(reader)
        assert (document["status"], document["code"]) == (415, "content_encoding.unsupported")
        writer.close()
    assert bench.loans.completed == []
