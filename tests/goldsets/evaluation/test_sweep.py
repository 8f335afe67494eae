import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goldsets.evaluation import paired, stats
from goldsets.evaluation.plan import plan
from goldsets.evaluation.run import packed, unpacked
from goldsets.evaluation.spec import SweepSpec, Variant, named, sweep_of
from goldsets.evaluation.sweep import Board, sweep
from goldsets.store import open_workspace, runs
from goldsets.types import Evidence
from retrieval.errors import Cancelled, Paused, PizzaError
from retrieval.ingest.chunk import FixedTokens, Given
from retrieval.pipeline import Pipeline, full_spec
from retrieval.query.dense import Dense
from retrieval.query.lexical import BM25
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Candidates
from tests.goldsets.letters import Letters
from tests.goldsets.making import lasting, sample_corpus, sample_gold

CORPUS, GOLD = sample_corpus(), sample_gold()


def pipelines() -> list[Pipeline]:
    return [
        Pipeline(chunk=chunk, embed=Letters(), first=first, pool=20)
        for chunk in (Given(), FixedTokens(size=10))
        for first in ((BM25(),), (Dense(),), (BM25(), Dense()))
    ]


def spec(*, broken: bool = False) -> SweepSpec:
    variants = named(pipelines())
    if broken:
        bad = dataclasses.replace(pipelines()[1], embed=Letters(fails=True))
        variants = (variants[0], Variant("broken", bad), *variants[1:])
    measures = sweep_of({"measures": ["R@1", "nDCG@10", "EvidenceRecall@20tok"]}).measures
    return SweepSpec(variants, measures, variants[0].name)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    Letters.asked.clear()
    return open_workspace(tmp_path / "workspace")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    workspace = open_workspace(tmp_path_factory.mktemp("undisturbed"))
    return sweep(spec(), GOLD, CORPUS, Runtime(workspace))


def test_the_result_holds_what_is_promised(workspace: Workspace) -> None:
    result = json.loads(json.dumps(sweep(spec(), GOLD, CORPUS, Runtime(workspace))))
    assert (result["format"], result["version"]) == ("pizza-night/sweep", 1)
    assert result["goldset"] == {
        "name": "gold",
        "version": GOLD.version,
        "queries": 6,
        "origins": {"written": 6},
        "judgments": 6,
        "evidence": {"exact": 6},
        "gone": [],
        "edited": [],
    }
    assert result["corpus"] == {"name": "corpus", "version": 1, "documents": 5}
    assert result["measures"] == ["R@1", "nDCG@10", "EvidenceRecall@20tok"]
    assert result["intervals"] == stats.METHOD
    assert result["tests"] == paired.METHOD
    assert result["errors"] == {}
    assert result["seconds"] >= 0
    assert [row["name"] for row in result["variants"]] == [v.name for v in spec().variants]
    for row, variant in zip(result["variants"], spec().variants, strict=True):
        assert row["spec"] == full_spec(variant.pipeline)
        assert row["cost_usd"] == 0
        assert set(row["measures"]) == set(row["differences"]) == set(result["measures"])
        estimate = {"mean", "low", "high", "queries", "undefined"}
        told = {"wins", "losses", "p", "p_holm", "compared", "no_worse", "more", "tells"}
        assert all(set(e) == estimate for e in row["measures"].values())
        assert all(set(e) == estimate | told for e in row["differences"].values())
        for e in (*row["measures"].values(), *row["differences"].values()):
            assert e["low"] - 1e-6 <= e["mean"] <= e["high"] + 1e-6
            assert (e["queries"], e["undefined"]) == (6, 0)
        assert set(row["seconds"]) >= {"Blocks", "CountTokens"}
        assert all(s >= 0 for s in row["seconds"].values())
    assert len({row["run"] for row in result["variants"]}) == 6


