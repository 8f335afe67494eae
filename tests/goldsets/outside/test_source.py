"""Retrievers from outside in a sweep: real HTTP, killed workers, imported runs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.pair import laid, open_to, pair
from goldsets.evaluation.plan import plan
from goldsets.evaluation.run import Run, content_key, run_id
from goldsets.evaluation.score import score
from goldsets.evaluation.spec import SweepSpec, sweep_of
from goldsets.evaluation.sweep import Board, sweep
from goldsets.launch import lacking, start_sweep, to_ask
from goldsets.outside.placing import Placed, place
from goldsets.outside.source import Http
from goldsets.store import open_workspace, runs
from goldsets.types import GoldSet
from retrieval.errors import Cancelled, Paused, PizzaError
from retrieval.hits import Hit
from retrieval.retry import Retry
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Corpus
from tests.goldsets.making import corpus_of, sample_corpus, sample_gold
from tests.goldsets.processes import Workers, furnished, over, until
from tests.retrieval.providers.own_server import Retriever, Search

CORPUS, GOLD = sample_corpus(), sample_gold()
PIPELINE = {"chunk": {"FixedTokens": {"size": 10}}, "first": ["BM25"], "pool": 20}
MEASURES = ["R@1", "R@5", "P@3", "RR@10", "Success@1", "EvidenceRecall@20tok", "IoU@2", "Judged@5"]
ONCE = Retry(1, timeout_seconds=10)


def served(gold: GoldSet, corpus: Corpus, fields: str = "position", **spec: Any) -> Search:
    """Search as a pipeline of ours does, and say it as another's would."""
    board = Board(gold, corpus, Runtime())
    laid_out = board.prepare(sweep_of({"variants": {"p": {**PIPELINE, **spec}}}).variants[0])
    chunks, ranking = laid_out.index.chunks.value, laid_out.ranking.value
    rows = {q.text: i for i, q in enumerate(gold.queries)}

    def search(query: str, k: int) -> list[Hit]:
        ids, scores = ranking.ids[rows[query]], ranking.scores[rows[query]]
        return [
            Hit(
                corpus.documents[int(chunks.document[c])].id if fields != "text" else "",
                int(chunks.start[c]) if fields == "position" else None,
                int(chunks.end[c]) if fields == "position" else None,
                chunks.text(corpus, c) if fields != "position" else "",
                float(s),
            )
            for c, s in zip(ids.tolist(), scores, strict=True)
            if c >= 0
        ]

    return search


@pytest.fixture
def own() -> Iterator[Retriever]:
    with Retriever(search=served(GOLD, CORPUS)) as retriever:
        yield retriever


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace")


def both(own: Retriever, **http: Any) -> SweepSpec:
    return sweep_of(
        {
            "variants": {"ours": PIPELINE, "theirs": {"http": {"url": own.url, "k": 20, **http}}},
            "measures": MEASURES,
        }
    )


def test_what_a_pipeline_returns_over_http_has_its_values(
    own: Retriever, workspace: Workspace
) -> None:
    result = sweep(both(own), GOLD, CORPUS, Runtime(workspace))
    assert result["errors"] == {}
    ours, theirs = result["variants"]
    for measure in MEASURES:
        assert theirs["measures"][measure] == ours["measures"][measure], measure
        assert theirs["differences"][measure]["mean"] == 0
    assert theirs["tokens_at"] == ours["tokens_at"]
    assert ours["placed"] is None
    assert theirs["placed"]["hits"] == theirs["placed"]["position"] >= 10
    assert theirs["spec"] == {
        "http": {"url": own.url, "k": 20, "token_env": "", "at_once": 4, "version": ""}
    }
    assert theirs["seconds"].keys() >= {"Http"}
    assert theirs["cost_usd"] is None


