"""Scoring: many rankings of one chunking under many measures, all queries at once.

Everything follows from the rank of each touch (see `target`); the arrays have a first axis V of
variants. Undefined values are NaN inside and `None` at the edges, never 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from goldsets.evaluation.measures import Measure
from goldsets.evaluation.target import NEVER, Cover, Target, relevant
from retrieval.types import Float64, Int32, Int64


def score(target: Target, ids: Int32, measures: Sequence[Measure]) -> Float64:
    """Return every measure of every ranking and query, `(M, V, Q)`, NaN where undefined.

    `ids` is `(V, Q, K)` int32: chunk numbers, best first, padded with -1. A query that a ranking
    has nothing for counts as 0; one without relevant evidence is undefined.
    """
    rankings = Rankings(target, ids)
    answered = {m.rel: relevant(target, m.rel) for m in measures}
    values = np.empty((len(measures), ids.shape[0], target.queries))
    for i, measure in enumerate(measures):
        values[i] = KERNELS[measure.name](rankings, measure)
        if measure.name != "Judged":
            values[i][:, ~answered[measure.rel]] = np.nan
    return values


@dataclass(frozen=True)
class Hits:
    """What rankings found of something, ordered by ranking, query and rank; arrays of one length.

    `cell` is variant * Q + query, `rank` counts from 0, `nth` from 1 within its cell.
    """

    cell: Int64
    rank: Int64
    grade: Int32
    nth: Int64

    @classmethod
    def of(cls, ranks: Int32 | Int64, query: Int64, grade: Int32, queries: int) -> "Hits":
        """Gather the found of `(V, N)` ranks; column n belongs to `query[n]`."""
        variant, column = np.nonzero(ranks < NEVER)
        cell, rank = variant * queries + query[column], ranks[variant, column].astype(np.int64)
        order = np.argsort(cell * NEVER + rank, kind="stable")
        cell = cell[order]
        nth = np.arange(1, len(cell) + 1) - np.searchsorted(cell, cell)
        return cls(cell, rank[order], grade[column[order]], nth)


class Rankings:
    """The rankings to score, with what several measures need of them."""

    def __init__(self, target: Target, ids: Int32) -> None:
        self.target, self.ids = target, ids
        self.ranks = target.ranks(ids)
        self.variants, self.queries, self.depth = ids.shape
        self._hits: dict[object, Hits] = {}

    def per_query(self, query: Int64, values: Float64 | Int64) -> Float64:
        """Sum `(V, N)` values over the query each column belongs to, `(V, Q)`."""
        cell = np.arange(self.variants)[:, None] * self.queries + query
        return self.per_cell(cell.ravel(), values.ravel())

    def per_cell(self, cell: Int64, values: Float64 | Int64 | None = None) -> Float64:
        """Sum values (or count) over cells, `(V, Q)`."""
        total = np.bincount(cell, values, self.variants * self.queries)
        return np.asarray(total.reshape(self.variants, self.queries), np.float64)

    def chunks(self, rel: int) -> Hits:
        """Return the chunks found that match evidence of at least that grade."""
        if rel not in self._hits:
            t = self.target
            at = np.flatnonzero(t.touch_grade >= rel)
            grade, query = t.touch_grade[at], t.touch_query[at]
            self._hits[rel] = Hits.of(self.ranks[:, at], query, grade, self.queries)
        return self._hits[rel]

    def relevant_chunks(self, rel: int) -> Int64:
        """Count the chunks of each query's ideal that are of at least that grade, `(Q,)`."""
        matching = self.target.ideal_query[self.target.ideal_grade >= rel]
        return np.bincount(matching, minlength=self.queries)

    def things(self, rel: int, share: float) -> Hits:
        """Return what there is to find that the first chunks cover `share` of."""
        key = (rel, share)
        if key not in self._hits:
            rank, thing, _ = _best_of_things(self, rel, found_ranks(self, share))
            grade = np.zeros(len(thing), np.int32)
            query = _query_of_things(self)[thing]
            self._hits[key] = Hits.of(np.asarray(rank, np.int64), query, grade, self.queries)
        return self._hits[key]

    @cached_property
    def returned(self) -> Int64:
        """Return how many chunks each ranking has for each query, `(V, Q)`."""
        return np.asarray(np.count_nonzero(self.ids >= 0, axis=2), np.int64)


