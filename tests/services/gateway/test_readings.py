"""An auditor reads nothing that is not on record first."""

import json

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.common.errors import JsonValue
from services.common.identity import verify_token
from tests.services.gateway.upstreams import (
    AUDITOR_KEY,
    MEMBER_KEY,
    NETWORK_KEY,
    Bench,
    problem,
)

READINGS = "/internal/readings"
LOAN = "/v1/loans/0198c5a2-0000-7000-8000-000000000000"


def keep(bench: Bench, kept: list[JsonValue], answer: Response) -> None:
    """Have the registry keep what it is told, who tells and in which trace, and answer so."""

    async def record(request: Request) -> Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        who = verify_token(token, bench.registry.token_key).subject
        trace_id = request.headers["traceparent"].split("-")[1]
        kept.append([who, json.loads(await request.body())["asked"], trace_id])
        return answer

    bench.registry.behaviours[READINGS] = record


async def get(bench: Bench, key: str, path: str) -> httpx.Response:
    async with bench.open_client(key) as client:
        return await client.get(path)


async def test_each_read_of_an_auditor_is_recorded(bench: Bench) -> None:
    kept: list[JsonValue] = []
    keep(bench, kept, Response(status_code=204))
    answers = [await get(bench, AUDITOR_KEY, f"{LOAN}?as_of=2026-03-31") for _ in range(2)]
    answers.append(await get(bench, AUDITOR_KEY, "/v1/completeness"))
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert kept == [
        ["id-of-auditor", f"GET {path}", answer.headers["x-trace-id"]]
        for path, answer in zip((LOAN, LOAN, "/v1/completeness"), answers, strict=True)
    ]


@pytest.mark.parametrize(("status", "answered"), [(503, 503), (500, 502)])
async def test_nothing_is_read_unrecorded(bench: Bench, status: int, answered: int) -> None:
    keep(bench, [], problem(status, "database.unavailable"))
    refused = await get(bench, AUDITOR_KEY, LOAN)
    assert refused.status_code == answered
    assert bench.loans.completed == []


async def test_a_long_path_is_cut(bench: Bench) -> None:
    kept: list[JsonValue] = []
    keep(bench, kept, Response(status_code=204))
    await get(bench, AUDITOR_KEY, f"/v1/loans/{'x' * 2_000}")
    [[_, asked, _]] = json.loads(json.dumps(kept))
    assert len(asked) == 500


async def test_reads_of_others_are_not(bench: Bench) -> None:
    kept: list[JsonValue] = []
    keep(bench, kept, Response(status_code=204))
    for key in (MEMBER_KEY, NETWORK_KEY):
        assert (await get(bench, key, LOAN)).status_code == 200
    assert kept == []
