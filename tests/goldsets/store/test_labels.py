"""Leases and labels: nobody's work is lost or doubled, and gold follows from it."""

import itertools
import sqlite3

import pytest

from goldsets.labelling.types import Settings
from goldsets.store import evenings, gold, labels, leases
from goldsets.store.labels import Passage
from goldsets.types import Evidence
from retrieval.errors import Forbidden, InputError, NotFound
from retrieval.store import corpora
from retrieval.types import Document, Span

keys = (f"key-{i:06}" for i in itertools.count())


def grade(night, leased, value, spans=(), key=None, **more):
    return leases.save(
        night.workspace, leased.token, key or next(keys), "grade", value, spans, **more
    )


def held_gold(night):
    held = gold.read(night.workspace, "tonight")
    return {q: [(e.exact, e.grade) for e in es] for q, es in held.evidence.items()}


def test_a_label_becomes_gold_at_once(night):
    n = night()
    first, second, third = leases.lease(n.workspace, n.tokens[0], "tab", 3)
    assert [x.item.query for x in (first, second, third)] == ["q0"] * 3
    assert first.wording == "query 0"
    start = first.item.start
    grade(n, first, 3, [Span(start, start + 7)])
    grade(n, second, 1)
    saved = grade(n, third, 2)
    assert not saved.again
    whole = third.text[third.item.start : third.item.end]
    judged = second.text[second.item.start : second.item.end]
    assert sorted(held_gold(n)["q0"]) == sorted([("passage", 3), (judged, 0), (whole, 2)])


def test_the_same_request_again_changes_nothing(night):
    n = night()
    (leased,) = leases.lease(n.workspace, n.tokens[0], "tab", 1)
    first = grade(n, leased, 3, key="the-same-key")
    second = grade(n, leased, 3, key="the-same-key")
    assert (first.id, first.again, second.again) == (second.id, False, True)
    assert len(labels.labels(n.workspace, n.evening)) == 1


def test_a_second_thought_replaces_and_undo_takes_back(night):
    n = night()
    (leased,) = leases.lease(n.workspace, n.tokens[0], "tab", 1)
    grade(n, leased, 3)
    grade(n, leased, 0)
    assert [g for _, g in held_gold(n)["q0"]] == [0]
    leases.save(n.workspace, leased.token, next(keys), "undo", None, ())
    assert held_gold(n) == {}
    assert labels.labels(n.workspace, n.evening) == []
    grade(n, leased, 2)
    assert [g for _, g in held_gold(n)["q0"]] == [2]
    with n.workspace.read() as db:
        assert db.execute("SELECT count(*) FROM labels").fetchone()[0] == 4


def test_what_somebody_else_made_of_the_gold_is_left_alone(night):
    n = night()
    (leased,) = leases.lease(n.workspace, n.tokens[0], "tab", 1)
    start = leased.item.start
    grade(n, leased, 3, [Span(start, start + 7)])
    (judgment,) = gold.judgments(n.workspace, "tonight", "q0")
    better = Evidence.of("guide.md", leased.text, start, start + 11)
    gold.judge(n.workspace, "tonight", "q0", better, "host", replaces=judgment.id)
    labels.settle_all(n.workspace, n.evening)
    assert held_gold(n)["q0"] == [(better.exact, 3)]
    leases.save(n.workspace, leased.token, next(keys), "undo", None, ())
    assert held_gold(n) == {}


def test_nobody_gets_what_another_holds(night):
    n = night(people=3, queries=3, passages=5)
    taken = [leases.lease(n.workspace, t, "tab", 5) for t in n.tokens]
    ids = [x.item.id for some in taken for x in some]
    assert len(ids) == len(set(ids)) == 15
    assert leases.lease(n.workspace, n.tokens[0], "other tab", 5) == []


def test_a_tab_that_comes_back_holds_what_it_held(night):
    n = night()
    before = leases.lease(n.workspace, n.tokens[0], "tab", 3)
    assert leases.lease(n.workspace, n.tokens[0], "tab", 3) == before
    other = leases.lease(n.workspace, n.tokens[0], "second tab", 3)
    assert not {x.item.id for x in before} & {x.item.id for x in other}


def test_a_closed_laptop_gives_back(night):
    n = night(people=2)
    one = leases.lease(n.workspace, n.tokens[0], "tab", 6, clock=1000.0)
    assert leases.lease(n.workspace, n.tokens[1], "tab", 6, clock=1500.0) == []
    late = leases.lease(n.workspace, n.tokens[1], "tab", 6, clock=1000.0 + leases.LEASE_SECONDS)
    assert {x.item.id for x in late} == {x.item.id for x in one}
    kept = grade(n, one[0], 3)  # under the labeller's hands: kept all the same
    assert not kept.again
    grade(n, late[0], 0)
    assert len(labels.labels(n.workspace, n.evening)) == 2


