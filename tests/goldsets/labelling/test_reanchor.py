import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from goldsets.evidence import Status
from goldsets.formats.registry import export_path, import_path
from goldsets.labelling import reanchor
from goldsets.labelling.reanchor import Change
from goldsets.store import gold as store
from goldsets.store import open_workspace
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus, Document, Span

DOUGH = "Mix flour and water.\n\nThe dough rests a night in the cold. Then it is shaped by hand.\n"
OVEN = (
    "The oven is as hot as it gets. 오븐은 250도로 예열한다.\n\nBake for eight minutes on stone.\n"
)
GUESTS = "Guests come at seven, and cold beer waits for them.\n"
NEW_DOUGH = DOUGH.replace("rests a night in the cold", "rests two nights in the fridge")
NEW_OVEN = OVEN.replace("Bake for eight minutes on stone.\n", "").replace("250도로", "300도로")


def at(document: str, text: str, quote: str, grade: int = 3, part: str = "") -> Evidence:
    start = text.index(quote)
    return Evidence.of(document, text, start, start + len(quote), grade, part)


QUERIES = (Query("rest", "how long?"), Query("bake", "얼마나 뜨겁게?"), Query("when", "when?"))
EVIDENCE = {
    "rest": (at("dough", DOUGH, "The dough rests a night in the cold.", 2, "how"),),
    "bake": (
        at("oven", OVEN, "Bake for eight minutes on stone."),
        at("oven", OVEN, "오븐은 250도로 예열한다.", 1, "heat"),
        at("oven", OVEN, "as hot as it gets"),
    ),
    "when": (
        at("guests", GUESTS, "Guests come at seven"),
        at("dough", DOUGH, "shaped by hand", 0),
    ),
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = open_workspace(tmp_path / "workspace")
    first = [Document("dough", DOUGH), Document("oven", OVEN), Document("guests", GUESTS)]
    corpora.write(workspace, "menu", first)
    store.write(workspace, GoldSet("gold", "menu", QUERIES, EVIDENCE), "ann")
    return workspace


def change_all(workspace: Workspace) -> Corpus:
    """A second version: one document reworded, one cut, one under another name and with a title."""
    second = [
        Document("dough", NEW_DOUGH),
        Document("oven", NEW_OVEN),
        Document("evening", "# The evening\n\n" + GUESTS),
    ]
    corpora.write(workspace, "menu", second, prune=True)
    return corpora.read(workspace, "menu")


def queue(workspace: Workspace) -> list[Change]:
    return reanchor.changes(workspace, "gold", corpora.read(workspace, "menu"))


def of(found: list[Change], quote: str) -> Change:
    return next(c for c in found if c.judgment.evidence.exact.startswith(quote))


def log(workspace: Workspace) -> list[tuple[Any, ...]]:
    with workspace.read() as db:
        return [tuple(row) for row in db.execute("SELECT * FROM judgments ORDER BY id")]


def test_nothing_is_listed_while_nothing_changed(workspace: Workspace) -> None:
    assert queue(workspace) == []
    corpora.write(workspace, "menu", [Document("new", "A salad.")])
    assert queue(workspace) == []
    corpus = corpora.read(workspace, "menu")
    assert reanchor.holds_in(corpus, queue(workspace)) == "v2"


def test_edited_comes_first_then_gone_then_moved(workspace: Workspace) -> None:
    corpus = change_all(workspace)
    found = queue(workspace)
    assert [(str(c.found.status), c.judgment.evidence.exact) for c in found] == [
        ("edited", "The dough rests a night in the cold."),
        ("edited", "오븐은 250도로 예열한다."),
        ("gone", "Bake for eight minutes on stone."),
        ("moved", "shaped by hand"),
        ("moved", "Guests come at seven"),
    ]
    proposed = [c.proposal and (c.proposal.document, c.proposal.exact) for c in found]
    assert proposed == [
        ("dough", "The dough rests two nights in the fridge."),
        ("oven", "오븐은 300도로 예열한다."),
        None,
        ("dough", "shaped by hand"),
        ("evening", "Guests come at seven"),
    ]
    assert reanchor.to_confirm(found) == 3
    assert reanchor.holds_in(corpus, found) == "v2 with 3 to confirm"


def test_accepting_logs_the_new_place_and_keeps_grade_and_part(workspace: Workspace) -> None:
    before = log(workspace)
    corpus = change_all(workspace)
    change = queue(workspace)[0]
    new = reanchor.accept(workspace, "gold", change, "ben")
    (judged,) = store.judgments(workspace, "gold", "rest")
    text = corpus.documents[corpus.row["dough"]].text
    quote = "The dough rests two nights in the fridge."
    assert judged.evidence == at("dough", text, quote, grade=2, part="how")
    assert (judged.id, judged.rater) == (new, "ben")
    assert log(workspace)[: len(before)] == before
    assert log(workspace)[-1][-1] == change.judgment.id
    assert change.judgment.id not in {c.judgment.id for c in queue(workspace)}
    assert len(queue(workspace)) == 4


def test_what_is_gone_cannot_be_accepted(workspace: Workspace) -> None:
    change_all(workspace)
    with pytest.raises(InputError, match="mark them or drop them"):
        reanchor.accept(workspace, "gold", of(queue(workspace), "Bake"), "ben")
    assert len(queue(workspace)) == 5


def test_a_marked_span_takes_the_place_of_what_is_gone(workspace: Workspace) -> None:
    corpus = change_all(workspace)
    change = of(queue(workspace), "Bake")
    document = corpus.documents[corpus.row["dough"]]
    start = document.text.index("Then it is shaped")
    reanchor.remark(workspace, "gold", change, document, Span(start, start + 17), "ben")
    held = store.read(workspace, "gold").evidence["bake"]
    assert Evidence.of("dough", document.text, start, start + 17) in held
    assert len(held) == 3
    assert len(queue(workspace)) == 4
    with pytest.raises(InputError, match="no characters"):
        reanchor.remark(workspace, "gold", queue(workspace)[0], document, Span(0, 9999), "ben")


def test_what_is_dropped_is_withdrawn_and_stays_in_the_log(workspace: Workspace) -> None:
    before = log(workspace)
    change_all(workspace)
    reanchor.drop(workspace, "gold", of(queue(workspace), "Bake"), "ben")
    assert len(store.read(workspace, "gold").evidence["bake"]) == 2
    assert log(workspace)[: len(before)] == before
    assert len(log(workspace)) == len(before) + 1


def test_all_moved_are_accepted_at_once(workspace: Workspace) -> None:
    corpus = change_all(workspace)
    found = queue(workspace)
    reanchor.drop(workspace, "gold", of(found, "shaped"), "cleo")  # meanwhile
    assert reanchor.accept_moved(workspace, "gold", found, "ben") == 1
    (judged,) = store.judgments(workspace, "gold", "when")
    text = corpus.documents[corpus.row["evening"]].text
    assert judged.evidence == at("evening", text, "Guests come at seven")
    assert {c.found.status for c in queue(workspace)} == {Status.EDITED, Status.GONE}
    assert reanchor.accept_moved(workspace, "gold", found, "ben") == 0


def test_undecided_evidence_stays_as_it_was_and_comes_back_with_the_text(
    workspace: Workspace,
) -> None:
    change_all(workspace)
    assert store.read(workspace, "gold").evidence == EVIDENCE
    old = [Document("dough", DOUGH), Document("oven", OVEN), Document("guests", GUESTS)]
    corpora.write(workspace, "menu", old, prune=True)
    assert queue(workspace) == []
    assert reanchor.holds_in(corpora.read(workspace, "menu"), []) == "v3"


@pytest.mark.parametrize("second", ["accept", "drop", "remark"])
@pytest.mark.parametrize("first", ["accept", "drop", "remark"])
def test_of_two_who_decide_the_same_the_second_is_told(
    workspace: Workspace, first: str, second: str
) -> None:
    corpus = change_all(workspace)
    change = queue(workspace)[0]
    document = corpus.documents[0]

    def decide(what: str, who: str) -> None:
        more: tuple[Any, ...] = (document, Span(0, 3)) if what == "remark" else ()
        getattr(reanchor, what)(workspace, "gold", change, *more, who)

    decide(first, "ann")
    once = log(workspace)
    with pytest.raises(InputError, match=rf"judgment {change.judgment.id} has been replaced"):
        decide(second, "ben")
    assert log(workspace) == once


def _accept(path: str, who: str, gate: Any) -> None:
    workspace = open_workspace(path)
    found, done = queue(workspace), 0
    gate.wait()
    for change in found:
        try:
            if change.proposal:
                reanchor.accept(workspace, "gold", change, who)
                done += 1
        except InputError:
            pass
    Path(path, f"{who}.txt").write_text(str(done))


def test_two_processes_decide_each_piece_once(workspace: Workspace) -> None:
    change_all(workspace)
    before = len(log(workspace))
    context = multiprocessing.get_context("spawn")
    path = str(workspace.path)
    gate = context.Barrier(2)
    people = [context.Process(target=_accept, args=(path, who, gate)) for who in ("ann", "ben")]
    for process in people:
        process.start()
    for process in people:
        process.join()
    assert [p.exitcode for p in people] == [0, 0]
    done = [int((workspace.path / f"{who}.txt").read_text()) for who in ("ann", "ben")]
    assert sum(done) == 4
    assert len(log(workspace)) == before + 4
    assert [c.found.status for c in queue(workspace)] == [Status.GONE]


def test_the_old_document_is_found_in_the_version_it_was_read_in(workspace: Workspace) -> None:
    change_all(workspace)
    change_again = [Document("dough", NEW_DOUGH + "More.\n")]
    corpora.write(workspace, "menu", change_again)
    found = reanchor.before(workspace, "menu", EVIDENCE["rest"][0])
    assert found == (1, Document("dough", DOUGH))
    assert reanchor.before(workspace, "menu", EVIDENCE["when"][0]) == (
        1,
        Document("guests", GUESTS),
    )
    lost = at("dough", "The dough is frozen.", "frozen")
    assert reanchor.before(workspace, "menu", lost) is None


def test_decisions_go_out_and_come_back_in_the_own_format(
    workspace: Workspace, tmp_path: Path
) -> None:
    corpus = change_all(workspace)
    for change in queue(workspace):
        if change.proposal:
            reanchor.accept(workspace, "gold", change, "ben")
    held = store.read(workspace, "gold")
    export_path("pizza", held, corpus, tmp_path / "gold.jsonl")
    read, _ = import_path("pizza", tmp_path / "gold.jsonl", strict=True)
    again = GoldSet("gold", "menu", read.queries, read.evidence)
    assert again.version == held.version
    assert {q: set(e) for q, e in again.evidence.items()} == {
        q: set(e) for q, e in held.evidence.items()
    }


@pytest.mark.parametrize("what", ["accept", "drop"])
def test_what_was_decided_can_be_undone(workspace: Workspace, what: str) -> None:
    change_all(workspace)
    change = queue(workspace)[0]
    decided = getattr(reanchor, what)(workspace, "gold", change, "ben")
    again = reanchor.undo(workspace, "gold", change, decided, "ben")
    first = queue(workspace)[0]
    assert (first.judgment.id, first.judgment.evidence) == (again, change.judgment.evidence)
    assert len(queue(workspace)) == 5
    with pytest.raises(InputError, match="replaced already"):
        reanchor.undo(workspace, "gold", change, decided, "cleo")
