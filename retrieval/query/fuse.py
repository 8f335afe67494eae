"""Fuse: one ranking from several lists."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np

from retrieval.errors import SpecError
from retrieval.runtime import Runtime
from retrieval.stage import Stage, require
from retrieval.types import Candidates, Float64, Int32


@dataclass(frozen=True)
class Union:
    """The chunks of several lists, each once a query.

    `ids` is `(Q, U)` int32 ascending, padded with -1; `rank` (from 1, inf where absent) and `score`
    (nan where absent) are `(lists, Q, U)`.
    """

    ids: Int32
    rank: Float64
    score: Float64

    @classmethod
    def of(cls, lists: tuple[Candidates, ...]) -> "Union":
        """Merge by one sort of the ids, equal ones side by side."""
        ids = np.concatenate([c.ids for c in lists], axis=1)
        source = np.repeat(np.arange(len(lists)), [c.depth for c in lists])
        place = np.concatenate([np.arange(c.depth) for c in lists])
        order = np.argsort(ids, axis=1, kind="stable")
        ordered = np.take_along_axis(ids, order, axis=1)
        first = np.diff(ordered, axis=1, prepend=-2) != 0
        column = np.cumsum(first, axis=1) - 1
        rows = np.arange(len(ids))[:, None]
        width = int(column.max(initial=-1)) + 1
        merged = np.full((len(ids), width), -1, np.int32)
        merged[rows, column] = ordered
        rank = np.full((len(lists), len(ids), width), np.inf)
        score = np.full(rank.shape, np.nan)
        values = np.concatenate([c.scores for c in lists], axis=1)
        at = (source[order], np.broadcast_to(rows, column.shape), column)
        rank[at] = place[order] + 1.0
        score[at] = np.take_along_axis(values, order, axis=1)
        absent = merged < 0
        rank[:, absent], score[:, absent] = np.inf, np.nan
        return cls(merged, rank, score)


@dataclass(frozen=True)
class Fuser(Stage[Candidates]):
    """Scores the union of the lists; `weights` has one number a list, in the order of `first`."""

    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        finite = all(0 <= w < np.inf for w in self.weights)
        require(finite, self, "weights", "numbers of at least 0")

    def apply(self, *lists: Candidates, depth: int, rt: Runtime) -> Candidates:
        """Return the best `depth` of the union, ties by the lower chunk number."""
        union = Union.of(lists)
        scores = self.fused(union, self._weights(len(lists)))
        scores[union.ids < 0] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
        best = np.take_along_axis(scores, order, axis=1)
        ids = np.take_along_axis(union.ids, order, axis=1)
        return Candidates(np.where(np.isneginf(best), np.int32(-1), ids), best)

    def _weights(self, lists: int) -> tuple[float, ...]:
        if not self.weights:
            return (1.0,) * lists
        if len(self.weights) != lists:
            name = type(self).__name__
            raise SpecError(
                f"{name}.weights has {len(self.weights)} numbers for {lists} first stages;"
                " give one for each, in their order"
            )
        return self.weights

    @abstractmethod
    def fused(self, union: Union, weights: tuple[float, ...]) -> Float64:
        """Return a score for each chunk of the union, `(Q, U)`."""


@dataclass(frozen=True)
class RRF(Fuser):
    """Reciprocal rank fusion: the sum of weight / (k + rank), rank from 1.

    Source: Cormack, Clarke, Büttcher (2009), k = 60. With k = 0 and weights .8, .2 it is the fusion
    of Anthropic's contextual retrieval guide.
    """

    k: float = 60.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.k < np.inf, self, "k", "a number of at least 0")

    def fused(self, union: Union, weights: tuple[float, ...]) -> Float64:
        """Sum the reciprocal ranks in the order of the lists."""
        total = np.zeros(union.ids.shape)
        for weight, rank in zip(weights, union.rank, strict=True):
            total += weight / (self.k + rank)
        return total


@dataclass(frozen=True)
class Weighted(Fuser):
    """The weighted sum of normalised scores; a chunk that a list lacks gets that list's least.

    `minmax` maps a query's scores in a list to 0..1; `zscore` subtracts their mean and divides by
    their standard deviation.
    """

    normalise: Literal["minmax", "zscore"] = "minmax"

    def fused(self, union: Union, weights: tuple[float, ...]) -> Float64:
        """Sum the normalised scores in the order of the lists."""
        total = np.zeros(union.ids.shape)
        for weight, score in zip(weights, union.score, strict=True):
            total += weight * self._normalised(score)
        return total

    def _normalised(self, score: Float64) -> Float64:
        present = ~np.isnan(score)
        low = np.min(score, axis=1, keepdims=True, where=present, initial=np.inf)
        high = np.max(score, axis=1, keepdims=True, where=present, initial=-np.inf)
        centre, width = low, high - low
        if self.normalise == "zscore":
            n = np.maximum(present.sum(axis=1, keepdims=True), 1)
            centre = np.sum(score, axis=1, keepdims=True, where=present) / n
            spread = np.sum((score - centre) ** 2, axis=1, keepdims=True, where=present) / n
            width = np.sqrt(spread)
        filled = np.where(present, score, low)
        with np.errstate(invalid="ignore"):
            scaled = (filled - centre) / np.where(width > 0, width, 1.0)
        flat = np.isfinite(scaled) & (width > 0)
        return np.where(flat, scaled, np.where(present, 1.0, 0.0))


FUSERS: tuple[type[Fuser], ...] = (RRF, Weighted)
