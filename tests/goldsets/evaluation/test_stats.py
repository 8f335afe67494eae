import numpy as np
import pytest
import scipy.stats

from goldsets.evaluation.stats import Estimate, differences, intervals
from retrieval.types import Float64

CHANGES = {
    "a few each way": ([1, -1, 0], [0.06, 0.06, 0.88]),
    "a clear gain": ([1, -1, 0], [0.10, 0.04, 0.86]),
    "nearly all gain": ([1, -1, 0], [0.20, 0.02, 0.78]),
    "graded": ([0.5, 1 / 6, -0.5, -0.8, 0.25, 0], [0.15, 0.1, 0.1, 0.05, 0.1, 0.5]),
}
KINDS = ("bernoulli", "skewed", "normal")


def sample(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> tuple[Float64, float]:
    """Draw values and return them with the mean of what they are drawn from."""
    match kind:
        case "bernoulli":
            return rng.binomial(1, 0.8, shape).astype(np.float64), 0.8
        case "skewed":  # like RR@10: half at the top, the rest far below
            of = np.array([1, 1 / 2, 1 / 3, 1 / 5, 0])
            p = np.array([0.5, 0.1, 0.1, 0.1, 0.2])
            return rng.choice(of, shape, p=p), float(of @ p)
        case _:
            return rng.normal(0.5, 0.1, shape), 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_agree_with_scipy(kind: str) -> None:
    values, _ = sample(np.random.default_rng(1), kind, (2, 80))
    for row, estimate in zip(values, intervals(values), strict=True):
        oracle = scipy.stats.bootstrap(
            (row,), np.mean, method="percentile", n_resamples=10_000, rng=5
        ).confidence_interval
        error = row.std() / np.sqrt(len(row))
        assert estimate.mean == pytest.approx(row.mean(), abs=1e-15)
        assert estimate.low == pytest.approx(oracle.low, abs=0.15 * error + 1e-6)
        assert estimate.high == pytest.approx(oracle.high, abs=0.15 * error + 1e-6)
        assert (estimate.queries, estimate.undefined) == (80, 0)


def test_the_same_seed_gives_the_same_interval_whatever_stands_beside_it() -> None:
    values, _ = sample(np.random.default_rng(2), "skewed", (5, 61))
    every = intervals(values)
    assert every == intervals(values)
    for row, estimate in zip(values, every, strict=True):
        alone = intervals(row[None])[0]
        assert (alone.low, alone.high) == pytest.approx((estimate.low, estimate.high), abs=1e-6)
    assert intervals(values, seed=1) != every


@pytest.mark.parametrize("defined", [60, 12, 3, 1])
def test_undefined_queries_are_as_if_they_were_not_there(defined: int) -> None:
    rng = np.random.default_rng(3)
    values, _ = sample(rng, "normal", (2, defined))
    wide = np.full((2, 70), np.nan)
    wide[:, np.sort(rng.permutation(70)[:defined])] = values
    for got, alone in zip(intervals(wide), intervals(values), strict=True):
        assert got.undefined == 70 - defined
        assert (got.mean, got.low, got.high, got.queries) == pytest.approx(
            (alone.mean, alone.low, alone.high, defined)
        )


def test_rows_may_be_undefined_on_different_queries() -> None:
    values, _ = sample(np.random.default_rng(4), "normal", (3, 20))
    values[0, :5] = values[2, :] = np.nan
    got = intervals(values)
    assert got[0].low == pytest.approx(intervals(values[:1, 5:])[0].low)
    assert got[1].undefined == 0
    assert got[2] == Estimate(None, None, None, 0, 20)


def test_no_queries_at_all() -> None:
    assert intervals(np.empty((2, 0))) == [Estimate(None, None, None, 0, 0)] * 2
    assert intervals(np.empty((0, 5))) == []


def test_differences_are_paired() -> None:
    """A constant gain over a noisy baseline is certain, though the intervals overlap by far."""
    base, _ = sample(np.random.default_rng(5), "normal", (50,))
    values = np.stack([base, base + 0.01, base])
    same, better, again = differences(values, 0)
    assert (same.mean, same.low, same.high) == (0, 0, 0) == (again.mean, again.low, again.high)
    assert (better.mean, better.low, better.high) == pytest.approx((0.01, 0.01, 0.01))
    first, second = intervals(values[:2])
    assert second.low is not None
    assert first.high is not None
    assert second.low < first.high


@pytest.mark.parametrize("kind", KINDS)
def test_a_difference_is_the_interval_of_the_differences(kind: str) -> None:
    values, _ = sample(np.random.default_rng(6), kind, (4, 40))
    values[1, 3] = np.nan
    assert differences(values, 2) == intervals(values - values[2])
    assert differences(values, 2)[1].undefined == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("queries", [60, 100])
def test_about_95_of_100_intervals_hold_the_mean(kind: str, queries: int) -> None:
    """Percentile intervals are known to be a little narrow on few and skewed values."""
    values, mean = sample(np.random.default_rng(7), kind, (400, queries))
    inside = [
        e.low - 1e-6 <= mean <= e.high + 1e-6
        for e in intervals(values)
        if e.low is not None and e.high is not None
    ]
    coverage = float(np.mean(inside))
    print(f"coverage of {kind} with {queries} queries: {coverage:.3f}")
    assert 0.915 <= coverage <= 0.975


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("queries", [60, 100, 300])
def test_93_to_97_of_100_intervals_hold_the_difference(kind: str, queries: int) -> None:
    """Differences as between two pipelines: most are 0, a few queries gain, a few lose."""
    steps, p = CHANGES[kind]
    values = np.random.default_rng(8).choice(steps, (2_000, queries), p=p)
    ends = np.array([(e.low, e.high) for e in intervals(values)], np.float64)
    inside = (ends[:, 0] - 1e-6 <= np.dot(steps, p)) & (np.dot(steps, p) <= ends[:, 1] + 1e-6)
    print(f"coverage of {kind} with {queries} queries: {inside.mean():.3f}")
    assert 0.93 <= inside.mean() <= 0.97
