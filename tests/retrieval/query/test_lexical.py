"""BM25 against rank-bm25 itself: the same bits for every chunk that shares a term."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import rank_bm25
from hypothesis import given
from hypothesis import strategies as st

from retrieval.ingest.tokenize import Grams, HangulBigrams, Identifiers, Words
from retrieval.query.lexical import BM25
from retrieval.runtime import Runtime
from retrieval.types import Candidates, Chunks, Corpus, Queries
from tests.retrieval.making import corpus_of, index_of, whole_documents

VARIANTS = ["Okapi", "Plus", "L"]
Hits = list[tuple[int, float]]


def search(
    stage: BM25, corpus: Corpus, chunks: Chunks, queries: Sequence[str], depth: int
) -> list[Hits]:
    rt = Runtime()
    asked = Queries(tuple(queries))
    made = stage.search(index_of(corpus, chunks, rt), rt.given(asked, asked.hash), depth, rt)
    return hits(made.value)


def hits(found: Candidates) -> list[Hits]:
    return [
        [(i, s) for i, s in zip(ids, scores, strict=True) if i >= 0]
        for ids, scores in zip(found.ids.tolist(), found.scores.tolist(), strict=True)
    ]


def oracle(stage: BM25, tokens: Sequence[Sequence[str]], query: Sequence[str]) -> Hits:
    """Score by rank-bm25, keep what shares a term, sort by score, then by chunk."""
    reference: Any = getattr(rank_bm25, f"BM25{stage.variant}")
    with np.errstate(all="ignore"):  # an empty chunk, which never matches, may divide by zero
        scores = reference(tokens, k1=stage.k1, b=stage.b).get_scores(query).tolist()
    matching = [i for i, terms in enumerate(tokens) if set(terms) & set(query)]
    return sorted(((i, scores[i]) for i in matching), key=lambda hit: (-hit[1], hit[0]))


def check(
    stage: BM25, texts: Sequence[str], queries: Sequence[str], *depths: int
) -> list[list[Hits]]:
    """Compare with the oracle; chunks are whole texts and terms are words between spaces."""
    corpus = corpus_of(*texts)
    tokens = [t.split() for t in texts]
    wanted = [oracle(stage, tokens, query.split()) for query in queries]
    found = []
    for depth in depths or [len(texts)]:
        found.append(search(stage, corpus, whole_documents(corpus), queries, depth))
        assert found[-1] == [ranking[:depth] for ranking in wanted]
    return found


words = st.sampled_from(["a", "b", "c", "d", "e", "f"])
bags = st.lists(words, max_size=9).map(" ".join)
asked = st.lists(words | st.just("unknown"), max_size=7).map(" ".join)
stages = st.builds(
    BM25,
    variant=st.sampled_from(VARIANTS),
    k1=st.sampled_from([0.1, 0.9, 1.2, 1.5, 3.0]),
    b=st.sampled_from([0.0, 0.4, 0.75, 1.0]),
)


@given(stages, st.lists(bags, min_size=1, max_size=12).filter(any), st.lists(asked, max_size=4))
def test_scores_and_order_are_those_of_rank_bm25(
    stage: BM25, texts: list[str], queries: list[str]
) -> None:
    check(stage, texts, queries)


def zipf_texts(rng: np.random.Generator, n: int, vocabulary: int) -> list[str]:
    """Texts in which a few words are in most, as in a language."""
    lengths = rng.integers(0, 12, n)
    flat = np.minimum(rng.zipf(1.3, lengths.sum()), vocabulary)
    parts = np.split(flat, np.cumsum(lengths)[:-1])
    return [" ".join(f"w{i}" for i in part.tolist()) for part in parts]


@pytest.mark.parametrize("variant", VARIANTS)
def test_many_chunks_at_every_depth(variant: str) -> None:
    rng = np.random.default_rng(5)
    texts = zipf_texts(rng, 2_600, 400)
    queries = [*zipf_texts(rng, 12, 400), "w1 w1 w2", "w399", "w40 w41 w40", "w7 unknown w9", ""]
    stage = BM25(variant=variant)  # type: ignore[arg-type]
    check(stage, texts, queries, 1, 10, 19, 2_600)  # up to 20 the best are selected by blocks


def test_ties_go_to_the_lower_chunk_through_block_selection() -> None:
    texts = ["x y"] * 1_500 + ["x x"] * 3 + ["z"] * 4_000
    ((found,),) = check(BM25(), texts, ["x"], 9)
    assert [i for i, _ in found] == [1500, 1501, 1502, 0, 1, 2, 3, 4, 5]


def test_a_chunk_that_shares_no_term_is_no_hit_even_where_scores_are_negative() -> None:
    texts = ["x y", "x", "x y", "", "y x"]  # both terms are in more than half
    scores = rank_bm25.BM25Okapi([t.split() for t in texts]).get_scores(["x"])
    assert scores[0] < scores[3] == 0
    ((found,),) = check(BM25(), texts, ["x"])
    assert sorted(i for i, _ in found) == [0, 1, 2, 4]


def test_a_term_of_weight_zero_still_makes_hits() -> None:
    texts = ["x", "x y", "z", "z w"]  # x is in exactly half
    ((found,),) = check(BM25(), texts, ["x"])
    assert found == [(0, 0.0), (1, 0.0)]


def test_plus_adds_its_constant_for_absent_terms_to_hits_only() -> None:
    texts = ["x", "y", "z", "x y"]
    (found,) = check(BM25(variant="Plus"), texts, ["x y", "z z", "unknown"])
    assert [len(f) for f in found] == [3, 1, 0]


def test_a_repeated_term_counts_as_often_as_it_is_asked() -> None:
    ((once, twice),) = check(BM25(), ["x", "y", "z"], ["x", "x x"])
    assert twice[0][1] == 2 * once[0][1]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("texts", [[], ["", "", ""], [" . ", "!"]])
def test_chunks_without_a_term_are_no_hits(variant: str, texts: list[str]) -> None:
    corpus = corpus_of(*texts)
    stage = BM25(variant=variant)  # type: ignore[arg-type]
    assert search(stage, corpus, whole_documents(corpus), ["x", ""], 3) == [[], []]


def test_no_queries_are_no_rows() -> None:
    corpus = corpus_of("x")
    assert search(BM25(), corpus, whole_documents(corpus), [], 3) == []


@pytest.mark.parametrize("tokenizer", [Words(), Identifiers(), HangulBigrams(), Grams()])
def test_contexts_count_as_text_in_front(tokenizer: Words) -> None:
    corpus = corpus_of("def getUser(): return user_name", "파이썬의 예외 처리 with try", "the end")
    spans = [[(0, 10), (4, 31)], [(0, 7), (2, 18)], [(0, 3), (4, 7)]]
    chunks = replace(
        Chunks.of_spans(spans),
        context_of=np.array([1, 1, 2, 0, 0, 2], np.int32),
        contexts=("", "users.py > getUser", "문서 > 예외 처리"),
    )
    queries = ["get user", "예외 처리", "return the name", "파이썬", "users getUser end"]
    stage = BM25(tokenize=tokenizer)
    tokens = [tokenizer.tokens(chunks.indexed(corpus, i)) for i in range(len(chunks))]
    found = search(stage, corpus, chunks, queries, len(chunks))
    for query, ranking in zip(queries, found, strict=True):
        assert ranking == oracle(stage, tokens, tokenizer.tokens(query))


def test_a_depth_beyond_the_chunks_is_padded() -> None:
    corpus, rt = corpus_of("x", "x y"), Runtime()
    asked = Queries(("x", "y"))
    index = index_of(corpus, whole_documents(corpus), rt)
    found = BM25().search(index, rt.given(asked, asked.hash), 4, rt).value
    assert found.ids.shape == found.scores.shape == (2, 4)
    assert found.ids[1].tolist() == [1, -1, -1, -1]
    assert np.isneginf(found.scores[1, 1:]).all()
