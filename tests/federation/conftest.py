"""Folders for clusters and federations that tests start and break themselves."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from deploy.data_folder import DataFolder, open_data_folder
from tests.support.databases import fast_directory


@pytest.fixture
def directory() -> Iterator[Path]:
    """An empty directory of mode 700, in memory where the machine has that."""
    path = Path(mkdtemp(prefix="reseau-test-", dir=fast_directory()))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def folder(directory: Path) -> DataFolder:
    """An empty data folder below a directory of mode 700."""
    return open_data_folder(directory / "data")
