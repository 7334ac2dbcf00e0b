"""The notes service, on a database of the test module's own."""

import uuid
from collections.abc import AsyncIterator

import pytest

from tests.services.importing.notes_service import NotesService, running_notes_service
from tests.support.databases import SharedCluster, clone_database, drop_database


@pytest.fixture(scope="module")
async def service(
    cluster: SharedCluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[NotesService]:
    database = await clone_database(cluster, f"notes_{uuid.uuid4().hex}")
    async with running_notes_service(database, tmp_path_factory.mktemp("notes")) as running:
        yield running
    await drop_database(database)


@pytest.fixture
def member() -> str:
    """An organisation of the test's own."""
    return f"member-{uuid.uuid4().hex}"
