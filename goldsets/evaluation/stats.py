"""Intervals by the paired bootstrap: queries are resampled, all variants and measures alike.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993); for retrieval Sakai, SIGIR
2006. It takes the queries for a random sample of those that users ask.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from retrieval.types import Bool, Float32, Float64, Int64

RESAMPLES = 10_000
LEVEL = 0.95
SEED = 0
INTERESTING = 0.02
"""The smallest difference of means that anybody would act on: two points."""

BLOCK = 500
METHOD = {
    "method": "paired bootstrap, percentile",
    "level": LEVEL,
    "resamples": RESAMPLES,
    "seed": SEED,
}


@dataclass(frozen=True)
class Estimate:
    """A mean over queries with its interval; None where no query defines it."""

    mean: float | None
    low: float | None
    high: float | None
    queries: int
    undefined: int


@lru_cache(maxsize=4)
def resamples(queries: int, seed: int = SEED, number: int = RESAMPLES) -> Float32:
    """Return how often each resample draws each query, `(number, queries)`."""
    if not queries:
        return np.zeros((number, 0), np.float32)
    rng = np.random.default_rng(seed)
    counts = np.empty((number, queries), np.float32)
    for start in range(0, number, BLOCK):  # in blocks that stay in the cache
        size = min(BLOCK, number - start)
        drawn = rng.integers(0, queries, (size, queries))
        drawn += np.arange(0, size * queries, queries)[:, None]
        own = np.bincount(drawn.ravel(), minlength=size * queries)
        counts[start : start + size] = own.reshape(size, queries)
    return counts


def intervals(values: Float64, seed: int = SEED) -> list[Estimate]:
    """Estimate the mean of each row of `(N, Q)` values, NaN where undefined.

    Rows that are defined on the same queries share the resamples, which are drawn from these. The
    interval is the percentile one at 95 %.
    """
    defined = ~np.isnan(values)
    count = np.count_nonzero(defined, axis=1)
    low, high = np.empty(len(values)), np.empty(len(values))
    for rows, queries in alike(defined):
        low[rows], high[rows] = _percentiles(values[rows][:, queries], seed)
    return [
        Estimate(
            float(np.mean(row[here])) if n else None,
            float(low[i]) if n else None,
            float(high[i]) if n else None,
            int(n),
            int(len(row) - n),
        )
        for i, (row, here, n) in enumerate(zip(values, defined, count, strict=True))
    ]


def differences(values: Float64, baseline: int, seed: int = SEED) -> list[Estimate]:
    """Estimate the mean difference of each row to the baseline's, query by query."""
    return intervals(values - values[baseline], seed)


def alike(defined: Bool) -> Iterator[tuple[Int64, Bool]]:
    """Group rows by the queries they are defined on: their positions, and those queries."""
    groups: dict[bytes, list[int]] = {}
    for i, row in enumerate(defined):
        groups.setdefault(row.tobytes(), []).append(i)
    for rows in groups.values():
        yield np.array(rows), defined[rows[0]]


def _percentiles(values: Float64, seed: int) -> tuple[Float64, Float64]:
    queries = values.shape[1]
    sums = resamples(queries, seed) @ values.astype(np.float32).T
    means = np.ascontiguousarray(sums.T) / np.float32(max(queries, 1))
    tail = (1.0 - LEVEL) / 2.0
    places = [int(np.floor(tail * (RESAMPLES - 1))), int(np.ceil((1 - tail) * (RESAMPLES - 1)))]
    means.partition(places, axis=1)
    return means[:, places[0]].astype(np.float64), means[:, places[1]].astype(np.float64)
