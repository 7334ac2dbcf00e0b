"""Where the network's shared files stand: figures checked by an independent calculator."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def shared_file(relative: str) -> Path:
    """A file of the `shared` folder beside the repository; the test is skipped without it."""
    folder = Path(os.environ.get("RESEAU_SHARED_DIR", REPOSITORY.parent / "shared"))
    path = folder / relative
    if not path.is_file():
        pytest.skip(f"no {relative}: put the shared folder beside the repository")
    return path
