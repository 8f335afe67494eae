"""The target: gold spans projected onto one chunking, ready to score any ranking of it.

A *touch* is a chunk that overlaps evidence of a query; all that a measure asks of a ranking is the
rank of each touch. Spans and chunks are joined by sorted intervals, never pair by pair. Positions
are counted from the start of the concatenated corpus.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldsets.evidence import Anchored
from retrieval.ingest.tokens import Tokens, token_counts
from retrieval.types import Bool, Chunks, Corpus, Int32, Int64

NEVER = 1 << 30
"""The rank of what a ranking does not hold."""


@dataclass(frozen=True)
class Intervals:
    """Spans of the concatenated corpus, each belonging to a query; arrays of one length."""

    query: Int64
    start: Int64
    end: Int64

    @property
    def length(self) -> Int64:
        """Return the number of characters of each."""
        return self.end - self.start


@dataclass(frozen=True)
class Cover:
    """How chunks cover intervals: the pieces between chunk edges, and which touches hold each.

    Piece s lies in interval `interval[s]`, at `start[s]` with `length[s]` characters; it is held
    by touches `touch[first[s]:first[s + 1]]`, at least one.
    """

    interval: Int64
    query: Int64
    start: Int64
    length: Int64
    touch: Int64
    first: Int64


class Target:
    """A gold set projected onto a chunking.

    Touches are arrays of one length T, ordered by query, then chunk: `touch_query`, `touch_chunk`
    and `touch_grade`, the best grade of the spans it matches (-1: overlaps, matches none). A chunk
    matches a span when either covers at least half of the other.

    The chunks are those of the whole corpus, or (not `whole`) what a retriever from outside has
    returned, whose other chunks nobody knows. An ideal ranking has every touch of a query; where
    the chunks are not whole, also each span that all of them together do not cover by half, as
    one chunk more. Else who returned one of two answers would have the best order there is.
    """

    def __init__(
        self,
        anchored: Anchored,
        corpus: Corpus,
        chunks: Chunks,
        tokens: Tokens,
        *,
        whole: bool = True,
    ) -> None:
        self.anchored, self.whole, self.placed = anchored, whole, chunks.placed
        self.queries, self.chunks = len(anchored.gold.queries), len(chunks)
        base = corpus.base
        self.chunk_start = base[chunks.document] + chunks.start
        self.chunk_end = base[chunks.document] + chunks.end
        self.chunk_length = self.chunk_end - self.chunk_start
        for i in np.flatnonzero(~self.placed):
            self.chunk_length[i] = len(chunks.context(int(i)))
        self.chunk_tokens = token_counts(chunks, corpus, tokens)
        self.token_start = tokens.start + np.repeat(base[:-1], np.diff(tokens.first))
        at = base[np.maximum(anchored.document, 0)]
        self.spans = Intervals(
            anchored.query.astype(np.int64), at + anchored.start, at + anchored.end
        )
        self.here = np.flatnonzero(anchored.document >= 0)
        self._project()
        unfound = self._unfound()
        self.ideal_query = np.append(self.touch_query, self.spans.query[unfound])
        self.ideal_grade = np.append(self.touch_grade, anchored.grade[unfound])
        self.union = lru_cache(maxsize=4)(self._union)

    def _project(self) -> None:
        span, chunk = self._overlaps(self.spans, self.here)
        key = self.spans.query[span] * self.chunks + chunk
        keys, touch = np.unique(key, return_inverse=True)
        self.touch_query = keys // max(self.chunks, 1)
        self.touch_chunk = keys - self.touch_query * self.chunks
        low = np.maximum(self.spans.start[span], self.chunk_start[chunk])
        high = np.minimum(self.spans.end[span], self.chunk_end[chunk])
        shorter = np.minimum(self.spans.length[span], (self.chunk_end - self.chunk_start)[chunk])
        matched = 2 * (high - low) >= shorter
        self.touch_grade = np.full(len(keys), -1, np.int32)
        np.maximum.at(self.touch_grade, touch[matched], self.anchored.grade[span[matched]])
        self.by_span = cover(self.spans, span, low, high, touch)

    def _unfound(self) -> Int64:
        """Return the spans that stand in an ideal by themselves, of equal ones the best grade."""
        if self.whole:
            return self.here[:0]
        spans, pieces = self.spans, self.by_span
        covered = np.bincount(pieces.interval, pieces.length, len(spans.query))
        lost = self.here[2 * covered[self.here] < spans.length[self.here]]
        lost = lost[np.argsort(-self.anchored.grade[lost], kind="stable")]
        place = np.stack([spans.query[lost], spans.start[lost], spans.end[lost]])
        return lost[np.unique(place, axis=1, return_index=True)[1]]

    def _overlaps(self, spans: Intervals, among: Int64) -> tuple[Int64, Int64]:
        """Join intervals with chunks; return the pairs that share a character."""
        start, end = spans.start[among], spans.end[among]
        begin = self.chunk_start[self._order]
        reach = np.maximum.accumulate(self.chunk_end[self._order])
        low = np.searchsorted(reach, start, "right")
        count = np.maximum(np.searchsorted(begin, end) - low, 0)
        pair = np.repeat(np.arange(len(among)), count)
        within = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
        chunk = self._order[low[pair] + within]
        shared = self.chunk_end[chunk] > start[pair]
        return among[pair[shared]], chunk[shared]

    @cached_property
    def _order(self) -> Int64:
        return np.lexsort((self.chunk_end, self.chunk_start))

    def _union(self, rel: int) -> tuple[Intervals, Cover]:
        """Merge each query's relevant spans, and cover them with the touches."""
        chosen = self.here[self.anchored.grade[self.here] >= rel]
        spans = self.spans
        merged = merge(Intervals(spans.query[chosen], spans.start[chosen], spans.end[chosen]))
        interval, chunk = self._overlaps(merged, np.arange(len(merged.query)))
        touch = self._touches(merged.query[interval], chunk)
        low = np.maximum(merged.start[interval], self.chunk_start[chunk])
        high = np.minimum(merged.end[interval], self.chunk_end[chunk])
        return merged, cover(merged, interval, low, high, touch)

    def _touches(self, query: Int64, chunk: Int64) -> Int64:
        return np.searchsorted(
            self.touch_query * self.chunks + self.touch_chunk, query * self.chunks + chunk
        )

    def touched(self, rel: int) -> Intervals:
        """Merge, for each query, all chunks that overlap relevant evidence."""
        span, chunk = self._overlaps(self.spans, self.here)
        keep = self.anchored.grade[span] >= rel
        span, chunk = span[keep], chunk[keep]
        return merge(
            Intervals(self.spans.query[span], self.chunk_start[chunk], self.chunk_end[chunk])
        )

    def ranks(self, ids: Int32) -> Int32:
        """Return the rank (from 0) of every touch in every ranking, NEVER where it is absent.

        `ids` is `(V, Q, K)`, -1 padded; the answer is `(V, T)` int32.
        """
        variants, queries, depth = ids.shape
        ranks = np.full((variants, len(self.touch_query)), NEVER, np.int32)
        step = max(1, (1 << 24) // (self.chunks + 1))
        for low in range(0, queries, step):
            high = min(low + step, queries)
            table, row = self._table(low, high)
            for v in range(variants):
                touch = table[ids[v, low:high] + row].ravel()
                at = np.flatnonzero(touch >= 0)[::-1]  # of a chunk ranked twice the first counts
                ranks[v, touch[at]] = at % depth
        return ranks

    def _table(self, low: int, high: int) -> tuple[NDArray[Any], Int64]:
        """Tabulate the touch of every query and chunk, -1 for none; return where its rows begin.

        The last column of a row is never a chunk, so the pad -1 of the next row lands on it.
        """
        a, b = np.searchsorted(self.touch_query, (low, high))
        width = self.chunks + 1
        small = np.int16 if len(self.touch_query) < 1 << 15 else np.int32  # keeps it in the cache
        table: NDArray[Any] = np.full((high - low) * width, -1, small)
        table[(self.touch_query[a:b] - low) * width + self.touch_chunk[a:b]] = np.arange(a, b)
        return table, (np.arange(high - low) * width)[:, None]


def relevant(target: Target, rel: int) -> Bool:
    """Tell which queries have anything to find at that grade, in the corpus or not, `(Q,)`."""
    has = np.zeros(target.queries, bool)
    has[target.anchored.query[target.anchored.grade >= rel]] = True
    return has


def merge(spans: Intervals) -> Intervals:
    """Merge the overlapping or touching intervals of each query."""
    order = np.lexsort((spans.start, spans.query))
    query, start, end = (a[order] for a in (spans.query, spans.start, spans.end))
    if not len(order):
        return Intervals(query, start, end)
    stride = int(end.max()) + 1
    reach = np.maximum.accumulate(query * stride + end)
    new = np.concatenate([[True], (query * stride + start)[1:] > reach[:-1]])
    heads = np.flatnonzero(new)
    return Intervals(query[heads], start[heads], np.maximum.reduceat(end, heads))


def cover(spans: Intervals, span: Int64, low: Int64, high: Int64, touch: Int64) -> Cover:
    """Cut spans at the edges of the overlaps `[low, high)` with touches."""
    stride = int(high.max(initial=0)) + 1
    edges = np.unique(np.concatenate([span * stride + low, span * stride + high]))
    begin = np.searchsorted(edges, span * stride + low)
    count = np.searchsorted(edges, span * stride + high) - begin
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    piece = np.repeat(begin, count) + within
    order = np.argsort(piece, kind="stable")
    kept, first = np.unique(piece[order], return_index=True)
    owner = edges[kept] // stride
    length = (edges[np.minimum(kept + 1, len(edges) - 1)] - edges[kept]) if len(kept) else kept
    return Cover(
        owner,
        spans.query[owner],
        edges[kept] - owner * stride,
        length,
        np.repeat(touch, count)[order],
        np.append(first, len(piece)),
    )
