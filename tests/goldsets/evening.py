"""An evening on a small corpus, with passages to judge."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from goldsets.labelling.types import Evening, Member, Settings
from goldsets.store import evenings, gold, labels, open_workspace
from goldsets.store.labels import Passage
from goldsets.types import GoldSet, Query
from retrieval.store import Workspace, corpora
from retrieval.types import Document


@dataclass(frozen=True)
class Night:
    workspace: Workspace
    evening: Evening
    members: tuple[Member, ...]
    tokens: tuple[str, ...]


@pytest.fixture(scope="session")
def dusk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty workspace to copy, which is quicker than to make one."""
    return open_workspace(tmp_path_factory.mktemp("dusk")).path


@pytest.fixture
def night(dusk, tmp_path) -> Callable[..., Night]:
    """Start an evening: `people` raters, `queries` with `passages` each."""

    def start(people: int = 1, queries: int = 2, passages: int = 3, **settings) -> Night:
        workspace = open_workspace(shutil.copytree(dusk, tmp_path, dirs_exist_ok=True))
        text = "".join(f"passage {i:03} says so. " for i in range(queries * passages))
        corpora.write(workspace, "guide", [Document("guide.md", text)])
        asked = tuple(Query(f"q{i}", f"query {i}", needs="any") for i in range(queries))
        gold.write(workspace, GoldSet("tonight", "guide", asked), "test")
        evening = evenings.create(workspace, "friday", "tonight", Settings(**settings))
        members = tuple(evenings.join(workspace, evening, f"rater {i}") for i in range(people))
        tokens = tuple(evenings.token(workspace, m) for m in members)
        width = len("passage 000 says so. ")
        rows = [
            Passage(f"q{n // passages}", "guide.md", n * width, n * width + width - 1)
            for n in range(queries * passages)
        ]
        assert labels.add(workspace, evening, "guide", 1, rows) == queries * passages
        return Night(workspace, evening, members, tokens)

    return start
