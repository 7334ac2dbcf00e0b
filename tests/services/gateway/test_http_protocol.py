"""What is refused before any application sees it: heads too large, too slow, or no HTTP at all."""

import asyncio
import json

import pytest

from gateway import http_protocol
from gateway.incoming import HEAD_BYTES_MAX
from tests.services.gateway.upstreams import PATIENCE_SECONDS, Bench

START = b"GET /health HTTP/1.1\r\nHost: gateway\r\n"


async def answer_to(
    bench: Bench, *pieces: bytes, pause: float = 0
) -> tuple[int, dict[str, object]]:
    reader, writer = await asyncio.open_connection(*bench.address)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause)
    answer = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    return int(head.split()[1]), json.loads(body)


async def test_a_head_too_large_is_refused_whether_it_comes_at_once_or_for_ever(
    bench: Bench,
) -> None:
    large = b"X-Large: " + b"a" * HEAD_BYTES_MAX
    at_once = await answer_to(bench, START + large + b"\r\nConnection: close\r\n\r\n")
    for_ever = await answer_to(bench, START + b"X-Large: ", *[b"a" * 1024] * 64, pause=0.001)
    for status, document in (at_once, for_ever):
        assert (status, document["code"]) == (431, "header.too_large")


async def test_a_head_that_never_ends_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.1)
    status, document = await answer_to(bench, START)
    assert (status, document["code"]) == (408, "body.too_slow")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        START + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        START + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n",
        START + b"Content-Length: -1\r\n\r\n",
        START + b"No colon\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_a_problem_document(bench: Bench, nonsense: bytes) -> None:
    status, document = await answer_to(bench, nonsense)
    assert (status, document["code"]) == (400, "request.malformed")


async def test_heads_and_bodies_take_turns_on_one_connection(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection(*bench.address)
    for _ in range(3):
        writer.write(START + b"\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(18) == b'{"status":"ready"}'
        await asyncio.sleep(0.15)  # idle between two requests is not a slow head
    writer.close()
