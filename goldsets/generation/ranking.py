"""Whether two sets of queries rank pipelines alike: Kendall's tau, and the pairs whose order flips.

The usual bootstrap of tau says how far tau itself would swing, which is not where the truth is:
pipelines that are nearly level swap places in every resample. Simulated with 16 pipelines whose
true order was the same on both sides, its 95 % interval held the true tau of 1 in none of 100. So
each pair is asked whether it is surely ordered, on both sides. Were two pipelines level, the signs
of their differences could as well be tossed up (as in `goldsets.evaluation.paired`); a pair is
surely not level where it is further from 0, in roots of its sum of squares, than the furthest pair
of either side is in 95 of 100 tosses. A pair surely ordered on both sides is alike or flipped; what
is open may be either, and from that tau's interval follows.

Simulated (3 to 16 pipelines that are equally good, 20 to 100 queries, 400 sets each): one side
calls any pair surely ordered in 1 to 4 of 100 sets, where resampling queries in place of tossing
signs does in up to 9. A flip takes both sides.

Sources: Kendall, Biometrika 33 (1945), tau-b; Westfall and Young, "Resampling-Based Multiple
Testing" (1993), the maximum in place of Holm's steps: 10,000 tosses give no p-value small enough
for Holm once more than 30 pipelines are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldsets.evaluation import stats
from goldsets.evaluation.paired import SAME, tosses
from goldsets.evaluation.stats import LEVEL, SEED, Estimate
from goldsets.evaluation.words import count
from retrieval.errors import InputError
from retrieval.types import Float64, Int64

FEWEST = 20
"""Queries of a side below which nothing is said of the ranking."""
SPLITS = 200
BLOCK = 500
TINY = 1e-12


@dataclass(frozen=True)
class Flip:
    """Two pipelines of which `a` leads by real queries and `b` by synthetic ones.

    The estimates are of a - b, query by query. `p` is adjusted for all pairs on both sides; at most
    0.05 is `sure`.
    """

    a: int
    b: int
    real: Estimate
    synthetic: Estimate
    p: float

    @property
    def sure(self) -> bool:
        """Tell whether it is no chance that the sides differ."""
        return self.p <= 1 - LEVEL


@dataclass(frozen=True)
class Ranking:
    """How alike real and synthetic queries rank pipelines; means are by pipeline.

    `tau` is None where a side has all pipelines level. `low` and `high` hold the tau of the true
    means. `among_real` is the median tau of one random half of the real queries with the other: as
    alike as sets of that size are anyway. `alike` counts the pairs surely in the same order.
    """

    names: tuple[str, ...]
    real: tuple[Estimate, ...]
    synthetic: tuple[Estimate, ...]
    tau: float | None
    low: float
    high: float
    among_real: float | None
    pairs: int
    alike: int
    flips: tuple[Flip, ...]

    @property
    def sure_flips(self) -> list[Flip]:
        """Return the flips that are no chance."""
        return [f for f in self.flips if f.sure]


def ranked_alike(
    names: Sequence[str], real: Float64, synthetic: Float64, seed: int = SEED
) -> Ranking:
    """Compare how real `(V, Qr)` and synthetic `(V, Qs)` values of one measure rank V pipelines.

    A query that any pipeline leaves undefined (NaN) is left out of its side.

    Raises:
        InputError: fewer than two pipelines, or too few queries on a side.
    """
    sides = [v[:, ~np.isnan(v).any(axis=0)] for v in (real, synthetic)]
    _check(names, sides)
    a, b = np.triu_indices(len(names), 1)
    means = [v.mean(axis=1) for v in sides]
    orders = [_signs(m, a, b) for m in means]
    p = np.maximum(*_adjusted(sides, a, b, seed))
    sure, same = p <= 1 - LEVEL, orders[0] * orders[1]
    flipped = np.flatnonzero(same < 0)
    alike, apart = (int(np.count_nonzero(sure & (same == s))) for s in (1, -1))
    return Ranking(
        tuple(names),
        tuple(stats.intervals(sides[0], seed)),
        tuple(stats.intervals(sides[1], seed)),
        tau(*means),
        2 * alike / len(a) - 1,
        1 - 2 * apart / len(a),
        _among(sides[0], seed),
        len(a),
        alike,
        tuple(_flips(sides, a, b, flipped[np.argsort(p[flipped], kind="stable")], p, seed)),
    )


def _check(names: Sequence[str], sides: Sequence[Float64]) -> None:
    if len(names) < 2:
        raise InputError("a ranking takes two pipelines at least; sweep more of them")
    for side, values in zip(("real", "synthetic"), sides, strict=True):
        if values.shape[1] < FEWEST:
            found = count(values.shape[1], f"{side} query", f"{side} queries")
            raise InputError(f"{found} with evidence were asked of every pipeline, {FEWEST} needed")


def tau(a: Float64, b: Float64) -> float | None:
    """Return Kendall's tau-b of two lists of means; None where one has all its entries level."""
    i, j = np.triu_indices(len(a), 1)
    x, y = _signs(a, i, j), _signs(b, i, j)
    untied = np.sqrt(np.count_nonzero(x) * np.count_nonzero(y))
    return float((x * y).sum() / untied) if untied else None


