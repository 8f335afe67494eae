"""The plan of a sweep that reranks: what is asked, what is paid, and what is kept of it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from goldsets.evaluation.plan import plan
from goldsets.evaluation.spec import SweepSpec, sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.evaluation.words import mended
from goldsets.launch import embedding_plan, lacking
from retrieval.cost import FILE, Outlay
from retrieval.query.judged import REPAIRS
from retrieval.retry import Retry
from retrieval.runtime import Runtime
from retrieval.store import Workspace, ledger
from tests.goldsets.making import sample_corpus, sample_gold
from tests.retrieval.providers.stub import KEY, Vendors
from tests.retrieval.query.reader import read
from tests.retrieval.query.test_rerank import HashedMaxSim, HashedRescore

CORPUS, GOLD = sample_corpus(), sample_gold()
QUERIES = len(GOLD.queries)
CHUNKS = 5
VOYAGE, COHERE = "voyage/rerank-2.5-lite", "cohere/rerank-v3.5"
CLAUDE = "anthropic/claude-haiku-4-5"


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendors]:
    with Vendors(says=read) as server:
        for name in ("VOYAGE_API_KEY", "CO_API_KEY", "ANTHROPIC_API_KEY"):
            monkeypatch.setenv(name, KEY)
        monkeypatch.setenv("VOYAGE_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("CO_API_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


def spec(*rerankers: Any, **base: Any) -> SweepSpec:
    """Pipelines whose first stage returns every chunk for every query."""
    every = {"chunk": "Given", "first": ["Dense"], **base}
    return sweep_of({"base": every, "grid": {"rerank": [None, *rerankers]}})


def planned(wanted: SweepSpec, workspace: Workspace, name: str) -> Outlay:
    return plan(wanted, GOLD, CORPUS, Runtime(workspace)).reranking[name]


@pytest.mark.parametrize(
    ("reranker", "name", "calls"),
    [
        ("VoyageRerank", VOYAGE, QUERIES),
        ("CohereRerank", COHERE, QUERIES),
        ("Pointwise", CLAUDE, QUERIES * CHUNKS),
        ({"Listwise": {"window": 3, "stride": 1}}, CLAUDE, QUERIES * 3),
    ],
)
def test_the_plan_says_what_is_then_paid(
    vendors: Vendors, workspace: Workspace, reranker: Any, name: str, calls: int
) -> None:
    wanted = spec(reranker)
    before = planned(wanted, workspace, name)
    assert vendors.requests == []
    assert before.estimated
    assert (before.calls, before.texts, before.kept_texts) == (calls, QUERIES * CHUNKS, 0)
    assert before.usd
    result = sweep(wanted, GOLD, CORPUS, Runtime(workspace))
    assert result["errors"] == {}
    assert len(ledger.calls(workspace, 500)) == len(vendors.requests) == calls

    after = planned(wanted, workspace, name)
    assert (after.calls, after.texts, after.tokens, after.usd) == (0, 0, 0, 0)
    assert after.kept_texts == QUERIES * CHUNKS
    assert after.kept_usd == pytest.approx(before.usd, rel=0.05)
    assert not after.estimated
    plain, reranked = (row["cost_usd"] for row in result["variants"])
    assert plain == 0
    assert reranked == pytest.approx(after.kept_usd)
    vendors.requests.clear()
    again = sweep(wanted, GOLD, CORPUS, Runtime(workspace))
    assert vendors.requests == []
    assert [row["cost_usd"] for row in again["variants"]] == [plain, reranked]


def test_another_depth_pays_for_what_is_new_alone(vendors: Vendors, workspace: Workspace) -> None:
    few, more = {"VoyageRerank": {"top_n": 2}}, {"VoyageRerank": {"top_n": 4}}
    together = planned(spec(few, more), workspace, VOYAGE)
    assert (together.calls, together.texts) == (2 * QUERIES, 4 * QUERIES)
    sweep(spec(few), GOLD, CORPUS, Runtime(workspace))
    rest = planned(spec(few, more), workspace, VOYAGE)
    assert not rest.estimated  # the first stage has run
    assert (rest.calls, rest.texts, rest.kept_texts) == (QUERIES, 2 * QUERIES, 2 * QUERIES)
    vendors.requests.clear()
    sweep(spec(few, more), GOLD, CORPUS, Runtime(workspace))
    assert len(vendors.requests) == QUERIES
    assert {len(r.body["documents"]) for r in vendors.requests} == {2}


@pytest.mark.parametrize(
    ("reranker", "name"),
    [
        ("VoyageRerank", VOYAGE),
        ({"Listwise": {"window": 3, "stride": 1}}, CLAUDE),
        ("Pointwise", CLAUDE),
    ],
)
def test_a_resume_is_priced_before_it_starts(
    vendors: Vendors, workspace: Workspace, reranker: Any, name: str
) -> None:
    whole = planned(spec(reranker), workspace, name)
    vendors.faults = [*[""] * 4, "400"]
    result = sweep(spec(reranker), GOLD, CORPUS, Runtime(workspace, retry=Retry(1)))
    assert len(result["errors"]) == 1
    done = sum(c.state == "done" for c in ledger.calls(workspace))
    rest = planned(spec(reranker), workspace, name)
    assert rest.calls == whole.calls - done > 0
    assert rest.kept_usd
    vendors.requests.clear()
    assert sweep(spec(reranker), GOLD, CORPUS, Runtime(workspace))["errors"] == {}
    assert len(vendors.requests) == rest.calls


def test_two_first_stages_share_their_pairs_once_they_are_known(
    vendors: Vendors, workspace: Workspace
) -> None:
    grid = {"first": [["Dense"], ["BM25"]], "rerank": ["VoyageRerank"]}
    wanted = sweep_of({"base": {"chunk": "Given"}, "grid": grid})
    assert planned(wanted, workspace, VOYAGE).texts == 2 * QUERIES * CHUNKS  # the most there can be
    for first in grid["first"]:
        sweep(
            sweep_of({"base": {"chunk": "Given", "first": first}}), GOLD, CORPUS, Runtime(workspace)
        )
    known = planned(wanted, workspace, VOYAGE)
    assert (known.texts, known.estimated) == (QUERIES * CHUNKS, False)
    sweep(wanted, GOLD, CORPUS, Runtime(workspace))
    assert sum(len(r.body["documents"]) for r in vendors.requests) == known.texts


def test_the_plan_in_words(vendors: Vendors, workspace: Workspace) -> None:
    wanted = spec("VoyageRerank", "CohereRerank")
    lines = list(embedding_plan(plan(wanted, GOLD, CORPUS, Runtime(workspace))))
    voyage, cohere = (line for line in lines if "to rerank with" in line)
    assert voyage.startswith(f"30 candidates to rerank with {VOYAGE}: 6 calls, ")
    assert voyage.endswith(", an estimate until the first stages have run")
    assert cohere == (
        f"30 candidates to rerank with {COHERE}: 6 calls, 6 searches, about $0.012,"
        " an estimate until the first stages have run"
    )
    assert lines[-1].endswith("in all")
    sweep(wanted, GOLD, CORPUS, Runtime(workspace))
    lines = list(embedding_plan(plan(wanted, GOLD, CORPUS, Runtime(workspace))))
    (cohere,) = (line for line in lines if COHERE in line)
    assert cohere == (
        f"0 candidates to rerank with {COHERE}: 0 calls, 0 tokens, about $0;"
        " 30 candidates kept from before (about $0.012)"
    )


def test_an_unknown_price_is_unknown(vendors: Vendors, workspace: Workspace) -> None:
    wanted = spec({"VoyageRerank": {"model": "rerank-9"}})
    (line,) = embedding_plan_of(wanted, workspace)
    assert "an unknown price (see prices.json)" in line
    costs = [r["cost_usd"] for r in sweep(wanted, GOLD, CORPUS, Runtime(workspace))["variants"]]
    assert costs == [0, None]
    (workspace.path / FILE).write_text(json.dumps({"voyage/rerank-9": {"input": 1.0}}))
    (line,) = embedding_plan_of(wanted, workspace)
    assert "unknown" not in line


def embedding_plan_of(wanted: SweepSpec, workspace: Workspace) -> list[str]:
    lines = embedding_plan(plan(wanted, GOLD, CORPUS, Runtime(workspace)))
    return [line for line in lines if "rerank" in line]


def test_a_missing_key_is_said_before_the_start_and_not_for_what_is_kept(
    vendors: Vendors, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = spec("VoyageRerank")
    deeper = replace(wanted.variants[1].pipeline, pool=140)
    sweep(wanted, GOLD, CORPUS, Runtime(workspace))
    monkeypatch.delenv("VOYAGE_API_KEY")
    other = replace(wanted, variants=(replace(wanted.variants[1], source=deeper),))
    (line,) = lacking(plan(other, GOLD, CORPUS, Runtime(workspace)))
    assert line.endswith(
        "Voyage needs a key; set VOYAGE_API_KEY in the environment and start again"
    )
    sweep(spec(pool=140), GOLD, CORPUS, Runtime(workspace))
    assert list(lacking(plan(other, GOLD, CORPUS, Runtime(workspace)))) == []
    assert list(sweep(other, GOLD, CORPUS, Runtime(workspace))["errors"]) == []
    new = spec({"VoyageRerank": {"model": "rerank-2.5"}})
    (error,) = sweep(new, GOLD, CORPUS, Runtime(workspace))["errors"].values()
    assert error == "Voyage needs a key; set VOYAGE_API_KEY in the environment and start again"


def test_the_plan_counts_what_late_interaction_embeds(workspace: Workspace) -> None:
    base = spec(first=["BM25"], chunk={"FixedTokens": {"size": 10}})
    (plain,) = base.variants
    rerankers = (HashedMaxSim(top_n=3), HashedRescore(top_n=3), HashedRescore(late=0))
    variants = tuple(
        replace(plain, name=str(r), source=replace(plain.pipeline, rerank=r)) for r in rerankers
    )
    wanted = replace(base, variants=variants, baseline=variants[0].name)

    def most() -> int:
        found = plan(wanted, GOLD, CORPUS, Runtime(workspace)).token_texts
        return found.get("hashed-tokens/1", 0)

    before = most()
    assert before > QUERIES * 2
    assert before <= QUERIES * 2 + QUERIES * 3 * 2
    sweep(base, GOLD, CORPUS, Runtime(workspace))
    known = most()
    assert known <= before
    line = f"at most {known} texts to embed token by token with hashed-tokens/1, at no cost"
    lines = list(embedding_plan(plan(wanted, GOLD, CORPUS, Runtime(workspace))))
    assert any(own.startswith(line) for own in lines)
    rt = Runtime(workspace)
    sweep(wanted, GOLD, CORPUS, rt)
    assert known - QUERIES <= rt.tally.embedded <= known  # MaxSim's list is Rescore's too
    assert most() == 0


def test_contexts_that_are_still_to_be_written_are_not_written_for_the_plan(
    vendors: Vendors, workspace: Workspace
) -> None:
    wanted = spec(
        "VoyageRerank", {"Listwise": {"window": 3, "stride": 1}}, contextualize="LLMContext"
    )
    before = plan(wanted, GOLD, CORPUS, Runtime(workspace))
    bare = plan(spec("VoyageRerank"), GOLD, CORPUS, Runtime(workspace))
    assert vendors.requests == []
    more = before.reranking[VOYAGE].tokens - bare.reranking[VOYAGE].tokens
    assert more == pytest.approx(QUERIES * CHUNKS * 100, rel=0.02)
    assert before.reranking[CLAUDE].calls == QUERIES * 3


def test_what_was_mended_in_answers_is_in_the_result_and_said(
    vendors: Vendors, workspace: Workspace
) -> None:
    broken = iter("[1] > [1] > [9]\n" * 2 for _ in range(99))

    def says(told: str) -> str:
        return next(broken) if "number=" in told else f"A clear {read(told)}!"

    vendors.says = says
    wanted = spec("Pointwise", {"Listwise": {"window": 3, "stride": 1}})
    for _ in range(2):  # made, and kept
        rows = sweep(wanted, GOLD, CORPUS, Runtime(workspace))["variants"]
        plain, graded, ordered = (row["answers"] for row in rows)
        assert plain is None
        n = QUERIES * CHUNKS
        assert graded == {"answers": n, "mended": n, "wrapped": n, **zero("wrapped")}
        n = QUERIES * 3
        found = {"repeated": 3 * n, "unknown": 2 * n, "missing": 2 * n}
        assert ordered == {"answers": n, "mended": n, "wrapped": 0, **found}
        one, two = mended(rows)
        assert one.endswith(
            ": 30 of 30 answers by its reranker mended (30 grades among other words)."
        )
        assert two.endswith(
            "(54 numbers given twice, 36 numbers of no passage, 36 passages left out)."
        )


def zero(*but: str) -> dict[str, int]:
    return {kind: 0 for kind in REPAIRS if kind not in but}
