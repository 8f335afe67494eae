"""Scoring: many rankings of one chunking under many measures, all queries at once.

Everything follows from the rank of each touch (see `target`); the arrays have a first axis V of
variants. Undefined values are NaN inside and `None` at the edges, never 0.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from goldsets.evaluation.measures import Measure
from goldsets.evaluation.target import NEVER, Cover, Target, relevant
from retrieval.types import Bool, Float64, Int32, Int64


def score(target: Target, ids: Int32, measures: Sequence[Measure]) -> Float64:
    """Return every measure of every ranking and query, `(M, V, Q)`, NaN where undefined.

    `ids` is `(V, Q, K)` int32: chunk numbers, best first, padded with -1. A query that a ranking
    has nothing for counts as 0; one without relevant evidence is undefined.
    """
    rankings = Rankings(target, ids)
    values = np.empty((len(measures), ids.shape[0], target.queries))
    for i, measure in enumerate(measures):
        values[i] = KERNELS[measure.name](rankings, measure)
        if measure.name != "Judged":
            values[i][:, ~relevant(target, measure.rel)] = np.nan
    return values


class Rankings:
    """The rankings to score, with what several measures need of them."""

    def __init__(self, target: Target, ids: Int32) -> None:
        self.target, self.ids = target, ids
        self.ranks = target.ranks(ids)
        self.variants, self.queries, self.depth = ids.shape

    def per_query(self, query: Int64, values: Float64 | Int64 | Bool) -> Float64:
        """Sum `(V, N)` values over the query each column belongs to, `(V, Q)`."""
        offset = np.arange(self.variants)[:, None] * self.queries
        flat = (offset + query).ravel()
        size = self.variants * self.queries
        total = np.bincount(flat, np.asarray(values, np.float64).ravel(), size)
        return np.asarray(total.reshape(self.variants, self.queries), np.float64)

    def relevant(self, rel: int) -> tuple[Int64, Int32, Int32]:
        """Return query, grade and `(V, N)` rank of the chunks that match evidence of that grade."""
        if rel not in self._relevant_at:
            self._relevant_at[rel] = self._select(rel)
        return self._relevant_at[rel]

    @cached_property
    def _relevant_at(self) -> dict[int, tuple[Int64, Int32, Int32]]:
        return {}

    def _select(self, rel: int) -> tuple[Int64, Int32, Int32]:
        at = np.flatnonzero(self.target.touch_grade >= rel)
        return self.target.touch_query[at], self.target.touch_grade[at], self.ranks[:, at]

    @cached_property
    def returned(self) -> Int64:
        """Return how many chunks each ranking has for each query, `(V, Q)`."""
        return np.asarray(np.count_nonzero(self.ids >= 0, axis=2), np.int64)


def _counted(query: Int64, queries: int) -> Float64:
    return np.asarray(np.bincount(query, minlength=queries), np.float64)


def _divided(a: Float64, b: Float64 | Int64) -> Float64:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(b > 0, a / b, 0.0)


def _cut(measure: Measure) -> int:
    return measure.cutoff or 0


def _precision(r: Rankings, m: Measure) -> Float64:
    query, _, ranks = r.relevant(m.rel)
    return r.per_query(query, ranks < _cut(m)) / _cut(m)


def _success(r: Rankings, m: Measure) -> Float64:
    query, _, ranks = r.relevant(m.rel)
    return (r.per_query(query, ranks < _cut(m)) > 0).astype(np.float64)


def _reciprocal_rank(r: Rankings, m: Measure) -> Float64:
    query, _, ranks = r.relevant(m.rel)
    heads = np.flatnonzero(np.diff(query, prepend=-1))
    best = np.full((r.variants, r.queries), NEVER)
    if len(heads):
        best[:, query[heads]] = np.minimum.reduceat(ranks, heads, axis=1)
    return np.where(best < _cut(m), 1.0 / (best + 1.0), 0.0)


def _ndcg(r: Rankings, m: Measure) -> Float64:
    query, grade, ranks = r.relevant(1)
    discount = 1.0 / np.log2(np.arange(2, max(_cut(m), r.depth) + 2))
    gain = np.where(ranks < _cut(m), grade * discount[np.minimum(ranks, len(discount) - 1)], 0.0)
    order = np.lexsort((-grade, query))
    place = np.arange(len(query)) - np.searchsorted(query, query)
    ideal = np.where(
        place < _cut(m), grade[order] * discount[np.minimum(place, len(discount) - 1)], 0
    )
    return _divided(r.per_query(query, gain), np.bincount(query, ideal, r.queries))


def _average_precision(r: Rankings, m: Measure) -> Float64:
    query, _, ranks = r.relevant(m.rel)
    ordered = np.sort(query * (2 * NEVER) + ranks, axis=1) - query * (2 * NEVER)
    nth = np.arange(len(query)) - np.searchsorted(query, query) + 1
    precision = np.where(ordered < _cut(m), nth / (ordered + 1.0), 0.0)
    return _divided(r.per_query(query, precision), _counted(query, r.queries))


def _judged(r: Rankings, m: Measure) -> Float64:
    judged = r.target.touch_grade >= 0
    query, ranks = r.target.touch_query[judged], r.ranks[:, judged]
    shown = np.minimum(r.returned, _cut(m)).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return r.per_query(query, ranks < _cut(m)) / shown


def _recall(r: Rankings, m: Measure) -> Float64:
    rank, thing, _ = _best_of_things(r, m, _found_rank(r, m.share))
    query = _query_of_things(r)[thing]
    found = (rank < _cut(m)).astype(np.float64)
    return _divided(r.per_query(query, found), _counted(query, r.queries))


def _found_rank(r: Rankings, share: float) -> Int64:
    """Return the rank at which the chunks so far cover `share` of each span, `(V, E)`."""
    cover, spans = r.target.by_span, r.target.anchored.length
    rank = _piece_rank(r, cover)
    found = np.full((r.variants, len(spans)), NEVER, np.int64)
    if not len(cover.interval):
        return found
    key = cover.interval * (2 * NEVER) + rank
    order = np.argsort(key, axis=1, kind="stable")
    reached = np.cumsum(cover.length[order], axis=1)
    heads = np.flatnonzero(np.diff(cover.interval, prepend=-1))
    own = cover.interval[heads]
    before = np.repeat(
        reached[:, heads] - cover.length[order[:, heads]],
        np.diff(np.append(heads, len(cover.interval))),
        axis=1,
    )
    enough = reached - before >= (share * spans)[cover.interval] - 1e-9
    ordered = np.where(enough, np.take_along_axis(rank, order, axis=1), NEVER)
    found[:, own] = np.minimum.reduceat(ordered, heads, axis=1)
    return found


def _piece_rank(r: Rankings, cover: Cover) -> Int32:
    if not len(cover.touch):
        return np.empty((r.variants, 0), np.int32)
    return np.minimum.reduceat(r.ranks[:, cover.touch], cover.first[:-1], axis=1)


def _query_of_things(r: Rankings) -> Int64:
    a = r.target.anchored
    query = np.zeros(int(a.thing.max(initial=-1)) + 1, np.int64)
    query[a.thing] = a.query
    return query


def _best_of_things(
    r: Rankings, m: Measure, cost: Int64 | Float64
) -> tuple[Int64 | Float64, Int64, Int64]:
    """Choose for each thing to find its cheapest evidence, of equals the shortest.

    Returns the cost `(V, N)`, the things `(N,)` that have evidence of the measure's grade, and the
    evidence chosen `(V, N)`. Things are numbered in the order of their queries.
    """
    a = r.target.anchored
    rows = np.flatnonzero(a.grade >= m.rel)
    rows = rows[np.lexsort((a.length[rows], a.thing[rows]))]
    thing = a.thing[rows].astype(np.int64)
    heads = np.flatnonzero(np.diff(thing, prepend=-1))
    if not len(heads):
        return cost[:, :0], thing, np.empty((r.variants, 0), np.int64)
    best = np.minimum.reduceat(cost[:, rows], heads, axis=1)
    number = np.repeat(np.arange(len(heads)), np.diff(np.append(heads, len(rows))))
    first = np.where(cost[:, rows] == best[:, number], np.arange(len(rows)), len(rows))
    return best, thing[heads], rows[np.minimum.reduceat(first, heads, axis=1)]


class Context:
    """The first k chunks, or the first N tokens, of each ranking: what a reader would see."""

    def __init__(self, r: Rankings, m: Measure) -> None:
        t, ids = r.target, r.ids
        self.r = r
        length = np.append(t.chunk_end - t.chunk_start, 0)[ids]  # the pad -1 takes the last
        tokens = np.append(t.chunk_tokens, 0)[ids]
        used = np.cumsum(tokens, axis=2, dtype=np.int64)
        inside = (
            used <= _cut(m) if m.unit else np.broadcast_to(np.arange(r.depth) < _cut(m), ids.shape)
        )
        self.whole = np.minimum(np.count_nonzero(inside, axis=2), r.returned)
        self.characters = np.sum(length, axis=2, where=inside).astype(np.float64)
        self.edge = self._edge(used, tokens, _cut(m)) if m.unit else np.zeros_like(self.whole)

    def _edge(self, used: Int64, tokens: Int64, budget: int) -> Int64:
        """Return where the chunk that the budget cuts ends, `(V, Q)`; 0 where none is cut."""
        t, at = self.r.target, np.minimum(self.whole, self.r.depth - 1)[:, :, None]
        chunk = np.take_along_axis(self.r.ids, at, axis=2)[:, :, 0]
        before = np.take_along_axis(used - tokens, at, axis=2)[:, :, 0]
        left = budget - before
        cut = (self.whole < self.r.returned) & (left > 0)
        start, tokens_at = np.append(t.chunk_start, 0)[chunk], np.append(t.token_start, 0)
        token = np.searchsorted(t.token_start, start) + left
        edge = tokens_at[np.minimum(token, len(t.token_start))]
        self.characters += np.where(cut, edge - start, 0)
        return np.where(cut, edge, 0)

    def held(self, cover: Cover) -> Float64:
        """Return how many characters of each piece are in the context, `(V, S)`."""
        if not len(cover.touch):
            return np.empty((self.r.variants, 0))
        ranks = self.r.ranks[:, cover.touch]
        query = self.r.target.touch_query[cover.touch]
        piece = np.repeat(np.arange(len(cover.length)), np.diff(cover.first))
        cut = np.clip(self.edge[:, query] - cover.start[piece], 0, cover.length[piece])
        whole = self.whole[:, query]
        held = np.where(ranks < whole, cover.length[piece], np.where(ranks == whole, cut, 0))
        return np.maximum.reduceat(held, cover.first[:-1], axis=1).astype(np.float64)


def _evidence_recall(r: Rankings, m: Measure) -> Float64:
    cover, length = r.target.by_span, r.target.anchored.length
    held = np.zeros((r.variants, len(length)))
    pieces = Context(r, m).held(cover)
    for v in range(r.variants):
        held[v] = np.bincount(cover.interval, pieces[v], len(length))
    _, thing, chosen = _best_of_things(r, m, -held / np.maximum(length, 1))
    query = _query_of_things(r)[thing]
    chosen_held = np.take_along_axis(held, chosen, axis=1)
    return _divided(r.per_query(query, chosen_held), r.per_query(query, length[chosen]))


def _gold_in_context(r: Rankings, m: Measure) -> tuple[Float64, Float64, Float64]:
    """Return characters of gold in the context, of the context, and of gold, each `(V, Q)`."""
    union, cover = r.target.union(m.rel)
    context = Context(r, m)
    gold = np.asarray(np.bincount(union.query, union.length, r.queries), np.float64)
    return r.per_query(cover.query, context.held(cover)), context.characters, gold


def _evidence_precision(r: Rankings, m: Measure) -> Float64:
    hit, context, _ = _gold_in_context(r, m)
    return _divided(hit, context)


def _iou(r: Rankings, m: Measure) -> Float64:
    hit, context, gold = _gold_in_context(r, m)
    return _divided(hit, context + gold - hit)


def _precision_omega(r: Rankings, m: Measure) -> Float64:
    union, cover = r.target.union(m.rel)
    touched = r.target.touched(m.rel)
    hit = np.asarray(np.bincount(cover.query, cover.length, r.queries), np.float64)
    gold = np.bincount(union.query, union.length, r.queries)
    chunks = np.bincount(touched.query, touched.length, r.queries)
    return np.broadcast_to(_divided(hit, chunks + gold - hit), (r.variants, r.queries))


KERNELS: dict[str, Callable[[Rankings, Measure], Float64]] = {
    "R": _recall,
    "P": _precision,
    "Success": _success,
    "RR": _reciprocal_rank,
    "nDCG": _ndcg,
    "AP": _average_precision,
    "Judged": _judged,
    "EvidenceRecall": _evidence_recall,
    "EvidencePrecision": _evidence_precision,
    "IoU": _iou,
    "PrecisionOmega": _precision_omega,
}
