"""Tests of differences against scipy and plain loops, and by simulation."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from goldsets.evaluation.paired import (
    FEW,
    INTERESTING,
    Difference,
    compared,
    every_pair,
    holm,
    p_values,
    pairs,
)
from goldsets.evaluation.power import LEAST
from goldsets.evaluation.stats import LEVEL, differences, intervals
from goldsets.evaluation.words import side
from retrieval.types import Float64

ALPHA = 1 - LEVEL
LIKE_RR = np.array([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 10, 0])


def rr(rng: np.random.Generator, *shape: int) -> Float64:
    return rng.choice(LIKE_RR, shape, p=[0.4, 0.15, 0.1, 0.05, 0.05, 0.05, 0.2])


def scipy_p(differences: Float64, resamples: float = np.inf) -> float:
    found = scipy.stats.permutation_test(
        (differences,),
        lambda d, axis: d.mean(axis=axis),
        permutation_type="samples",
        n_resamples=resamples,
        vectorized=True,
        rng=3,
    )
    return float(found.pvalue)


@pytest.mark.parametrize("queries", [1, 2, 5, 9, FEW])
def test_few_queries_are_tested_exactly(queries: int) -> None:
    """Ties between tosses count, also where a sum of thirds is rounded."""
    rng = np.random.default_rng(queries)
    for draw in (rr, lambda rng, *shape: rng.integers(0, 2, shape).astype(float)):
        a, b = draw(rng, 5, queries), draw(rng, 5, queries)
        b[4] = a[4]
        oracle = [scipy_p(d.round(9)) if queries > 1 else 1.0 for d in a - b]
        assert p_values(a - b) == pytest.approx(oracle, abs=1e-12)


def test_many_queries_are_tested_as_scipy_does_up_to_chance() -> None:
    rng = np.random.default_rng(1)
    gain = np.array([0, 0.02, 0.05, 0.08, 0.1])[:, None]
    seen = rr(rng, 5, 80) - rr(rng, 5, 80) + gain
    oracle = np.array([scipy_p(d, 20_000) for d in seen])
    error = np.sqrt(oracle * (1 - oracle) * (1 / 10_000 + 4 / 20_000)) + 2e-4
    assert (np.abs(p_values(seen) - oracle) <= 4 * error).all()
    assert oracle.min() < 0.01 < 0.3 < oracle.max()


def test_p_is_never_zero() -> None:
    assert p_values(np.full((1, 200), 0.3)) == pytest.approx([1 / 10_001])
    assert p_values(np.full((1, FEW), 0.3)) == pytest.approx([2 / 2**FEW])


def test_where_nothing_differs_p_is_one() -> None:
    assert p_values(np.zeros((2, 30))).tolist() == [1, 1]


def test_undefined_queries_are_as_if_they_were_not_there() -> None:
    rng = np.random.default_rng(2)
    seen = rr(rng, 3, FEW) - rr(rng, 3, FEW)
    wide = np.full((4, 40), np.nan)
    wide[:3, np.sort(rng.permutation(40)[:FEW])] = seen
    assert p_values(wide)[:3] == pytest.approx(p_values(seen))
    assert np.isnan(p_values(wide)[3])
    assert np.isnan(p_values(np.empty((2, 0)))).all()


def test_every_pair_is_each_against_each() -> None:
    values = rr(np.random.default_rng(3), 7, 60)
    values[5] = values[2]
    p = every_pair(values)
    for i in range(7):
        assert p[i] == pytest.approx(p_values(values - values[i]), abs=1e-12)
    assert (p == p.T).all()
    assert p[5, 2] == p[3, 3] == 1


def test_every_pair_where_rows_are_defined_on_different_queries() -> None:
    values = rr(np.random.default_rng(4), 6, FEW + 4)
    values[1, :3] = values[2, :3] = values[3, 5:9] = np.nan
    values[4] = np.nan
    p = every_pair(values)
    for i, j in np.ndindex(6, 6):
        both = values[i] - values[j]
        alone = p_values(both[~np.isnan(both)][None])[0]
        assert p[i, j] == pytest.approx(alone, abs=0.03, nan_ok=True)  # other tosses where many
    few = values[1] - values[3]
    assert p[1, 3] == pytest.approx(scipy_p(few[~np.isnan(few)].round(9)), abs=1e-12)


def test_pairs_are_told_apart_by_holm_over_all_of_them() -> None:
    values = rr(np.random.default_rng(14), 4, 60)
    values[3] = np.minimum(values[2] + 0.3, 1)
    values[1, :5] = np.nan
    values = np.concatenate([values, np.full((1, 60), np.nan)])
    found = pairs(values)
    assert list(found) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    p = every_pair(values)
    expected = plain_holm([p[pair] for pair in found])
    for (i, j), d in found.items():
        assert d.mean == pytest.approx(np.nanmean(values[i] - values[j]))
        (alone,) = intervals((values[i] - values[j])[None])
        assert (d.low, d.high) == pytest.approx((alone.low, alone.high), abs=1e-6)
        assert (d.p, d.compared) == (p[i, j], 6)
    assert [d.p_holm for d in found.values()] == pytest.approx(expected)
    assert side(vars(found[2, 3])) == -1


def plain_holm(p: list[float]) -> list[float]:
    """Adjust as Holm's paper tells it: the smallest times their number, the next times one less."""
    adjusted = [0.0] * len(p)
    largest = 0.0
    for step, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        largest = max(largest, (len(p) - step) * p[i])
        adjusted[i] = min(1.0, largest)
    return adjusted


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_the_plain_loop(p: list[float]) -> None:
    assert holm(np.array(p)) == pytest.approx(plain_holm(p))


