"""The power meter: the smallest mean difference that a set of queries can tell.

"Can tell": when two pipelines truly differ by that much, the 95 % interval of `stats` lies on one
side of zero in 80 of 100 sets of so many queries. With the spread s of the differences, query by
query, that is the normal approximation of the paired test, corrected by half of c²:

    smallest = c · s / √(n + c²/2),  c = z(.975) + z(.8) = 2.80

Without the correction it is right where every query gets a little better and the spread stays;
with all of c² where some queries change sides and the rest are ties, for then the spread at a
difference d is only √(s² - d²). Retrieval is between the two. The percentile interval needs no t
quantiles: on few queries it is as much too narrow. Simulated with the interval itself (20 to 150
queries, differences in {-1, 0, 1} and graded), 80 % promised are 73 to 88 % detected, more
where nearly every query that changes gains. So it is on public sets: 80 % on average of 68 pairs.

Source: Cohen, "Statistical Power Analysis" (1988); Sakai, Information Retrieval Journal 19
(2016), on the number of topics. It holds for one comparison that was chosen beforehand.
"""

from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np

from goldsets.evaluation.measures import Measure
from goldsets.evaluation.stats import LEVEL
from goldsets.evaluation.words import count
from retrieval.errors import InputError
from retrieval.types import Float64

POWER = 0.8
Z_POWER = NormalDist().inv_cdf(POWER)
REACH = NormalDist().inv_cdf((1 + LEVEL) / 2) + Z_POWER
CORRECTION = REACH**2 / 2
"""What is added to the number of queries: 3.9."""

LEAST = 20
"""With fewer queries nothing is promised: the interval itself is too narrow there."""

SPREAD = 0.35
"""Assumed before any is seen: two pipelines of which one gains and one loses 6 % of the queries.

The median spread to the leader was 0.17 to 0.43 by R@5, R@20, nDCG@10 and RR@10 on four sets
(Chroma's chunking evaluation, Anthropic's contextual retrieval, Cranfield, the sample).
"""

ROUND = (0.2, 0.1, 0.05, 0.03, 0.02, 0.01)


@dataclass(frozen=True)
class Power:
    """What a set can tell now, and what it could with `more` queries.

    `smallest` and `then` are differences of a measure's mean (0.06: six points), None with fewer
    than LEAST queries. `spread` is the standard deviation of the difference on one query, seen in
    `pairs` pairs of pipelines; with none it is assumed.
    """

    queries: int
    spread: float
    pairs: int
    smallest: float | None
    more: int
    then: float | None

    @property
    def assumed(self) -> bool:
        """Tell whether the spread is an assumption."""
        return self.pairs == 0


def meter(
    values: Float64,
    more: int | None = None,
    wanted: float | None = None,
    against: int | None = None,
) -> Power:
    """Say what the queries of `(V, Q)` values of one measure can tell, NaN where undefined.

    Looks ahead to `more` queries; or to as many as it takes to tell a difference of `wanted`; else
    to the next round difference that is at least a fifth smaller. The spread is seen between row
    `against` (by default the leader's) and the others, see `spread_of`. Queries count that at
    least one row defines; with no row all do.

    Raises:
        InputError: both `more` and `wanted`, or one that is not possible.
    """
    queries = values.shape[1]
    if len(values):
        queries = int(np.count_nonzero(~np.isnan(values).all(axis=0)))
    spread, pairs = spread_of(values, against) if queries >= LEAST else (SPREAD, 0)
    return expected(queries, more, wanted, spread, pairs)


def expected(
    queries: int,
    more: int | None = None,
    wanted: float | None = None,
    spread: float = SPREAD,
    pairs: int = 0,
) -> Power:
    """Say what so many queries can tell at a given spread: before any judgment, an assumed one.

    Raises:
        InputError: both `more` and `wanted`, or one that is not possible.
    """
    if more is not None and wanted is not None:
        raise InputError("give either the number of further queries or the difference wanted")
    if more is not None and more < 0:
        raise InputError(f"more must be at least 0, not {more!r}")
    if wanted is not None and not 0 < wanted <= 1:
        raise InputError(f"wanted must be above 0 and at most 1, not {wanted!r}")
    now = smallest(queries, spread)
    if more is None:
        wanted = wanted or (1.0 if now is None else _rounder(now))  # 1.0 takes just LEAST
        more = max(0, needed(wanted, spread) - queries)
    return Power(queries, spread, pairs, now, more, smallest(queries + more, spread))


