"""Each vendor's reranker through its real SDK against a server on this machine."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from retrieval.cost import Usage
from retrieval.errors import BadAnswer, MissingKey, OverBudget, RateLimited, SpecError, Unavailable
from retrieval.ingest.chunk import FixedTokens
from retrieval.pipeline import Pipeline, full_spec, pipeline_of
from retrieval.providers.cohere import CohereRerank
from retrieval.providers.remote import Limits
from retrieval.providers.rerank import RemoteReranker
from retrieval.providers.voyage import VoyageRerank
from retrieval.runtime import Runtime, silent
from retrieval.store import Workspace, ledger
from retrieval.types import Candidates, Chunks, Corpus, Queries
from tests.retrieval.making import corpus_of, whole_documents
from tests.retrieval.providers.stub import KEY, Body, Vendors, relevance

RERANKERS: list[RemoteReranker] = [VoyageRerank(), CohereRerank()]
each = pytest.mark.parametrize("reranker", RERANKERS, ids=lambda r: r.label)
TEXTS = ["cheese melts", "dough rests overnight", "the dough"]

CORPUS = corpus_of("dough rests", "a steel heats", " ", "cheese", "dough and cheese", "dough rests")
CHUNKS = whole_documents(CORPUS)
QUERIES = Queries(("dough rests", "hot steel", "dough rests"))
POOL = Candidates(
    np.array([[4, 5, 0, 3, 2], [3, 1, 4, -1, -1], [0, 1, 2, 3, 4]], np.int32),
    np.array([[9, 8, 7, 6, 5], [9, 8, 7, -np.inf, -np.inf], [5, 4, 3, 2, 1]], float),
)


def ranked(
    reranker: RemoteReranker, rt: Runtime, corpus: Corpus = CORPUS, chunks: Chunks = CHUNKS
) -> Candidates:
    return reranker.apply(corpus, chunks, QUERIES, POOL, rt)


def sent(vendors: Vendors) -> list[tuple[str, list[str]]]:
    return [(r.body["query"], list(r.body["documents"])) for r in vendors.requests]


@each
def test_scores_are_in_the_order_of_the_texts(
    vendors: Vendors, quick: Runtime, workspace: Workspace, reranker: RemoteReranker
) -> None:
    assert reranker.ask("dough rests", TEXTS, quick).tolist() == [0, 1, 0.5]
    assert len(vendors.requests) == 1
    (call,) = ledger.calls(workspace)
    used = Usage(input=11) if isinstance(reranker, VoyageRerank) else Usage(searches=1)
    assert (call.model, call.kind, call.usage) == (reranker.name, "rerank", used)
    assert call.usd is not None


@each
def test_the_first_candidates_are_ordered_by_the_vendor(
    vendors: Vendors, quick: Runtime, reranker: RemoteReranker
) -> None:
    found = ranked(reranker, quick)
    for query, row, scores, pool in zip(
        QUERIES.texts, found.ids, found.scores, POOL.ids, strict=True
    ):
        own = {int(i): relevance(query, CORPUS.documents[i].text) for i in pool if i >= 0}
        wanted = sorted(own, key=lambda i: (-own[i], i))
        assert [i for i in row.tolist() if i >= 0] == wanted
        assert scores[: len(wanted)].tolist() == [own[i] for i in wanted]


@each
def test_a_distinct_text_is_sent_once_a_distinct_query_and_a_blank_one_never(
    vendors: Vendors, quick: Runtime, reranker: RemoteReranker
) -> None:
    ranked(reranker, quick)
    asked = dict(sent(vendors))
    assert len(sent(vendors)) == len(asked) == 2
    assert sorted(asked["dough rests"]) == sorted(
        ["dough and cheese", "dough rests", "cheese", "a steel heats"]
    )
    assert asked["hot steel"] == ["cheese", "a steel heats", "dough and cheese"]


@each
def test_a_second_run_calls_nobody_and_another_depth_asks_for_what_is_new(
    vendors: Vendors, workspace: Workspace, reranker: RemoteReranker
) -> None:
    ranked(replace(reranker, top_n=2), Runtime(workspace))
    few = len(vendors.requests)
    before = ranked(reranker, Runtime(workspace))
    new = sent(vendors)[few:]
    assert sorted(text for _, texts in new for text in texts) == ["cheese", "dough and cheese"]
    vendors.requests.clear()
    after = ranked(reranker, Runtime(workspace))
    assert vendors.requests == []
    assert after.ids.tolist() == before.ids.tolist()
    assert after.scores.tolist() == before.scores.tolist()
    ranked(replace(reranker, top_n=3), Runtime(workspace))
    assert vendors.requests == []
    ranked(replace(reranker, model="another"), Runtime(workspace))
    assert len(vendors.requests) == 2


@each
def test_requests_hold_what_the_vendor_takes(
    vendors: Vendors, quick: Runtime, reranker: RemoteReranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = corpus_of(*(f"dough {i}" for i in range(1_500)))
    pool = Candidates(np.arange(1_500, dtype=np.int32)[None], np.zeros((1, 1_500)))
    deep = replace(reranker, top_n=1_500)
    found = deep.apply(many, whole_documents(many), Queries(("dough",)), pool, quick)
    assert sorted(len(texts) for _, texts in sent(vendors)) == [500, 1_000]
    assert sorted(found.ids[0].tolist()) == list(range(1_500))
    monkeypatch.setattr(type(reranker), "limits", Limits(1_000, 40))
    vendors.requests.clear()
    few = replace(deep, model="m", top_n=50)
    few.apply(many, whole_documents(many), Queries(("dough",)), pool, quick)
    assert 2 <= max(len(texts) for _, texts in sent(vendors)) <= 10
    assert sum(len(texts) for _, texts in sent(vendors)) == 50


@each
@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[1:],
        lambda rows: [rows[0], *rows],
        lambda rows: [],
        lambda rows: [{**rows[0], "relevance_score": float("nan")}, *rows[1:]],
        lambda rows: [{**rows[0], "relevance_score": float("inf")}, *rows[1:]],
        lambda rows: [{**rows[0], "relevance_score": None}, *rows[1:]],
        lambda rows: [{**rows[0], "index": 7}, *rows[1:]],
        lambda rows: [{**rows[0], "index": -1}, *rows[1:]],
        lambda rows: [{**rows[0], "index": rows[1]["index"]}, *rows[1:]],
    ],
)
def test_a_wrong_answer_is_refused_and_not_kept(
    vendors: Vendors, workspace: Workspace, reranker: RemoteReranker, change: Callable[[Any], Any]
) -> None:
    def bend(body: Body) -> Body:
        field = "data" if "data" in body else "results"
        return {**body, field: change(body[field])}

    vendors.bend = bend
    with pytest.raises(BadAnswer, match=f"^{reranker.vendor.name} gave"):
        ranked(reranker, Runtime(workspace))
    vendors.bend = None
    vendors.requests.clear()
    ranked(reranker, Runtime(workspace))
    assert len(vendors.requests) == 2


@each
@pytest.mark.parametrize(
    "faults", [["429", "429"], ["429 after 0.1"], ["500", "503"], ["drop"], ["502", "drop"]]
)
def test_what_passes_by_itself_is_tried_again(
    vendors: Vendors, quick: Runtime, reranker: RemoteReranker, faults: list[str]
) -> None:
    vendors.play(*faults)
    assert reranker.ask("dough rests", TEXTS, quick).tolist() == [0, 1, 0.5]
    assert len(vendors.requests) == len(faults) + 1


@each
@pytest.mark.parametrize(
    ("fault", "error", "requests"),
    [("503", Unavailable, 4), ("429", RateLimited, 4), ("429 after 999", RateLimited, 1)],
)
def test_a_fault_for_ever_ends(
    vendors: Vendors,
    quick: Runtime,
    reranker: RemoteReranker,
    fault: str,
    error: type[Exception],
    requests: int,
) -> None:
    vendors.for_ever = fault
    with pytest.raises(error, match=f"^{reranker.vendor.name} "):
        reranker.ask("dough", TEXTS, quick)
    assert len(vendors.requests) == requests


@each
def test_a_hang_and_a_page_are_named(
    vendors: Vendors, quick: Runtime, reranker: RemoteReranker
) -> None:
    reranker.ask("dough", TEXTS, quick)  # imports and connects
    vendors.play("html")
    with pytest.raises(BadAnswer, match=f"^{reranker.vendor.name} gave an answer that cannot be"):
        reranker.ask("dough", TEXTS, quick)
    vendors.for_ever, vendors.hang_seconds = "hang", 1.2
    rt = Runtime(retry=replace(quick.retry, attempts=2, timeout_seconds=0.3))
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=f"^{reranker.vendor.name} did not answer in time"):
        reranker.ask("dough", TEXTS, rt)
    assert time.monotonic() - begun < 1.1


@each
def test_calls_at_once_are_bounded_and_what_was_paid_before_a_failure_is_kept(
    vendors: Vendors, workspace: Workspace, quick: Runtime, reranker: RemoteReranker
) -> None:
    queries = Queries(tuple(f"dough {i}" for i in range(20)))
    pool = Candidates(np.tile(np.array([[0, 1, 3]], np.int32), (20, 1)), np.zeros((20, 3)))
    vendors.slow_seconds = 0.05
    vendors.faults = [*[""] * 6, "400"]
    with pytest.raises(Exception, match="refused"):
        reranker.apply(CORPUS, CHUNKS, queries, pool, quick)
    made = len(vendors.requests)
    assert made < 20
    reranker.apply(CORPUS, CHUNKS, queries, pool, Runtime(workspace, progress=silent))
    assert len(vendors.requests) - made == 20 - (made - 1)
    assert 2 <= vendors.most_in_flight <= reranker.vendor.at_once


@each
def test_without_its_key_or_its_budget_nobody_is_called(
    vendors: Vendors,
    workspace: Workspace,
    reranker: RemoteReranker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger.set_budget(workspace, "workspace", 0)
    with pytest.raises(OverBudget, match="would pass the budget"):
        ranked(reranker, Runtime(workspace))
    monkeypatch.delenv(reranker.vendor.keys[0])
    with pytest.raises(MissingKey, match=f"needs a key; set {reranker.vendor.keys[0]}") as caught:
        ranked(reranker, Runtime(workspace))
    assert KEY not in str(caught.value)
    assert vendors.requests == []


@each
def test_in_a_pipeline_it_is_a_stage_with_a_spec_and_a_key(
    vendors: Vendors, quick: Runtime, reranker: RemoteReranker
) -> None:
    pipeline = Pipeline(chunk=FixedTokens(size=9), rerank=replace(reranker, top_n=4))
    assert pipeline_of(full_spec(pipeline)) == pipeline
    found = pipeline.search(pipeline.ingest(CORPUS, quick), Queries(("dough rests",)), quick)
    assert found.value.ids[0, 0] in (0, 5)
    stages = [reranker, replace(reranker, top_n=3), replace(reranker, model="m")]
    assert len({stage.key("x") for stage in stages}) == 3
    assert [stage.label for stage in stages] == [reranker.model, f"{reranker.model} top 3", "m"]
    for field, value in (("model", " "), ("top_n", 0)):
        with pytest.raises(SpecError):
            pipeline_of({"rerank": {type(reranker).__name__: {field: value}}})


def test_a_search_is_a_hundred_texts_and_a_long_text_is_several() -> None:
    def searches(query: int, *texts: int) -> int:
        return CohereRerank().usage(query, texts).searches

    assert [searches(10, *[100] * n) for n in (1, 100, 101, 250)] == [1, 1, 2, 3]
    assert searches(100, *[400] * 100) == 1
    assert searches(100, *[401] * 100) == 2
    assert searches(600, 10) == math.ceil(10 / 100)
    assert VoyageRerank().takes(10, [5, 7]) == (1, Usage(input=32))
    assert VoyageRerank().takes(10, []) == (0, Usage())
    calls, used = CohereRerank().takes(1, [1] * 1_050)
    assert (calls, used.searches) == (2, 10 + 1)
