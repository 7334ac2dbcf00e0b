"""A gateway in front of tiny parts: one for all tests that need no other settings."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.services.gateway.upstreams import MEMBER_KEY, Bench, open_bench


@pytest.fixture(scope="session")
async def running_bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path_factory.mktemp("gateway")) as opened:
        yield opened


@pytest.fixture
async def bench(running_bench: Bench) -> AsyncIterator[Bench]:
    """Parts and keys as they were at the start; nothing of a test goes on in the next."""
    yield running_bench
    await running_bench.forget()


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[Bench]:
    """Parts that are late and clients that are slow are given up after a moment."""
    async with open_bench(
        tmp_path,
        read_seconds=0.2,
        upload_idle_seconds=0.2,
        upload_seconds=0.5,
        upload_import_seconds=0.5,
    ) as opened:
        yield opened


@pytest.fixture
async def anyone(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with bench.open_client() as opened:
        yield opened


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    """A member of Montréal."""
    async with bench.open_client(MEMBER_KEY) as opened:
        yield opened
