"""Exact nearest neighbours by inner product, over blocks of a memory-mapped matrix.

An evaluator must not add the error of an approximate index to the numbers it reports.
"""

import numpy as np

from retrieval.types import Candidates, Float32, Int64

BLOCK = 16_384
"""Rows multiplied at once: the scores of 300 queries then stay near the cache."""

GROUP = 8
"""Maxima of this many scores give the first bound."""


def search(matrix: Float32, queries: Float32, k: int, rows: Int64 | None = None) -> Candidates:
    """Return the k rows of `matrix` `(N, d)` with the greatest inner product with each query.

    `queries` is `(Q, d)`; the scores are float32 products. Ties go to the lower row. With `rows`,
    ascending, no other is compared.
    """
    size = len(matrix) if rows is None else len(rows)
    found = _Found(len(queries), k)
    buffer = np.empty((len(queries), min(BLOCK, size)), np.float32)
    for start in range(0, size, BLOCK):
        block = matrix[slice(start, start + BLOCK) if rows is None else rows[start : start + BLOCK]]
        scores = buffer[:, : len(block)] if len(block) == buffer.shape[1] else None
        found.take(np.matmul(queries, block.T, out=scores), start)
    return found.candidates(rows)


class _Found:
    """The best so far of every query, and the score that a newcomer has to reach."""

    def __init__(self, queries: int, k: int) -> None:
        self.queries, self.k = queries, k
        self.bound = np.full((queries, 1), -np.inf, np.float32)
        self.row, self.id = np.empty(0, np.int64), np.empty(0, np.int64)
        self.score = np.empty(0, np.float32)
        self.pending: list[tuple[Int64, Int64, Float32]] = []

    def take(self, scores: Float32, start: int) -> None:
        """Add the scores `(Q, n)` of rows `start` to `start + n`."""
        if start == 0:
            self._first_bound(scores)
        flat = np.flatnonzero(scores >= self.bound)
        row = flat // scores.shape[1]
        self.pending.append((row, flat - row * scores.shape[1] + start, scores.ravel()[flat]))
        if sum(len(p[0]) for p in self.pending) > self.queries * self.k:
            self._settle()

    def candidates(self, rows: Int64 | None) -> Candidates:
        """Return what was found, best first, by the numbers in `rows` if there are any."""
        self._settle()
        if rows is not None:
            self.id = rows[self.id]
        ids = np.full((self.queries, self.k), -1, np.int32)
        scores = np.full((self.queries, self.k), -np.inf)
        place = np.arange(len(self.row)) - np.searchsorted(self.row, self.row)
        ids[self.row, place], scores[self.row, place] = self.id, self.score
        return Candidates(ids, scores)

    def _first_bound(self, scores: Float32) -> None:
        columns = scores.shape[1] // GROUP
        if columns > 2 * self.k:
            grouped = scores[:, : columns * GROUP].reshape(self.queries, GROUP, columns)
            maxima = grouped.max(axis=1)
            maxima.partition(columns - self.k, axis=1)
            self.bound = maxima[:, columns - self.k, None]

    def _settle(self) -> None:
        parts = [(self.row, self.id, self.score), *self.pending]
        row, id_, score = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((id_, -score, row))
        row, id_, score = row[order], id_[order], score[order]
        begin = np.searchsorted(row, np.arange(self.queries))
        keep = np.arange(len(row)) - begin[row] < self.k
        self.row, self.id, self.score = row[keep], id_[keep], score[keep]
        self.pending = []
        full = np.bincount(self.row, minlength=self.queries) == self.k
        last = np.searchsorted(self.row, np.arange(self.queries), "right") - 1
        self.bound[full, 0] = self.score[last[full]]
