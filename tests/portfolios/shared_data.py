"""Where the real portfolios and the register lie: beside the repository, or where told."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def shared_directory() -> Path:
    """`RESEAU_SHARED_DIR`, else the folder `shared` beside the repository."""
    told = os.environ.get("RESEAU_SHARED_DIR")
    return Path(told) if told else REPOSITORY.parent / "shared"


def shared_file(relative: str) -> Path:
    """The path of a shared file; the calling test is skipped where it is absent."""
    path = shared_directory() / "data" / relative
    if not path.is_file():
        pytest.skip(f"{relative} is not there: set RESEAU_SHARED_DIR to the shared folder")
    return path
