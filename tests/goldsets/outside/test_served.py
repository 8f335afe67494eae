"""Public data: a pipeline's run goes out, is served over HTTP by others, and has its numbers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.formats.registry import import_path
from goldsets.outside.bring import send_run
from goldsets.store import gold as gold_store
from goldsets.store import open_workspace
from goldsets.types import GoldSet
from retrieval.hits import Hit, hit_of
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus
from tests.retrieval.providers.own_server import Retriever, Search

pytestmark = pytest.mark.data
DEPTH = 100
SPANS = ["R@5", "R@20", "P@10", "RR@10", "Success@5", "EvidenceRecall@4000tok", "IoU@5"]
IDEALS = ["nDCG@10", "AP@100"]


def brought(workspace: Workspace, format_: str, folder: Path) -> tuple[GoldSet, Corpus]:
    read, _ = import_path(format_, folder)
    corpora.write(workspace, "c", read.documents)
    gold = GoldSet("g", "c", read.queries, read.evidence)
    gold_store.write(workspace, gold, "test")
    return gold_store.read(workspace, "g"), corpora.read(workspace, "c")


def from_file(path: Path, bare: Callable[[Hit], Hit]) -> Search:
    """Search in a run that was exported as JSON lines, by the words of a query."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    held = {row["query"]: [bare(hit_of(hit)) for hit in row["hits"]] for row in lines}
    return lambda query, k: held[query][:k]


def as_it_is(hit: Hit) -> Hit:
    return hit


def both(
    workspace: Workspace,
    gold: GoldSet,
    corpus: Corpus,
    pipeline: Any,
    bare: Callable[[Hit], Hit] = as_it_is,
) -> tuple[Any, Any]:
    """Sweep a pipeline, export its run, serve it, and sweep the two beside each other."""
    spec = {"variants": {"ours": pipeline}, "measures": [*SPANS, *IDEALS]}
    first = sweep(sweep_of(spec), gold, corpus, Runtime(workspace))
    path = workspace.path / "ours.jsonl"
    send_run(workspace, "jsonl", first["variants"][0]["run"], path)
    with Retriever(search=from_file(path, bare)) as server:
        spec["variants"]["theirs"] = {"http": {"url": server.url, "k": DEPTH}}
        result = sweep(sweep_of(spec), gold, corpus, Runtime(workspace))
        assert len(server.requests) == len({q.text for q in gold.queries})
    assert result["errors"] == {}
    ours, theirs = result["variants"]
    print(theirs["placed"])
    for name in ("ours", "theirs"):
        row = next(row for row in result["variants"] if row["name"] == name)
        print(name, {m: round(e["mean"], 4) for m, e in row["measures"].items()})
    return ours, theirs


def test_where_chunks_are_judged_all_numbers_are_equal(pizza_data: Path, tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w")
    folder = pizza_data / "anthropic-contextual"
    first = [{"BM25": {"k1": 0.9, "b": 0.4, "tokenize": "Identifiers"}}]
    pipeline = {"chunk": "Given", "contextualize": "Headings", "first": first, "pool": DEPTH}
    held = brought(workspace, "contextual-retrieval", folder)
    ours, theirs = both(workspace, *held, pipeline)
    for measure in (*SPANS, *IDEALS):
        assert theirs["measures"][measure]["mean"] == ours["measures"][measure]["mean"], measure
    assert theirs["tokens_at"] == ours["tokens_at"]
    assert theirs["placed"]["position"] == theirs["placed"]["hits"] > 10_000


def test_texts_alone_come_within_two_points(pizza_data: Path, tmp_path: Path) -> None:
    """Code repeats itself: where several files hold a text, only the first of them is taken."""
    workspace = open_workspace(tmp_path / "w")
    first = [{"BM25": {"k1": 0.9, "b": 0.4, "tokenize": "Identifiers"}}]
    gold, corpus = brought(workspace, "contextual-retrieval", pizza_data / "anthropic-contextual")

    def bare(hit: Hit) -> Hit:
        text = corpus.documents[corpus.row[hit.document]].text[hit.start : hit.end]
        return Hit(text=text.replace("    ", "\t").upper(), score=hit.score)

    ours, theirs = both(workspace, gold, corpus, {"chunk": "Given", "first": first}, bare)
    assert theirs["placed"]["nowhere"] == 0
    for measure in (*SPANS, *IDEALS):
        mean = ours["measures"][measure]["mean"]
        assert theirs["measures"][measure]["mean"] == pytest.approx(mean, abs=0.02), measure


def test_where_spans_are_judged_those_that_need_no_ideal_are(
    pizza_data: Path, tmp_path: Path
) -> None:
    """An ideal over what was returned differs from one over all chunks by the others that match."""
    workspace = open_workspace(tmp_path / "w")
    pipeline = {"chunk": {"FixedTokens": {"size": 200}}, "first": ["BM25"], "pool": DEPTH}
    held = brought(workspace, "chunking-eval", pizza_data / "chunking-eval")
    ours, theirs = both(workspace, *held, pipeline)
    for measure in SPANS:
        assert theirs["measures"][measure]["mean"] == ours["measures"][measure]["mean"], measure
    for measure in IDEALS:
        mean = ours["measures"][measure]["mean"]
        assert theirs["measures"][measure]["mean"] == pytest.approx(mean, abs=0.01)