def smallest(queries: int, spread: float) -> float | None:
    """Return the smallest difference that so many queries can tell; None if they are too few."""
    return REACH * spread / sqrt(queries + CORRECTION) if queries >= LEAST else None


def needed(difference: float, spread: float, compared: int = 1) -> int:
    """Return how many queries can tell a difference, at least LEAST: `smallest` turned around.

    Of several that are `compared` at once each has to pass the level divided by their number.
    """
    tail = (1 - LEVEL) / 2 / compared
    reach = NormalDist().inv_cdf(1 - tail) + Z_POWER
    exact = (reach * spread / difference) ** 2 - reach**2 / 2
    return max(LEAST, ceil(exact - 1e-9))


def spread_of(values: Float64, against: int | None = None) -> tuple[float, int]:
    """Return the spread of differences between `(V, Q)` rows and how many pairs it was seen in.

    A decision is always one against the leader (or the row `against`), so it is the variances of
    the differences to that row that are pooled, each pair weighted by its queries less one. Pairs
    that would flatter are left out: pipelines with the very same values count once, and a pair
    counts only if its mean absolute difference is at least what it takes to tell it apart. A closer
    pair (fewer than about eight queries differ) could not differ by so much in any event. Without
    a pair the spread is SPREAD, seen in none.
    """
    variances, weights = [], []
    for seen in _differences(values, against):
        variance = float(np.var(seen, ddof=1))
        if 0 < (smallest(len(seen), sqrt(variance)) or 0) <= np.mean(np.abs(seen)):
            variances.append(variance)
            weights.append(len(seen) - 1)
    if not variances:
        return SPREAD, 0
    return float(np.sqrt(np.average(variances, weights=weights))), len(variances)


def _differences(values: Float64, against: int | None) -> list[Float64]:
    """Return the distinct differences of other rows to one, where defined on LEAST or more."""
    rows = values[~np.isnan(values).all(axis=1)]
    if len(rows) < 2:
        return []
    pinned = rows[np.nanmean(rows, axis=1).argmax()] if against is None else values[against]
    distinct = {row.tobytes(): row for row in rows - pinned + 0.0}  # + 0.0: -0.0 is 0.0
    defined = (row[~np.isnan(row)] for row in distinct.values())
    return [row for row in defined if len(row) >= LEAST]


def _rounder(difference: float) -> float:
    below = [r for r in ROUND if r <= 0.8 * difference]
    return below[0] if below else difference / 2


def phrase(power: Power, measure: Measure | str) -> str:
    """Say it in one or two sentences; differences in points, rounded up."""
    more = count(power.more, "more query", "more queries")
    if power.smallest is None and power.then is None:
        text = f"{count(power.queries + power.more, 'query', 'queries')}: too few to tell anything."
    elif power.smallest is None:
        begun = f"{count(power.queries, 'query is', 'queries are')} too few to tell anything"
        text = f"{begun}; {more} can tell {_points(power.then)} of {measure} apart."
    else:
        able = f"This set of {count(power.queries, 'query', 'queries')} can tell"
        text = f"{able} {_points(power.smallest)} of {measure} apart"
        makes = "makes" if power.more == 1 else "make"
        text += f"; {more} {makes} it {_number(power.then)}." if power.more else "."
    if power.assumed:
        text += f" That assumes a usual spread ({power.spread:.2f}): none has been seen here yet."
    return text


def _points(difference: float | None) -> str:
    number = _number(difference)
    return f"{number} point{'' if number == '1' else 's'}"


def _number(difference: float | None) -> str:
    points = 100 * (difference or 0.0)
    return f"{ceil(points - 1e-6)}" if points > 0.9 else f"{ceil(10 * points - 1e-6) / 10:.1f}"
