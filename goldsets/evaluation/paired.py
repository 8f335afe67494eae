"""What paired values say: randomisation tests, Holm's adjustment, how many queries would tell.

If two pipelines are equally good, the two values of a query could as well stand the other way
round: the signs of the differences are tossed up. p is the share of tosses whose mean is at least
as far from zero as the one seen. All pairs share the tosses, so that a hundred pipelines against
each other are one matrix product. That is exact where a gain is as likely as a loss of its size;
where many small gains make up for few large losses it is so on many queries only: of eight
pipelines that gain 0.5 on 10 % and lose 1 on 5 % of 150 queries, one passes in 7 of 100 sets.

Source: Fisher, "The Design of Experiments" (1935); for retrieval Smucker, Allan and Carterette,
CIKM 2007. Holm, Scandinavian Journal of Statistics 6 (1979). Phipson and Smyth, Statistical
Applications in Genetics and Molecular Biology 9 (2010), on the one that is added to both counts.
"""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import combinations_with_replacement
from math import log, sqrt

import numpy as np

from goldsets.evaluation.power import LEAST, needed
from goldsets.evaluation.stats import (
    INTERESTING,
    LEVEL,
    RESAMPLES,
    SEED,
    Estimate,
    alike,
    intervals,
    resamples,
)
from retrieval.types import Float32, Float64, Int64

FEW = 14
"""Up to so many queries that differ, all ways to toss their signs are counted."""

SAME = 1e-6
"""Means that are nearer to each other are equal: values are shares from 0 to 1."""

METHOD = {
    "method": "paired randomisation, two-sided",
    "resamples": RESAMPLES,
    "seed": SEED,
    "adjusted": "Holm, over all that are compared with the baseline, each measure by itself",
}


@dataclass(frozen=True)
class Difference(Estimate):
    """A mean difference to the baseline, what it rests on, and what more queries would tell.

    `wins` and `losses` count queries. `p_holm` is p adjusted for all that are `compared`;
    `no_worse` says that the mean is above -INTERESTING, for all of them at once. `more` queries
    would tell a difference of `tells`: the one seen, but at least INTERESTING. What cannot be said
    is None; so are p and what follows it for the baseline itself.
    """

    wins: int = 0
    losses: int = 0
    p: float | None = None
    p_holm: float | None = None
    compared: int = 0
    no_worse: bool = False
    more: int | None = None
    tells: float | None = None


def compared(values: Float64, baseline: int, seed: int = SEED) -> list[Difference]:
    """Compare each row of `(V, Q)` values of one measure with the baseline's, query by query."""
    seen = values - values[baseline]
    others = np.arange(len(values)) != baseline
    found = iter(family(seen[others], seed))
    itself = _difference(seen[baseline], intervals(seen[baseline][None], seed)[0])
    return [next(found) if other else itself for other in others]


def family(seen: Float64, seed: int = SEED) -> list[Difference]:
    """Test `(N, Q)` differences at once, NaN where undefined: all of them are what is compared."""
    p = p_values(seen, seed)
    adjusted = holm(p)
    others = int(np.count_nonzero(~np.isnan(p)))
    found = [_difference(row, e) for row, e in zip(seen, intervals(seen, seed), strict=True)]
    return [
        d
        if np.isnan(one)
        else _tested(replace(d, p=float(one), p_holm=float(of_all), compared=others), row, seed)
        for d, row, one, of_all in zip(found, seen, p, adjusted, strict=True)
    ]


def pairs(values: Float64, seed: int = SEED) -> dict[tuple[int, int], Difference]:
    """Compare each row of `(V, Q)` values with each later one: all pairs are what is compared.

    A pair (i, j) holds what i gains over j; what more queries would tell is not asked of so many.
    """
    i, j = np.triu_indices(len(values), 1)
    seen = values[i] - values[j]
    p = every_pair(values, seed)[i, j]
    adjusted = holm(p)
    others = int(np.count_nonzero(~np.isnan(p)))
    return {
        (int(a), int(b)): replace(
            _difference(row, e), p=float(one), p_holm=float(of_all), compared=others
        )
        for a, b, row, e, one, of_all in zip(
            i, j, seen, intervals(seen, seed), p, adjusted, strict=True
        )
        if e.mean is not None
    }


def _difference(seen: Float64, estimate: Estimate) -> Difference:
    wins, losses = (int(np.count_nonzero(sign * seen > SAME)) for sign in (1, -1))
    return Difference(**asdict(estimate), wins=wins, losses=losses)


def _tested(d: Difference, seen: Float64, seed: int) -> Difference:
    own = seen[~np.isnan(seen)]
    more, tells = _outlook(own, d.compared)
    return replace(d, no_worse=_no_worse(own, d, seed), more=more, tells=tells)


