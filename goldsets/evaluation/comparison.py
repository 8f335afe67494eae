"""Runs of one gold set against a baseline: which queries differ, where evidence came first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from goldsets.evaluation.measures import Measure
from goldsets.evaluation.paired import SAME, Difference, compared
from goldsets.evaluation.stats import Estimate, intervals
from goldsets.evaluation.target import NEVER, Target
from goldsets.types import GoldSet
from retrieval.types import Bool, Float64, Int32, Int64

Which = Literal["all", "different", "regressed", "improved", "failed"]


@dataclass(frozen=True)
class Comparison:
    """A baseline (row 0) and variants by one measure: `values` `(V, Q)`, NaN where undefined.

    `differences` are to the baseline; they were tested among all that was compared with it, of
    which the variants may be some.
    """

    gold: GoldSet
    names: tuple[str, ...]
    measure: Measure
    values: Float64
    means: tuple[Estimate, ...]
    differences: tuple[Difference, ...]

    @classmethod
    def of(
        cls, gold: GoldSet, names: Sequence[str], measure: Measure, values: Float64
    ) -> "Comparison":
        """Compare all rows with the first; these are what is tested at once."""
        means, differences = tuple(intervals(values)), tuple(compared(values, 0))
        return cls(gold, tuple(names), measure, values, means, differences)

    @property
    def deltas(self) -> Float64:
        """Return each variant's difference to the baseline, `(V - 1, Q)`."""
        return np.asarray(self.values[1:] - self.values[0])

    @property
    def origins(self) -> dict[str, int]:
        """Count by their origin the queries that any mean rests on."""
        scored = ~np.isnan(self.values).all(axis=0)
        return dict(Counter(self.gold.queries[q].origin for q in np.flatnonzero(scored)))

    @property
    def letters(self) -> list[str]:
        """Return a short name for each: A for the baseline, B, C, ... Z, AA, AB, ..."""
        return [letter(n) for n in range(len(self.names))]

    def only(self, variants: Sequence[int]) -> "Comparison":
        """Return the baseline beside some of the variants, in the order given."""
        rows = [0, *variants]
        return Comparison(
            self.gold,
            tuple(self.names[i] for i in rows),
            self.measure,
            self.values[rows],
            tuple(self.means[i] for i in rows),
            tuple(self.differences[i] for i in rows),
        )

    def rows(self, which: Which, variant: int | None = None) -> Int64:
        """Return the queries of a kind, by all variants or by one, those that differ most first."""
        values = self.values if variant is None else self.values[[0, variant]]
        deltas = values[1:] - values[0]
        chosen = np.flatnonzero(_kept(which, values, deltas))
        size = np.abs(np.nan_to_num(deltas[:, chosen])).max(axis=0, initial=0)
        return chosen[np.argsort(-size, kind="stable")]

    def drawn(self, variant: int, number: int, seed: int) -> tuple[Int64, Int64]:
        """Draw queries at random that a variant wins, and others that it loses; each at most once.

        They are in random order too, so that what is read first is no better than the rest.
        """
        rng = np.random.default_rng(seed)
        delta = self.deltas[variant - 1]
        wins, losses = (rng.permutation(np.flatnonzero(sign * delta > SAME)) for sign in (1, -1))
        return wins[:number], losses[:number]


def _kept(which: Which, values: Float64, deltas: Float64) -> Bool:
    defined = ~np.isnan(values).any(axis=0)
    match which:
        case "different":
            kept = (np.abs(deltas) > SAME).any(axis=0)
        case "regressed":
            kept = (deltas < -SAME).any(axis=0)
        case "improved":
            kept = (deltas > SAME).any(axis=0)
        case "failed":
            kept = (values <= SAME).all(axis=0)
        case _:
            return np.asarray(~np.isnan(values).all(axis=0))
    return np.asarray(defined & kept)


def letter(n: int) -> str:
    """Name a column as spreadsheets do: 0 is A, 25 is Z, 26 is AA."""
    return (letter(n // 26 - 1) if n >= 26 else "") + chr(ord("A") + n % 26)


def first_ranks(target: Target, ids: Int32, rel: int = 1) -> Int64:
    """Return the rank (from 0) of the first relevant chunk of each query, NEVER without any.

    `ids` is a ranking `(Q, K)`; a chunk is relevant as RR takes it.
    """
    at = np.flatnonzero(target.touch_grade >= rel)
    first = np.full(target.queries, NEVER, np.int64)
    np.minimum.at(first, target.touch_query[at], target.ranks(ids[None])[0, at])
    return first


def relevant_chunks(target: Target, query: int, rel: int = 1) -> set[int]:
    """Return the chunks that are relevant to a query (row), as RR takes it."""
    own = (target.touch_query == query) & (target.touch_grade >= rel)
    return {int(i) for i in target.touch_chunk[own]}


def front(costs: Sequence[float | None], values: Sequence[float | None]) -> list[bool]:
    """Tell what nothing else beats: no other costs less and is as good, or is better for as much.

    What has no cost or value known is not on the front, nor does it beat anything.
    """
    known = [(c, v) for c, v in zip(costs, values, strict=True) if c is not None and v is not None]
    return [
        c is not None and v is not None and not any(_beats(other, (c, v)) for other in known)
        for c, v in zip(costs, values, strict=True)
    ]


def _beats(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] <= b[0] and a[1] >= b[1] and a != b
