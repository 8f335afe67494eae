"""Exact selection of the best k, score descending, then the lower chunk number."""

import numpy as np

from retrieval.types import Float64, Int64

BLOCKS = 64


def best(scores: Float64, k: int) -> Int64:
    """Return the positions of the k greatest scores of a vector, in rank order.

    Each of the k best lies in one of the k blocks with the greatest maxima, or ties with one; so
    the k-th greatest block maximum is a bound that few scores pass.
    """
    n = len(scores)
    columns = n // BLOCKS
    if columns <= 2 * k:
        return ranked(scores, np.arange(n), k)
    body = scores[: columns * BLOCKS].reshape(BLOCKS, columns)
    maxima = body.max(axis=0)
    bound = np.partition(maxima, columns - k)[columns - k]
    return ranked(scores, np.flatnonzero(scores >= bound), k)


def ranked(scores: Float64, among: Int64, k: int) -> Int64:
    """Return the k best of the positions `among` (ascending), in rank order."""
    values = scores[among]
    if len(among) > 4 * k > 0:
        bound = np.partition(values, len(values) - k)[len(values) - k]
        among = among[values >= bound]
        values = scores[among]
    return among[np.argsort(-values, kind="stable")[:k]]
