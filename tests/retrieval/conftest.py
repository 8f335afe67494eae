"""What the tests of retrieval share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.store import Workspace
from tests.retrieval.making import Hashed


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty workspace to copy, which is quicker than to make one."""
    return Workspace.open(tmp_path_factory.mktemp("empty")).path


@pytest.fixture
def workspace(empty: Path, tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace.open(shutil.copytree(empty, tmp_path / "workspace"))


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What the `Hashed` models are asked during the test, as `purpose: text`."""
    Hashed.asked.clear()
    yield Hashed.asked
    Hashed.asked.clear()
