import multiprocessing
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from goldsets.store import gold as store
from goldsets.store import open_workspace
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError, NotFound
from retrieval.store import Workspace
from tests.goldsets.making import sample_corpus, sample_gold

TEXT = sample_corpus().documents[0].text


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    ws = open_workspace(tmp_path / "workspace")
    store.create(ws, "gold", "corpus")
    return ws


def span(start: int, grade: int = 3, part: str = "") -> Evidence:
    return Evidence.of("d0", TEXT, start, start + 5, grade, part)


def rows(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Return all rows of both logs, as they stand in the tables."""
    with workspace.read() as db:
        logs = [db.execute(f"SELECT * FROM {t} ORDER BY id") for t in ("queries", "judgments")]
        return [tuple(row) for log in logs for row in log.fetchall()]


def test_queries_and_evidence_are_read_back(workspace: Workspace) -> None:
    queries = [
        Query("b", "피자는?", "ko", ("x", "유"), "any", "logged"),
        Query("a", "what?"),
    ]
    for query in queries:
        store.put_query(workspace, "gold", query, "me")
    store.judge(workspace, "gold", "a", span(3, 2, "p"), "me")
    store.judge(workspace, "gold", "a", span(9, 0), "me")
    gold = store.read(workspace, "gold")
    assert gold == GoldSet("gold", "corpus", tuple(queries), {"a": (span(3, 2, "p"), span(9, 0))})
    (judged, other) = store.judgments(workspace, "gold", "a")
    assert (judged.evidence, judged.rater, judged.query) == (span(3, 2, "p"), "me", "a")
    assert judged.id < other.id
    assert store.judgments(workspace, "gold", "b") == []


def test_a_new_wording_replaces_the_old_in_its_place(workspace: Workspace) -> None:
    for name in ("a", "b"):
        store.put_query(workspace, "gold", Query(name, "?"), "me")
    store.put_query(workspace, "gold", Query("a", "how?"), "you")
    assert store.read(workspace, "gold").queries == (Query("a", "how?"), Query("b", "?"))


def test_a_deleted_query_leaves_with_its_judgments_and_may_come_back(workspace: Workspace) -> None:
    for name in ("a", "b"):
        store.put_query(workspace, "gold", Query(name, "?"), "me")
        store.judge(workspace, "gold", name, span(3), "me")
    store.delete_query(workspace, "gold", "a", "me")
    gold = store.read(workspace, "gold")
    assert gold == GoldSet("gold", "corpus", (Query("b", "?"),), {"b": (span(3),)})
    (summary,) = store.summaries(workspace)
    assert (summary.queries, summary.judgments) == (1, 1)
    store.put_query(workspace, "gold", Query("a", "again?"), "me")
    again = store.read(workspace, "gold")
    assert again.queries == (Query("a", "again?"), Query("b", "?"))
    assert again.evidence["a"] == (span(3),)


def test_judging_again_replaces_and_withdrawing_takes_away(workspace: Workspace) -> None:
    store.put_query(workspace, "gold", Query("a", "?"), "me")
    first = store.judge(workspace, "gold", "a", span(3), "me")
    second = store.judge(workspace, "gold", "a", span(3, 1), "you", replaces=first)
    assert store.read(workspace, "gold").evidence == {"a": (span(3, 1),)}
    store.withdraw(workspace, "gold", second, "you")
    assert store.read(workspace, "gold").evidence == {}
    assert store.judgments(workspace, "gold", "a") == []


def test_nobody_replaces_what_was_replaced_or_withdrawn(workspace: Workspace) -> None:
    store.put_query(workspace, "gold", Query("a", "?"), "me")
    first = store.judge(workspace, "gold", "a", span(3), "me")
    second = store.judge(workspace, "gold", "a", span(4), "me", replaces=first)
    for again in (
        lambda: store.judge(workspace, "gold", "a", span(5), "you", replaces=first),
        lambda: store.withdraw(workspace, "gold", first, "you"),
    ):
        with pytest.raises(InputError, match=f"{first} has been replaced"):
            again()
    store.withdraw(workspace, "gold", second, "me")
    with pytest.raises(InputError, match="replaced or withdrawn"):
        store.withdraw(workspace, "gold", second, "you")
    with pytest.raises(InputError, match="replaced"):
        store.judge(workspace, "gold", "a", span(5), "you", replaces=second)


def test_only_a_judgment_of_the_same_query_can_be_replaced(workspace: Workspace) -> None:
    for name in ("a", "b"):
        store.put_query(workspace, "gold", Query(name, "?"), "me")
    of_a = store.judge(workspace, "gold", "a", span(3), "me")
    for query, judgment in (("b", of_a), ("a", 999)):
        with pytest.raises(InputError, match=f"no judgment {judgment}"):
            store.judge(workspace, "gold", query, span(4), "me", replaces=judgment)
    assert store.read(workspace, "gold").evidence == {"a": (span(3),)}


def test_a_query_that_is_not_there_cannot_be_judged_or_deleted(workspace: Workspace) -> None:
    store.put_query(workspace, "gold", Query("a", "?"), "me")
    with pytest.raises(NotFound, match=r"'x'.*known: a"):
        store.judge(workspace, "gold", "x", span(3), "me")
    with pytest.raises(NotFound, match=r"'x'.*known: a"):
        store.delete_query(workspace, "gold", "x", "me")


def test_gold_sets_have_names_of_their_own(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="'gold' already"):
        store.create(workspace, "gold", "other")
    with pytest.raises(InputError, match="needs a name"):
        store.create(workspace, " ", "corpus")
    with pytest.raises(NotFound, match="did you mean 'gold'"):
        store.read(workspace, "golds")
    store.create(workspace, "another", "corpus")
    store.put_query(workspace, "another", Query("a", "?"), "me")
    assert store.read(workspace, "gold").queries == ()
    assert [s.name for s in store.summaries(workspace)] == ["another", "gold"]


def test_the_logs_only_ever_grow(workspace: Workspace) -> None:
    """Whatever is done, each earlier row stands unchanged in a longer log."""
    rng = random.Random(1)
    store.put_query(workspace, "gold", Query("a", "?"), "me")
    before = set(rows(workspace))
    for step in range(60):
        match rng.randrange(6):
            case 0:
                store.put_query(workspace, "gold", Query("a", f"wording {step}?"), "me")
            case 1:
                held = store.judgments(workspace, "gold", "a")
                if held:
                    last = held[-1].id
                    store.judge(workspace, "gold", "a", span(step, 1), "me", replaces=last)
            case 2:
                held = store.judgments(workspace, "gold", "a")
                if held:
                    store.withdraw(workspace, "gold", held[0].id, "me")
            case 3:
                store.put_query(workspace, "gold", Query(f"q{step}", "?"), "me")
                store.delete_query(workspace, "gold", f"q{step}", "me")
            case 4:
                store.write(workspace, replace(sample_gold(), name="gold"), "import")
                store.put_query(workspace, "gold", Query("a", "?"), "me")
            case _:
                store.judge(workspace, "gold", "a", span(step), "me")
        after = set(rows(workspace))
        assert before <= after
        before = after
    assert len(before) > 60


def test_write_makes_equal_and_a_second_time_adds_nothing(workspace: Workspace) -> None:
    store.put_query(workspace, "gold", Query("old", "?"), "me")
    store.put_query(workspace, "gold", Query("q0", "another wording"), "me")
    store.judge(workspace, "gold", "q0", span(0), "me")
    wanted = replace(sample_gold(), name="gold")
    store.write(workspace, wanted, "import")
    held = store.read(workspace, "gold")
    assert set(held.queries) == set(wanted.queries)
    assert held.evidence == wanted.evidence
    assert held.version == wanted.version
    once = rows(workspace)
    store.write(workspace, wanted, "import")
    assert rows(workspace) == once


def test_write_logs_only_what_differs(workspace: Workspace) -> None:
    wanted = replace(sample_gold(), name="gold")
    store.write(workspace, wanted, "import")
    before = len(rows(workspace))
    first, *rest = wanted.queries
    evidence = {**wanted.evidence, "q1": ()}
    store.write(
        workspace,
        replace(wanted, queries=(replace(first, text="!"), *rest), evidence=evidence),
        "x",
    )
    assert len(rows(workspace)) == before + 2
    held = store.read(workspace, "gold")
    assert held.queries[0].text == "!"
    assert set(held.evidence) == {"q0", "q2", "q3", "q4", "q5"}


def test_write_takes_the_same_evidence_once(workspace: Workspace) -> None:
    twice = GoldSet("gold", "corpus", (Query("a", "?"),), {"a": (span(3), span(3))})
    store.write(workspace, twice, "import")
    once = rows(workspace)
    store.write(workspace, twice, "import")
    assert rows(workspace) == once
    assert store.read(workspace, "gold").evidence == {"a": (span(3),)}


def test_write_starts_a_gold_set_and_may_move_it_to_another_corpus(workspace: Workspace) -> None:
    new = replace(sample_gold(), name="new")
    store.write(workspace, new, "import")
    store.write(workspace, replace(new, corpus="other"), "import")
    assert store.read(workspace, "new") == replace(new, corpus="other")


def test_the_version_changes_when_and_only_when_gold_does(workspace: Workspace) -> None:
    def version() -> str:
        return store.read(workspace, "gold").version

    seen = [version()]
    store.put_query(workspace, "gold", Query("a", "?"), "me")
    seen.append(version())
    first = store.judge(workspace, "gold", "a", span(3), "me")
    seen.append(version())
    second = store.judge(workspace, "gold", "a", span(3, 2), "me", replaces=first)
    seen.append(version())
    assert len(set(seen)) == 4
    store.put_query(workspace, "gold", Query("a", "?"), "somebody else")
    assert version() == seen[3]
    third = store.judge(workspace, "gold", "a", span(3), "me", replaces=second)
    assert version() == seen[2]
    store.withdraw(workspace, "gold", third, "me")
    assert version() == seen[1]
    store.delete_query(workspace, "gold", "a", "me")
    assert version() == seen[0]


def test_the_marker_changes_with_every_change(workspace: Workspace) -> None:
    seen = [store.marker(workspace, "gold")]
    store.put_query(workspace, "gold", Query("a", "?"), "me")
    seen.append(store.marker(workspace, "gold"))
    judgment = store.judge(workspace, "gold", "a", span(3), "me")
    seen.append(store.marker(workspace, "gold"))
    store.withdraw(workspace, "gold", judgment, "me")
    seen.append(store.marker(workspace, "gold"))
    store.delete_query(workspace, "gold", "a", "me")
    seen.append(store.marker(workspace, "gold"))
    assert len(set(seen)) == 5
    store.create(workspace, "other", "corpus")
    store.put_query(workspace, "other", Query("a", "?"), "me")
    assert store.marker(workspace, "gold") == seen[-1]


def _judge_many(path: str, rater: str, number: int) -> None:
    ws = open_workspace(path)
    for i in range(number):
        store.judge(ws, "gold", "a", span(i), rater)


def test_two_processes_that_judge_at_once_lose_nothing(workspace: Workspace) -> None:
    store.put_query(workspace, "gold", Query("a", "?"), "me")
    context = multiprocessing.get_context("spawn")
    raters = [
        context.Process(target=_judge_many, args=(str(workspace.path), rater, 40))
        for rater in ("me", "you")
    ]
    for process in raters:
        process.start()
    for process in raters:
        process.join()
    assert [p.exitcode for p in raters] == [0, 0]
    held = store.judgments(workspace, "gold", "a")
    judged = sorted((j.rater, j.evidence.start) for j in held)
    assert judged == sorted((r, i) for r in ("me", "you") for i in range(40))


def test_judgments_come_in_the_order_of_the_evidence(workspace: Workspace) -> None:
    for name in ("b", "a", "gone"):
        store.put_query(workspace, "gold", Query(name, "?"), "me")
    for query, start in (("a", 3), ("b", 9), ("gone", 1), ("a", 0), ("b", 4)):
        store.judge(workspace, "gold", query, span(start), "me")
    store.delete_query(workspace, "gold", "gone", "me")
    gold, judged = store.read_judged(workspace, "gold")
    assert gold == store.read(workspace, "gold")
    laid_out = [(q.id, e) for q in gold.queries for e in gold.of(q)]
    assert [(j.query, j.evidence) for j in judged] == laid_out
    assert [j.evidence.start for j in judged] == [9, 4, 3, 0]


def test_many_are_replaced_at_once_but_for_those_somebody_has_decided(workspace: Workspace) -> None:
    store.put_query(workspace, "gold", Query("a", "?"), "me")
    one, two, three = (store.judge(workspace, "gold", "a", span(i), "me") for i in (0, 3, 6))
    store.withdraw(workspace, "gold", two, "you")
    store.create(workspace, "other", "corpus")
    assert store.replace_all(workspace, "other", {one: span(20)}, "me") == 0
    new = {one: span(10, 2, "p"), two: span(11), three: span(12)}
    assert store.replace_all(workspace, "gold", new, "me") == 2
    assert store.read(workspace, "gold").evidence["a"] == (span(10, 2, "p"), span(12))
    assert store.replace_all(workspace, "gold", new, "me") == 0


def test_many_queries_are_added_at_once_or_none(workspace: Workspace) -> None:
    many = [Query(f"q{i}", "?", "ko", ("tail",), "any", "logged") for i in range(5000)]
    store.put_queries(workspace, "gold", many, "me")
    assert store.read(workspace, "gold").queries == tuple(many)
    before = rows(workspace)
    for bad in ([Query("new", "?"), Query("q7", "again")], [Query("new", "?"), Query("new", "!")]):
        with pytest.raises(InputError, match=r"the id '\w+' is taken; nothing was added"):
            store.put_queries(workspace, "gold", bad, "me")
    with pytest.raises(NotFound):
        store.put_queries(workspace, "nope", [], "me")
    assert rows(workspace) == before


def test_the_id_of_a_deleted_query_stays_taken(workspace: Workspace) -> None:
    store.put_queries(workspace, "gold", [Query("a", "?")], "me")
    store.judge(workspace, "gold", "a", span(3), "me")
    store.delete_query(workspace, "gold", "a", "me")
    assert store.known_ids(workspace, "gold") == {"a"}
    with pytest.raises(InputError, match="taken"):
        store.put_queries(workspace, "gold", [Query("a", "another question")], "me")