def _divided(a: Float64, b: Float64 | Int64) -> Float64:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(b > 0, a / b, 0.0)


def _cut(measure: Measure) -> int:
    return measure.cutoff or 0


def _counted(r: Rankings, hits: Hits, k: int) -> Float64:
    return r.per_cell(hits.cell[hits.rank < k])


def _precision(r: Rankings, m: Measure) -> Float64:
    return _counted(r, r.chunks(m.rel), _cut(m)) / _cut(m)


def _success(r: Rankings, m: Measure) -> Float64:
    return (_counted(r, r.chunks(m.rel), _cut(m)) > 0).astype(np.float64)


def _reciprocal_rank(r: Rankings, m: Measure) -> Float64:
    hits = r.chunks(m.rel)
    first = (hits.nth == 1) & (hits.rank < _cut(m))
    return r.per_cell(hits.cell[first], 1.0 / (hits.rank[first] + 1.0))


def _ndcg(r: Rankings, m: Measure) -> Float64:
    hits = r.chunks(1)
    kept = hits.rank < _cut(m)
    gained = r.per_cell(hits.cell[kept], hits.grade[kept] / np.log2(hits.rank[kept] + 2.0))
    return _divided(gained, _ideal(r.target, _cut(m)))


def _ideal(target: Target, k: int) -> Float64:
    """Return the discounted gain of each query's best order, cut at k, `(Q,)`."""
    relevant = target.ideal_grade >= 1
    query, grade = target.ideal_query[relevant], target.ideal_grade[relevant]
    order = np.lexsort((-grade, query))
    query, grade = query[order], grade[order]
    place = np.arange(len(query)) - np.searchsorted(query, query)
    gain = np.where(place < k, grade / np.log2(place + 2.0), 0.0)
    return np.asarray(np.bincount(query, gain, target.queries), np.float64)


def _average_precision(r: Rankings, m: Measure) -> Float64:
    hits = r.chunks(m.rel)
    kept = hits.rank < _cut(m)
    precision = hits.nth[kept] / (hits.rank[kept] + 1.0)
    return _divided(r.per_cell(hits.cell[kept], precision), r.relevant_chunks(m.rel))


def _judged(r: Rankings, m: Measure) -> Float64:
    shown = np.minimum(r.returned, _cut(m)).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _counted(r, r.chunks(0), _cut(m)) / shown


def _recall(r: Rankings, m: Measure) -> Float64:
    a, query = r.target.anchored, _query_of_things(r)
    wanted = np.zeros(len(query), bool)
    wanted[a.thing[a.grade >= m.rel]] = True
    number = np.bincount(query[wanted], minlength=r.queries)
    return _divided(_counted(r, r.things(m.rel, m.share), _cut(m)), number)


def found_ranks(r: Rankings, share: float) -> Int64:
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
    r: Rankings, rel: int, cost: Int64 | Float64
) -> tuple[Int64 | Float64, Int64, Int64]:
    """Choose for each thing to find its cheapest evidence, of equals the shortest.

    Returns the cost `(V, N)`, the things `(N,)` that have evidence of that grade, and the
    evidence chosen `(V, N)`. Things are numbered in the order of their queries.
    """
    a = r.target.anchored
    rows = np.flatnonzero(a.grade >= rel)
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
        length = np.append(t.chunk_length, 0)[ids]  # the pad -1 takes the last
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
        placed, length = np.append(t.placed, False)[chunk], np.append(t.chunk_length, 0)[chunk]
        share = length * left // np.maximum(np.append(t.chunk_tokens, 0)[chunk], 1)
        self.characters += np.where(cut, np.where(placed, edge - start, share), 0)
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
    _, thing, chosen = _best_of_things(r, m.rel, -held / np.maximum(length, 1))
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
    if not r.target.whole:
        return np.full((r.variants, r.queries), np.nan)
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
