"""From what two runs leave open to items of an evening, and back to narrower bounds."""

import secrets
from collections.abc import Callable

import pytest

from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.pair import Pair, open_to, pair
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import Board, sweep
from goldsets.labelling.deciding import ask, open_evening, top_grade, waiting
from goldsets.labelling.types import Evening, Item, Settings
from goldsets.store import evenings, gold, labels, leases, open_workspace, runs
from goldsets.store.labels import Passage
from goldsets.types import GoldSet
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from tests.goldsets.making import sample_corpus, sample_gold

SPEC = sweep_of(
    {
        "grid": {
            "chunk": [{"FixedTokens": {"size": 12}}, {"BySentence": {"size": 12}}],
            "first": ["BM25", {"BM25": {"tokenize": "HangulBigrams"}}],
        },
        "measures": ["R@3", "P@3"],
    }
)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    workspace = open_workspace(tmp_path / "workspace")
    corpora.write(workspace, "corpus", sample_corpus().documents)
    gold.write(workspace, sample_gold(), "test")
    return workspace


@pytest.fixture
def pair_of(workspace) -> Callable[..., Pair]:
    """Set a run against the first, on the gold of now."""
    corpus, rt = corpora.read(workspace, "corpus"), Runtime(workspace)
    result = sweep(SPEC, sample_gold(), corpus, rt)
    ids = [v["run"] for v in result["variants"]]

    def against(measure: str = "P@3", other: int = 2) -> Pair:
        b, a = runs.read(workspace, [ids[0], ids[other]])
        board = open_to(Board(gold.read(workspace, "gold"), corpus, rt), [a, b])
        found = pair(board, a, b, parse_measure(measure), top_grade(workspace, "gold"))
        assert found is not None
        return found

    return against


def judge(workspace: Workspace, evening: Evening, grade: int, most: int = 100) -> list[Item]:
    """Judge what is in the queue of an evening."""
    rater = evenings.join(workspace, evening, "Ann", again=True)
    token = evenings.token(workspace, rater)
    done = []
    for leased in leases.lease(workspace, token, "tab", most):
        leases.save(workspace, leased.token, secrets.token_hex(8), "grade", grade, ())
        done.append(leased.item)
    return done


def text_of(workspace: Workspace, item: Item) -> str:
    return labels.text_of(workspace, item)[item.start : item.end]


def test_without_an_open_evening_one_is_made(workspace, pair_of):
    found = pair_of()
    asked = ask(workspace, found, 4, "Ann")
    assert (asked.evening.name, asked.evening.goldset, asked.items) == ("decide", "gold", 4)
    assert asked.evening.settings.raters == 1
    assert [(m.name, m.role) for m in evenings.members(workspace, asked.evening)] == [
        ("Ann", "host")
    ]
    assert {i.source for i in labels.items(workspace, asked.evening)} == {"pool"}
    evenings.close(workspace, evenings.members(workspace, asked.evening)[0])
    again = ask(workspace, found, 2, "")
    assert again.evening.name == "decide-2"
    assert evenings.members(workspace, again.evening) == []


def test_the_newest_open_evening_of_the_gold_set_is_taken(workspace, pair_of):
    gold.write(workspace, GoldSet("other", "corpus", sample_gold().queries), "test")
    for name, goldset in (("old", "gold"), ("new", "gold"), ("else", "other")):
        evenings.create(workspace, name, goldset, Settings(raters=2))
    assert open_evening(workspace, "gold") == evenings.named(workspace, "new")
    assert ask(workspace, pair_of(), 1).evening.name == "new"
    assert open_evening(workspace, "none") is None


def test_the_top_grade_is_that_of_the_scale(workspace, pair_of):
    assert top_grade(workspace, "gold") is None
    evenings.create(workspace, "old", "gold", Settings(grades=("no", "a", "b", "c", "d", "e")))
    evenings.create(workspace, "new", "gold", Settings())
    assert top_grade(workspace, "gold") == 5
    assert pair_of().top == 5


@pytest.mark.parametrize("other", [1, 2], ids=["one chunking", "two"])
def test_items_are_the_passages_that_decide_first_each_whole_and_once(workspace, pair_of, other):
    found = pair_of(other=other)
    assert found.doubts
    asked = ask(workspace, found, 3)
    items = labels.items(workspace, asked.evening)
    row = found.board.corpus.row
    for doubt in found.doubts[:2]:
        document, start, end = found.place(doubt)
        query = found.board.gold.queries[doubt.query].id
        text = found.board.corpus.documents[document].text
        start += len(text[start:end]) - len(text[start:end].lstrip())
        end -= len(text[start:end]) - len(text[start:end].rstrip())
        assert any(
            i.query == query and row[i.document] == document and i.start <= start and end <= i.end
            for i in items
        )
    for i in items:
        others = [x for x in items if x.query == i.query and x.document == i.document and x != i]
        assert all(x.end <= i.start or i.end <= x.start for x in others)


def test_what_is_in_the_queue_is_not_asked_again(workspace, pair_of):
    found = pair_of()
    first = ask(workspace, found, 3)
    assert waiting(workspace, first.evening, found) == first.items == 3
    rest = ask(workspace, found, 500)
    items = labels.items(workspace, first.evening)
    assert len({(i.query, i.document, i.start) for i in items}) == 3 + rest.items
    assert ask(workspace, found, 500).items == 0
    assert waiting(workspace, first.evening, found) == len(items)


def test_items_for_something_else_do_not_count_as_waiting(workspace, pair_of):
    evening = evenings.create(workspace, "friday", "gold", Settings())
    labels.add(workspace, evening, "corpus", 1, [Passage("q0", "d4", 0, 4)])
    found = pair_of()
    assert waiting(workspace, evening, found) == 0


@pytest.mark.parametrize("other", [1, 2], ids=["one chunking", "two"])
@pytest.mark.parametrize("grade", [0, 3])
def test_labels_make_the_bounds_of_the_same_runs_narrower(workspace, pair_of, grade, other):
    before = pair_of(other=other)
    version = before.board.gold.version
    asked = ask(workspace, before, 3)
    assert len(judge(workspace, asked.evening, grade)) == asked.items
    after = pair_of(other=other)
    assert after.board.gold.version != version
    assert waiting(workspace, asked.evening, after) == 0
    low, high = before.bounds.mean_low or 0, before.bounds.mean_high or 0
    narrower = (after.bounds.mean_low or 0, after.bounds.mean_high or 0)
    assert narrower[1] - narrower[0] < high - low - 1e-9
    if grade == 0:
        assert low - 1e-9 <= narrower[0] <= narrower[1] <= high + 1e-9


def test_when_all_is_judged_nothing_is_open(workspace, pair_of):
    evening = ask(workspace, pair_of(), 500).evening
    judge(workspace, evening, 0)
    after = pair_of()
    assert after.doubts == []
    assert ask(workspace, after, 5).items == 0


def test_at_least_one_item_is_asked_for(workspace, pair_of):
    assert ask(workspace, pair_of(), 1).items == 1
