from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from goldsets.evaluation.beside import Beside, beside, query_seconds, stage_list, stages_of
from goldsets.evaluation.pair import laid
from goldsets.evaluation.run import Run
from goldsets.evaluation.spec import SweepSpec, named
from goldsets.evaluation.sweep import Board, sweep
from goldsets.store import open_workspace, runs
from goldsets.types import GoldSet, Query
from retrieval import pipeline
from retrieval.errors import PizzaError
from retrieval.ingest.chunk import FixedTokens
from retrieval.pipeline import Pipeline
from retrieval.query.dense import Dense
from retrieval.query.lexical import BM25
from retrieval.query.rerank import Rescore
from retrieval.runtime import Runtime
from retrieval.types import Chunks
from tests.goldsets.letters import Letters
from tests.goldsets.making import sample_corpus, sample_gold

CORPUS, GOLD = sample_corpus(), sample_gold()
PIPELINE = Pipeline(
    chunk=FixedTokens(size=10),
    embed=Letters(),
    first=(BM25(), Dense()),
    pool=20,
    rerank=Rescore(late=0, top_n=5),
)


def random_chunks(rng: np.random.Generator) -> Chunks:
    spans = []
    for _ in range(3):
        starts = np.sort(rng.integers(0, 40, 8)).tolist()
        spans.append(list(dict.fromkeys((s, s + int(rng.integers(1, 12))) for s in starts)))
    return Chunks.of_spans(spans)


def ranking(chunks: Chunks, rng: np.random.Generator) -> np.ndarray:
    ids = rng.permutation(len(chunks)).astype(np.int32)
    ids[-3:] = -1
    return ids


def test_between_chunkings_passages_join_that_hold_half_of_each_other() -> None:
    rng = np.random.default_rng(1)
    joined = 0
    for _ in range(20):
        a, b = random_chunks(rng), random_chunks(rng)
        found = beside(a, ranking(a, rng), b, ranking(b, rng))
        assert -1 not in found.a
        for i, x in enumerate(found.a.tolist()):
            for j, y in enumerate(found.b.tolist()):
                of_a = set(range(a.start[x], a.end[x]))
                of_b = set(range(b.start[y], b.end[y]))
                half = 2 * len(of_a & of_b) >= min(len(of_a), len(of_b))
                assert found.joined[i, j] == (a.document[x] == b.document[y] and half)
        joined += int(found.joined.sum())
        assert (found.turned.joined == beside(b, found.b, a, found.a).joined).all()
    assert joined > 50


def test_in_one_chunking_only_equal_passages_join() -> None:
    rng = np.random.default_rng(2)
    chunks = random_chunks(rng)  # many of them overlap
    again = replace(chunks)
    found = beside(chunks, ranking(chunks, rng), again, ranking(again, rng))
    assert (found.joined == (found.a[:, None] == found.b)).all()


def test_the_other_place_and_the_lines() -> None:
    joined = np.array([[0, 0, 1], [0, 0, 0], [1, 1, 0]], bool)
    found = Beside(np.array([7, 8, 9]), np.array([1, 2, 3]), joined)
    assert [found.other(i) for i in range(3)] == [2, None, 0]
    assert [found.turned.other(i) for i in range(3)] == [2, 2, 0]
    assert list(found.lines(3)) == [(0, 2), (2, 0), (2, 1)]
    assert list(found.lines(2)) == []


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Board, Run]:
    """A board that has made nothing itself, and the kept run of a sweep."""
    monkeypatch.setitem(pipeline.SLOTS, "embed", (Letters,))  # type: ignore[misc]
    workspace = open_workspace(tmp_path)
    variants = named([PIPELINE])
    result = sweep(SweepSpec(variants, (), variants[0].name), GOLD, CORPUS, Runtime(workspace))
    run = runs.read(workspace, [result["variants"][0]["run"]])[0]
    return Board(GOLD, CORPUS, Runtime(workspace)), run


def test_the_list_of_every_stage_is_read_not_made(ran: tuple[Board, Run]) -> None:
    board, run = ran
    rt = Runtime()
    steps = PIPELINE.steps(PIPELINE.ingest(CORPUS, rt), board.queries, rt)
    expected = {
        "BM25": steps.found[0],
        "Dense": steps.found[1],
        "fused": steps.pool,
        "reranked": steps.reranked,
        "context": steps.context,
    }
    assert list(stages_of(board, run)) == list(expected)
    for box, made in expected.items():
        for row, query in enumerate(GOLD.queries):
            got = stage_list(board, run, box, query.id)
            assert got.tolist() == made.value.ids[row].tolist(), box
    line = stages_of(board, run)["context"].line()
    assert {m.stage for m in line if m.key in board.rt.tally.made} == {
        "RRF",
        "InRankOrder",
        "SizeChunks",
    }


def test_stage_lists_are_those_of_the_queries_it_was_run_on(ran: tuple[Board, Run]) -> None:
    """A query more in the gold set, and another order, change nothing; one less says so."""
    board, run = ran
    before = stage_list(board, run, "BM25", "q2")
    more = (Query("new", "?"), *GOLD.queries[::-1])
    later = Board(replace(GOLD, queries=more), CORPUS, board.rt)
    assert stage_list(later, run, "BM25", "q2").tolist() == before.tolist()
    fewer = Board(GoldSet("gold", "corpus", GOLD.queries[1:]), CORPUS, board.rt)
    with pytest.raises(PizzaError, match="'q0' is no longer in the gold set"):
        stage_list(fewer, run, "BM25", "q2")


def test_what_is_not_kept_is_not_made_again(ran: tuple[Board, Run]) -> None:
    board, run = ran
    reworded = tuple(replace(q, text=q.text + " please") for q in GOLD.queries)
    later = Board(replace(GOLD, queries=reworded), CORPUS, board.rt)
    with pytest.raises(PizzaError, match="the list of Dense is not kept"):
        stage_list(later, run, "Dense", "q2")


def test_seconds_of_a_query_are_those_of_the_stages_that_saw_it(ran: tuple[Board, Run]) -> None:
    board, run = ran
    asked = ("EmbedQueries", "BM25", "Dense", "RRF", "Rescore", "InRankOrder")
    timed = replace(run, seconds=dict.fromkeys((*asked, "Words", "FixedTokens", "Letters"), 1.0))
    assert query_seconds(board, timed) == pytest.approx(len(asked) / len(GOLD.queries))
    assert 0 < (query_seconds(board, run) or 0) < 10
    outside = replace(run, chunks=laid(board, run).index.chunks.value)
    assert query_seconds(board, outside) is None
