"""The trail: where each piece of evidence stands after every box of a pipeline.

All evidence and all boxes at once: a rank is that at which the chunks so far cover the measure's
share of the evidence, counted from 0, `NEVER` where they never do.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from goldsets.evaluation.measures import Measure
from goldsets.evaluation.score import Rankings, found_ranks
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.target import NEVER, Target
from retrieval.errors import InputError
from retrieval.pipeline import Pipeline, Steps, boxes
from retrieval.query.dense import Dense
from retrieval.query.first import Retriever
from retrieval.query.rewrite import Rewritten
from retrieval.runtime import Made
from retrieval.types import Bool, Candidates, Float64, Int32, Int64

DEEP = 1_000
"""Places of a first stage's list in which evidence is looked for that its pool has not."""


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
        kept, t = self.steps.index.kept, self.target
        if kept is None or not len(t.by_span.touch):
            return self.covered
        through = kept.value[t.touch_chunk[t.by_span.touch]]
        piece = np.logical_or.reduceat(through, t.by_span.first[:-1])
        length = np.where(piece, t.by_span.length, 0)
        return self._share(np.bincount(t.by_span.interval, length, len(self.relevant)))

    def _share(self, characters: Float64 | Int64) -> Float64:
        length = self.target.anchored.length
        return np.asarray(characters / np.maximum(length, 1), np.float64)

    @property
    def pooled(self) -> Int64:
        """Return the rank of each piece in the pool, fused where there is fusing, `(E,)`."""
        several = len(self.firsts) > 1
        return np.asarray(self.ranks[len(self.firsts) if several else 0])

    @property
    def ranked(self) -> Int64:
        """Return the rank of each piece in the list that is assembled, `(E,)`."""
        return np.asarray(self.ranks[-2])

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
        box = np.maximum(np.arange(len(self.boxes)) - len(self.firsts) + 1, 0)[:, None]
        ranks, share = self.ranks[:, rows], self.measure.share
        reached = np.where(ranks < NEVER, box, -1).max(axis=0)
        rank = np.where(box == reached, ranks, NEVER).min(axis=0)
        absent = self.board.anchored.document[rows] < 0
        cut, kept_out = (a[rows] < share for a in (self.covered, self.searched))
        return rank, -reached, kept_out, cut, absent

    @property
    def firsts(self) -> tuple[str, ...]:
        """Return the names of the first stages."""
        return self.boxes[: len(self.pipeline.first)]

    def rank(self, box: str, row: int) -> int:
        """Return the rank of one piece after a box."""
        return int(self.ranks[self.boxes.index(box), row])

    def holders(self, row: int) -> dict[int, int]:
        """Return the chunks that hold some of a piece, and how many of its characters each does.

        Those that filters keep; all of them where filters keep less than enough.
        """
        t, base = self.target, self.target.spans
        low, high = np.searchsorted(t.touch_query, (base.query[row], base.query[row] + 1))
        chunk = t.touch_chunk[low:high][self._open(row, t.touch_chunk[low:high])]
        start = np.maximum(t.chunk_start[chunk], base.start[row])
        held = np.minimum(t.chunk_end[chunk], base.end[row]) - start
        pairs = zip(chunk.tolist(), held.tolist(), strict=True)
        return {c: n for c, n in pairs if n > 0 and self.board.anchored.document[row] >= 0}

    def chunks_of(self, row: int) -> list[int]:
        """Return few of the holders that make a piece found, what adds most of it first."""
        cover, chunk = self.target.by_span, self.target.touch_chunk
        first, last = np.searchsorted(cover.interval, (row, row + 1)).tolist()
        touches = (cover.touch[cover.first[i] : cover.first[i + 1]] for i in range(first, last))
        own = [chunk[own][self._open(row, chunk[own])].tolist() for own in touches]
        left = list(zip(cover.length[first:last].tolist(), own, strict=True))
        missing, chosen = self.measure.share * self.target.anchored.length[row] - 1e-9, []
        while missing > 0 and any(own for _, own in left):
            adds: Counter[int] = Counter()
            for length, own in left:
                adds.update(dict.fromkeys(own, length))
            best, most = max(adds.items(), key=lambda item: (item[1], -item[0]))
            chosen.append(best)
            missing -= most
            left = [piece for piece in left if best not in piece[1]]
        return chosen

    def _open(self, row: int, chunks: Int64) -> Bool:
        kept = self.steps.index.kept
        if kept is None or self.searched[row] < self.measure.share:
            return np.ones(len(chunks), bool)
        return np.asarray(kept.value[chunks])

    def deep(self, rows: Int64, depth: int = DEEP) -> Int64:
        """Return the rank of some pieces in each first stage alone, not cut at the pool, `(F, N)`.

        What stands behind the first `depth` is nowhere.
        """
        index, rt = self.steps.index, self.board.rt
        depth = min(len(index.chunks.value), depth)
        if depth <= self.pipeline.pool or not len(rows):
            return np.asarray(self.ranks[: len(self.firsts), rows])
        asked = np.unique(self.board.anchored.query[rows])
        some = self.board.only(asked)
        queries = rt.given(some.queries, some.queries.hash, passing=True)
        found = self.pipeline.find(index, queries, self._written(asked), depth, rt)
        lists = stacked([made.value for made in found])
        ranks = found_ranks(Rankings(some.target(index), lists), self.measure.share)
        return np.asarray(ranks[:, self.within(asked, rows)])

    def _written(self, queries: Int32 | Int64) -> Made[Rewritten] | None:
        """Return what some of the queries were rewritten to."""
        if self.steps.rewritten is None:
            return None
        every = self.steps.rewritten.value.texts
        some = Rewritten(tuple(every[q] for q in queries.tolist()))
        return self.board.rt.given(some, "rewritten", passing=True)

    def within(self, queries: Int32 | Int64, rows: Int64) -> Int64:
        """Return the places of some rows among all rows of some queries."""
        here = np.flatnonzero(np.isin(self.board.anchored.query, queries))
        return np.searchsorted(here, rows)

    def only(self, queries: Int32 | Int64, pipeline: Pipeline | None = None) -> "Trail":
        """Return the trail of some of the queries (rows, ascending); nothing is kept.

        Its evidence is that of the queries, in the same order. Through another pipeline they are
        trailed anew.
        """
        board = self.board.only(queries)
        if pipeline is not None:
            return trail(board, pipeline, self.measure, passing=True)
        steps, rt = self.steps, self.board.rt

        def of(made: Made[Candidates]) -> Made[Candidates]:
            return rt.given(made.value.only(queries), made.key, passing=True)

        pool, reranked, context = map(of, (steps.pool, steps.reranked, steps.context))
        found, written = tuple(map(of, steps.found)), self._written(queries)
        some = Steps(steps.index, found, pool, reranked, context, written)
        rows = np.flatnonzero(np.isin(self.board.anchored.query, queries))
        ranks, target = self.ranks[:, rows], board.target(steps.index)
        return Trail(board, self.pipeline, self.measure, some, target, self.boxes, ranks)


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