def test_means_and_differences_are_those_of_the_queries(workspace: Workspace) -> None:
    rt = Runtime(workspace)
    result = sweep(spec(), GOLD, CORPUS, rt)
    board = Board(GOLD, CORPUS, rt)
    values = []
    for variant, row in zip(spec().variants, result["variants"], strict=True):
        prepared = board.prepare(variant)
        ids, tokens = prepared.ranking.value.ids, prepared.index.tokens.value
        values.append(board.values(prepared.index, ids, spec().measures))
        for k in (1, 10, 20):
            read = np.mean([tokens[top[top >= 0]].sum() for top in ids[:, :k]])
            assert row["tokens_at"][str(k)] == pytest.approx(read, abs=0.051)
    for row, own in zip(result["variants"], values, strict=True):
        for m, measure in enumerate(result["measures"]):
            assert row["measures"][measure]["mean"] == pytest.approx(own[m].mean())
            difference = (own[m] - values[0][m]).mean()
            assert row["differences"][measure]["mean"] == pytest.approx(difference, abs=1e-12)


def test_equal_prefixes_are_made_once(workspace: Workspace) -> None:
    rt = Runtime(workspace)
    result = sweep(spec(), GOLD, CORPUS, rt)
    board = Board(GOLD, CORPUS, Runtime(workspace))
    lines = [m for v in spec().variants for m in board.prepare(v).ranking.line() if m.kept]
    distinct = {m.key for m in lines}
    assert len(distinct) < len(lines) / 1.5
    assert result["stages"] == {"computed": len(distinct), "reused": 0}
    assert len(Letters.asked) == len(set(Letters.asked)) == result["texts_embedded"]


def test_the_plan_says_what_a_sweep_then_does(workspace: Workspace) -> None:
    before = plan(spec(), GOLD, CORPUS, Runtime(workspace))
    assert (before.variants, before.kept) == (6, 0)
    result = sweep(spec(), GOLD, CORPUS, Runtime(workspace))
    assert before.texts_to_embed == {"letters/1": result["texts_embedded"]}
    assert result["stages"]["computed"] + result["stages"]["reused"] == before.stages
    after = plan(spec(), GOLD, CORPUS, Runtime(workspace))
    assert (after.to_make, after.kept) == (0, before.stages)
    assert after.texts_to_embed == {"letters/1": 0}


def test_a_second_sweep_makes_and_embeds_nothing(workspace: Workspace) -> None:
    first = sweep(spec(), GOLD, CORPUS, Runtime(workspace))
    second = sweep(spec(), GOLD, CORPUS, Runtime(workspace))
    assert second["stages"] == {"computed": 0, "reused": first["stages"]["computed"]}
    assert second["texts_embedded"] == 0
    assert lasting(second) == lasting(first)
    for then, now in zip(first["variants"], second["variants"], strict=True):
        kept = now["seconds"].keys() & {"Given", "FixedTokens", "Letters", "BM25", "Dense"}
        assert kept
        assert {k: now["seconds"][k] for k in kept} == {k: then["seconds"][k] for k in kept}


def test_one_more_variant_makes_only_what_is_new(workspace: Workspace) -> None:
    def first(n: int) -> dict[str, Any]:
        part = SweepSpec(spec().variants[:n], spec().measures, spec().baseline)
        return sweep(part, GOLD, CORPUS, Runtime(workspace))

    first(1)
    assert Letters.asked == []
    assert first(2)["stages"]["computed"] == 3  # vectors of chunks and queries, Dense
    asked = len(Letters.asked)
    assert asked == len(CORPUS) + len(GOLD.queries)
    assert first(3)["stages"]["computed"] == 0  # fusing is too quick to be kept
    assert len(Letters.asked) == asked


def test_a_variant_that_fails_is_reported_and_stops_no_other(
    workspace: Workspace, undisturbed: dict[str, Any]
) -> None:
    told: list[tuple[int, str, str]] = []
    result = sweep(
        spec(broken=True), GOLD, CORPUS, Runtime(workspace), lambda *unit: told.append(unit)
    )
    assert result["errors"] == {"broken": "the model is out of letters"}
    assert lasting(result)["variants"] == lasting(undisturbed)["variants"]
    assert [t[0] for t in told] == list(range(1, 8))
    assert told[1][1:] == ("broken", "the model is out of letters")
    assert {error for _, name, error in told if name != "broken"} == {""}