def test_a_clock_set_back_does_not_lock_items_away(night):
    n = night(people=2)
    leases.lease(n.workspace, n.tokens[0], "tab", 6, clock=1_000_000.0)
    assert len(leases.lease(n.workspace, n.tokens[1], "tab", 6, clock=1000.0)) == 6


def test_a_tab_that_closes_gives_back_at_once(night):
    n = night(people=2)
    leases.lease(n.workspace, n.tokens[0], "tab", 6)
    leases.release(n.workspace, n.tokens[0], "tab")
    assert len(leases.lease(n.workspace, n.tokens[1], "tab", 6)) == 6


@pytest.mark.parametrize("raters", [2, 3])
def test_several_raters_and_every_pair_shares_items(night, raters):
    n = night(people=5, queries=12, passages=5, raters=raters)
    order = list(range(5))
    seen: dict[int, set[int]] = {}
    while order:
        for who in list(order):
            some = leases.lease(n.workspace, n.tokens[who], "tab", 3)
            if not some:
                order.remove(who)
            for leased in some:
                assert leased.item.id not in seen.setdefault(who, set())
                seen[who].add(leased.item.id)
                grade(n, leased, who % 4)
    by_item = [sum(i in mine for mine in seen.values()) for i in range(1, 61)]
    assert by_item == [raters] * 60
    shared = [len(seen[a] & seen[b]) for a, b in itertools.combinations(range(5), 2)]
    fair = 60 * raters * (raters - 1) / 20
    assert min(shared) > 0.4 * fair


def test_an_item_is_open_until_all_its_raters_are_done(night):
    n = night(people=2, queries=1, passages=1, raters=2)
    (one,) = leases.lease(n.workspace, n.tokens[0], "tab", 1)
    (two,) = leases.lease(n.workspace, n.tokens[1], "tab", 1)
    grade(n, one, 2)
    assert held_gold(n) == {}
    grade(n, two, 3)
    assert [g for _, g in held_gold(n)["q0"]] == [3]  # ties up


def test_skip_goes_to_others_and_later_comes_last(night):
    n = night(people=2, queries=1, passages=3)
    first, second, third = leases.lease(n.workspace, n.tokens[0], "tab", 3)
    leases.save(n.workspace, first.token, next(keys), "skip", None, ())
    leases.save(n.workspace, second.token, next(keys), "later", None, ())
    grade(n, third, 0)
    (again,) = leases.lease(n.workspace, n.tokens[0], "tab", 3)
    assert again.item.id == second.item.id
    (passed,) = leases.lease(n.workspace, n.tokens[1], "tab", 3)
    assert passed.item.id == first.item.id


def test_what_is_left_counts_what_is_in_hand_and_not_what_others_have(night):
    n = night(people=2)
    mine, other = n.tokens[:2]
    every = leases.left(n.workspace, mine)
    first, second = leases.lease(n.workspace, mine, "tab", 2)
    assert leases.left(n.workspace, mine) == every
    assert leases.left(n.workspace, other) == every - 2
    grade(n, first, 3)
    leases.save(n.workspace, second.token, next(keys), "later", None, ())
    assert leases.left(n.workspace, mine) == every - 1


def test_the_host_decides_and_may_take_it_back(night):
    n = night(people=2, queries=1, passages=1, raters=2)
    host = evenings.join(n.workspace, n.evening, "host", "host")
    for token, value in zip(n.tokens, (0, 3), strict=True):
        (leased,) = leases.lease(n.workspace, token, "tab", 1)
        grade(n, leased, value)
    assert [g for _, g in held_gold(n)["q0"]] == [3]
    labels.adjudicate(n.workspace, host, leased.item.id, 0, (), "decision-1")
    assert [g for _, g in held_gold(n)["q0"]] == [0]
    labels.adjudicate(n.workspace, host, leased.item.id, None, (), "decision-2")
    assert [g for _, g in held_gold(n)["q0"]] == [3]
    with pytest.raises(Forbidden):
        labels.adjudicate(n.workspace, n.members[0], leased.item.id, 0, (), "decision-3")


def test_settings_change_and_gold_follows(night):
    n = night(people=2, queries=1, passages=1, raters=2)
    host = evenings.join(n.workspace, n.evening, "host", "host")
    (leased,) = leases.lease(n.workspace, n.tokens[0], "tab", 1)
    grade(n, leased, 1)
    evenings.change(n.workspace, host, Settings(raters=1, answers_from=1))
    labels.settle_all(n.workspace, evenings.named(n.workspace, "friday"))
    assert [g for _, g in held_gold(n)["q0"]] == [1]


def test_what_is_found_by_searching_comes_into_ones_own_hands(night):
    n = night(queries=1, passages=1)
    passage = Passage("q0", "guide.md", 0, 11, "search")
    found = leases.add_found(n.workspace, n.tokens[0], "tab", "guide", 1, passage)
    again = leases.add_found(n.workspace, n.tokens[0], "tab", "guide", 1, passage)
    assert found == again
    grade(n, found, 3)
    assert held_gold(n)["q0"] == [("passage 000", 3)]


