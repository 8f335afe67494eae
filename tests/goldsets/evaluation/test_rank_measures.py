"""Rank measures against trec_eval, where whole chunks are what is judged."""

import ir_measures
import numpy as np
import pytest

from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.score import score
from goldsets.evaluation.target import Target
from goldsets.types import Evidence, Query
from retrieval.types import Chunks, Int32
from tests.goldsets.making import corpus_of, gold_of, target_of

CUTOFFS = (1, 2, 3, 5, 10, 20, 50, 100, 150)
NAMES = ("R", "P", "Success", "RR", "nDCG", "AP", "R(rel=2)", "P(rel=2)", "RR(rel=2)", "AP(rel=2)")
MEASURES = tuple(parse_measure(f"{name}@{k}") for name in NAMES for k in CUTOFFS)
QUERIES, CHUNKS, DEPTH = 12, 220, 160

Qrels = dict[str, dict[str, int]]


def judged_chunks(rng: np.random.Generator) -> tuple[Target, Qrels]:
    """Cut documents without gaps, and judge whole chunks; q0 has no evidence, q1 only grade 0."""
    lengths = rng.integers(1, 9, CHUNKS)
    half = CHUNKS // 2
    spans = []
    for part in (lengths[:half], lengths[half:]):
        ends = np.cumsum(part)
        spans.append(list(zip((ends - part).tolist(), ends.tolist(), strict=True)))
    corpus = corpus_of(*("x" * s[-1][1] for s in spans))  # all chunks of a length are duplicates
    chunks = Chunks.of_spans(spans)
    queries = [Query(f"q{i}", "?") for i in range(QUERIES)]
    judged: dict[str, list[Evidence]] = {}
    qrels: Qrels = {}
    for i, query in enumerate(queries[1:], 1):
        for c in rng.choice(CHUNKS, rng.integers(1, 40), replace=False).tolist():
            grade = 0 if i == 1 else int(rng.integers(0, 4))
            document = corpus.documents[int(chunks.document[c])]
            span = int(chunks.start[c]), int(chunks.end[c])
            evidence = Evidence.of(document.id, document.text, *span, grade)
            judged.setdefault(query.id, []).append(evidence)
            qrels.setdefault(query.id, {})[str(c)] = grade
    return target_of(gold_of(queries, judged), corpus, chunks), qrels


def rankings(rng: np.random.Generator, target: Target, variants: int) -> Int32:
    """Rank at random; some queries are short, one is not answered at all, one finds nothing."""
    ids = np.full((variants, QUERIES, DEPTH), -1, np.int32)
    for v in range(variants):
        for q in range(QUERIES):
            n = (0, 1, 7, DEPTH)[int(rng.integers(0, 4))] if q % 3 == 0 else DEPTH
            ids[v, q, :n] = rng.permutation(CHUNKS)[:n]
        ids[v, 5] = -1
        nothing = np.setdiff1d(np.arange(CHUNKS), target.touch_chunk[target.touch_query == 6])
        ids[v, 6, :] = -1
        ids[v, 6, : len(nothing[:DEPTH])] = nothing[:DEPTH]
    return ids


def run_of(ids: Int32) -> dict[str, dict[str, float]]:
    """Phrase rankings for trec_eval; a query without any is missing from the run."""
    return {
        f"q{q}": {str(c): float(-rank) for rank, c in enumerate(row[row >= 0].tolist())}
        for q, row in enumerate(ids)
        if (row >= 0).any()
    }


def assert_equals_trec_eval(target: Target, qrels: Qrels, ids: Int32) -> None:
    values = score(target, ids, MEASURES)
    for v in range(len(ids)):
        expected = np.full((len(MEASURES), QUERIES), np.nan)
        for q, judged in qrels.items():
            for m, measure in enumerate(MEASURES):
                if max(judged.values()) >= measure.rel:
                    expected[m, int(q[1:])] = 0.0
        number = {str(ir_measures.parse_measure(str(m))): i for i, m in enumerate(MEASURES)}
        found = ir_measures.iter_calc(
            [ir_measures.parse_measure(str(m)) for m in MEASURES], qrels, run_of(ids[v])
        )
        for metric in found:
            at = number[str(metric.measure)], int(metric.query_id[1:])
            if not np.isnan(expected[at]):
                expected[at] = metric.value
        np.testing.assert_allclose(values[:, v], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_rank_measures_equal_trec_eval_on_every_query(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target, qrels = judged_chunks(rng)
    assert_equals_trec_eval(target, qrels, rankings(rng, target, 3))


def test_variants_at_once_equal_each_alone() -> None:
    rng = np.random.default_rng(7)
    target, _ = judged_chunks(rng)
    ids = rankings(rng, target, 4)
    every = [*MEASURES, *map(parse_measure, ("Judged@9", "EvidenceRecall@9", "IoU@40tok"))]
    together = score(target, ids, every)
    for v in range(4):
        np.testing.assert_array_equal(together[:, v : v + 1], score(target, ids[v : v + 1], every))


def test_a_query_with_only_grade_0_or_no_judgment_is_undefined() -> None:
    rng = np.random.default_rng(8)
    target, _ = judged_chunks(rng)
    values = score(target, rankings(rng, target, 2), MEASURES)
    assert np.isnan(values[:, :, :2]).all()
    assert not np.isnan(values[:, :, 2:]).any()


def test_a_query_missing_from_the_run_counts_as_zero() -> None:
    rng = np.random.default_rng(9)
    target, _ = judged_chunks(rng)
    ids = np.full((1, QUERIES, DEPTH), -1, np.int32)
    assert (score(target, ids, MEASURES)[:, 0, 2:] == 0).all()


@pytest.mark.parametrize("k", [1, 4, 150])
def test_judged_equals_ir_measures_where_anything_is_shown(k: int) -> None:
    rng = np.random.default_rng(10)
    target, qrels = judged_chunks(rng)
    ids = rankings(rng, target, 1)
    values = score(target, ids, [parse_measure(f"Judged@{k}")])[0, 0]
    judged = ir_measures.parse_measure(f"Judged@{k}")
    shown = run_of(ids[0])
    for metric in ir_measures.iter_calc([judged], qrels, shown):
        q = int(metric.query_id[1:])
        if metric.query_id in shown:
            assert values[q] == pytest.approx(metric.value, abs=1e-12)
        else:
            assert np.isnan(values[q])


def test_cutoffs_beyond_the_depth_of_the_run() -> None:
    rng = np.random.default_rng(11)
    target, qrels = judged_chunks(rng)
    assert_equals_trec_eval(target, qrels, rankings(rng, target, 1)[:, :, :30])


def test_of_a_chunk_that_is_ranked_twice_the_first_place_counts() -> None:
    rng = np.random.default_rng(12)
    target, _ = judged_chunks(rng)
    once = rankings(rng, target, 1)[:, :, :10]
    twice = np.concatenate([once, once], axis=2)
    np.testing.assert_array_equal(score(target, twice, MEASURES), score(target, once, MEASURES))
