"""How far the passages that nobody has judged could move each rank measure, query by query.

A kernel says how far the difference A - B of a case can rise. The least A - B is what B - A can
rise to, with the sign changed; one ranking alone is a case whose other ranking is empty.

Source: Dinkelbach, Management Science 13 (1967), for the greatest ratio, in nDCG.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from goldsets.evaluation.target import NEVER
from goldsets.evaluation.unjudged import Case
from retrieval.types import Bool, Float64, Int64

BLOCK = 1 << 22
"""Pairs of passages that are compared at once."""


@dataclass(frozen=True)
class Kernel:
    """What bounds ask of a measure.

    `greatest` is the greatest A - B with at least one of the unjudged relevant, `(Q,)`, -inf where
    there is none; `alone` what A - B is with one of them relevant and no other, `(Q, M)`.
    """

    greatest: Callable[[Case], Float64]
    alone: Callable[[Case], Float64]


def _best(case: Case, values: Float64) -> Float64:
    best: Float64 = np.max(values, axis=1, initial=-np.inf, where=case.free)
    return best


def _first(case: Case) -> Float64:
    a, b = (_find(case, rank) for rank in (case.a, case.b))
    alone: Float64 = np.maximum(case.value_a[:, None], a) - np.maximum(case.value_b[:, None], b)
    return alone


def _find(case: Case, rank: Int64) -> Float64:
    worth = 1.0 / (rank + 1.0) if case.measure.name == "RR" else np.ones(rank.shape)
    return np.where(rank < NEVER, worth, 0.0)


def _first_greatest(case: Case) -> Float64:
    """Measures of the first find: a second relevant passage adds nothing to A that one cannot."""
    return _best(case, _first(case))


def _shown_more(case: Case) -> Float64:
    """Return 1 for what A alone shows, -1 for what B alone shows, else 0."""
    return (case.a < NEVER).astype(np.float64) - (case.b < NEVER)


def _precision(case: Case) -> Float64:
    return case.difference[:, None] + _shown_more(case) / (case.measure.cutoff or 1)


def _precision_greatest(case: Case) -> Float64:
    """All that A alone shows are relevant; where there is none, the one that costs least."""
    own = case.counts[0]
    all_own = case.difference + own / (case.measure.cutoff or 1)
    return np.where(own > 0, all_own, _best(case, _precision(case)))


def _things(case: Case) -> tuple[Float64, Bool]:
    """Count what there is to find in each query, and tell which queries need any, `(Q,)`."""
    a = case.target.anchored
    rows = np.flatnonzero(a.grade >= case.measure.rel)
    _, first = np.unique(a.thing[rows], return_index=True)
    number = np.bincount(a.query[rows[first]], minlength=case.target.queries)
    needs_any: Bool = np.array([q.needs == "any" for q in a.gold.queries], bool)
    return number.astype(np.float64), needs_any


def _recall(case: Case) -> Float64:
    number, needs_any = _things(case)
    found = (case.difference * number)[:, None] + _shown_more(case)
    parts = found / (number[:, None] + 1.0)
    return np.where(needs_any[:, None], _first(case), parts)


def _recall_greatest(case: Case) -> Float64:
    """Where all is needed: all that A alone shows, and what both show if A is behind anyhow."""
    number, needs_any = _things(case)
    own, shared, _ = case.counts
    ahead = case.difference * number + own
    added = own + np.where(ahead < -1e-9, shared, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = np.where(added > 0, ahead / (number + added), _best(case, _recall(case)))
    return np.where(needs_any, _first_greatest(case), parts)


def _discount(rank: Int64) -> Float64:
    return np.where(rank < NEVER, 1.0 / np.log2(rank + 2.0), 0.0)


class Gain:
    """A case of nDCG as a ratio: gained by A less gained by B, over the ideal.

    With weights w (discount in A less that in B) and n(t) chunks of grade t or more, it is
    Σ_t Σ w over those of grade t or more, over Σ_t D(n(t)), where D(n) sums the first n discounts.
    So it falls apart by grades: best are, in each, the passages of greatest w, and only their
    number matters. Grades between which nobody judged share a level of that width.
    """

    def __init__(self, case: Case) -> None:
        grades = case.target.touch_grade
        thresholds = np.unique(np.append(grades[grades >= 1], case.top))
        self.width = np.diff(thresholds, prepend=0).astype(np.float64)
        self.known = [case.known(int(t)) for t in thresholds]
        self.weight = _discount(case.a) - _discount(case.b)
        self.gained = np.sum(case.grade * self.weight, axis=1)
        most = int(self.known[0].max(initial=0)) + case.free.shape[1]
        places = np.arange(min(case.measure.cutoff or 0, most))
        self.ideals = np.append(0.0, np.cumsum(_discount(places)))

    def ideal(self, level: int, new: Int64) -> Float64:
        """Return what a level adds to the ideal with new chunks on it, `(Q, N)`."""
        number = np.minimum(self.known[level][:, None] + new, len(self.ideals) - 1)
        ideal: Float64 = self.width[level] * self.ideals[number]
        return ideal


def _ndcg(case: Case) -> Float64:
    gain = Gain(case)
    ideal = sum(gain.ideal(level, np.ones(1, np.int64)) for level in range(len(gain.width)))
    alone: Float64 = (gain.gained[:, None] + case.top * gain.weight) / ideal
    return alone


def _ndcg_greatest(case: Case) -> Float64:
    """Dinkelbach: raise the ratio to that of the labels which are best at the ratio so far."""
    gain, found = Gain(case), case.free.any(axis=1)
    weight = np.sort(np.where(case.free, -gain.weight, np.inf), axis=1)
    most = int(np.count_nonzero(case.free, axis=1).max(initial=0))
    sums = np.cumsum(np.pad(-weight[:, :most], ((0, 0), (1, 0))), axis=1)
    ratio = np.where(found, _best(case, _ndcg(case)), 0.0)
    for _ in range(100):  # six or so: it converges faster than linearly
        raised = np.where(found, _ratio_of_best(gain, sums, ratio), ratio)
        if (raised <= ratio + 1e-13).all():
            break
        ratio = np.maximum(raised, ratio)
    return np.where(found, ratio, -np.inf)


def _ratio_of_best(gain: Gain, sums: Float64, ratio: Float64) -> Float64:
    """Return the ratio of the labels that maximise gained - ratio * ideal, `(Q,)`.

    Level by level from the highest grade down; a lower one holds at least as many.
    """
    number = np.arange(sums.shape[1])
    gained, ideal = np.broadcast_to(gain.gained[:, None], sums.shape), np.zeros_like(sums)
    for level in reversed(range(len(gain.width))):
        gained = gained + gain.width[level] * sums
        ideal = ideal + gain.ideal(level, number)
        if level:
            value = gained - ratio[:, None] * ideal
            best = np.maximum.accumulate(value, axis=1)
            at = np.maximum.accumulate(np.where(value == best, number, 0), axis=1)
            gained, ideal = (np.take_along_axis(x, at, axis=1) for x in (gained, ideal))
    value = (gained - ratio[:, None] * ideal)[:, 1:]  # at least one is relevant
    last = np.arange(len(sums)), np.argmax(value, axis=1) + 1
    best_ratio: Float64 = gained[last] / ideal[last]
    return best_ratio


class Precisions:
    """The sum of precisions at relevant ranks, of one of a case's rankings.

    `sum` `(Q,)` is that of today; one more relevant passage adds `linear` `(Q, M)`, and for each
    other new one above it `share`, one over its rank.
    """

    def __init__(self, case: Case, rank: Int64) -> None:
        self.rank, self.inside = rank, case.free & (rank < NEVER)
        self.share = np.where(rank < NEVER, 1.0 / (rank + 1.0), 0.0)
        known = (case.grade >= case.measure.rel) & (rank < NEVER)
        shares = np.where(known, self.share, 0.0)
        precise = (_above(rank, known, case.depth) + 1.0) * self.share
        self.sum = np.sum(precise, axis=1, where=known)
        below = shares.sum(axis=1, keepdims=True) - _above(rank, shares, case.depth)
        self.linear = np.where(self.inside, precise + below, 0.0)

    def extreme(self, number: Int64, *, greatest: bool) -> Float64:
        """Return the greatest or least sum with `(Q, N)` new relevant passages of this ranking.

        The greatest is that of the highest ranks, the least that of the lowest: a relevant passage
        that changes places with one above it that is not raises the sum.
        """
        order = np.argsort(np.where(self.inside, self.rank if greatest else -self.rank, NEVER))
        linear, share = (
            np.take_along_axis(np.where(self.inside, x, 0.0), order, axis=1)
            for x in (self.linear, self.share)
        )
        above = np.arange(linear.shape[1]) * share if greatest else np.cumsum(share, axis=1) - share
        sums = np.cumsum(np.pad(linear + above, ((0, 0), (1, 0))), axis=1)
        extreme: Float64 = self.sum[:, None] + np.take_along_axis(sums, number, axis=1)
        return extreme


def _above(rank: Int64, worth: Float64 | Bool, depth: int) -> Float64:
    """Sum for each passage the worth of those above it in one ranking, `(Q, M)`.

    Whatever a ranking does not show stands below all that it does.
    """
    at = np.minimum(rank, depth)
    grid = np.zeros((len(rank), depth + 1))
    np.put_along_axis(grid, at, np.where(rank < NEVER, worth, 0.0), axis=1)
    grid[:, depth] = 0.0
    return np.take_along_axis(np.cumsum(grid, axis=1) - grid, at, axis=1)


def _average_precision(case: Case) -> Float64:
    a, b = Precisions(case, case.a), Precisions(case, case.b)
    number = case.known(case.measure.rel)[:, None] + 1.0
    alone: Float64 = ((a.sum - b.sum)[:, None] + a.linear - b.linear) / number
    return alone


def _average_precision_greatest(case: Case) -> Float64:
    """Bound it for each number of new relevant passages, in two ways of which the lower holds.

    Apart: A has them at its best ranks and B at its worst. Jointly: each passage adds what it does
    alone, and what the unjudged above it could add to its precision in A, less what those of them
    that stand above it in B, too, then add there.
    """
    a, b = Precisions(case, case.a), Precisions(case, case.b)
    own, shared, other = (x[:, None] for x in case.counts)
    number = np.arange(int((own + shared + other).max(initial=0)) + 1)
    apart = a.extreme(np.minimum(number, own + shared), greatest=True)
    apart = apart - b.extreme(np.clip(number - own, 0, shared + other), greatest=False)
    both = _above_in_both(case)
    only_a = _above(case.a, a.inside, case.depth) - both
    added = a.linear - b.linear + only_a * a.share + both * np.maximum(a.share - b.share, 0.0)
    best = -np.sort(np.where(case.free, -added, np.inf), axis=1)[:, : len(number) - 1]
    jointly = (a.sum - b.sum)[:, None] + np.cumsum(np.pad(best, ((0, 0), (1, 0))), axis=1)
    possible = (number > 0) & (number <= own + shared + other)
    relevant = np.maximum(case.known(case.measure.rel)[:, None] + number, 1)
    ratios = np.where(possible, np.minimum(apart, jointly) / relevant, -np.inf)
    return np.asarray(np.minimum(np.max(ratios, axis=1), 1.0), np.float64)


def _above_in_both(case: Case) -> Float64:
    """Count for each passage that A shows the unjudged above it in A and in B, `(Q, M)`."""
    shared = case.free & (case.a < NEVER) & (case.b < NEVER)
    above = _above(case.a, shared, case.depth)
    order = np.argsort(~shared, axis=1, kind="stable")
    order = order[:, : int(np.count_nonzero(shared, axis=1).max(initial=0))]
    a, b = (np.take_along_axis(np.where(shared, x, NEVER), order, axis=1) for x in (case.a, case.b))
    step = max(1, BLOCK // max(1, order.shape[1] ** 2))
    for low in range(0, len(a), step):
        rows = slice(low, low + step)
        in_a, in_b = (x[rows, None, :] < x[rows, :, None] for x in (a, b))
        counts = np.sum(in_a & in_b, axis=2)
        at = np.where(np.take_along_axis(shared[rows], order[rows], axis=1))
        above[rows][at[0], order[rows][at]] = counts[at]
    return above


KERNELS: dict[str, Kernel] = {
    "R": Kernel(_recall_greatest, _recall),
    "P": Kernel(_precision_greatest, _precision),
    "Success": Kernel(_first_greatest, _first),
    "RR": Kernel(_first_greatest, _first),
    "nDCG": Kernel(_ndcg_greatest, _ndcg),
    "AP": Kernel(_average_precision_greatest, _average_precision),
}
