import pytest

from retrieval.errors import InputError, NotFound
from retrieval.store import Workspace, corpora
from retrieval.types import Document, Span
from tests.retrieval.processes import at_once, write_twenty_versions

A, B, C = Document("a", "안녕"), Document("b", "two", "Two"), Document("c", "three")


def ids(workspace: Workspace, name: str = "menu", number: int | None = None) -> list[str]:
    return [d.id for d in corpora.read(workspace, name, number).documents]


def stored_documents(workspace: Workspace) -> int:
    with workspace.read() as db:
        return int(db.execute("SELECT count(*) FROM documents").fetchone()[0])


def test_documents_come_back_as_they_were(workspace: Workspace) -> None:
    about = {"year": 2024, "share": 0.5, "draft": True, "by": None, "tag": "치즈"}
    spans = (Span(0, 2), Span(1, 4))
    document = Document("x", "a\r\n\u2028b", "Title", "text/markdown", about, spans)
    corpora.write(workspace, "menu", [document, A])
    corpus = corpora.read(workspace, "menu")
    assert corpus.documents == (document, A)
    assert (corpus.name, corpus.version) == ("menu", 1)
    assert [d.hash for d in corpus.documents] == [document.hash, A.hash]


def test_a_write_says_what_it_changed_and_keeps_the_rest_in_place(workspace: Workspace) -> None:
    assert corpora.write(workspace, "menu", [A, B]).added == ("a", "b")
    new = Document("a", "changed")
    written = corpora.write(workspace, "menu", [C, new])
    assert written == corpora.Written(2, ("c",), ("a",), 0, ("b",))
    assert ids(workspace) == ["a", "b", "c"]
    assert corpora.read(workspace, "menu").documents[0] == new
    assert corpora.read(workspace, "menu", 1).documents == (A, B)


def test_the_same_again_makes_no_version(workspace: Workspace) -> None:
    corpora.write(workspace, "menu", [A, B])
    written = corpora.write(workspace, "menu", [B])
    assert written == corpora.Written(1, (), (), 1, ("a",))
    assert corpora.write(workspace, "menu", [A, B], prune=True).number == 1
    assert len(corpora.versions(workspace, "menu")) == 1


def test_pruning_leaves_out_what_was_not_given(workspace: Workspace) -> None:
    corpora.write(workspace, "menu", [A, B, C])
    written = corpora.write(workspace, "menu", [B], prune=True)
    assert (written.number, written.unchanged, written.absent) == (2, 1, ("a", "c"))
    assert ids(workspace) == ["b"]
    assert ids(workspace, number=1) == ["a", "b", "c"]


def test_a_document_that_returns_to_an_old_text_uses_its_old_row(workspace: Workspace) -> None:
    corpora.write(workspace, "menu", [A])
    corpora.write(workspace, "menu", [Document("a", "changed")])
    written = corpora.write(workspace, "menu", [A])
    assert (written.number, written.changed) == (3, ("a",))
    assert stored_documents(workspace) == 2


def test_versions_know_their_size_newest_first(workspace: Workspace) -> None:
    corpora.write(workspace, "menu", [A], note="first")
    corpora.write(workspace, "menu", [B])
    corpora.write(workspace, "bar", [])
    found = [
        (v.corpus, v.number, v.documents, v.characters, v.note) for v in corpora.versions(workspace)
    ]
    assert found == [("bar", 1, 0, 0, ""), ("menu", 2, 2, 5, ""), ("menu", 1, 1, 2, "first")]
    assert [v.number for v in corpora.versions(workspace, "menu")] == [2, 1]
    assert [(v.corpus, v.number) for v in corpora.newest(workspace)] == [("bar", 1), ("menu", 2)]
    assert corpora.read(workspace, "bar").documents == ()


def test_a_fork_copies_no_document_and_goes_its_own_way(workspace: Workspace) -> None:
    corpora.write(workspace, "menu", [A])
    corpora.write(workspace, "menu", [B])
    corpora.fork(workspace, "menu", "old", number=1)
    corpora.fork(workspace, "menu", "new")
    assert (ids(workspace, "old"), ids(workspace, "new")) == (["a"], ["a", "b"])
    assert stored_documents(workspace) == 2
    corpora.write(workspace, "old", [C])
    assert (ids(workspace, "old"), ids(workspace)) == (["a", "c"], ["a", "b"])
    assert corpora.versions(workspace, "old")[-1].note == "fork of menu v1"


def test_a_fork_needs_a_source_and_a_new_name(workspace: Workspace) -> None:
    corpora.write(workspace, "menu", [A])
    with pytest.raises(InputError, match="already"):
        corpora.fork(workspace, "menu", "menu")
    with pytest.raises(InputError, match="needs a name"):
        corpora.fork(workspace, "menu", " ")
    with pytest.raises(NotFound, match=r"no corpus 'menus'; did you mean 'menu'"):
        corpora.fork(workspace, "menus", "other")


def test_what_is_not_there_is_named_with_what_is(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="no corpus 'menu'; there is no corpus yet"):
        corpora.read(workspace, "menu")
    corpora.write(workspace, "menu", [A])
    corpora.write(workspace, "menu", [B])
    with pytest.raises(NotFound, match=r"no version of corpus 'menu' 7; known: 2, 1"):
        corpora.read(workspace, "menu", 7)


def test_a_bad_write_changes_nothing(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="two documents have the id 'a'"):
        corpora.write(workspace, "menu", [A, B, A])
    with pytest.raises(InputError, match="needs a name"):
        corpora.write(workspace, " ", [A])
    assert corpora.versions(workspace) == []


def test_two_processes_writing_at_once_lose_nothing(workspace: Workspace) -> None:
    at_once(write_twenty_versions, workspace.path)
    assert sorted(ids(workspace, "shared")) == sorted(f"{p}{i}" for p in "ab" for i in range(20))
    versions = corpora.versions(workspace, "shared")
    assert [v.number for v in versions] == list(range(40, 0, -1))
    assert [v.documents for v in versions] == list(range(40, 0, -1))


def test_the_last_version_that_says_something(workspace: Workspace) -> None:
    for text in ("one", "two", "three", "three and four"):
        corpora.write(workspace, "menu", [B, Document("a", text)])
    corpora.write(workspace, "menu", [C, B], prune=True)
    corpora.write(workspace, "other", [Document("a", "one")])
    found = corpora.last_with(workspace, "menu", "a", lambda t: "three" in t)
    assert found == (4, Document("a", "three and four"))
    assert corpora.last_with(workspace, "menu", "a", lambda t: t == "one") == (
        1,
        Document("a", "one"),
    )
    seen: list[str] = []
    assert corpora.last_with(workspace, "menu", "a", lambda t: bool(seen.append(t))) is None
    assert seen == ["three and four", "three", "two", "one"]
    assert corpora.last_with(workspace, "menu", "b", lambda t: True) == (5, B)
    assert corpora.last_with(workspace, "nowhere", "a", lambda t: True) is None
