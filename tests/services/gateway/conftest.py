"""A gateway in front of tiny parts: one for all tests that need no other settings."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.services.gateway.upstreams import MEMBER_KEY, Bench, open_bench


@pytest.fixture(scope="session")
async def running_bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    async with open_bench(
        tmp_path_factory.mktemp("gateway"),
        connect_seconds=0.5,
        read_seconds=0.5,
        import_seconds=1,
        upload_idle_seconds=0.5,
        upload_seconds=1,
        upload_import_seconds=2,
    ) as opened:
        yield opened


@pytest.fixture
def bench(running_bench: Bench) -> Bench:
    """Parts and keys as they were at the start; deadlines of half a second."""
    running_bench.forget()
    return running_bench


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    """A member of Montréal."""
    headers = {"Authorization": f"Bearer {MEMBER_KEY}"}
    async with httpx.AsyncClient(base_url=bench.url, headers=headers, timeout=10) as opened:
        yield opened
