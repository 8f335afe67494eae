import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from goldsets.generation import work
from goldsets.generation.passages import Ground
from goldsets.generation.spec import GenerationSpec, generation_of
from goldsets.store import open_workspace
from retrieval.retry import Retry
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from tests.goldsets.generation.author import Author, planted
from tests.retrieval.providers.stub import KEY, Vendors

MODEL = {"OpenAIChat": {"model": "gpt-4.1-mini"}}
SPEC = {
    "application": "A handbook of rules.",
    "judge": MODEL,
    "writer": MODEL,
    "chunk": "Given",
    "kinds": {"question": 1},
}
QUICK = Retry(attempts=2, first_seconds=0.01, longest_seconds=0.02, timeout_seconds=10)


@pytest.fixture
def spec() -> GenerationSpec:
    return generation_of(SPEC)


@contextmanager
def answering(author: Author) -> Iterator[Vendors]:
    """Vendors of chat models on this machine that an author speaks for."""
    with Vendors(says=author) as server, pytest.MonkeyPatch.context() as patch:
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "CO_API_KEY"):
            patch.setenv(name, KEY)
        patch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        for name in ("ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "CO_API_URL"):
            patch.setenv(name, server.url)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            patch.delenv(name, raising=False)
        yield server


@pytest.fixture
def author() -> Author:
    return Author()


@pytest.fixture
def vendors(author: Author) -> Iterator[Vendors]:
    with answering(author) as server:
        yield server


@pytest.fixture(scope="session")
def furnished_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the planted corpus, its passages embedded, to copy."""
    workspace = open_workspace(tmp_path_factory.mktemp("desk") / "desk")
    corpora.write(workspace, "planted", planted().documents)
    corpus = corpora.read(workspace, "planted")
    index = Ground.of(generation_of(SPEC), corpus, Runtime(workspace)).index
    assert len(index.vectors.value.matrix) == len(corpus)
    return workspace.path


@pytest.fixture
def desk(furnished_desk: Path, tmp_path: Path) -> Workspace:
    """A workspace with the planted corpus."""
    return open_workspace(shutil.copytree(furnished_desk, tmp_path / "desk"))


@pytest.fixture
def rt(desk: Workspace) -> Runtime:
    return Runtime(desk, retry=QUICK)


@dataclass(frozen=True)
class Walked:
    """A generation that is done, with the server that answered it."""

    workspace: Workspace
    generation: int
    author: Author
    vendors: Vendors


@pytest.fixture(scope="module")
def walked(furnished_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    """The road walked once, for tests that read what came of it."""
    author, folder = Author(), tmp_path_factory.mktemp("walked") / "desk"
    workspace = open_workspace(shutil.copytree(furnished_desk, folder))
    with answering(author) as server:
        begun = work.begin(workspace, generation_of(SPEC), "planted", "made")
        work.run(workspace, begun.id, Runtime(workspace, retry=QUICK), no_error)
        yield Walked(workspace, begun.id, author, server)


def no_error(done: int, name: str, error: str) -> None:
    assert not error
