"""The whole road on real documentation, English and Korean, without a model server."""

from pathlib import Path

import pytest

from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.evidence import Status, anchor
from goldsets.generation import work
from goldsets.generation.review import decide, table
from goldsets.generation.spec import generation_of
from goldsets.store import gold, open_workspace
from goldsets.types import REVIEWED, STAND_IN
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from tests.goldsets.generation.conftest import no_error
from tests.goldsets.generation.reader import APPLICATION, documents

pytestmark = pytest.mark.data


@pytest.fixture
def docs(pizza_data: Path, tmp_path: Path) -> Workspace:
    workspace = open_workspace(tmp_path / "docs")
    corpora.write(workspace, "docs", documents(pizza_data))
    return workspace


def test_the_stand_in_walks_the_same_road_in_both_languages_and_a_sweep_names_it(
    docs: Workspace,
) -> None:
    spec = {"application": APPLICATION, "judge": "Offline", "writer": "Offline", "sample": 80}
    begun = work.begin(docs, generation_of(spec), "docs", "made")
    rt = Runtime(docs)
    work.run(docs, begun.id, rt, no_error)
    t = table(docs, begun.id)
    held = gold.read(docs, "made")
    assert set(anchor(held, corpora.read(docs, "docs")).statuses) == {Status.EXACT}
    assert len(held.queries) >= 20
    assert {q.origin for q in held.queries} == {STAND_IN}
    assert {q.language for q in held.queries} >= {"en", "ko"}
    kept = next(d for d in t.drafts if d.gold)
    decide(docs, kept.id, "keep", "Ann")
    wanted = sweep_of({"base": {"first": ["BM25"]}, "measures": ["R@5"]})
    result = sweep(wanted, gold.read(docs, "made"), corpora.read(docs, "docs"), rt)
    origins = result["goldset"]["origins"]
    assert origins == {STAND_IN: len(held.queries) - 1, STAND_IN + REVIEWED: 1}
    assert result["variants"][0]["measures"]["R@5"]["mean"] > 0.5  # it repeats the headings
