"""What people label, and the judge asked about that alone, against the server in character."""

import pytest

from goldsets import jobs
from goldsets.generation import labelled, looks, work
from goldsets.generation.align import aligned, versions
from goldsets.generation.spec import GenerationSpec, generation_of
from goldsets.store import generations
from retrieval.errors import InputError
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from tests.goldsets.generation.author import PLANTS, Author, plant
from tests.goldsets.processes import Workers, over
from tests.retrieval.providers.stub import Vendors

pytestmark = pytest.mark.slow


def ignored(done: int, name: str, error: str) -> None:
    assert not error


@pytest.fixture
def begun(desk: Workspace, spec: GenerationSpec) -> int:
    generation = work.begin(desk, spec, "planted", "made").id
    labelled.draw(desk, generation)
    return generation


def label(workspace: Workspace, generation: int, number: int) -> list[int]:
    """Have somebody label the first passages: what is planted as unworthy is not worth a query."""
    passages = generations.sample(workspace, generation)[:number]
    for s in passages:
        generations.label(workspace, s.id, plant(s.passage.text) != "unworthy", "ann")
    return [s.id for s in passages]


def test_the_sample_is_drawn_once(desk: Workspace, begun: int) -> None:
    first = labelled.draw(desk, begun)
    assert labelled.draw(desk, begun) == first
    assert len({s.passage.document for s in first}) == len(first)


def test_only_what_is_labelled_is_asked_and_nothing_twice(
    desk: Workspace, begun: int, rt: Runtime, vendors: Vendors, author: Author
) -> None:
    label(desk, begun, 10)
    assert labelled.wordings(desk, begun)[0].unasked == 10
    plan = labelled.judging_plan(desk, begun)
    assert plan[0].startswith("30 answers to judge passages with")
    labelled.judge_labelled(desk, begun, rt, ignored)
    assert author.asked.total() - len(author.twice) == 30
    found = labelled.wordings(desk, begun)
    assert [(w.generation, len(w.cases), w.unasked) for w in found] == [(begun, 10, 0)]
    sent = author.asked.total()
    label(desk, begun, 14)
    labelled.judge_labelled(desk, begun, rt, ignored)
    assert len(labelled.wordings(desk, begun)[0].cases) == 14
    assert 12 <= author.asked.total() - sent <= 14


def test_a_judge_in_character_agrees_where_it_can_be_read(
    desk: Workspace, begun: int, rt: Runtime, vendors: Vendors
) -> None:
    label(desk, begun, sum(PLANTS.values()))
    labelled.judge_labelled(desk, begun, rt, ignored)
    wording = labelled.wordings(desk, begun)[0]
    found = aligned(wording.cases, list(wording.criteria))
    assert found.unanswered == 2  # it obeyed the passage, and answered no JSON
    assert (found.rule.both, found.rule.neither) == (sum(PLANTS.values()) - 6, 4)
    assert found.rule.kappa.value == 1
    assert [c.turns_down for c in found.criteria] == [0, 0, 0]


def test_a_criterion_in_other_words_is_asked_alone_and_stands_beside(
    desk: Workspace, begun: int, rt: Runtime, vendors: Vendors, author: Author
) -> None:
    label(desk, begun, 20)
    labelled.judge_labelled(desk, begun, rt, ignored)
    before = author.asked.copy()
    criteria = dict(labelled.wordings(desk, begun)[0].criteria)
    criteria["complete"] = "It says enough for an answer, complete enough or not."
    assert "20 answers to judge passages with" in labelled.judging_plan(desk, begun, criteria)[0]
    other = labelled.reworded(desk, begun, criteria).id
    assert labelled.wordings(desk, other)[-1].unasked == 20
    labelled.judge_labelled(desk, other, rt, ignored)
    new = author.asked - before
    assert len(new) == 20
    assert all("It says enough for an answer" in sent for sent in new)
    both = labelled.wordings(desk, other)
    assert [w.generation for w in both] == [begun, other]
    assert labelled.reworded(desk, begun, criteria).id == other
    halves = [
        versions({str(w.generation): w.cases for w in both}, held_out=held_out)
        for held_out in (False, True)
    ]
    assert sum(first.figures.agreement.items for first, _ in halves) <= 20
    assert all(second.gain.mean is not None for _, second in halves)


def test_looks_at_the_held_out_half_are_counted_once_for_what_they_show(
    desk: Workspace, begun: int, rt: Runtime, vendors: Vendors
) -> None:
    def looked(who: str) -> tuple[bool, str]:
        held = labelled.wordings(desk, begun)
        seen = looks.looked_at(generations.looks(desk, generation), held)
        looks.look(desk, generation, held, who)
        return seen, looks.wear(generations.looks(desk, generation))

    generation = generations.read(desk, begun)
    assert looks.wear(generations.looks(desk, generation)) == "Nobody has looked at it."
    label(desk, begun, 20)
    labelled.judge_labelled(desk, begun, rt, ignored)
    assert looked("ann") == (False, "Looked at 1 time, for 1 wording.")
    assert looked("bob") == (True, "Looked at 1 time, for 1 wording.")
    criteria = {**labelled.wordings(desk, begun)[0].criteria, "complete": "It says something."}
    labelled.judge_labelled(desk, labelled.reworded(desk, begun, criteria).id, rt, ignored)
    assert looked("ann") == (False, "Looked at 2 times, for 2 wordings.")
    label(desk, begun, 49)
    labelled.judge_labelled(desk, begun, rt, ignored)
    assert looked("ann") == (False, "Looked at 3 times, for 2 wordings.")
    seen = generations.looks(desk, generation)
    assert [one.who for one in seen] == ["ann"] * 3
    assert seen[0].passages == seen[1].passages < seen[2].passages
    others = work.begin(desk, generation_of(generation.spec), "planted", "other")
    assert generations.looks(desk, others) == []


def test_people_who_are_split_leave_a_passage_out(desk: Workspace, begun: int) -> None:
    a, b, c = label(desk, begun, 3)
    for passage, who, says in ((a, "bob", False), (b, "bob", True), (b, "cat", False)):
        generations.label(desk, passage, says, who)
    generations.label(desk, c, None, "ann")
    assert set(labelled.worth(desk, begun)) == {b}


def test_a_worker_judges(desk: Workspace, begun: int, vendors: Vendors, workers: Workers) -> None:
    with pytest.raises(InputError, match="label some passages first"):
        labelled.start_judging(desk, begun)
    label(desk, begun, 6)
    job = labelled.start_judging(desk, begun)
    assert over(desk, job.id).state == "done"
    assert len(labelled.wordings(desk, begun)[0].cases) == 6
    label(desk, begun, 8)
    again = labelled.start_judging(desk, begun)
    assert again.id == job.id
    assert over(desk, again.id).state == "done"
    assert len(labelled.wordings(desk, begun)[0].cases) == 8
    assert jobs.get(desk, job.id).units == 3
