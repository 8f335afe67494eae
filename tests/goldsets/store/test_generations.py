"""What generation keeps: samples, labels as a log, verdicts by versions, drafts, gold."""

from dataclasses import replace

import pytest

from goldsets.generation.types import Alike, Draft, Measured, Passage, Prompted, Verdict
from goldsets.store import drafts, generations, gold
from goldsets.types import REVIEWED, STAND_IN, SYNTHETIC, Evidence, GoldSet, Query
from retrieval.errors import InputError, NotFound
from retrieval.store import Workspace

TEXT = "Dough rests a night in the cold."
PASSAGES = [
    Passage("d0", 0, len(TEXT), TEXT, "Dough", ("Pizza", "반죽"), "text"),
    Passage("d1", 4, 8, "oven", block="code"),
]
EVIDENCE = Evidence.of("d0", TEXT, 6, 31)
QUERY = Query("q", "how long does dough rest", "en", ("question",), "any", SYNTHETIC)


@pytest.fixture
def generation(workspace: Workspace) -> int:
    begun = generations.begin(workspace, {"seed": 1}, "corpus", 1, "gold", ["a real one"])
    generations.keep_sample(workspace, begun.id, PASSAGES)
    return begun.id


def test_the_same_generation_is_begun_once_and_keeps_its_real_queries(
    workspace: Workspace, generation: int
) -> None:
    again = generations.begin(workspace, {"seed": 1}, "corpus", 1, "gold", ["others since"])
    other = generations.begin(workspace, {"seed": 2}, "corpus", 1, "gold", [])
    assert (again.id, again.real) == (generation, ("a real one",))
    assert [g.id for g in generations.recent(workspace, "gold")] == [other.id, generation]
    assert generations.read(workspace, generation) == again
    with pytest.raises(NotFound):
        generations.read(workspace, 99)


def test_a_sample_keeps_its_order_and_passages_are_shared(
    workspace: Workspace, generation: int
) -> None:
    other = generations.begin(workspace, {}, "corpus", 1, "gold", []).id
    generations.keep_sample(workspace, other, PASSAGES[::-1])
    generations.keep_sample(workspace, other, PASSAGES[::-1])
    first, second = (generations.sample(workspace, g) for g in (generation, other))
    assert [s.passage for s in first] == PASSAGES
    assert [s.id for s in second] == [s.id for s in first][::-1]


def test_labels_are_a_log_of_which_the_newest_of_each_person_holds(
    workspace: Workspace, generation: int
) -> None:
    a, b = (s.id for s in generations.sample(workspace, generation))
    for passage, worth, who in [(a, True, "Ann"), (a, False, "Ann"), (a, True, "Bo")]:
        generations.label(workspace, passage, worth, who)
    generations.label(workspace, b, True, "Ann")
    generations.label(workspace, b, None, "Ann")
    held = generations.labels(workspace, generation)
    assert [(w.passage, w.worth, w.who) for w in held] == [(a, False, "Ann"), (a, True, "Bo")]
    with pytest.raises(InputError):
        generations.label(workspace, a, True, " ")
    with pytest.raises(NotFound):
        generations.label(workspace, 99, True, "Ann")


def test_verdicts_of_every_version_of_a_prompt_stay(workspace: Workspace, generation: int) -> None:
    (a, b) = (s.id for s in generations.sample(workspace, generation))
    versions = [Prompted(f"k{i}", "criterion", "asked", f"text {i}", {"m": i}) for i in range(2)]
    generations.keep_prompts(workspace, versions)
    generations.keep_prompts(workspace, [replace(versions[0], text="never")])
    said = [
        Verdict(a, "k0", "asked", True, "it is"),
        Verdict(a, "k1", "asked", False, "it is not"),
        Verdict(b, "k1", "asked", None, "no JSON"),
    ]
    generations.keep_verdicts(workspace, said)
    assert generations.verdicts(workspace, generation) == said
    held = generations.prompts(workspace, "criterion")
    assert [replace(p, created="") for p in held] == versions


