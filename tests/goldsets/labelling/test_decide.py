"""How gold follows from labels."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsets.labelling.decide import Decision, decide, evidence_of
from goldsets.labelling.types import Item, Label, Settings
from retrieval.types import Span

THREE = Settings(raters=3)


def said(*grades, spans=()):
    marked = dict(enumerate(spans))
    return [
        Label(i, 1, i, "cannot_tell" if g is None else "grade", g, marked.get(i, ()))
        for i, g in enumerate(grades)
    ]


@pytest.mark.parametrize(
    ("grades", "grade", "how"),
    [
        ((3, 3, 0), 3, "majority"),
        ((0, 0, 0), 0, "majority"),
        ((0, 2, 3), 2, "median"),
        ((1, None, 2), 2, "median"),  # ties up
        ((0, 0, 3, 3), 3, "median"),
        ((None, None, 2), 2, "majority"),
    ],
)
def test_majority_else_median_ties_up(grades, grade, how):
    assert decide(said(*grades), THREE) == Decision(grade, (), how)


@pytest.mark.parametrize("grades", [(), (3,), (3, 3), (None, None, None)])
def test_open_until_all_raters_are_done_and_somebody_could_tell(grades):
    assert decide(said(*grades), THREE) is None


def test_the_newest_adjudication_decides():
    first = Label(7, 1, 9, "grade", 1, kind="adjudication")
    last = Label(8, 1, 9, "grade", 0, (Span(0, 2),), kind="adjudication")
    assert decide([last, *said(3, 3, 3), first], THREE) == Decision(0, (Span(0, 2),), "adjudicated")
    assert decide([first], THREE) == Decision(1, (), "adjudicated")


def test_skipped_and_put_off_do_not_count():
    idle = [Label(5, 1, 5, "skip"), Label(6, 1, 6, "later")]
    assert decide([*said(3, 3), *idle], THREE) is None


def test_characters_that_half_of_those_who_marked_marked():
    spans = [(Span(0, 10),), (Span(5, 15),), (Span(5, 8), Span(20, 25))]
    decision = decide(said(3, 3, 3, spans=spans), THREE)
    assert decision == Decision(3, (Span(5, 10),), "majority")
    two = decide(said(3, 2, spans=[(Span(0, 4),), (Span(8, 9),)]), Settings(raters=2))
    assert two == Decision(3, (Span(0, 4), Span(8, 9)), "median")


def test_where_they_agree_on_nothing_whatever_was_marked_counts():
    spans = [(Span(i, i + 1),) for i in (0, 4, 8)]
    decision = decide(said(3, 3, 3, spans=spans), THREE)
    assert decision is not None
    assert decision.spans == (Span(0, 1), Span(4, 5), Span(8, 9))


def test_marks_of_those_who_find_that_it_does_not_answer_are_left_out():
    decision = decide(said(3, 3, 1, spans=[(Span(0, 4),), (), (Span(6, 9),)]), THREE)
    assert decision == Decision(3, (Span(0, 4),), "majority")


def test_evidence_is_marked_or_the_passage_or_judged_and_not_relevant():
    text, item = "one two three four", Item(1, "q", "d.md", 1, 4, 13)
    marked = evidence_of(Decision(3, (Span(4, 7), Span(8, 13)), "majority"), item, text, THREE)
    assert [(e.exact, e.grade) for e in marked] == [("two", 3), ("three", 3)]
    assert [e.exact for e in evidence_of(Decision(2, (), "median"), item, text, THREE)] == [
        "two three"
    ]
    (judged,) = evidence_of(Decision(1, (Span(4, 7),), "majority"), item, text, THREE)
    assert (judged.exact, judged.grade, judged.prefix) == ("two three", 0, "one ")


@given(st.lists(st.integers(0, 3), min_size=3, max_size=5))
def test_a_decision_lies_among_the_grades_and_no_order_changes_it(grades):
    decided = {decide(list(p), THREE) for p in itertools.permutations(said(*grades))}
    (decision,) = decided
    assert decision is not None
    assert min(grades) <= decision.grade <= max(grades)
    assert sum(g <= decision.grade for g in grades) * 2 >= len(grades)
