"""One process that converts for all tests; those of the process itself start their own."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from retrieval.ingest import read
from retrieval.ingest.convert.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def shared_sandbox(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "Sandbox", lambda: nullcontext(sandbox))
