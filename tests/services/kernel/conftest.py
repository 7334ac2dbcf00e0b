"""The marks service, on the kernel's tables of the registry's schema."""

from collections.abc import AsyncIterator

import pytest
from joserfc.jwk import OKPKey

from tests.services.kernel.marks_service import Caller, MarksService, running_marks_service
from tests.support.databases import ClonedDatabase


@pytest.fixture(scope="session")
async def service(
    database: ClonedDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[MarksService]:
    folder, key = tmp_path_factory.mktemp("marks"), OKPKey.generate_key("Ed25519")
    async with running_marks_service(database, folder, key) as running:
        yield running


@pytest.fixture(scope="session")
async def twin(
    service: MarksService, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[MarksService]:
    """Another process of the service, on the same database: they meet nowhere else."""
    folder, key = tmp_path_factory.mktemp("twin"), service.signing_key
    async with running_marks_service(service.cloned, folder, key) as running:
        yield running


@pytest.fixture
def caller(service: MarksService) -> Caller:
    return service.caller()
