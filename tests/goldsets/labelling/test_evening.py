"""An evening from start to end, as the pages see it."""

import pytest

from goldsets import jobs
from goldsets.labelling import evening as nights
from goldsets.labelling.types import Label, Settings
from goldsets.store import evenings, gold, leases, open_workspace
from goldsets.types import Evidence, Query
from retrieval.errors import Forbidden, InputError
from retrieval.store import corpora
from retrieval.types import Document, Span


@pytest.fixture
def workspace(tmp_path):
    workspace = open_workspace(tmp_path)
    corpora.write(workspace, "guide", [Document("guide.md", "Rules of the house. " * 20)])
    return workspace


@pytest.fixture
def asked(monkeypatch) -> list[dict]:
    """What was asked of the ledger, without a worker."""
    specs: list[dict] = []
    monkeypatch.setattr(jobs, "start", lambda w, kind, spec, units: specs.append(spec))
    return specs


def judge_all(n, value=0):
    for token in n.tokens:
        while some := leases.lease(n.workspace, token, "tab", 20):
            for i, leased in enumerate(some):
                key = f"{token[:6]}-{leased.item.id}-{i}"
                leases.save(n.workspace, leased.token, key, "grade", value, ())


def test_starting_makes_the_gold_set_and_a_host(workspace):
    evening, host = nights.start(workspace, "friday", "guide", Settings(), "Bea")
    assert (evening.goldset, host.name, host.role) == ("friday", "Bea", "host")
    assert gold.read(workspace, "friday").corpus == "guide"
    with pytest.raises(InputError, match="already"):
        nights.start(workspace, "friday", "guide", Settings(), "Bea")
    corpora.write(workspace, "other", [Document("x", "y")])
    gold.create(workspace, "saturday", "other")
    with pytest.raises(InputError, match="another corpus"):
        nights.start(workspace, "saturday", "guide", Settings(), "Bea")


def test_queries_are_added_and_the_first_are_pooled(workspace, asked):
    evening, host = nights.start(workspace, "friday", "guide", Settings(), "Bea")
    many = [Query(f"q{i}", f"query {i}", needs="any") for i in range(nights.AT_ONCE + 30)]
    nights.ask(workspace, evening, many, host)
    assert len(gold.read(workspace, "friday").queries) == nights.AT_ONCE + 30
    assert asked[0]["queries"] == [q.id for q in many[: nights.AT_ONCE]]
    assert len(nights.night(workspace, evening).unread) == nights.AT_ONCE + 30
    nights.ask(workspace, evening, [], host)
    assert len(asked) == 1
    onlooker = evenings.join(workspace, evening, "Ann", "onlooker")
    with pytest.raises(Forbidden):
        nights.ask(workspace, evening, [Query("z", "z")], onlooker)


def test_how_far_it_is(night):
    n = night(queries=2, passages=3)
    before = nights.night(n.workspace, n.evening)
    assert (before.done, before.progress, sum(before.judged.values())) == (0, 0.0, 0)
    (leased,) = leases.lease(n.workspace, n.tokens[0], "tab", 1)
    leases.save(n.workspace, leased.token, "first-key", "grade", 3, ())
    begun = nights.night(n.workspace, n.evening)
    assert (begun.done, round(begun.progress, 3)) == (0, 0.333)
    judge_all(n)
    after = nights.night(n.workspace, n.evening)
    assert (after.done, after.progress, after.judged[n.members[0].id]) == (2, 2.0, 6)
    assert [q.answered for q in after.queries] == [True, False]


def test_no_answer_is_an_answer(night):
    n = night(queries=2, passages=1)
    nights.say_no_answer(n.workspace, n.tokens[0], "q1", True)
    assert nights.night(n.workspace, n.evening).queries[1].no_answer
    nights.say_no_answer(n.workspace, n.tokens[0], "q1", False)
    assert not nights.night(n.workspace, n.evening).queries[1].no_answer
    with pytest.raises(InputError, match="no query"):
        nights.say_no_answer(n.workspace, n.tokens[0], "nope", True)


def test_a_query_with_gold_and_nothing_to_read_is_done(night):
    n = night(queries=1, passages=1)
    gold.put_query(n.workspace, "tonight", Query("extra", "an old one", needs="any"), "test")
    state = nights.night(n.workspace, n.evening)
    assert [q.done for q in state.queries] == [False, False]
    assert state.unread == ["extra"]
    gold.judge(
        n.workspace, "tonight", "extra", Evidence.of("guide.md", "passage 000", 0, 7), "host"
    )
    state = nights.night(n.workspace, n.evening)
    assert [q.done for q in state.queries] == [False, True]
    assert state.unread == []


@pytest.mark.parametrize(
    ("said", "apart"),
    [
        ([], 0.0),
        ([(3, ())], 0.0),
        ([(3, ()), (3, ())], 0.0),
        ([(3, ()), (1, ())], 2.0),
        ([(3, ()), (None, ())], 0.5),
        ([(3, (Span(0, 4),)), (3, (Span(4, 9),))], 0.5),
        ([(3, (Span(0, 5),)), (3, (Span(4, 9),))], 0.0),
        ([(3, (Span(0, 5),)), (3, ())], 0.0),
    ],
)
def test_how_far_apart_raters_are(said, apart):
    held = [
        Label(i, 1, i, "cannot_tell" if g is None else "grade", g, spans)
        for i, (g, spans) in enumerate(said)
    ]
    assert nights.disagreement(held) == apart
    decided = [*held, Label(9, 1, 9, "grade", 0, kind="adjudication")]
    assert nights.disagreement(decided) == 0.0


def test_the_worst_disagreement_comes_first(night):
    n = night(people=2, queries=1, passages=3, raters=2)
    for token, grades in zip(n.tokens, ((0, 0, 0), (0, 1, 3)), strict=True):
        for leased in leases.lease(n.workspace, token, "tab", 3):
            value = grades[leased.item.id - 1]
            leases.save(n.workspace, leased.token, f"the-key-{leased.item.id}", "grade", value, ())
    assert [i.id for i in nights.night(n.workspace, n.evening).disputed] == [3, 2]