def test_texts_alone_are_as_good(own: Retriever, workspace: Workspace) -> None:
    """So they are where each has 15 letters and is not twice in the corpus."""
    values = []
    for fields in ("position", "document", "text"):
        own.search = served(GOLD, CORPUS, fields, chunk={"FixedTokens": {"size": 12}})
        result = sweep(both(own), GOLD, CORPUS, Runtime(workspace))
        placed, measures = (result["variants"][1][key] for key in ("placed", "measures"))
        assert placed["position" if fields == "position" else "quote"] == placed["hits"] >= 7
        values.append([measures[m]["mean"] for m in MEASURES])
    np.testing.assert_allclose(values[1], values[0], rtol=0, atol=0.02)  # white space at edges
    np.testing.assert_allclose(values[2], values[0], rtol=0, atol=0.02)


def test_a_retriever_that_fails_stops_no_other(own: Retriever, workspace: Workspace) -> None:
    own.play("", "500")
    result = sweep(both(own), GOLD, CORPUS, Runtime(workspace, retry=ONCE))
    assert [row["name"] for row in result["variants"]] == ["ours"]
    assert result["errors"]["theirs"].startswith(f"{own.url} failed (500): no, says the stub")


def test_a_query_without_hits_counts_as_zero(own: Retriever, workspace: Workspace) -> None:
    search, mute = own.search, GOLD.queries[0].text
    own.search = lambda query, k: [] if query == mute else search(query, k)
    result = sweep(both(own), GOLD, CORPUS, Runtime(workspace))
    ours, theirs = (row["measures"]["R@5"] for row in result["variants"])
    assert theirs["queries"] == ours["queries"] == len(GOLD.queries)
    assert theirs["mean"] == pytest.approx(ours["mean"] - 1 / len(GOLD.queries))
    assert result["variants"][1]["placed"]["empty"] == 3  # two share no word with any chunk
    own.search = lambda query, k: []
    result = sweep(both(own), GOLD, CORPUS, Runtime(workspace))
    assert result["errors"] == {}
    assert result["variants"][1]["measures"]["R@5"]["mean"] == 0


def test_a_run_is_kept_with_its_chunks_and_laid_out_without_asking(
    own: Retriever, workspace: Workspace
) -> None:
    result = sweep(both(own), GOLD, CORPUS, Runtime(workspace))
    asked = len(own.requests)
    a, b = runs.read(workspace, [row["run"] for row in result["variants"]])
    board = Board(replace(GOLD, queries=GOLD.queries[::-1]), CORPUS, Runtime(workspace))
    measures = [parse_measure(m) for m in MEASURES]
    values = [
        score(board.target(laid(board, run).index), run.aligned(board.gold)[0][None], measures)
        for run in (a, b)
    ]
    np.testing.assert_array_equal(values[0], values[1])
    there = laid(board, b)
    np.testing.assert_array_equal(there.ranking.value.ids, b.candidates.ids[::-1])
    np.testing.assert_array_equal(there.ranking.value.scores, b.candidates.scores[::-1])
    assert len(there.index.tokens.value) == len(there.index.chunks.value)
    with pytest.raises(PizzaError, match="its index cannot be seen"):
        there.searched  # noqa: B018
    assert len(own.requests) == asked


def test_a_pair_of_a_pipeline_and_a_retriever_is_bounded(
    own: Retriever, workspace: Workspace
) -> None:
    result = sweep(both(own), GOLD, CORPUS, Runtime(workspace))
    a, b = runs.read(workspace, [row["run"] for row in result["variants"]])
    board = open_to(Board(GOLD, CORPUS, Runtime(workspace)), [a, b])
    for measure in ("R@5", "RR@5"):
        found = pair(board, a, b, parse_measure(measure))
        assert found is not None
        np.testing.assert_array_equal(found.bounds.today, 0)
        assert found.bounds.mean_low is not None
    assert pair(board, a, b, parse_measure("nDCG@5")) is None
    alone = pair(board, b, None, parse_measure("nDCG@5"))
    assert alone is not None
    assert alone.bounds.mean_high is not None
    for doubt in alone.doubts:
        assert alone.place(doubt)[0] >= 0