def _signs(means: Float64, a: Int64, b: Int64) -> Int64:
    """Return for each pair 1 where the first leads, -1 where the second does, 0 if level."""
    apart = means[a] - means[b]
    return np.where(np.abs(apart) <= SAME, 0, np.sign(apart)).astype(np.int64)


def _adjusted(sides: Sequence[Float64], a: Int64, b: Int64, seed: int) -> list[Float64]:
    """Return p of each pair's difference on each side, adjusted for all pairs on both, `(P,)`.

    It is the share of tosses in which any pair is as far from 0.
    """
    far = [_far(v, a, b, seed + i) for i, v in enumerate(sides)]
    ordered = np.sort(np.maximum(*(most for _, most in far)))
    above = [len(ordered) - np.searchsorted(ordered, seen) for seen, _ in far]
    return [(n + 1) / (len(ordered) + 1) for n in above]


def _far(values: Float64, a: Int64, b: Int64, seed: int) -> tuple[Float64, Float64]:
    """Return how far from 0 each pair is `(P,)`, and the furthest pair in each toss `(N,)`.

    Each pair counts as nearer by SAME, so that what single precision makes of a tie is one.
    """
    apart = values[a] - values[b]
    size = np.sqrt((apart**2).sum(axis=1))
    size[size < TINY] = np.inf  # nothing differs
    sums = tosses(values.shape[1], seed) @ values.astype(np.float32).T
    blocks = (sums[low : low + BLOCK] for low in range(0, len(sums), BLOCK))
    most = [(np.abs(s[:, a] - s[:, b]) / size).max(axis=1) for s in blocks]
    seen = np.abs(apart.sum(axis=1)) - SAME * values.shape[1]
    return seen / size, np.concatenate(most)


def _among(real: Float64, seed: int) -> float | None:
    """Return the median tau of two random halves of the real queries."""
    rng, half = np.random.default_rng(seed), real.shape[1] // 2
    found = []
    for _ in range(SPLITS):
        order = rng.permutation(real.shape[1])
        parts = (real[:, rows].mean(axis=1) for rows in (order[:half], order[half:]))
        found.append(tau(*parts))
    known = [t for t in found if t is not None]
    return float(np.median(known)) if known else None


def _flips(
    sides: Sequence[Float64], a: Int64, b: Int64, rows: Int64, p: Float64, seed: int
) -> list[Flip]:
    """Return flips, each with the pipeline that leads by the real queries first."""
    leads = (sides[0][a[rows]] - sides[0][b[rows]]).mean(axis=1) > 0
    first, second = np.where(leads, a[rows], b[rows]), np.where(leads, b[rows], a[rows])
    real, synthetic = (stats.intervals(v[first] - v[second], seed) for v in sides)
    places = zip(first.tolist(), second.tolist(), real, synthetic, p[rows].tolist(), strict=True)
    return [Flip(*place) for place in places]
