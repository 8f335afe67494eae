"""The trail: where each piece of evidence stands after every box of a pipeline.

All evidence and all boxes at once: a rank is that at which the chunks so far cover the measure's
share of the evidence, counted from 0, `NEVER` where they never do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from goldsets.evaluation.measures import Measure
from goldsets.evaluation.score import Rankings, found_ranks
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.target import NEVER, Target
from goldsets.types import GoldSet
from retrieval.errors import InputError
from retrieval.pipeline import Pipeline, Steps, boxes
from retrieval.query.dense import Dense
from retrieval.query.first import Retriever
from retrieval.types import Bool, Candidates, Float64, Int32, Int64

CELLS = 5_000_000
"""Places of rankings without a cut that are looked at together: queries times depth."""


@dataclass(frozen=True)
class Trail:
    """Evidence on its way through one pipeline; arrays follow the rows of `board.anchored`, E.

    `boxes` names what `ranks` `(S, E)` has a row for: each first stage, then what the pipeline
    has of fusing, reranking and assembling.
    """

    board: Board
    pipeline: Pipeline
    measure: Measure
    steps: Steps
    target: Target
    boxes: tuple[str, ...]
    ranks: Int64

    @property
    def k(self) -> int:
        """Return the cutoff: evidence below it is lost."""
        return self.measure.cutoff or 0

    @cached_property
    def relevant(self) -> Bool:
        """Tell which evidence counts as relevant, `(E,)`."""
        return np.asarray(self.board.anchored.grade >= self.measure.rel)

    @cached_property
    def shares(self) -> Float64:
        """Return the share of each piece that one chunk holds, at best, `(E,)`."""
        t = self.target
        piece = np.repeat(np.arange(len(t.by_span.length)), np.diff(t.by_span.first))
        width = max(len(t.touch_query), 1)
        key = t.by_span.interval[piece] * width + t.by_span.touch
        pairs, at = np.unique(key, return_inverse=True)
        held = np.bincount(at, t.by_span.length[piece], len(pairs))
        best = np.zeros(len(t.spans.query))
        np.maximum.at(best, pairs // width, held)
        return self._share(best)

    @cached_property
    def covered(self) -> Float64:
        """Return the share of each piece that any chunks hold, `(E,)`."""
        cover = self.target.by_span
        return self._share(np.bincount(cover.interval, cover.length, len(self.relevant)))

    @cached_property
    def searched(self) -> Float64:
        """Return the share of each piece that chunks hold which the filters let through, `(E,)`."""
        kept = self.steps.index.kept
        if kept is None:
            return self.covered
        t = self.target
        if not len(t.by_span.touch):
            return self.covered
        through = kept.value[t.touch_chunk[t.by_span.touch]]
        piece = np.logical_or.reduceat(through, t.by_span.first[:-1])
        length = np.where(piece, t.by_span.length, 0)
        return self._share(np.bincount(t.by_span.interval, length, len(self.relevant)))

    def _share(self, characters: Float64 | Int64) -> Float64:
        length = self.target.anchored.length
        return np.asarray(characters / np.maximum(length, 1), np.float64)

    @cached_property
    def found(self) -> Bool:
        """Tell which evidence reached the first k places of the context, `(E,)`."""
        return np.asarray(self.ranks[-1] < self.k)

    @cached_property
    def lost(self) -> Int64:
        """Return one row for each thing that is there to find and was not found.

        Of alternatives it is the one that came furthest.
        """
        rows = np.flatnonzero(self.relevant)
        thing = self.board.anchored.thing[rows]
        reached = np.isin(thing, thing[self.found[rows]])
        rows, thing = rows[~reached], thing[~reached]
        order = np.lexsort((*self._progress(rows), thing))
        _, first = np.unique(thing[order], return_index=True)
        return np.sort(rows[order][first])

    def _progress(self, rows: Int64) -> tuple[Any, ...]:
        """Return sort keys, the last the weightiest: what came furthest first."""
        absent = self.board.anchored.document[rows] < 0
        ranks = self.ranks[:, rows]
        return (ranks.min(axis=0), -(ranks < NEVER).sum(axis=0), -self.searched[rows], absent)

    @property
    def firsts(self) -> tuple[str, ...]:
        """Return the names of the first stages."""
        return self.boxes[: len(self.pipeline.first)]

    def rank(self, box: str, row: int) -> int:
        """Return the rank of one piece after a box."""
        return int(self.ranks[self.boxes.index(box), row])

    def chunks_of(self, row: int) -> list[int]:
        """Return the fewest chunks that make a piece found: those that hold most of it."""
        t, base = self.target, self.target.spans
        at = np.flatnonzero(t.touch_query == base.query[row])
        chunk = t.touch_chunk[at]
        low = np.maximum(t.chunk_start[chunk], base.start[row])
        held = np.minimum(t.chunk_end[chunk], base.end[row]) - low
        order = np.argsort(-held, kind="stable")
        order = order[held[order] > 0]
        enough = np.searchsorted(np.cumsum(held[order]), self.measure.share * base.length[row])
        return [int(c) for c in chunk[order][: int(enough) + 1]]

    def deep(self, rows: Int64) -> Int64:
        """Return the rank of some pieces in each first stage with no cut at the pool, `(F, N)`.

        The depth is bounded for corpora where that many places would not fit in memory.
        """
        asked = np.unique(self.board.anchored.query[rows])
        some = self.only(asked)
        index = some.steps.index
        depth = min(len(index.chunks.value), max(self.pipeline.pool, CELLS // max(len(asked), 1)))
        rt = self.board.rt
        queries = rt.given(some.board.queries, some.board.queries.hash, passing=True)
        written = self.pipeline.rewritten(queries, rt)
        found = self.pipeline.find(index, queries, written, depth, rt)
        lists = stacked([made.value for made in found])
        ranks = found_ranks(Rankings(some.target, lists), self.measure.share)
        here = np.flatnonzero(np.isin(self.board.anchored.query, asked))
        return np.asarray(ranks[:, np.searchsorted(here, rows)])

    def only(self, queries: Int32 | Int64, pipeline: Pipeline | None = None) -> "Trail":
        """Trail some of the queries (rows) anew, through another pipeline if given; keep nothing.

        Its evidence is that of the queries, in the same order.
        """
        gold = self.board.gold
        chosen = tuple(gold.queries[q] for q in queries.tolist())
        some = GoldSet(gold.name, gold.corpus, chosen, gold.evidence)
        board = Board(some, self.board.corpus, self.board.rt)
        return trail(board, pipeline or self.pipeline, self.measure, passing=True)


def trail(board: Board, pipeline: Pipeline, measure: Measure, *, passing: bool = False) -> Trail:
    """Follow all evidence of a board through a pipeline; nothing is kept for `passing` ones.

    Raises:
        InputError: the measure is not recall, which says what is found.
    """
    if measure.name != "R":
        raise InputError(f"a trail follows what R@k finds, not {measure}; give R@20, say")
    index = pipeline.ingest(board.corpus, board.rt)
    steps = pipeline.steps(index, board.queries, board.rt, passing=passing)
    named = boxes(pipeline, steps)
    target = board.target(index)
    lists = [made.value for made in named.values()]
    ranks = found_ranks(Rankings(target, stacked(lists)), measure.share)
    return Trail(board, pipeline, measure, steps, target, tuple(named), ranks)


def is_dense(stage: Retriever) -> bool:
    """Tell whether a first stage goes by meaning rather than by words."""
    return isinstance(stage, Dense)


def stacked(lists: Sequence[Candidates]) -> Int32:
    """Lay rankings of the same queries upon each other, `(S, Q, K)`, padded with -1."""
    depth = max(c.depth for c in lists)
    padded = [np.pad(c.ids, ((0, 0), (0, depth - c.depth)), constant_values=-1) for c in lists]
    return np.stack(padded).astype(np.int32)