@pytest.fixture
def draft(workspace: Workspace, generation: int) -> Draft:
    measured = Measured(run=3, rare=0.25, alike=(Alike("x", 0.5, 70.0),), answered=True)
    passages = tuple(s.id for s in generations.sample(workspace, generation))
    written = Draft("n", "question", passages, "a cook", "en", "ask", "{}", "q?", "q??")
    written = replace(written, evidence=(EVIDENCE,), measured=measured)
    drafts.keep(workspace, generation, [replace(written, query="before"), written])
    (held,) = drafts.of(workspace, generation)
    assert replace(held, id=0) == written
    return held


def judged(workspace: Workspace) -> GoldSet:
    held = gold.read(workspace, "gold")
    queries = tuple(q for q in held.queries if q.synthetic)
    return GoldSet("gold", "corpus", queries, {q.id: held.of(q) for q in queries})


def test_what_is_wanted_of_a_draft_stands_in_the_gold_set_and_goes_again(
    workspace: Workspace, generation: int, draft: Draft
) -> None:
    for _ in range(2):  # a second time changes nothing
        drafts.enter(workspace, generation, {draft.id: (QUERY, [EVIDENCE])})
    name = f"synthetic-{generation}-{draft.id}"
    held = judged(workspace)
    assert held.queries == (replace(QUERY, id=name),)
    assert held.of(held.queries[0]) == (EVIDENCE,)
    assert len(gold.judgments(workspace, "gold", name)) == 1
    assert drafts.read(workspace, draft.id)[1].gold == name

    drafts.enter(workspace, generation, {draft.id: None})
    assert judged(workspace).queries == ()
    drafts.enter(workspace, generation, {draft.id: (QUERY, [EVIDENCE])})
    assert judged(workspace) == held


def test_a_review_holds_against_what_the_generation_wants(
    workspace: Workspace, generation: int, draft: Draft
) -> None:
    drafts.enter(workspace, generation, {draft.id: (QUERY, [EVIDENCE])})
    moved = Evidence.of("d0", TEXT, 0, 11)
    edited = replace(QUERY, text="dough rest time", origin=SYNTHETIC + REVIEWED)
    wanted = (edited, [moved])
    drafts.decide(workspace, draft.id, "edit", edited.text, [moved], "Ann", wanted)
    drafts.enter(workspace, generation, {draft.id: None})
    held = judged(workspace)
    assert [(q.text, q.reviewed) for q in held.queries] == [("dough rest time", True)]
    assert held.of(held.queries[0]) == (moved,)

    drafts.decide(workspace, draft.id, "drop", "", None, "Bo", None)
    drafts.enter(workspace, generation, {draft.id: (QUERY, [EVIDENCE])})
    assert judged(workspace).queries == ()
    said = drafts.reviews(workspace, generation)
    assert [(r.action, r.who, r.evidence) for r in said] == [
        ("edit", "Ann", (moved,)),
        ("drop", "Bo", None),
    ]


def test_a_query_that_somebody_changed_in_the_gold_set_stays_as_they_left_it(
    workspace: Workspace, generation: int, draft: Draft
) -> None:
    drafts.enter(workspace, generation, {draft.id: (QUERY, [EVIDENCE])})
    name = drafts.read(workspace, draft.id)[1].gold
    gold.delete_query(workspace, "gold", name, "Ann")
    assert drafts.enter(workspace, generation, {draft.id: (QUERY, [EVIDENCE])}) == 0
    assert judged(workspace).queries == ()


@pytest.mark.parametrize("origin", [SYNTHETIC, STAND_IN])
def test_origins_tell_synthetic_and_reviewed_apart(origin: str) -> None:
    query = replace(QUERY, origin=origin)
    assert query.synthetic
    assert not query.reviewed
    assert replace(QUERY, origin=origin + REVIEWED).reviewed
    assert not replace(QUERY, origin="written").synthetic
    assert not replace(QUERY, origin="written" + REVIEWED).reviewed
