"""Measures over spans, on any chunking, against sets of characters."""

from collections.abc import Iterator

import ir_measures
import numpy as np
import pytest

from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.score import score
from goldsets.evaluation.target import Target
from goldsets.types import Evidence, GoldSet, Query
from retrieval.ingest.tokens import Tokens
from retrieval.types import Chunks, Corpus, Int32
from tests.goldsets.evaluation.naive import Naive
from tests.goldsets.making import corpus_of, distinct_text, gold_of, target_of

NAMES = (
    *("R@1", "R@3", "R@8", "R(share=0.1)@4", "R(share=1)@4", "R(share=0.8)@30", "R(rel=2)@5"),
    *("EvidenceRecall@1", "EvidenceRecall@5", "EvidenceRecall(rel=3)@40", "EvidencePrecision@1"),
    *("EvidencePrecision@4", "EvidencePrecision(rel=2)@20", "IoU@1", "IoU@6", "IoU(rel=2)@3"),
    *("PrecisionOmega", "PrecisionOmega(rel=2)"),
)
MEASURES = tuple(map(parse_measure, NAMES))
PROJECTED = ("P@3", "Success@2", "RR@9", "nDCG@5", "AP@20", "Judged@4", "P(rel=2)@5", "AP(rel=3)@9")
DEPTH = 25


def random_corpus(rng: np.random.Generator) -> Corpus:
    lengths = rng.integers(1, 70, rng.integers(1, 5))
    return corpus_of(*(distinct_text(int(n), 100 * i) for i, n in enumerate(lengths)))


def random_chunks(rng: np.random.Generator, corpus: Corpus) -> Chunks:
    """Cut into windows with or without overlap or gaps, or into any spans, nested ones too."""

    def cut(length: int) -> Iterator[tuple[int, int]]:
        kind = rng.integers(0, 3)
        if kind == 0:
            for _ in range(rng.integers(0, 9)):
                start = int(rng.integers(0, length))
                yield start, int(rng.integers(start + 1, length + 1))
        else:
            size = int(rng.integers(1, 20))
            step = int(rng.integers(1, size + 1)) if kind == 1 else size + int(rng.integers(0, 3))
            for start in range(0, length, step):
                yield start, min(start + size, length)

    return Chunks.of_spans([sorted(cut(len(d.text))) for d in corpus.documents])


def random_gold(rng: np.random.Generator, corpus: Corpus) -> GoldSet:
    queries, judged = [], {}
    for q in range(6):
        queries.append(Query(f"q{q}", "?", needs=("any", "all")[int(rng.integers(0, 2))]))
        judged[f"q{q}"] = [random_evidence(rng, corpus) for _ in range(rng.integers(0, 6))]
    return gold_of(queries, judged)


def random_evidence(rng: np.random.Generator, corpus: Corpus) -> Evidence:
    document = corpus.documents[int(rng.integers(0, len(corpus)))]
    start = int(rng.integers(0, len(document.text)))
    end = min(len(document.text), start + int(rng.integers(1, 30)))
    grade, part = int(rng.integers(0, 4)), ("", "", "a", "b")[int(rng.integers(0, 4))]
    match rng.integers(0, 8):
        case 0:
            return Evidence("d99", start, end, "-" * (end - start), grade=grade, part=part)
        case 1:
            return Evidence(document.id, start, end, "-" * (end - start), grade=grade, part=part)
        case _:
            return Evidence.of(document.id, document.text, start, end, grade, part)


