"""What every test can ask for.

    database          this worker's database: all schemas, no rows of its own making but yours
    fresh_database    a database for one test alone (some 20 ms)
    cluster           the throw-away PostgreSQL behind both, one for the whole run
    federation        a real federation behind its gateway, one for the whole run

Tests on `database` keep out of each other's way by acting for organisations of their own; those
that need to see an empty database, or to break one, take `fresh_database`.
"""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.databases import (
    ClonedDatabase,
    SharedCluster,
    clone_database,
    drop_database,
    shared_cluster,
)
from tests.support.federations import Federation, running_federation

# A busy machine is slow, not wrong: no property fails by the clock. A run tells of a change and not
# of its luck: each draws the same examples; `pytest --hypothesis-profile=search` draws new ones.
_CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", _CALM)
settings.register_profile("suite", _CALM, derandomize=True, database=None)
settings.load_profile("suite")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep the tests of the shared federation on one worker: two would not fit the machine."""
    if isinstance(item, pytest.Function) and "federation" in item.fixturenames:
        item.add_marker(pytest.mark.xdist_group("federation"))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes name no test: those of an archive hold the hour it was made, and workers would part."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def run_id(request: pytest.FixtureRequest) -> str:
    """The same in all workers of one run."""
    if request.config.pluginmanager.hasplugin("xdist"):
        shared: str = request.getfixturevalue("testrun_uid")
        return shared
    return uuid.uuid4().hex


@pytest.fixture(scope="session")
def cluster(run_id: str) -> Iterator[SharedCluster]:
    with shared_cluster(run_id) as running:
        yield running


@pytest.fixture(scope="session")
async def database(cluster: SharedCluster) -> AsyncIterator[ClonedDatabase]:
    database = await clone_database(cluster, f"worker_{uuid.uuid4().hex}")
    yield database
    await drop_database(database)


@pytest.fixture
async def fresh_database(cluster: SharedCluster) -> AsyncIterator[ClonedDatabase]:
    database = await clone_database(cluster, f"test_{uuid.uuid4().hex}")
    yield database
    await drop_database(database)


@pytest.fixture(scope="session")
def federation() -> Iterator[Federation]:
    with running_federation() as running:
        yield running
