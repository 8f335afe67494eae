"""Queries without an answer: the numbers are those of scipy and of counting by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm

from goldsets.evaluation.no_answer import Unanswered, auc, auc_interval, unanswered
from goldsets.evaluation.spec import named, sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.types import NO_ANSWER, Evidence, GoldSet, Query
from retrieval.ingest.chunk import Given
from retrieval.pipeline import Pipeline
from retrieval.query.lexical import BM25
from retrieval.runtime import Runtime
from retrieval.types import Candidates
from tests.goldsets.making import sample_corpus, sample_gold

SCORES = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=12)


@given(SCORES, SCORES)
def test_the_area_is_that_of_scipy(higher: list[float], lower: list[float]) -> None:
    theirs = mannwhitneyu(higher, lower, method="asymptotic").statistic / len(higher) / len(lower)
    assert auc(np.array(higher), np.array(lower)) == pytest.approx(theirs, abs=1e-12)


@given(st.floats(0, 1), st.integers(1, 200), st.integers(1, 200))
def test_the_interval_holds_the_area_and_ends_where_newcombe_says(
    area: float, m: int, n: int
) -> None:
    low, high = auc_interval(area, m, n)
    assert 0 <= low <= area <= high <= 1
    for x in (low, high):
        if 1e-6 < x < 1 - 1e-6 and abs(area - x) > 1e-9:
            spare = (m + n) / 2 - 1
            v = x * (1 - x) * (1 + spare * ((1 - x) / (2 - x) + x / (1 + x))) / (m * n)
            assert abs(area - x) / np.sqrt(v) == pytest.approx(norm.ppf(0.975), rel=1e-4)


def test_the_interval_holds_the_truth_where_few_queries_overlap_nowhere() -> None:
    rng = np.random.default_rng(0)
    truth, held, apart = norm.cdf(2 / np.sqrt(2)), 0, 0
    for _ in range(400):
        area = auc(rng.normal(2, 1, 70), rng.normal(0, 1, 5))
        low, high = auc_interval(area, 70, 5)
        held += low <= truth <= high
        apart += area == 1
    print(f"held in {held / 4:.0f} %, nothing overlapped in {apart / 4:.0f} %")
    assert held >= 0.93 * 400
    assert auc_interval(1.0, 70, 5)[0] < 0.9


def gold_of(*tagged: bool, relevant: tuple[int, ...] = ()) -> GoldSet:
    queries = tuple(
        Query(f"q{i}", "?", tags=(NO_ANSWER,) if t else ()) for i, t in enumerate(tagged)
    )
    evidence = {f"q{i}": (Evidence("d", 0, 1, "x"),) for i in relevant}
    return GoldSet("gold", "corpus", queries, evidence)


def ranked(*best: float | None) -> Candidates:
    ids = np.array([[-1, -1] if b is None else [0, 1] for b in best], np.int32)
    scores = np.array([[-np.inf] * 2 if b is None else [b, b - 1] for b in best])
    return Candidates(ids, scores)


def test_each_number_by_hand() -> None:
    gold = gold_of(True, True, True, True, False, False, False, False, relevant=(4, 5, 6, 7))
    ranking = ranked(None, 1.0, 3.0, 9.0, 3.0, 5.0, 2.0, 0.0)
    found = np.array([False] * 4 + [True, True, True, False])
    told = unanswered(gold, ranking, found)
    assert told is not None
    area = (2.5 + 3 + 2) / 12  # of none, 1, 3 and 9: below 3, one a tie; below 5; below 2
    assert told == Unanswered(4, 0.75, 3, 10, 0.5, pytest.approx(area), told.low, told.high)
    assert (told.low, told.high) == auc_interval(told.auc or 0, 3, 4)


def test_a_score_that_never_varies_says_nothing() -> None:
    told = unanswered(
        gold_of(True, True, False, False, relevant=(2, 3)),
        ranked(1.0, 1.0, 1.0, 1.0),
        np.array([False, False, True, True]),
    )
    assert told is not None
    assert (told.confident, told.auc) == (1.0, 0.5)


def test_a_query_counts_only_if_it_is_tagged_and_nothing_is_relevant() -> None:
    assert unanswered(gold_of(False, False), ranked(1, 2), np.zeros(2, bool)) is None
    gold = gold_of(True, False, relevant=(0,))
    assert unanswered(gold, ranked(1, 2), np.array([True, False])) is None


def test_with_nothing_answered_there_is_nothing_to_tell_apart() -> None:
    told = unanswered(gold_of(True, False), ranked(1, 2), np.zeros(2, bool))
    assert told == Unanswered(1, 1.0, 0, 10, None, None, None, None)


def test_a_sweep_reports_them_apart_and_its_measures_do_not_change() -> None:
    corpus, gold = sample_corpus(), sample_gold()
    asked = Query("none", "zebra quantum", tags=(NO_ANSWER,))
    wet = Query("wet", "why is my car wet", tags=(NO_ANSWER,))
    more = GoldSet(gold.name, gold.corpus, (*gold.queries, asked, wet), gold.evidence)
    variants = named([Pipeline(chunk=Given(), first=(BM25(),), pool=20)])
    spec = sweep_of({"measures": ["Success@10", "nDCG@10"]})
    spec = type(spec)(variants, spec.measures, variants[0].name)
    (without,) = sweep(spec, gold, corpus, Runtime())["variants"]
    (row,) = sweep(spec, more, corpus, Runtime())["variants"]
    assert without["no_answer"] is None
    for m in spec.measures:
        assert row["measures"][str(m)]["mean"] == without["measures"][str(m)]["mean"]
    told = row["no_answer"]
    assert (told["queries"], told["returned"]) == (2, 0.5)
    answered = row["measures"]["Success@10"]
    assert (told["found"], told["k"]) == (answered["mean"] * answered["queries"], 10)
    assert 0.5 < told["auc"] <= 1
