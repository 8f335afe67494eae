"""The passages that nobody has judged: two rankings cut at k and joined, with what is known.

`reach` says how far such a case can move a measure, `bounds` what that means.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from goldsets.evaluation.measures import Measure
from goldsets.evaluation.score import score
from goldsets.evaluation.target import NEVER, Target
from retrieval.types import Bool, Float64, Int32, Int64

UNJUDGED = -2


@dataclass(frozen=True)
class Case:
    """Two rankings' first k, a passage a column; `(Q, M)` arrays but for those said to be `(Q,)`.

    `a` and `b` are its ranks, from 0 and below `depth`, NEVER where it is not shown. `free` says
    that it is unjudged and stands in the corpus, so that it could be labelled; `grade` what it was
    judged, 0 if it was not; `top` is the highest grade.
    `value_a`, `value_b` `(Q,)` are the values of today, 0 where the query is not `defined` `(Q,)`.
    """

    target: Target
    measure: Measure
    top: int
    depth: int
    chunk: Int64
    a: Int64
    b: Int64
    free: Bool
    grade: Int64
    value_a: Float64
    value_b: Float64
    defined: Bool

    @property
    def difference(self) -> Float64:
        """Return A - B of today, 0 where undefined, `(Q,)`."""
        return self.value_a - self.value_b

    @property
    def today(self) -> Float64:
        """Return A - B of today, NaN where undefined, `(Q,)`."""
        return np.where(self.defined, self.difference, np.nan)

    @property
    def swapped(self) -> "Case":
        """Return the case of B - A."""
        return replace(self, a=self.b, b=self.a, value_a=self.value_b, value_b=self.value_a)

    @cached_property
    def counts(self) -> tuple[Int64, Int64, Int64]:
        """Count the unjudged that A alone shows, both show, B alone shows, each `(Q,)`."""
        in_a, in_b = self.free & (self.a < NEVER), self.free & (self.b < NEVER)
        of = (in_a & ~in_b, in_a & in_b, in_b & ~in_a)
        own, shared, other = (np.count_nonzero(x, axis=1) for x in of)
        return own, shared, other

    def known(self, grade: int) -> Int64:
        """Count the chunks of each query's ideal that are of at least that grade, `(Q,)`."""
        t = self.target
        return np.bincount(t.ideal_query[t.ideal_grade >= grade], minlength=t.queries)


def case_of(
    target: Target, a_ids: Int32, b_ids: Int32 | None, measure: Measure, top: int | None = None
) -> Case:
    """Cut two `(Q, K)` rankings at k and join them; without B, A is compared with nothing."""
    a_ids = a_ids[:, : measure.cutoff]
    b_ids = a_ids[:, :0] if b_ids is None else b_ids[:, : measure.cutoff]
    value_a, value_b = (score(target, ids[None], [measure])[0, 0] for ids in (a_ids, b_ids))
    chunk, a, b = _joined(a_ids, b_ids)
    grade = _grades(target, chunk)
    return Case(
        target=target,
        measure=measure,
        top=max(int(target.anchored.grade.max(initial=0)), measure.rel, top or 0),
        depth=max(a_ids.shape[1], b_ids.shape[1]),
        chunk=chunk,
        a=a,
        b=b,
        free=(grade == UNJUDGED) & np.append(target.placed, False)[chunk],
        grade=np.maximum(grade, 0),
        value_a=np.nan_to_num(value_a),
        value_b=np.nan_to_num(value_b),
        defined=~np.isnan(value_a),
    )


def _joined(a_ids: Int32, b_ids: Int32) -> tuple[Int64, Int64, Int64]:
    """Return the chunks of two rankings, once each, and their ranks in both, each `(Q, M)`."""
    ids, depth = np.concatenate([a_ids, b_ids], axis=1), a_ids.shape[1]
    order = np.argsort(ids, axis=1, kind="stable")
    chunk = np.take_along_axis(ids, order, axis=1).astype(np.int64)
    a = np.where(order < depth, order, NEVER)
    b = np.where(order < depth, NEVER, order - depth)
    head = np.diff(chunk, axis=1, prepend=-1) > 0  # the pad -1 is none, of equals the first is
    row, column = np.nonzero(chunk >= 0)
    at = row, (np.cumsum(head, axis=1) - 1)[row, column]
    shape = len(ids), int(np.count_nonzero(head, axis=1).max(initial=0))
    chunks = np.full(shape, -1, np.int64)
    ranks = np.full((2, *shape), NEVER, np.int64)
    chunks[at] = chunk[row, column]
    np.minimum.at(ranks[0], at, a[row, column])
    np.minimum.at(ranks[1], at, b[row, column])
    return chunks, ranks[0], ranks[1]


def _grades(target: Target, chunk: Int64) -> Int64:
    """Return what `(Q, M)` chunks were judged: UNJUDGED, -1 if they match no span, or the grade."""
    keys = target.touch_query * target.chunks + target.touch_chunk
    key = np.arange(len(chunk))[:, None] * target.chunks + chunk
    at = np.searchsorted(keys, key)
    found = (np.append(keys, -1)[at] == key) & (chunk >= 0)
    return np.where(found, np.append(target.touch_grade, 0)[at], UNJUDGED).astype(np.int64)
