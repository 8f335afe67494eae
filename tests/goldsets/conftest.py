import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from goldsets import jobs
from retrieval import pipeline
from retrieval.ingest.tokens import token_starts
from retrieval.providers.local import Local
from retrieval.store import Workspace
from tests.goldsets.evening import night  # noqa: F401
from tests.goldsets.letters import Letters
from tests.goldsets.processes import Workers, furnished

MEMORY = Path("/dev/shm")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where there is such: SQLite's many fsyncs then cost nothing."""
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    with TemporaryDirectory(dir=where, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def tokens_loaded() -> None:
    """Load the vocabulary once, before any worker is forked from this process."""
    token_starts("a")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return furnished(tmp_path / "workspace")


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
