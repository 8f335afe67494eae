"""A further chunk scores as a chunk of the index that says the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.ingest.tokenize import HangulBigrams
from retrieval.query.dense import Dense
from retrieval.query.first import Retriever
from retrieval.query.lexical import BM25
from retrieval.query.regex import Regex
from retrieval.runtime import Runtime
from retrieval.types import Chunks, Corpus, Float64, Queries
from tests.retrieval.making import Hashed, corpus_of, index_of, whole_documents

STAGES: dict[str, Retriever] = {
    "Okapi": BM25(),
    "Plus": BM25(variant="Plus", k1=0.0),
    "L": BM25(variant="L", b=0.0),
    "pairs of syllables": BM25(tokenize=HangulBigrams()),
    "names": Regex(),
    "names by case": Regex(match_case=True),
    "a pattern": Regex(pattern="[a-z]+User"),
    "Dense": Dense(),
    "Okapi without contexts": BM25(context=False),
    "Dense without contexts": Dense(context=False),
}
words = st.sampled_from(["getUser", "GETUSER", "ERR_42", "3.11", "the", "반죽", "반죽을", "a", "b"])
texts = st.lists(st.lists(words, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=6)


def both(
    stage: Retriever, corpus: Corpus, chunks: Chunks, queries: tuple[str, ...]
) -> tuple[Float64, Float64]:
    """Score each query's chunk by searching for it, and as if it were one more."""
    rt, asked = Runtime(), Queries(queries)
    index = index_of(corpus, chunks, rt, Hashed(), bare=whole_documents(corpus))
    chunks, given_ = stage.seen(index).chunks.value, rt.given(asked, asked.hash)
    found = stage.search(index, given_, len(chunks), rt).value
    searched = np.full(len(queries), -np.inf)
    for q, (ids, scores) in enumerate(zip(found.ids, found.scores, strict=True)):
        here = np.flatnonzero(ids == q)
        searched[q] = scores[here[0]] if len(here) else -np.inf
    own = Chunks(*(a[: len(queries)] for a in (chunks.document, chunks.start, chunks.end)),
                 chunks.context_of[: len(queries)], chunks.contexts)  # fmt: skip
    return searched, stage.as_if(index, given_, own, rt)


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
@given(texts, st.data())
def test_it_scores_as_what_is_there(stage: Retriever, held: list[str], data: st.DataObject) -> None:
    queries = data.draw(st.lists(st.sampled_from([*held, "getUser", "ERR_42 3.11", "반죽 b"]),
                                 min_size=1, max_size=len(held)))  # fmt: skip
    corpus = corpus_of(*held)
    contexts = [f"about {i % 2} getUser" if i % 3 else "" for i in range(len(held))]
    chunks = whole_documents(corpus).beside(contexts)
    searched, as_if = both(stage, corpus, chunks, tuple(queries))
    assert as_if == pytest.approx(searched, rel=1e-6, abs=1e-7)  # cosines of single precision


def test_a_name_that_a_boundary_cuts_is_found_by_regex_and_unknown_to_bm25() -> None:
    corpus, rt = corpus_of("it fails with ERR_42, it does"), Runtime()
    index = index_of(corpus, Chunks.of_spans([[(0, 18), (18, 29)]]), rt)
    asked = rt.given(Queries(("why ERR_42",)), "asked")
    whole = whole_documents(corpus)
    assert Regex().as_if(index, asked, whole, rt).tolist() == [np.log2(3) + 0.5]
    assert BM25().as_if(index, asked, whole, rt).tolist() == [-np.inf]
