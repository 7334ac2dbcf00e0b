import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from tests.services.gateway.upstreams import open_bench, problem, until


async def test_those_who_wait_for_a_part_that_is_late_share_its_failure(tmp_path: Path) -> None:
    asked = 0
    all_wait = asyncio.Event()

    async def be_late(_: Request) -> Response:
        nonlocal asked
        asked += 1
        await all_wait.wait()
        return problem(503, "database.unavailable")

    async with open_bench(tmp_path) as bench, bench.open_client() as anyone:
        bench.loans.behaviours["/internal/totals"] = be_late
        pages = asyncio.gather(*(anyone.get("/") for _ in range(5)))
        await until(lambda: bench.visits.begun == 5)
        all_wait.set()
        assert [page.headers["cache-control"] for page in await pages] == ["no-store"] * 5
        assert asked == 1
        await anyone.get("/")
        assert asked == 2, "a failure is not kept"