def test_another_version_of_the_corpus_is_told_apart(own: Retriever, workspace: Workspace) -> None:
    result = sweep(both(own), GOLD, CORPUS, Runtime(workspace))
    (run,) = runs.read(workspace, [result["variants"][1]["run"]])
    other = corpus_of("another text", *(d.text for d in CORPUS.documents))
    with pytest.raises(PizzaError, match="'theirs' was found in v1 of corpus 'corpus'"):
        laid(Board(GOLD, other, Runtime(workspace)), run)


class Stopping:
    """Stops the work when so many answers are there."""

    def __init__(self, at: int, error: type[PizzaError]) -> None:
        self.at, self.error = at, error

    def __call__(self, step: str, done: int, total: int) -> None:
        if step.startswith("Asking") and done == self.at:
            raise self.error("stop")


def test_paused_it_goes_on_where_it_was_and_a_new_sweep_asks_anew(
    own: Retriever, workspace: Workspace
) -> None:
    spec = both(own, at_once=1)
    with pytest.raises(Paused):
        sweep(spec, GOLD, CORPUS, Runtime(workspace, job=1, progress=Stopping(3, Paused)))
    assert len(own.asked) == 3
    result = sweep(spec, GOLD, CORPUS, Runtime(workspace, job=1))
    assert sorted(own.asked) == sorted(q.text for q in GOLD.queries)
    own.search = lambda query, k: []
    again = sweep(spec, GOLD, CORPUS, Runtime(workspace, job=1))
    assert len(own.asked) == 2 * len(GOLD.queries)
    assert again["variants"][1]["run"] != result["variants"][1]["run"]
    assert again["variants"][1]["measures"]["R@5"]["mean"] == 0


@pytest.mark.parametrize("error", [Cancelled, None])
def test_cancelled_or_failed_it_begins_anew(
    own: Retriever, workspace: Workspace, error: type[PizzaError] | None
) -> None:
    """Who mends a server after it failed does not want half of the answers from before."""
    spec = both(own, at_once=1)
    if error:
        with pytest.raises(error):
            sweep(spec, GOLD, CORPUS, Runtime(workspace, progress=Stopping(3, error)))
    else:
        own.play("", "", "500")
        assert sweep(spec, GOLD, CORPUS, Runtime(workspace, retry=ONCE))["errors"]
    assert len(own.asked) == 3
    sweep(spec, GOLD, CORPUS, Runtime(workspace))
    assert len(own.asked) == 3 + len(GOLD.queries)


def test_under_a_version_answers_are_kept_for_ever(own: Retriever, workspace: Workspace) -> None:
    spec = both(own, version="2026-11")
    before = plan(spec, GOLD, CORPUS, Runtime(workspace))
    assert before.to_ask == {own.url: (6, 0)}
    assert list(to_ask(before)) == [f"6 queries to ask {own.url}"]
    first = sweep(spec, GOLD, CORPUS, Runtime(workspace, job=1))
    own.for_ever = "500"
    second = sweep(spec, GOLD, CORPUS, Runtime(workspace, job=2))
    assert len(own.asked) == 6
    assert second["variants"][1]["run"] == first["variants"][1]["run"]
    after = list(to_ask(plan(spec, GOLD, CORPUS, Runtime(workspace))))
    assert after == [f"0 queries to ask {own.url}; 6 answers kept under its version"]
    other = plan(both(own, version="2026-12"), GOLD, CORPUS, Runtime(workspace))
    assert other.to_ask == {own.url: (6, 0)}
    assert len(own.asked) == 6


def test_a_plan_says_that_a_token_is_not_set(own: Retriever, workspace: Workspace) -> None:
    found = plan(both(own, token_env="NO_SUCH_TOKEN"), GOLD, CORPUS, Runtime(workspace))
    (said,) = lacking(found)
    assert said.startswith("theirs will fail:")
    assert "set NO_SUCH_TOKEN in the environment" in said
    assert own.requests == []


