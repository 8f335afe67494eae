"""Exact selection of the best k: score descending, then the lower id."""

import numpy as np

from retrieval.types import Float64, Int64

MOST_BLOCKS = 64


def best(scores: Float64, k: int, ids: Int64 | None = None) -> Int64:
    """Return the positions of the k greatest scores of a vector, in rank order.

    Ties go to the lower of `ids` (aligned with the scores), by default to the lower position.
    """
    near = np.flatnonzero(scores >= bound(scores, k))
    ties = near if ids is None else ids[near]
    return near[np.lexsort((ties, -scores[near]))[:k]]


def bound(scores: Float64, k: int) -> float:
    """Return a value that at least k scores reach and, in a long vector, few others do.

    The vector is cut into columns: at least k scores reach the k-th greatest of the columns'
    maxima, and finding those is one pass over memory.
    """
    n = len(scores)
    if n <= k:
        return -np.inf
    blocks = max(1, min(MOST_BLOCKS, n // (4 * max(k, 1))))
    columns = n // blocks
    maxima = scores[: columns * blocks].reshape(blocks, columns).max(axis=0)
    maxima.partition(columns - k)
    return float(maxima[columns - k])