def test_without_its_baseline_a_sweep_has_measures_and_no_differences(
    workspace: Workspace,
) -> None:
    broken = spec(broken=True)
    result = sweep(
        SweepSpec(broken.variants[1:3], broken.measures, "broken"),
        GOLD,
        CORPUS,
        Runtime(workspace),
    )
    assert [row["name"] for row in result["variants"]] == [broken.variants[2].name]
    assert result["variants"][0]["differences"] == {}


def test_when_all_variants_fail_there_is_still_a_result(workspace: Workspace) -> None:
    broken = spec(broken=True)
    only = SweepSpec(broken.variants[1:2], broken.measures, "broken")
    result = sweep(only, GOLD, CORPUS, Runtime(workspace))
    assert (result["variants"], list(result["errors"])) == ([], ["broken"])


class Stopping:
    """Progress that stops the work at its n-th call."""

    def __init__(self, at: int, error: type[PizzaError] = Paused) -> None:
        self.at, self.calls, self.error = at, 0, error

    def __call__(self, step: str, done: int, total: int) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise self.error("stop")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> int:
    counter = Stopping(-1)
    workspace = open_workspace(tmp_path_factory.mktemp("count"))
    sweep(spec(), GOLD, CORPUS, Runtime(workspace, progress=counter))
    return counter.calls


@pytest.mark.parametrize("share", [0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1])
def test_stopped_at_any_call_and_resumed_the_result_is_equal(
    workspace: Workspace, undisturbed: dict[str, Any], calls: int, share: float
) -> None:
    stopped = Runtime(workspace, progress=Stopping(1 + round(share * (calls - 1))))
    with pytest.raises(Paused):
        sweep(spec(), GOLD, CORPUS, stopped)
    finished = stopped.tally.made & kept_keys(workspace)
    resumed = sweep(spec(), GOLD, CORPUS, Runtime(workspace))
    assert lasting(resumed) == lasting(undisturbed)
    assert len(Letters.asked) == len(set(Letters.asked)), "a text was embedded twice"
    assert resumed["stages"]["reused"] == len(finished)


def kept_keys(workspace: Workspace) -> set[str]:
    with workspace.read() as db:
        return {row["key"] for row in db.execute("SELECT key FROM artifacts")}


def test_stopped_again_and_again_it_still_comes_to_its_end(
    workspace: Workspace, undisturbed: dict[str, Any]
) -> None:
    for at in (3, 9, 15, 21):
        with pytest.raises(Paused):
            sweep(spec(), GOLD, CORPUS, Runtime(workspace, progress=Stopping(at)))
    result = sweep(spec(), GOLD, CORPUS, Runtime(workspace))
    assert lasting(result) == lasting(undisturbed)


def test_cancelling_stops_too(workspace: Workspace) -> None:
    with pytest.raises(Cancelled):
        sweep(spec(), GOLD, CORPUS, Runtime(workspace, progress=Stopping(30, Cancelled)))


def test_runs_are_kept_and_read_back_equal(workspace: Workspace) -> None:
    rt = Runtime(workspace)
    result = sweep(spec(), GOLD, CORPUS, rt)
    ids = [row["run"] for row in result["variants"]]
    board = Board(GOLD, CORPUS, rt)
    for run, variant in zip(runs.read(workspace, ids[::-1]), spec().variants[::-1], strict=True):
        prepared = board.prepare(variant)
        assert (run.variant, run.spec) == (variant.name, full_spec(variant.pipeline))
        assert (run.goldset, run.gold_version) == ("gold", GOLD.version)
        assert (run.corpus, run.corpus_version) == ("corpus", 1)
        assert run.chunking == prepared.index.chunks.key
        assert run.queries == tuple(q.id for q in GOLD.queries)
        assert run.rows(GOLD).tolist() == list(range(6))
        np.testing.assert_array_equal(run.candidates.ids, prepared.ranking.value.ids)
        np.testing.assert_array_equal(run.candidates.scores, prepared.ranking.value.scores)
        assert run.candidates.ids.dtype == np.int32