def test_equal_queries_are_asked_once_and_calls_at_once_are_bounded(
    own: Retriever, workspace: Workspace
) -> None:
    twice = tuple(replace(q, id=f"{q.id}-{n}") for q in GOLD.queries for n in range(2))
    own.slow_seconds = 0.03
    found = Http(url=own.url, at_once=3).answers([q.text for q in twice], Runtime(workspace))
    assert len(found) == 12
    assert found[0] == found[1]
    assert sorted(own.asked) == sorted(q.text for q in GOLD.queries)
    assert 2 <= own.most_in_flight <= 3


def test_hits_beyond_k_are_counted(own: Retriever, workspace: Workspace) -> None:
    own.for_ever = "flood"
    result = sweep(both(own), GOLD, CORPUS, Runtime(workspace))
    placed = result["variants"][1]["placed"]
    assert (placed["hits"], placed["beyond"]) == (120, 6 * 9_980)


def test_a_killed_worker_asks_only_what_is_not_kept(
    own: Retriever, tmp_path: Path, workers: Workers
) -> None:
    workspace = furnished(tmp_path / "furnished")
    own.slow_seconds = 0.15
    spec = both(own, at_once=1)
    job = start_sweep(workspace, spec, "gold")
    until(lambda: len(own.asked) >= 3)
    workers.kill(workers.pids[0])
    before = list(own.asked)
    own.slow_seconds = 0
    start_sweep(workspace, spec, "gold")
    assert over(workspace, job.id).state == "done"
    result = runs.sweep(workspace, job.id)
    assert result
    assert result["errors"] == {}
    assert len(own.asked) <= len(GOLD.queries) + 1  # one was in flight
    assert set(before[:-1]).isdisjoint(own.asked[len(before) :])
    ours, theirs = result["variants"]
    assert theirs["measures"]["R@5"] == ours["measures"]["R@5"]


# Imported runs


def kept(workspace: Workspace, name: str, placed: Placed, corpus: Corpus = CORPUS) -> Run:
    run = Run(
        run_id(placed.key("imported", name), GOLD, corpus),
        name,
        {"run": {"name": name}},
        GOLD.name,
        GOLD.version,
        corpus.name,
        corpus.version,
        content_key(corpus, placed.chunks),
        tuple(q.id for q in GOLD.queries),
        placed.ranking,
        {},
        placed.chunks,
        placed.counts,
        "jsonl x.jsonl",
    )
    runs.keep(workspace, run)
    return run


def test_an_imported_run_is_a_variant(own: Retriever, workspace: Workspace) -> None:
    search = served(GOLD, CORPUS)
    placed = place(CORPUS, [search(q.text, 20) for q in GOLD.queries])
    run = kept(workspace, "solr", placed)
    spec = sweep_of({"variants": {"ours": PIPELINE, "solr": {"run": "solr"}}, "measures": MEASURES})
    result = sweep(spec, GOLD, CORPUS, Runtime(workspace))
    ours, theirs = result["variants"]
    assert theirs["measures"] == ours["measures"]
    assert theirs["run"] != run.id
    assert theirs["placed"] == dict(run.counts)
    assert theirs["spec"] == {"run": {"name": "solr"}}
    assert runs.imports(workspace, GOLD.name, 1) == {run.id: "solr"}


def test_a_run_that_is_not_there_is_an_error_of_its_variant(workspace: Workspace) -> None:
    spec = sweep_of({"variants": {"ours": PIPELINE, "theirs": {"run": "sorl"}}})
    kept(workspace, "solr", place(CORPUS, [[]] * len(GOLD.queries)))
    result = sweep(spec, GOLD, CORPUS, Runtime(workspace))
    assert "did you mean 'solr'" in result["errors"]["theirs"]
    later = corpus_of("new", *(d.text for d in CORPUS.documents))
    spec = sweep_of({"variants": {"ours": PIPELINE, "theirs": {"run": "solr"}}})
    result = sweep(spec, GOLD, later, Runtime(workspace))
    assert "import it, or start its sweep, again" in result["errors"]["theirs"]
