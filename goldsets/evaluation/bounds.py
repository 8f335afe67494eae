"""Worst and best case of rank measures over passages that nobody has judged, and which to judge.

An *unjudged* passage is a chunk that a ranking shows in its first k and that overlaps no judged
span of the query. It may turn out to be of any grade from 0 to `top`; a relevant one is evidence
as long as the chunk. Bounds hold over all such labels, of both rankings jointly:

    P Success RR nDCG   exact: some labels give the bound, none exceeds it
    R                   exact; in a query that needs any, a relevant passage is one more
                        alternative for the one thing to find; in one that needs all, a further
                        part that adds one to the denominator of both rankings
    AP                  exact for one ranking; for a difference safe, at times a little wide

What neither ranking shows in its first k stays out of it, as in every pool. A relevant passage
raises the ideal of nDCG and the denominator of AP, so their worst case may lie below the value of
today. A query without relevant evidence is undefined today and may come to be defined. A label is
of its chunk alone: where chunks share a quarter of their characters or more, a new piece of
evidence would reach its neighbours too, and bounds are not strict.

Source: Moffat and Zobel, ACM TOIS 27 (2008), for the residual that the unjudged leave; Carterette,
Allan and Sitaraman, SIGIR 2006, for judging first what moves a difference most.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from goldsets.evaluation.measures import Measure
from goldsets.evaluation.reach import KERNELS
from goldsets.evaluation.target import Target
from goldsets.evaluation.unjudged import Case, case_of
from retrieval.errors import InputError
from retrieval.types import Bool, Float64, Int32, Int64

CHANCE = 0.2
"""How likely an unjudged passage is relevant, to choose what to judge first; no bound uses it."""


@dataclass(frozen=True)
class Bounds:
    """The least and greatest value of each query over all labels, `(Q,)`; NaN: never defined.

    `today` takes the unjudged for not relevant; NaN where the query is undefined so far.
    """

    today: Float64
    low: Float64
    high: Float64

    @property
    def mean_low(self) -> float | None:
        """Return the least mean over queries, None if no query can be defined."""
        highest = _greatest_mean(-self.low, ~np.isnan(self.today))
        return None if highest is None else -highest

    @property
    def mean_high(self) -> float | None:
        """Return the greatest mean over queries, None if no query can be defined."""
        return _greatest_mean(self.high, ~np.isnan(self.today))

    @property
    def decided(self) -> bool:
        """Tell whether no labels at all could bring the mean to zero or past it."""
        low, high = self.mean_low, self.mean_high
        return low is not None and high is not None and (low > 1e-12 or high < -1e-12)


def _greatest_mean(values: Float64, defined: Bool) -> float | None:
    """Average over the defined queries and those others that raise it most."""
    others = np.sort(values[~defined & ~np.isnan(values)])[::-1]
    sums = np.sum(values[defined]) + np.append(0.0, np.cumsum(others))
    numbers = np.count_nonzero(defined) + np.arange(len(sums))
    means = sums[numbers > 0] / numbers[numbers > 0]
    return float(means.max()) if len(means) else None


def bounds(
    target: Target,
    a_ids: Int32,
    b_ids: Int32 | None,
    measure: Measure,
    top: int | None = None,
) -> Bounds:
    """Bound a measure of the ranking A, or the difference A - B, over all labels of the unjudged.

    Rankings are `(Q, K)` chunk numbers, best first, padded with -1. `top` is the highest grade
    that a label may have: at least, and by default, the highest in the gold set.

    Raises:
        InputError: the measure is not one of R, P, Success, RR, nDCG, AP.
    """
    _check(measure)
    return _bounds(case_of(target, a_ids, b_ids, measure, top))


def bounded(measure: Measure) -> bool:
    """Tell whether a measure has bounds: it is one of ranks."""
    return measure.name in KERNELS


def _check(measure: Measure) -> None:
    if not bounded(measure):
        raise InputError(f"{measure} has no bounds; those of {', '.join(KERNELS)} are known")


def _bounds(case: Case) -> Bounds:
    return Bounds(case.today, -_reached(case.swapped), _reached(case))


def _reached(case: Case) -> Float64:
    """Return the greatest A - B, `(Q,)`: with nothing relevant that is new, or with something."""
    some = KERNELS[case.measure.name].greatest(case) if case.free.any() else -np.inf
    best = np.maximum(some, np.where(case.defined, case.difference, -np.inf))
    return np.where(np.isneginf(best), np.nan, best)


class Doubt(NamedTuple):
    """An unjudged passage: the row of its query, its chunk, what a label is expected to gain."""

    query: int
    chunk: int
    gain: float


def to_decide(
    target: Target,
    a_ids: Int32,
    b_ids: Int32,
    measure: Measure,
    n: int,
    top: int | None = None,
) -> list[Doubt]:
    """Return the n passages to label so that the mean of A - B is decided soonest, best first.

    A label gains by how much it is expected to bring the near bound of the mean closer to the
    ranking that is ahead. Relevant, by chance CHANCE, a passage adds what it does alone for that
    ranking. Not relevant, it takes away its share of what the other could still gain in the query,
    in proportion to what each passage does alone. Equal gains are ordered by rank, then by query.
    Passages that gain nothing now are left out, and all are when the bounds have decided; ask again
    when some have been labelled.

    Raises:
        InputError: the measure has no bounds.
    """
    _check(measure)
    case = case_of(target, a_ids, b_ids, measure, top)
    aim = _aim(case, _bounds(case))
    rows, columns = (x[:n].tolist() for x in (aim.row, aim.column))
    return [
        Doubt(q, int(case.chunk[q, m]), float(gain))
        for q, m, gain in zip(rows, columns, aim.gain[:n], strict=True)
    ]


def labels_needed(
    target: Target, a_ids: Int32, b_ids: Int32, measure: Measure, top: int | None = None
) -> int | None:
    """Estimate how many passages have to be labelled, in the order of `to_decide`, to decide.

    The larger of two numbers: with which the gains that are expected come to what is missing, and
    with which it is decided if none of them is relevant. 0 where it is decided; None where even
    all might not, so in a tie. In 108 simulations on the sample (R@5, RR@10 and nDCG@10; 3, 10 and
    20 % of passages relevant, ten labels at a time) it took 0.5 to 2 times as many.

    Raises:
        InputError: the measure has no bounds.
    """
    _check(measure)
    case = case_of(target, a_ids, b_ids, measure, top)
    found = _bounds(case)
    if found.decided:
        return 0
    aim = _aim(case, found)
    low, high = 0, len(aim.row)
    if not _decided_without(case, aim, high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _decided_without(case, aim, middle) else (middle + 1, high)
    expected = int(np.searchsorted(np.cumsum(aim.gain), aim.missing)) + 1
    return max(low, min(expected, len(aim.row)))


class Aim(NamedTuple):
    """Where passages stand in a case, the best to label first, each with its expected gain.

    `missing` is how far the near bound of the mean is from zero.
    """

    row: Int64
    column: Int64
    gain: Float64
    missing: float


def _aim(case: Case, found: Bounds) -> Aim:
    """Order the passages of a case by what a label gains; none where it is decided."""
    ahead, gain = _gains(case, found)
    if found.decided:
        gain = np.zeros_like(gain)
    gain = gain / max(1, int(np.count_nonzero(case.defined)))
    row, column = np.nonzero(gain > 1e-12)
    rank = np.minimum(case.a, case.b)[row, column]
    order = np.lexsort((row, rank, -gain[row, column].round(12)))
    row, column = row[order], column[order]
    low, high = found.mean_low or 0.0, found.mean_high or 0.0
    return Aim(row, column, gain[row, column], -low if ahead else high)


def _decided_without(case: Case, aim: Aim, number: int) -> bool:
    """Tell whether the mean is decided if the first of them turn out not relevant."""
    free = case.free.copy()
    free[aim.row[:number], aim.column[:number]] = False
    return _bounds(replace(case, free=free)).decided


def _gains(case: Case, found: Bounds) -> tuple[bool, Float64]:
    """Tell whether A is ahead, and what a label of each passage gains in its query, `(Q, M)`."""
    alone = KERNELS[case.measure.name].alone(case) - case.difference[:, None]
    up = _shares(case, np.nan_to_num(found.high) - case.difference, alone)
    down = _shares(case, case.difference - np.nan_to_num(found.low), -alone)
    ahead = bool(case.difference.sum() + CHANCE * (up - down).sum() >= 0)
    if not ahead:
        up, down, alone = down, up, -alone
    gain = (1 - CHANCE) * down + CHANCE * np.maximum(up, alone)
    return ahead, np.where(case.free, gain, 0.0)


def _shares(case: Case, room: Float64, alone: Float64) -> Float64:
    """Share out the `(Q,)` room of each query by what its passages do alone, `(Q, M)`."""
    weight = np.where(case.free, np.maximum(alone, 0.0), 0.0)
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
    shares: Float64 = np.maximum(room, 0.0)[:, None] * weight / total
    return shares