def test_a_run_is_named_by_gold_and_corpus_too(workspace: Workspace) -> None:
    one = SweepSpec(spec().variants[:1], spec().measures, spec().baseline)

    def run(gold: Any, corpus: Any) -> str:
        found: str = sweep(one, gold, corpus, Runtime(workspace))["variants"][0]["run"]
        return found

    other_gold = dataclasses.replace(GOLD, evidence={**GOLD.evidence, "q5": ()})
    other_corpus = dataclasses.replace(CORPUS, documents=CORPUS.documents[:4])
    ids = [run(GOLD, CORPUS), run(other_gold, CORPUS), run(GOLD, other_corpus)]
    assert len(set(ids)) == 3
    assert run(GOLD, CORPUS) == ids[0]


def test_evidence_that_is_gone_is_named_and_counts_as_not_found(workspace: Workspace) -> None:
    fewer = dataclasses.replace(CORPUS, documents=CORPUS.documents[:4])
    result = sweep(spec(), GOLD, fewer, Runtime(workspace))
    assert result["goldset"]["gone"] == ["q5: d4"]
    assert result["goldset"]["evidence"] == {"exact": 5, "gone": 1}
    e = result["variants"][0]["measures"]["R@1"]
    assert (e["queries"], e["undefined"]) == (6, 0)
    assert e["mean"] <= 5 / 6


def test_edited_evidence_is_named_and_counts_as_not_found_until_confirmed(
    workspace: Workspace,
) -> None:
    last = CORPUS.documents[4]
    q5 = sample_gold().evidence["q5"][0]
    new = dataclasses.replace(last, text=last.text.replace("Cold beer", "Cold root beer"))
    edited = dataclasses.replace(CORPUS, documents=(*CORPUS.documents[:4], new))
    result = sweep(spec(), GOLD, edited, Runtime(workspace))
    assert result["goldset"]["edited"] == ["q5: d4"]
    assert result["goldset"]["gone"] == []
    assert result["goldset"]["evidence"] == {"exact": 5, "edited": 1}
    confirmed = {**GOLD.evidence, "q5": (Evidence.of("d4", new.text, q5.start, q5.end + 5),)}
    gold = dataclasses.replace(GOLD, evidence=confirmed)
    again = sweep(spec(), gold, edited, Runtime(workspace))
    assert again["goldset"]["evidence"] == {"exact": 6}
    for before, after in zip(result["variants"], again["variants"], strict=True):
        one, two = (v["measures"]["R@1"] for v in (before, after))
        assert (one["queries"], two["queries"]) == (6, 6)
        assert one["mean"] <= 5 / 6
        assert two["mean"] >= one["mean"]


def test_packed_rankings_round_trip() -> None:
    candidates = Candidates(np.array([[3, 1, -1]], np.int32), np.array([[2.5, -0.0, -np.inf]]))
    again = unpacked(packed(candidates), Candidates)
    np.testing.assert_array_equal(again.ids, candidates.ids)
    np.testing.assert_array_equal(again.scores, candidates.scores)


def test_a_sweep_without_a_workspace_finds_the_same(undisturbed: dict[str, Any]) -> None:
    assert lasting(sweep(spec(), GOLD, CORPUS, Runtime())) == lasting(undisturbed)


def test_filters_and_patterns_compete_and_an_unknown_field_stops_its_variant_alone() -> None:
    ids = [d.id for d in CORPUS.documents]
    options = ["none", {"In": {"field": "id", "values": ids[:1]}}, {"Exists": {"field": "lang"}}]
    grid = {"filter": options, "first": ["BM25", {"Regex": {"pattern": "."}}]}
    asked = sweep_of({"base": {"chunk": "Given"}, "grid": grid, "measures": ["R@5"]})
    result = sweep(asked, GOLD, CORPUS, Runtime())
    found = {row["name"]: row["measures"]["R@5"]["mean"] for row in result["variants"]}
    assert list(found) == ["BM25", "Regex", f"id in {ids[0]} · BM25", f"id in {ids[0]} · Regex"]
    own = sum(any(e.document == ids[0] for e in GOLD.evidence[q.id]) for q in GOLD.queries)
    assert found["Regex"] == 1
    assert found[f"id in {ids[0]} · Regex"] == pytest.approx(own / len(GOLD.queries))
    assert list(result["errors"]) == ["has lang · BM25", "has lang · Regex"]
    assert all("known: id, title, media" in e for e in result["errors"].values())