def random_tokens(rng: np.random.Generator, corpus: Corpus) -> Tokens:
    """Tokens of a few characters, some of which share a character as parts of an emoji do."""
    starts = []
    for document in corpus.documents:
        inner = rng.integers(0, len(document.text), len(document.text) // 3)
        starts.append(np.sort(np.append(inner, 0)).astype(np.int32))
    first = np.cumsum([0, *map(len, starts)]).astype(np.int64)
    return Tokens(np.concatenate(starts), first)


def random_ids(rng: np.random.Generator, chunks: Chunks, queries: int, variants: int) -> Int32:
    ids = np.full((variants, queries, DEPTH), -1, np.int32)
    for row in ids.reshape(-1, DEPTH):
        n = int(rng.integers(0, min(DEPTH, len(chunks)) + 1))
        row[:n] = rng.permutation(len(chunks))[:n]
    return ids


class World:
    """Everything at random, with the fast target and the naive reference side by side."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.corpus = random_corpus(rng)
        self.chunks, self.gold = random_chunks(rng, self.corpus), random_gold(rng, self.corpus)
        tokens = random_tokens(rng, self.corpus)
        starts = [tokens.of(d).tolist() for d in range(len(self.corpus))]
        self.target: Target = target_of(self.gold, self.corpus, self.chunks, tokens)
        self.naive = Naive(self.gold, self.corpus, self.chunks, starts)
        self.ids = random_ids(rng, self.chunks, len(self.gold.queries), 3)
        budgets = rng.integers(1, 60, 3)
        names = [f"{n}@{b}tok" for n in ("EvidenceRecall", "EvidencePrecision") for b in budgets]
        self.measures = (*MEASURES, *map(parse_measure, [*names, f"IoU@{budgets[0]}tok"]))


@pytest.mark.parametrize("seed", range(40))
def test_spans_and_characters_equal_the_naive_reference(seed: int) -> None:
    world = World(seed)
    values = score(world.target, world.ids, world.measures)
    for m, measure in enumerate(world.measures):
        for v in range(len(world.ids)):
            for q, query in enumerate(world.gold.queries):
                expected = world.naive.value(measure, query, world.ids[v, q].tolist())
                got = values[m, v, q]
                about = f"{measure} of {query.id} in variant {v}"
                if expected is None:
                    assert np.isnan(got), about
                else:
                    assert got == pytest.approx(expected, abs=1e-12), about


@pytest.mark.parametrize("seed", range(20))
def test_rank_measures_on_any_chunking_are_trec_eval_on_projected_qrels(seed: int) -> None:
    world = World(seed)
    names = {ir_measures.parse_measure(n): parse_measure(n) for n in PROJECTED}
    qrels = {q.id: world.naive.projected(q) for q in world.gold.queries}
    run = {
        q.id: {str(c): float(-i) for i, c in enumerate(row[row >= 0].tolist())}
        for q, row in zip(world.gold.queries, world.ids[0], strict=True)
        if (row >= 0).any()
    }
    got = score(world.target, world.ids[:1], list(names.values()))[:, 0]
    row = {q.id: i for i, q in enumerate(world.gold.queries)}
    for metric in ir_measures.iter_calc(list(names), qrels, run):
        value = got[list(names).index(metric.measure), row[metric.query_id]]
        if not np.isnan(value):
            assert value == pytest.approx(metric.value, abs=1e-12), f"{metric} {world.ids[0]}"


@pytest.mark.parametrize("seed", range(10))
def test_what_there_is_to_find_does_not_depend_on_the_chunking(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corpus = random_corpus(rng)
    gold = random_gold(rng, corpus)
    deep = [parse_measure("R@1000"), parse_measure("R(share=1)@1000"), parse_measure("R@1")]
    for size in (1, 3, 7, 100):
        chunks = Chunks.of_spans(
            [(s, min(s + size, len(d.text))) for s in range(0, len(d.text), size)]
            for d in corpus.documents
        )
        everything = np.tile(np.arange(len(chunks), dtype=np.int32), (1, len(gold.queries), 1))
        r, whole, first = score(target_of(gold, corpus, chunks), everything, deep)[:, 0]
        naive = Naive(gold, corpus, chunks, [])
        for q, query in enumerate(gold.queries):
            relevant = [e for e in gold.of(query) if e.grade >= 1]
            if not relevant:
                assert np.isnan([r[q], whole[q], first[q]]).all()
                continue
            things = naive._things(query, relevant)
            findable = sum(any(naive.where(e) for e in thing) for thing in things)
            assert r[q] == whole[q] == pytest.approx(findable / len(things))
            assert (first[q] * len(things)) % 1 == pytest.approx(0, abs=1e-9)


def test_a_long_span_is_found_by_small_chunks_together_and_by_one_large_chunk() -> None:
    corpus = corpus_of(distinct_text(100, 0))
    gold = gold_of([Query("q", "?")], {"q": [Evidence.of("d0", corpus.documents[0].text, 0, 60)]})
    small = Chunks.of_spans([[(i, i + 10) for i in range(0, 100, 10)]])
    large = Chunks.of_spans([[(0, 100)]])
    r = [parse_measure("R@2"), parse_measure("R@3")]
    ids = np.array([[[4, 1, 0, 9]]], np.int32)
    assert score(target_of(gold, corpus, small), ids, r).ravel().tolist() == [0, 1]
    assert score(target_of(gold, corpus, large), ids[:, :, 2:3], r).ravel().tolist() == [1, 1]


def test_without_any_chunk_nothing_is_found() -> None:
    corpus = corpus_of(distinct_text(10, 0))
    gold = gold_of([Query("q", "?")], {"q": [Evidence.of("d0", corpus.documents[0].text, 0, 6)]})
    every = [*MEASURES, *map(parse_measure, (*PROJECTED[:5], "IoU@9tok"))]
    nothing = np.full((2, 1, 5), -1, np.int32)
    values = score(target_of(gold, corpus, Chunks.of_spans([[]])), nothing, every)
    assert (values == 0).all()
