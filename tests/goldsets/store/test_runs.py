import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from goldsets import jobs
from goldsets.evaluation.run import Run
from goldsets.store import open_workspace, runs
from retrieval.errors import NotFound
from retrieval.store import Workspace
from retrieval.types import Candidates, Chunks
from tests.goldsets.making import sample_gold

RUN = Run(
    "r1",
    "BM25",
    {"first": ["BM25"]},
    "gold",
    "v1",
    "corpus",
    3,
    "chunks",
    ("q5", "질문"),
    Candidates(np.array([[1, -1], [0, 2]], np.int32), np.array([[0.5, -np.inf], [2.0, 1.0]])),
    {"BM25": 0.25},
)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(jobs, "spawn", lambda *_: None)
    return open_workspace(tmp_path / "workspace")


def test_runs_come_back_in_the_order_asked_for(workspace: Workspace) -> None:
    other = replace(RUN, id="r2", variant="Dense")
    runs.keep(workspace, RUN)
    runs.keep(workspace, other)
    for found, run in zip(
        runs.read(workspace, ["r2", "r1", "r2"]), [other, RUN, other], strict=True
    ):
        assert replace(found, candidates=run.candidates) == run
        np.testing.assert_array_equal(found.candidates.ids, run.candidates.ids)
        np.testing.assert_array_equal(found.candidates.scores, run.candidates.scores)
    assert runs.read(workspace, []) == []
    with pytest.raises(NotFound, match="run 'r9'"):
        runs.read(workspace, ["r1", "r9"])


def test_a_run_from_outside_keeps_its_chunks(workspace: Workspace) -> None:
    bare = Chunks.of_spans([[(0, 4), (2, 9)]])
    chunks = replace(bare, document=np.array([-1, 0], np.int32)).beside(["nowhere to be 찾다", ""])
    run = replace(RUN, chunks=chunks, counts={"hits": 3, "nowhere": 1}, imported="trec a.run")
    runs.keep(workspace, run)
    (found,) = runs.read(workspace, ["r1"])
    assert (found.counts, found.imported) == (run.counts, "trec a.run")
    assert found.chunks is not None
    for name, array in chunks.arrays().items():
        np.testing.assert_array_equal(found.chunks.arrays()[name], array)


def test_of_imports_with_one_name_the_last_is_offered(workspace: Workspace) -> None:
    runs.keep(workspace, RUN)
    for id_, name in (("a", "solr"), ("b", "solr"), ("c", "lucene")):
        runs.keep(workspace, replace(RUN, id=id_, variant=name, imported="trec x"))
        time.sleep(0.002)  # times are kept to the millisecond
    assert runs.imports(workspace, "gold", 3) == {"c": "lucene", "b": "solr"}
    assert runs.imports(workspace, "gold", 2) == runs.imports(workspace, "silver", 3) == {}
    assert runs.imported(workspace, "gold", "solr").id == "b"
    with pytest.raises(NotFound, match="imported run 'BM25'; known: "):
        runs.imported(workspace, "gold", "BM25")


def test_rows_say_which_query_of_the_gold_set_was_asked() -> None:
    assert RUN.rows(sample_gold()).tolist() == [-1, -1, -1, -1, -1, 0]


def test_a_job_has_one_sweep_the_last(workspace: Workspace) -> None:
    ids = [jobs.start(workspace, "sweep", {"n": n}, 1).id for n in range(2)]
    assert runs.sweep(workspace, ids[0]) is None
    runs.keep_sweep(workspace, ids[0], "gold", {"a": 1})
    runs.keep_sweep(workspace, ids[1], "other", {"한": 2})
    runs.keep_sweep(workspace, ids[0], "gold", {"a": 3})
    assert runs.sweep(workspace, ids[0]) == {"a": 3}
    assert {s["job"] for s in runs.sweeps(workspace)} == set(ids)
    every = tuple((s["job"], s["created"]) for s in runs.sweeps(workspace))
    assert runs.listed(workspace) == every
    (only,) = runs.sweeps(workspace, "other")
    assert (only["job"], only["한"]) == (ids[1], 2)