def test_holm_leaves_out_what_is_undefined() -> None:
    assert holm(np.array([0.01, np.nan, 0.04])) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)


def test_a_comparison_holds_what_is_told_of_it() -> None:
    rng = np.random.default_rng(5)
    values = rr(rng, 4, 90)
    values[1] = np.minimum(values[0] + rng.choice([0, 0.5], 90), 1)
    values[2] = values[0]
    values[3, :4] = np.nan
    found = compared(values, 0)
    seen = values - values[0]
    p = p_values(seen)
    for row, difference, estimate in zip(seen, found, differences(values, 0), strict=True):
        assert (difference.mean, difference.low, difference.high, difference.queries) == (
            estimate.mean,
            estimate.low,
            estimate.high,
            estimate.queries,
        )
        assert (difference.wins, difference.losses) == ((row > 0).sum(), (row < 0).sum())
    assert found[0].p is found[0].p_holm is found[0].more is None
    assert [d.compared for d in found] == [0, 3, 3, 3]
    assert [d.p for d in found[1:]] == p[1:].tolist()
    assert [d.p_holm for d in found[1:]] == pytest.approx(plain_holm(p[1:].tolist()))
    assert (found[2].wins, found[2].losses, found[2].more, found[2].p) == (0, 0, None, 1)
    assert [side(vars(d)) for d in found] == [0, 1, 0, 0]


def test_a_row_that_nothing_defines_is_not_among_the_compared() -> None:
    values = rr(np.random.default_rng(6), 3, 50)
    values[2] = np.nan
    first, second, third = compared(values, 0)
    assert (first.compared, second.compared, third.compared) == (0, 1, 0)
    assert second.p == second.p_holm
    assert third == Difference(None, None, None, 0, 50)


MEAN = float(LIKE_RR @ [0.4, 0.15, 0.1, 0.05, 0.05, 0.05, 0.2])


