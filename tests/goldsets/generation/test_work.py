"""The whole road against a model server with planted faults."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from goldsets import jobs
from goldsets.evidence import Status, anchor
from goldsets.generation import work
from goldsets.generation.review import table
from goldsets.generation.spec import GenerationSpec, generation_of, read_generation
from goldsets.store import drafts, generations, gold, open_workspace
from goldsets.types import STAND_IN, SYNTHETIC, GoldSet, Query
from retrieval.errors import InputError, OverBudget, Refused
from retrieval.providers.chat import ChatModel
from retrieval.providers.openai import VENDOR
from retrieval.providers.writer import CHAT_MODELS
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora, ledger
from tests.goldsets.generation.author import COUNTS, PLANTS, SURVIVE, Author, plant
from tests.goldsets.generation.conftest import QUICK, SPEC, Walked, no_error
from tests.goldsets.processes import Workers, over, until
from tests.retrieval.providers.stub import Vendors

pytestmark = pytest.mark.slow

UNREAD = {"refusal", "broken", "obeyed"}
"""What is planted in passages of which an answer cannot be read."""


def test_each_filter_drops_what_was_planted_for_it(walked: Walked) -> None:
    t = table(walked.workspace, walked.generation)
    sampled = generations.sample(walked.workspace, walked.generation)
    passages = {s.id: s.passage for s in sampled}
    assert len(passages) == sum(PLANTS.values())
    written = Counter(plant(passages[d.passages[0]].text) for d in t.drafts)
    assert written == {name: n for name, n in PLANTS.items() if name not in ("unworthy", "obeyed")}
    assert t.sieved.counts == COUNTS
    assert t.counts == {
        "reviewed": 0,
        "unreviewed": SURVIVE,
        "dropped": 0,
        "filtered": sum(COUNTS.values()),
    }
    dropped = {d.name: next(iter(t.sieved.reasons[d.name]), "") for d in t.drafts}
    by_plant = {(plant(passages[d.passages[0]].text), dropped[d.name]) for d in t.drafts}
    assert by_plant == {
        ("", ""),
        ("refusal", "malformed"),
        ("broken", "malformed"),
        ("decline", "declined"),
        ("leak", "copies the passage"),
        ("misquote", "misquoted"),
        ("refers", "refers to the document"),
        ("twin", ""),
        ("twin", "duplicate"),
        ("beside", "not answered"),
        *{(plant(passages[d.passages[0]].text), dropped[d.name]) for d in crowd(t, passages)},
    }
    assert {dropped[d.name] for d in crowd(t, passages)} == {"duplicate", "not specific"}


def crowd(t, passages):
    return [d for d in t.drafts if plant(passages[d.passages[0]].text) in ("common", "crowd")]


def test_what_survives_is_gold_that_stands_in_the_text_and_says_who_wrote_it(
    walked: Walked,
) -> None:
    held = gold.read(walked.workspace, "made")
    assert {(q.origin, q.needs, q.tags) for q in held.queries} == {
        (SYNTHETIC, "any", ("question",))
    }
    anchored = anchor(held, corpora.read(walked.workspace, "planted"))
    assert set(anchored.statuses) == {Status.EXACT}
    assert len(held.evidence) == SURVIVE
    for query in held.queries:
        for evidence in held.of(query)[:1]:
            assert evidence.exact.startswith("Its rule number")
    said = list(work.outcome(walked.workspace, walked.generation))
    assert f"{SURVIVE} in gold set 'made' (0 reviewed, {SURVIVE} not)" in said[-1]
    assert "openai@127.0.0.1" in said[-1]


def test_a_second_run_asks_nobody_and_changes_nothing(walked: Walked) -> None:
    ws, author = walked.workspace, walked.author
    before, sent = gold.read(ws, "made"), author.asked.total()
    made = drafts.of(ws, walked.generation)
    again = work.begin(ws, generation_of(SPEC), "planted", "made")
    work.run(ws, again.id, Runtime(ws), no_error)
    assert again.id == walked.generation
    assert (gold.read(ws, "made"), drafts.of(ws, again.id)) == (before, made)
    assert author.asked.total() == sent
    assert {plant(sent) for sent in author.twice} == UNREAD  # once more, and no more
    assert max(author.asked.values()) == 2


def test_an_edited_criterion_is_asked_again_and_no_other(walked: Walked, tmp_path: Path) -> None:
    desk = open_workspace(shutil.copytree(walked.workspace.path, tmp_path / "desk"))
    before = walked.author.asked.copy()
    criteria = {**generation_of(SPEC).criteria, "asked": "Somebody with the book asks for it."}
    second = work.begin(desk, generation_of({**SPEC, "criteria": criteria}), "planted", "made")
    work.run(desk, second.id, Runtime(desk, retry=QUICK), no_error)
    new = walked.author.asked - before
    walked.author.asked.subtract(new)
    assert all("Somebody with the book asks for it." in sent for sent in new)
    assert new.total() == sum(PLANTS.values())
    versions = Counter(p.name for p in generations.prompts(desk, "criterion"))
    assert versions == {"relevant": 1, "complete": 1, "asked": 2}


@pytest.mark.usefixtures("workers")
def test_killed_in_the_middle_it_goes_on_and_asks_nothing_twice(
    spec: GenerationSpec, desk: Workspace, vendors: Vendors, author: Author, workers: Workers
) -> None:
    vendors.slow_seconds = 0.01
    job = work.start(desk, spec, "planted", "made")
    until(lambda: author.asked.total() > 60)
    workers.kill(workers.pids[0])
    until(lambda: vendors.in_flight == 0)
    vendors.slow_seconds = 0.0
    assert over(desk, jobs.resume(desk, job.id).id).state == "done"
    t = table(desk, job.spec["generation"])
    assert t.sieved.counts == COUNTS
    twice = [sent for sent in author.twice if plant(sent) not in UNREAD]
    assert len(twice) <= VENDOR.at_once  # what was in flight when it was killed nobody could keep


def test_a_pause_keeps_what_was_asked(
    spec: GenerationSpec, desk: Workspace, vendors: Vendors, author: Author, workers: Workers
) -> None:
    vendors.slow_seconds = 0.02
    job = work.start(desk, spec, "planted", "made")
    until(lambda: author.asked.total() > 20)
    jobs.ask(desk, job.id, "pause")
    assert over(desk, job.id).state == "paused"
    vendors.slow_seconds = 0.0
    assert over(desk, jobs.resume(desk, job.id).id).state == "done"
    assert [sent for sent in author.twice if plant(sent) not in UNREAD] == []


def test_a_budget_ends_the_work_between_calls(
    spec: GenerationSpec, desk: Workspace, rt: Runtime, vendors: Vendors, author: Author
) -> None:
    (desk.path / "prices.json").write_text(
        f'{{"openai@{vendors.url[7:]}/*": {{"input": 1.0, "output": 1.0}}}}'
    )
    ledger.set_budget(desk, "workspace", 0.01)
    begun = work.begin(desk, spec, "planted", "made")
    with pytest.raises(OverBudget):
        work.run(desk, begun.id, rt, no_error)
    assert 0 < author.asked.total() < sum(PLANTS.values())


def test_a_vendor_that_refuses_now_and_then_ends_nothing_and_one_that_always_does_ends_all(
    spec: GenerationSpec, desk: Workspace, rt: Runtime, vendors: Vendors, author: Author
) -> None:
    begun = work.begin(desk, spec, "planted", "made")
    vendors.play("400", "", "400")
    work.run(desk, begun.id, rt, no_error)
    said = [v for v in generations.verdicts(desk, begun.id) if v.yes is None]
    assert sum("refused (400)" in v.reason for v in said) == 2
    vendors.play("400", "400")  # all there is to ask: still no reason to end
    work.run(desk, begun.id, rt, no_error)
    work.run(desk, begun.id, rt, no_error)
    said = [v for v in generations.verdicts(desk, begun.id) if v.yes is None]
    assert not any("refused (400)" in v.reason for v in said)
    author.asked.clear()
    vendors.for_ever = "401"
    other = work.begin(desk, generation_of({**SPEC, "application": "x"}), "planted", "made")
    with pytest.raises(Refused, match="401"):
        work.run(desk, other.id, rt, no_error)


def test_a_gold_set_of_another_corpus_is_refused(spec: GenerationSpec, desk: Workspace) -> None:
    gold.write(desk, GoldSet("other", "elsewhere", ()), "test")
    with pytest.raises(InputError, match="elsewhere"):
        work.begin(desk, spec, "planted", "other")


def test_real_queries_are_those_that_nobody_made_up(desk: Workspace) -> None:
    queries = (
        Query("a", "asked", origin="logged"),
        Query("b", "made", origin=SYNTHETIC),
        Query("c", "made too", origin=f"{STAND_IN}, reviewed"),
    )
    gold.write(desk, GoldSet("mixed", "planted", queries), "test")
    assert work.real_queries(desk, "planted", "mixed") == ["asked"]


def test_a_log_counts_as_real_queries_most_frequent_first(
    desk: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log.csv").write_text("query,count\nrare,1\noften,9\nasked,3\n")
    path = tmp_path / "spec.yaml"
    path.write_text("application: a\njudge: Offline\nwriter: Offline\nlog: log.csv\n")
    gold.write(desk, GoldSet("mixed", "planted", (Query("a", "asked"),)), "test")
    spec = read_generation(path)
    begun = work.begin(desk, spec, "planted", "mixed")
    assert begun.real == ("asked", "often", "rare")
    (tmp_path / "log.csv").write_text("query\nother\n")
    assert work.begin(desk, spec, "planted", "mixed").real == begun.real  # as it was begun
    with pytest.raises(InputError, match="none"):
        work.begin(desk, generation_of({**SPEC, "log": "none.csv"}), "planted", "made")
    monkeypatch.setattr(work, "MOST_LOGGED", 0)
    assert work.real_of(desk, spec, "planted", "new") == []


def test_nothing_is_worth_a_query(
    spec: GenerationSpec,
    desk: Workspace,
    rt: Runtime,
    vendors: Vendors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Author, "judge", lambda *_: '{"reason": "", "yes": false}')
    begun = work.begin(desk, spec, "planted", "made")
    work.run(desk, begun.id, rt, no_error)
    assert gold.read(desk, "made").queries == ()
    assert next(work.outcome(desk, begun.id)).endswith("0 worth a query by the judge")


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_any_chat_model_judges_writes_and_checks(
    model: type[ChatModel], desk: Workspace, rt: Runtime, vendors: Vendors, author: Author
) -> None:
    stage = model.__name__
    spec = generation_of({**SPEC, "judge": stage, "writer": stage, "sample": 12})
    begun = work.begin(desk, spec, "planted", "made")
    work.run(desk, begun.id, rt, no_error)
    names = {c.model for c in ledger.calls(desk, -1)}
    assert names == {spec.judge.name}
    t = table(desk, begun.id)
    passages = {s.id: s.passage for s in generations.sample(desk, begun.id)}
    good = {d.name for d in t.drafts if plant(passages[d.passages[0]].text) == ""}
    assert good
    assert good <= t.sieved.survivors
