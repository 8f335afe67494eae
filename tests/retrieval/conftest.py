"""What the tests of retrieval share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.store import Workspace
from tests.retrieval.making import Hashed


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What the `Hashed` models are asked during the test, as `purpose: text`."""
    Hashed.asked.clear()
    yield Hashed.asked
    Hashed.asked.clear()