def test_a_document_that_changes_meanwhile_loses_nothing(night):
    n = night(queries=1, passages=2)
    (leased, _) = leases.lease(n.workspace, n.tokens[0], "tab", 2)
    corpora.write(n.workspace, "guide", [Document("guide.md", f"New first line. {leased.text}")])
    start = leased.item.start
    grade(n, leased, 3, [Span(start, start + 11)])
    (judgment,) = gold.judgments(n.workspace, "tonight", "q0")
    assert judgment.evidence.exact == leased.text[start : start + 11]


@pytest.mark.parametrize(
    ("action", "value", "spans", "note", "words"),
    [
        ("grade", 4, (), "", "from 0 to 3"),
        ("grade", None, (), "", "from 0 to 3"),
        ("grade", True, (), "", "from 0 to 3"),
        ("delete", None, (), "", "no action"),
        ("skip", 2, (), "", "takes no grade"),
        ("cannot_tell", None, (), " ", "why"),
        ("grade", 3, (Span(0, 10**6),), "", "must lie within"),
        ("grade", 3, (Span(5, 5),), "", "must lie within"),
        ("grade", 3, (Span(0, 1),) * 51, "", "50 spans"),
        ("grade", 3, (), "x" * 2_001, "2,000 characters"),
    ],
)
def test_a_label_that_cannot_be_is_refused(night, action, value, spans, note, words):
    n = night()
    (leased,) = leases.lease(n.workspace, n.tokens[0], "tab", 1)
    with pytest.raises(InputError, match=words):
        leases.save(n.workspace, leased.token, next(keys), action, value, spans, note)
    assert labels.labels(n.workspace, n.evening) == []


def test_strangers_onlookers_and_closed_evenings(night):
    n = night()
    onlooker = evenings.join(n.workspace, n.evening, "ann", "onlooker")
    with pytest.raises(Forbidden):
        leases.lease(n.workspace, "nonsense", "tab", 1)
    with pytest.raises(Forbidden, match="onlooker"):
        leases.lease(n.workspace, evenings.token(n.workspace, onlooker), "tab", 1)
    with pytest.raises(Forbidden):
        leases.save(n.workspace, "nonsense", next(keys), "grade", 3, ())
    (leased,) = leases.lease(n.workspace, n.tokens[0], "tab", 1)
    host = evenings.join(n.workspace, n.evening, "host", "host")
    evenings.close(n.workspace, host)
    with pytest.raises(InputError, match="closed"):
        grade(n, leased, 3)
    evenings.close(n.workspace, host, closed=False)
    grade(n, leased, 3)
    with pytest.raises(Forbidden):
        evenings.close(n.workspace, n.members[0])


def test_names_and_who_may_take_them(night):
    n = night()
    with pytest.raises(InputError, match="taken"):
        evenings.join(n.workspace, n.evening, "rater 0")
    assert evenings.join(n.workspace, n.evening, " rater  0", again=True) == n.members[0]
    mine = evenings.join(n.workspace, n.evening, "Bea", identity="bea@example.com")
    assert evenings.join(n.workspace, n.evening, "Bea", identity="bea@example.com") == mine
    with pytest.raises(InputError, match="taken"):
        evenings.join(n.workspace, n.evening, "Bea", identity="eve@example.com", again=True)
    with pytest.raises(InputError, match="taken"):
        evenings.join(n.workspace, n.evening, "Bea", again=True)
    for bad in ("", "  ", "x" * 61, "a\x00b"):
        with pytest.raises(InputError):
            evenings.join(n.workspace, n.evening, bad)


def test_evenings_are_read_back(night):
    n = night(raters=2, guidelines="*Be kind.*")
    assert evenings.named(n.workspace, "friday") == n.evening
    assert evenings.every(n.workspace) == [n.evening]
    assert evenings.members(n.workspace, n.evening) == list(n.members)
    with pytest.raises(InputError, match="already"):
        evenings.create(n.workspace, "friday", "tonight", Settings())
    with pytest.raises(NotFound):
        evenings.create(n.workspace, "saturday", "nothing", Settings())
    with pytest.raises(NotFound, match="friday"):
        evenings.named(n.workspace, "fridai")


def test_a_label_is_on_disk_before_it_is_said_to_be_saved(night, monkeypatch):
    n = night()
    (leased,) = leases.lease(n.workspace, n.tokens[0], "tab", 1)
    seen: list[str] = []
    connect = sqlite3.connect

    def watching(*args, **kwargs):
        connection = connect(*args, **kwargs)
        connection.set_trace_callback(seen.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", watching)
    grade(n, leased, 3)
    asked = [s for s in seen if "synchronous" in s]
    assert asked[-1] == "PRAGMA synchronous = FULL"
    assert seen.index(asked[-1]) < next(i for i, s in enumerate(seen) if s.startswith("BEGIN"))
