"""Regex against its definition in plain loops."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import SpecError
from retrieval.pipeline import Pipeline, full_spec, pipeline_of
from retrieval.query.names import names_in
from retrieval.query.regex import Regex
from retrieval.runtime import Runtime
from retrieval.types import Chunks, Corpus, Queries
from tests.retrieval.making import corpus_of, index_of, whole_documents

Hits = list[tuple[int, float]]


def search(
    stage: Regex, corpus: Corpus, queries: Sequence[str], depth: int, chunks: Chunks | None = None
) -> list[Hits]:
    rt, asked = Runtime(), Queries(tuple(queries))
    index = index_of(corpus, chunks or whole_documents(corpus), rt)
    found = stage.search(index, rt.given(asked, asked.hash), depth, rt).value
    assert found.ids.shape == found.scores.shape == (len(queries), depth)
    return [
        [(i, s) for i, s in zip(ids, scores, strict=True) if i >= 0]
        for ids, scores in zip(found.ids.tolist(), found.scores.tolist(), strict=True)
    ]


def naive(texts: Sequence[str], query: str, depth: int) -> Hits:
    """Names as whole words in any case, each weighed by how rare it is."""
    score, count = dict.fromkeys(range(len(texts)), 0.0), dict.fromkeys(range(len(texts)), 0)
    for name in dict.fromkeys(n.lower() for n in names_in(query)):
        pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE | re.ASCII)
        held = {i: len(pattern.findall(t)) for i, t in enumerate(texts)}
        holding = [i for i, n in held.items() if n]
        for i in holding:
            score[i] += math.log2(1 + len(texts) / len(holding))
            count[i] += held[i]
    hits = [(i, score[i] + count[i] / (count[i] + 1)) for i in score if count[i]]
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:depth]


words = st.sampled_from(
    ["ERR_42", "err_42", "ERR_4", "getUser", "3.11", "the", "캡", "EPERM", "a1가"]
)
bags = st.lists(words, max_size=9).map(" ".join)


@given(st.lists(bags, min_size=1, max_size=9), st.lists(bags, max_size=4), st.integers(1, 9))
def test_names_are_ranked_by_rarity_then_by_number(
    texts: list[str], queries: list[str], depth: int
) -> None:
    found = search(Regex(), corpus_of(*texts), queries, depth)
    for query, hits in zip(queries, found, strict=True):
        wanted = naive(texts, query, depth)
        assert [s for _, s in hits] == pytest.approx([s for _, s in wanted])
        near = {round(s, 9) for _, s in hits}
        if len(near) == len(hits):
            assert [i for i, _ in hits] == [i for i, _ in wanted]


def test_a_code_outweighs_an_acronym_and_ties_go_to_the_lower_chunk() -> None:
    texts = ["API HTTP", "API", "ERR_42", "API", "HTTP", "API HTTP", "ERR_42"]
    ((first, second, *_),) = search(Regex(), corpus_of(*texts), ["ERR_42 from the API"], 5)
    assert [first[0], second[0]] == [2, 6]


def test_a_pattern_ranks_by_different_strings_then_matches_whatever_is_asked() -> None:
    corpus = corpus_of("E1 E1 E1", "E1 E2", "none", "E7", "E3 e3")
    wanted = [(1, 2 + 2 / 3), (0, 1 + 3 / 4), (3, 1 + 1 / 2), (4, 1 + 1 / 2)]
    found = search(Regex(r"E\d", match_case=True), corpus, ["x", ""], 9)
    assert found == [wanted, wanted]
    assert [i for i, _ in search(Regex(r"E\d"), corpus, ["x"], 2)[0]] == [1, 4]


def test_what_matches_nothing_finds_nothing() -> None:
    corpus = corpus_of("one", "two")
    assert search(Regex(), corpus, ["ERR_42", "no names at all", ""], 3) == [[], [], []]
    assert search(Regex("three"), corpus, ["one"], 3) == [[]]
    assert search(Regex(), corpus_of(), ["ERR_42"], 3) == [[]]
    assert search(Regex("x"), corpus, [], 3) == []


def test_case_counts_if_asked() -> None:
    corpus = corpus_of("getuser", "getUser")
    assert [i for i, _ in search(Regex(), corpus, ["getUser"], 3)[0]] == [0, 1]
    assert [i for i, _ in search(Regex(match_case=True), corpus, ["getUser"], 3)[0]] == [1]


def test_the_context_is_searched_if_asked_and_a_chunk_is_its_own_text() -> None:
    corpus = corpus_of("ERR_1 is bad. Nothing here.")
    spans = Chunks.of_spans([[(0, 13), (14, 27)]])
    beside = np.array([0, 1], np.int32)
    chunks = replace(spans, context_of=beside, contexts=("", "on ERR_1"))
    assert [i for i, _ in search(Regex(), corpus, ["ERR_1"], 3, chunks)[0]] == [0]
    assert [i for i, _ in search(Regex(context=True), corpus, ["ERR_1"], 3, chunks)[0]] == [0, 1]
    assert search(Regex("^nothing here.$"), corpus, ["?"], 3, chunks)[0][0][0] == 1


@pytest.mark.parametrize("bad", ["(", "(?=x)", r"(a)\1", "x*"])
def test_a_bad_pattern_is_refused_when_the_stage_is_made(bad: str) -> None:
    with pytest.raises(SpecError, match=r"^Regex.pattern: .*pattern"):
        pipeline_of({"first": {"Regex": {"pattern": bad}}})


def test_it_takes_its_place_in_a_pipeline() -> None:
    pipeline = pipeline_of({"first": ["BM25", {"Regex": {"pattern": "Tipo 00"}}], "chunk": "Given"})
    assert pipeline_of(full_spec(pipeline)) == pipeline
    corpus, rt = corpus_of("flour: tipo 00", "bake it"), Runtime()
    asked = Queries(("bake", "?"))
    found = pipeline.search(pipeline.ingest(corpus, rt), asked, rt).value
    assert [[i for i in row if i >= 0] for row in found.ids.tolist()] == [[0, 1], [0]]
    assert Regex().key("x") != Regex(match_case=True).key("x")
    assert Pipeline(first=(Regex(),)).idle == ("enrich", "contextualize", "embed", "fuse")
