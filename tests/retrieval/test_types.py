from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieval.types import Candidates, Chunks, Corpus, Document, Span, digest, pack, unpack
from tests.retrieval.making import corpus_of


def test_digest_depends_on_where_the_parts_are_split() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("ab", "c", "")}) == 4


def test_every_field_of_a_document_changes_its_hash() -> None:
    document = Document("a", "text")
    others = [
        replace(document, id="b"),
        replace(document, text="text "),
        replace(document, title="t"),
        replace(document, media="text/markdown"),
        replace(document, metadata={"year": 1}),
        replace(document, metadata={"year": "1"}),
        replace(document, given=(Span(0, 2),)),
    ]
    assert len({d.hash for d in [document, *others]}) == len(others) + 1


def test_a_corpus_hash_is_that_of_its_documents_in_order() -> None:
    one, two = Document("a", "x"), Document("b", "y")
    assert Corpus((one, two)).hash == Corpus((one, two), "name", 7).hash
    assert Corpus((one, two)).hash != Corpus((two, one)).hash


def test_base_is_where_each_document_starts_in_the_joined_text() -> None:
    assert corpus_of("ab", "", "안녕").base.tolist() == [0, 2, 2, 4]
    assert corpus_of().base.tolist() == [0]


def test_chunks_are_slices_with_their_context_in_front() -> None:
    corpus = corpus_of("one two", "세 넷")
    chunks = replace(
        Chunks.of_spans([[(0, 3), (4, 7)], [(0, 1)]]),
        context_of=np.array([1, 0, 1], np.int32),
        contexts=("", "numbers"),
    )
    assert [chunks.text(corpus, i) for i in range(3)] == ["one", "two", "세"]
    assert [chunks.indexed(corpus, i) for i in range(3)] == ["numbers\none", "two", "numbers\n세"]


def test_chunks_come_back_from_arrays() -> None:
    chunks = replace(Chunks.of_spans([[(0, 3)], [], [(1, 2), (2, 9)]]), contexts=("안녕", "\ud800"))
    again = Chunks.of_arrays(chunks.arrays())
    assert again.contexts == chunks.contexts
    for name in ("document", "start", "end", "context_of"):
        assert getattr(again, name).tolist() == getattr(chunks, name).tolist()


def test_no_chunks_are_arrays_too() -> None:
    chunks = Chunks.of_spans([[], []])
    assert len(chunks) == len(Chunks.of_arrays(chunks.arrays())) == 0


def test_candidates_are_padded_and_cut() -> None:
    lists = [(np.array([4, 2]), np.array([2.0, 1.0])), (np.arange(5), np.arange(5.0)[::-1].copy())]
    candidates = Candidates.of_lists(lists, 3)
    assert candidates.ids.tolist() == [[4, 2, -1], [0, 1, 2]]
    assert candidates.scores.tolist() == [[2.0, 1.0, -np.inf], [4.0, 3.0, 2.0]]
    assert candidates.top(1).ids.tolist() == [[4], [0]]
    assert candidates.top(9).depth == 3


def test_candidates_come_back_from_arrays() -> None:
    candidates = Candidates(np.array([[1, -1]], np.int32), np.array([[0.1, -np.inf]]))
    again = Candidates.of_arrays(candidates.arrays())
    assert again.ids.tolist() == candidates.ids.tolist()
    assert again.scores.tolist() == candidates.scores.tolist()


@given(st.lists(st.text(st.characters())))
def test_any_texts_are_packed_and_unpacked(texts: list[str]) -> None:
    assert unpack(pack(texts)) == tuple(texts)
