"""The published ladder of contextual retrieval as one sweep: told apart, and paid once."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from goldsets.evaluation.plan import plan
from goldsets.evaluation.spec import SweepSpec, sweep_of
from goldsets.evaluation.sweep import sweep
from retrieval.runtime import Runtime
from retrieval.store import Workspace, ledger
from retrieval.types import Queries
from tests.goldsets.making import lasting, sample_corpus, sample_gold
from tests.retrieval.providers.stub import KEY, Request, Vendors

CORPUS, GOLD = sample_corpus(), sample_gold()
QUERIES = Queries(tuple(q.text for q in GOLD.queries))
CLAUDE, VOYAGE = "anthropic/claude-haiku-4-5", "voyage/voyage-3.5-lite@8"
FUSED = " · RRF(weights=0.8/0.2, k=0)"
STEPS = [
    "Dense",
    f"Dense + BM25{FUSED}",
    "LLMContext · Dense",
    f"LLMContext · Dense + BM25(context=False){FUSED}",
    f"LLMContext · Dense + BM25{FUSED}",
]


def ladder(chunk: Any = "Given") -> SweepSpec:
    """Contexts beside nothing, the embedding, or both; each with and without a reranker."""
    embed = {"Voyage": {"model": "voyage-3.5-lite", "width": 8}}
    fuse = {"RRF": {"k": 0, "weights": [0.8, 0.2]}}
    grid = {
        "contextualize": [None, "LLMContext"],
        "first": [["Dense"], ["Dense", {"BM25": {"context": False}}], ["Dense", "BM25"]],
        "rerank": [None, "CohereRerank"],
    }
    base = {"chunk": chunk, "embed": embed, "fuse": fuse}
    return sweep_of({"base": base, "grid": grid})


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendors]:
    with Vendors() as server:
        for name in ("VOYAGE_API_KEY", "CO_API_KEY", "ANTHROPIC_API_KEY"):
            monkeypatch.setenv(name, KEY)
        monkeypatch.setenv("VOYAGE_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("CO_API_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


def to(vendors: Vendors, path: str) -> list[Request]:
    return [r for r in vendors.requests if r.path.endswith(path)]


def passages(vendors: Vendors) -> list[str]:
    sent = (r.body for r in to(vendors, "/embeddings"))
    return [text for body in sent if body["input_type"] == "document" for text in body["input"]]


def test_the_steps_are_told_apart_and_what_they_share_is_planned_and_paid_once(
    vendors: Vendors, workspace: Workspace
) -> None:
    wanted = ladder()
    names = [v.name for v in wanted.variants]
    assert names == [name for step in STEPS for name in (step, f"{step} · rerank-v3.5")]
    before = plan(wanted, GOLD, CORPUS, Runtime(workspace))
    assert vendors.requests == []
    chunks = len(CORPUS.documents)
    assert before.contexts[CLAUDE].calls == chunks

    result = sweep(wanted, GOLD, CORPUS, Runtime(workspace))
    assert result["errors"] == {}
    assert len(to(vendors, "/v1/messages")) == chunks
    assert len(passages(vendors)) == len(set(passages(vendors))) == 2 * chunks
    assert (
        before.outlays[VOYAGE].texts == result["texts_embedded"] == 2 * chunks + len(GOLD.queries)
    )
    cost = {row["name"]: row["cost_usd"] for row in result["variants"]}
    assert cost["Dense"] == cost[STEPS[1]] < cost["LLMContext · Dense"]
    assert cost["LLMContext · Dense"] == cost[STEPS[4]]
    assert cost["LLMContext · Dense"] < cost["LLMContext · Dense · rerank-v3.5"]


def test_a_step_is_what_it_is_alone(vendors: Vendors, workspace: Workspace) -> None:
    rt = Runtime(workspace)
    for pipeline in (v.pipeline for v in ladder().variants if v.pipeline.rerank is None):
        steps = pipeline.steps(pipeline.ingest(CORPUS, rt), QUERIES, rt)
        for found, stage in zip(steps.found, pipeline.first, strict=True):
            alone = replace(pipeline, first=(stage,)).effective()
            assert (alone.contextualize is None) == (
                pipeline.contextualize is None or not stage.reads_context
            )
            ranked = alone.search(alone.ingest(CORPUS, rt), QUERIES, rt).value
            assert found.value.ids.tolist() == ranked.ids.tolist()
            assert found.value.scores.tolist() == ranked.scores.tolist()


def test_a_reranker_reads_contexts_whatever_the_first_stages_see(
    vendors: Vendors, workspace: Workspace
) -> None:
    unseen = {"contextualize": "LLMContext", "chunk": "Given", "rerank": "CohereRerank",
              "first": [{"BM25": {"context": False}}]}  # fmt: skip
    wanted = sweep_of({"base": unseen})
    before = plan(wanted, GOLD, CORPUS, Runtime(workspace))
    assert before.contexts[CLAUDE].calls > 0
    assert sweep(wanted, GOLD, CORPUS, Runtime(workspace))["errors"] == {}
    texts = [t for r in to(vendors, "/v2/rerank") for t in r.body["documents"]]
    assert texts
    assert all(text.startswith("context ") for text in texts)
    assert not before.outlays


def test_chunks_yet_to_be_cut_are_planned_with_and_without_contexts(
    vendors: Vendors, workspace: Workspace
) -> None:
    embed = {"Voyage": {"model": "voyage-3.5-lite", "width": 8}}
    wanted = ladder({"Semantic": {"size": 30, "unit": 8, "embed": embed}})
    before = plan(wanted, GOLD, CORPUS, Runtime(workspace))
    assert vendors.requests == []
    contexts = before.contexts[CLAUDE].calls
    assert contexts > 0
    assert before.outlays[VOYAGE].texts > 2 * contexts  # with and without, and units to cut
    assert sweep(wanted, GOLD, CORPUS, Runtime(workspace))["errors"] == {}
    after = plan(wanted, GOLD, CORPUS, Runtime(workspace))
    assert (after.contexts[CLAUDE].calls, after.outlays[VOYAGE].calls) == (0, 0)


def test_a_second_run_calls_nobody(vendors: Vendors, workspace: Workspace) -> None:
    first = sweep(ladder(), GOLD, CORPUS, Runtime(workspace))
    paid = len(ledger.calls(workspace, 500))
    assert paid == len(vendors.requests) > 0
    planned = plan(ladder(), GOLD, CORPUS, Runtime(workspace))
    every = (planned.contexts, planned.outlays, planned.reranking)
    assert [o.calls for part in every for o in part.values()] == [0, 0, 0]
    again = sweep(ladder(), GOLD, CORPUS, Runtime(workspace))
    assert len(vendors.requests) == paid
    assert again["texts_embedded"] == 0
    assert lasting(again) == lasting(first)
    with workspace.write() as db:
        db.execute("DELETE FROM artifacts")
    anew = sweep(ladder(), GOLD, CORPUS, Runtime(workspace))
    assert len(vendors.requests) == paid
    assert lasting(anew) == lasting(first)


def test_cutting_anew_embeds_only_texts_not_seen(vendors: Vendors, workspace: Workspace) -> None:
    def cut(size: int) -> SweepSpec:
        embed = {"Voyage": {"model": "voyage-3.5-lite", "width": 8}}
        base = {"chunk": {"BySentence": {"size": size}}, "embed": embed, "first": ["Dense"]}
        return sweep_of({"base": base})

    def texts(size: int) -> set[str]:
        rt = Runtime()
        chunks = cut(size).variants[0].pipeline.ingest(CORPUS, rt).chunks.value
        return {chunks.indexed(CORPUS, i) for i in range(len(chunks))}

    sweep(cut(12), GOLD, CORPUS, Runtime(workspace))
    seen = set(passages(vendors))
    assert seen == texts(12)
    vendors.requests.clear()
    sweep(cut(20), GOLD, CORPUS, Runtime(workspace))
    assert sorted(passages(vendors)) == sorted(texts(20) - seen)
    assert texts(20) & seen
    assert not any(r.body["input_type"] == "query" for r in to(vendors, "/embeddings"))