def equally_good(kind: str, rng: np.random.Generator, queries: int) -> Float64:
    """Draw differences `(8, Q)` of pipelines that are as good as the baseline and share it."""
    base = rr(rng, queries)
    match kind:
        case "swapped":
            other = np.where(rng.random((8, queries)) < 0.25, rr(rng, 8, queries), base)
            turned = rng.random((8, queries)) < 0.5
            return np.where(turned, base - other, other - base)
        case "graded":
            return np.where(rng.random((8, queries)) < 0.5, rr(rng, 8, queries), base) - base
        case _:
            return rng.choice([0.5, -1.0, 0.0], (8, queries), p=[0.1, 0.05, 0.85])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "queries", "limit"),
    [("swapped", 60, ALPHA), ("graded", 60, ALPHA), ("lopsided", 150, 0.08)],
)
def test_under_holm_any_error_is_made_in_at_most_5_of_100_sets(
    kind: str, queries: int, limit: float
) -> None:
    """The signs of lopsided differences cannot be tossed, so that the test is not exact there."""
    rng, sets = np.random.default_rng(7), 1_200
    errors = 0
    for _ in range(sets // 40):
        p = p_values(np.concatenate([equally_good(kind, rng, queries) for _ in range(40)]))
        errors += sum(bool((holm(own) <= ALPHA).any()) for own in p.reshape(40, 8))
    print(f"{kind}: an error in {errors / sets:.3f} of the sets")
    assert errors / sets <= limit + 2 * np.sqrt(limit * (1 - limit) / sets)


GAINS = (
    ([1, -1, 0], [0.12, 0.05, 0.83]),
    ([0.5, -0.5, 1, 0], [0.15, 0.08, 0.02, 0.75]),
)


@pytest.mark.slow
@pytest.mark.parametrize("others", [0, 5])
@pytest.mark.parametrize(("steps", "p"), GAINS)
def test_with_so_many_more_queries_most_sets_tell(
    steps: list[float], p: list[float], others: int
) -> None:
    """The promise is made to a set that shows the true mean and spread; 80 of 100 shall tell."""
    rng = np.random.default_rng(8)
    pilot = np.repeat(steps, np.round(np.array(p) * 100).astype(int))
    first = compared(np.stack([np.zeros(100), pilot, *np.zeros((others, 100))]), 0)[1]
    assert first.tells == pytest.approx(pilot.mean())
    queries = 100 + (first.more or 0)
    told = 0
    for _ in range(200):
        d = rng.choice(steps, queries, p=p)
        same = rng.choice([1, -1, 0], (others, queries), p=[0.06, 0.06, 0.88])
        found = compared(np.concatenate([np.zeros((1, queries)), d[None], same]), 0)[1]
        told += side(vars(found)) == 1
    print(f"{queries} queries, {others} others: told by {told / 200:.2f}")
    assert 0.72 <= told / 200 <= 0.9


@pytest.mark.parametrize("mean", [0.005, 0.02, 0.08])
def test_more_queries_are_promised_for_what_is_worth_telling(mean: float) -> None:
    d = np.zeros(200)
    d[: round(200 * mean) + 6], d[-6:] = 1, -1
    found = compared(np.stack([np.zeros(200), d]), 0)[1]
    assert found.tells == pytest.approx(max(mean, INTERESTING))


def test_of_one_query_that_differs_no_spread_is_concluded() -> None:
    """Two points by changes of 1 take two queries of a hundred that change, not one of 200."""
    d = np.zeros(200)
    d[0] = 1
    found = compared(np.stack([np.zeros(200), d]), 0)[1]
    assert found.more is not None
    assert found.more + 200 == pytest.approx(2.8016**2 * 0.02 / 0.02**2, abs=6)


def test_too_few_queries_promise_nothing() -> None:
    d = np.tile([1.0, -1, 0, 0], 10)[: LEAST - 1]
    found = compared(np.stack([np.zeros(LEAST - 1), d]), 0)[1]
    assert (found.more, found.tells) == (None, None)


@pytest.mark.slow
@pytest.mark.parametrize("others", [0, 5])
@pytest.mark.parametrize(
    ("steps", "p"),
    [
        ([0, -1], [0.98, 0.02]),
        ([0, 1, -1], [0.95, 0.015, 0.035]),
        ([0, 0.1, -0.5], [0.6, 0.3, 0.1]),
    ],
)
def test_what_is_two_points_worse_is_seldom_called_no_worse(
    steps: list[float], p: list[float], others: int
) -> None:
    rng = np.random.default_rng(9)
    assert np.dot(steps, p) == pytest.approx(-INTERESTING)
    wrong = 0
    for _ in range(200):
        d = rng.choice(steps, (1 + others, 400), p=p)
        found = compared(np.concatenate([np.zeros((1, 400)), d]), 0)[1:]
        wrong += any(f.no_worse for f in found)
    print(f"{steps} {others}: {wrong / 200:.3f}")
    assert wrong / 200 <= 0.08  # chance allowed for, 2.5 to 5 % are meant


def test_no_worse_takes_enough_queries_and_enough_that_are_spared() -> None:
    for queries, said in ((184, False), (186, True)):
        d = np.zeros(queries)
        d[:2] = 1
        found = compared(np.stack([np.zeros(queries), d]), 0)[1]
        assert found.no_worse is said
