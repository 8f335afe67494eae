import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from goldsets import jobs
from goldsets.store import open_workspace
from retrieval import pipeline
from retrieval.ingest.tokens import token_starts
from retrieval.providers.local import Local
from retrieval.store import Workspace
from tests.goldsets.evening import dusk, night  # noqa: F401
from tests.goldsets.letters import Letters
from tests.goldsets.processes import Workers, furnished


@pytest.fixture(scope="session")
def tokens_loaded() -> None:
    """Load the vocabulary once, before any worker is forked from this process."""
    token_starts("a")


@pytest.fixture(scope="session")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace to copy; making one takes ten times as long."""
    return furnished(tmp_path_factory.mktemp("held")).path


@pytest.fixture
def workspace(held: Path, tmp_path: Path) -> Workspace:
    """A workspace with the small corpus and its gold."""
    return open_workspace(shutil.copytree(held, tmp_path / "workspace"))


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch, tokens_loaded: None) -> Iterator[Workers]:
    workers = Workers()
    monkeypatch.setattr(jobs, "spawn", workers.spawn)
    yield workers
    for pid in workers.pids:
        workers.kill(pid)


@pytest.fixture
def slow_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pipeline.SLOTS, "embed", (Local, Letters))  # type: ignore[misc]
    monkeypatch.setattr(Letters, "pause_seconds", 0.03)