def _no_worse(seen: Float64, d: Difference, seed: int) -> bool:
    """Tell whether a mean is above -INTERESTING, were each that is compared asked the same.

    The bound is the percentile at the tail divided by their number, with a query beside those seen
    that lost 1; and losses of 1 that n queries were all spared may hit log(1 / tail) / n of others.
    """
    tail = (1 - LEVEL) / 2 / d.compared
    if d.low is None or d.low <= -INTERESTING:
        return False
    if log(1 / tail) / len(seen) >= INTERESTING:
        return False
    padded = np.append(seen, -1).astype(np.float32)
    means = resamples(len(padded), seed) @ padded / np.float32(len(padded))
    place = int(tail * (RESAMPLES - 1))
    return bool(np.partition(means, place)[place] > -INTERESTING)


def _outlook(seen: Float64, others: int) -> tuple[int | None, float | None]:
    """Return how many more queries would tell a difference as large as seen, and that difference.

    Were it INTERESTING where less was seen, more queries would have to differ than did: the spread
    is at least what changes of the usual size come to.
    """
    size = np.abs(seen).sum()
    if len(seen) < LEAST or size < SAME:
        return None, None
    tells = max(abs(float(seen.mean())), INTERESTING)
    usual = float((seen**2).sum() / size)
    spread = max(float(seen.std(ddof=1)), sqrt(usual * tells))
    return max(0, needed(tells, spread, others) - len(seen)), tells


def holm(p: Float64) -> Float64:
    """Adjust p-values for being several, NaN left out: reject those that stay at most the level."""
    adjusted = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def p_values(seen: Float64, seed: int = SEED) -> Float64:
    """Test whether each row of `(N, Q)` differences has mean 0, two-sided; `(N,)`.

    NaN are left out; a row of nothing else has no p. Exact where at most FEW queries differ in any
    row.
    """
    d = np.nan_to_num(seen)
    signs, exact = _tosses(np.abs(d).max(axis=0, initial=0), seed)
    at_least = _at_least(d.astype(np.float32) @ signs.T, d.sum(axis=1), seen.shape[1])
    p = _share(at_least, len(signs), exact=exact)
    return np.where(np.isnan(seen).all(axis=1), np.nan, p)


def every_pair(values: Float64, seed: int = SEED) -> Float64:
    """Test each row of `(V, Q)` values against each other, `(V, V)`, NaN where undefined."""
    p = np.full((len(values), len(values)), np.nan)
    groups = [(rows, here) for rows, here in alike(~np.isnan(values)) if here.any()]
    for (a, here), (b, there) in combinations_with_replacement(groups, 2):
        both = here & there
        if both.any():
            own, others = (values[np.ix_(rows, both)] for rows in (a, b))
            p[np.ix_(a, b)] = _across(own, None if a is b else others, seed)
            p[np.ix_(b, a)] = p[np.ix_(a, b)].T
    return p


def _across(a: Float64, b: Float64 | None, seed: int) -> Float64:
    """Test each row of a against each of b on the same queries, or of a itself."""
    every = a if b is None else np.concatenate([a, b])
    signs, exact = _tosses(np.ptp(every, axis=0), seed)
    tossed, sums = every.astype(np.float32) @ signs.T, every.sum(axis=1)
    at_least = np.zeros((len(a), len(every)), np.int64)
    for i in range(len(a)):
        first = i if b is None else len(a)
        seen = sums[first:] - sums[i]
        at_least[i, first:] = _at_least(tossed[first:] - tossed[i], seen, a.shape[1])
    at_least = np.maximum(at_least, at_least.T) if b is None else at_least[:, len(a) :]
    return _share(at_least, len(signs), exact=exact)


@lru_cache(maxsize=4)
def tosses(queries: int, seed: int = SEED, number: int = RESAMPLES) -> Float32:
    """Return random signs, 1 or -1, `(number, queries)`."""
    drawn = np.random.default_rng(seed).integers(0, 2, (number, queries), np.int8)
    return (2 * drawn - 1).astype(np.float32)


def _tosses(largest: Float64, seed: int) -> tuple[Float32, bool]:
    """Return signs for queries whose largest differences `(Q,)` are given; all there are, if few.

    Where all there are are tossed, the sign is 0 of a query that does not differ.
    """
    few = np.flatnonzero(largest > SAME)
    if len(few) > FEW:
        return tosses(len(largest), seed), False
    signs = np.zeros((1 << len(few), len(largest)), np.float32)
    signs[:, few] = 2 * (np.arange(len(signs))[:, None] >> np.arange(len(few)) & 1) - 1
    return signs, True


def _at_least(tossed: Float32, seen: Float64, queries: int) -> Int64:
    """Count the tosses `(N, B)` at least as far from zero as the sums seen `(N,)`."""
    limit = (np.abs(seen) - SAME * queries).astype(np.float32)
    far = np.abs(tossed, out=tossed) >= limit[:, None]
    return np.asarray(np.count_nonzero(far, axis=1), np.int64)


def _share(at_least: Int64, tosses: int, *, exact: bool) -> Float64:
    return at_least / tosses if exact else (1 + at_least) / (1 + tosses)
