"""Coefficients of agreement: Krippendorff's alpha, Cohen's kappa, the overlap of marked characters.

Sources: Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011); Cohen 1960, and 1968 for
weighted kappa; Dice 1945, which is F1.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np

from goldsets.labelling.types import Label
from retrieval.types import Float64, Int64

Metric = Literal["ordinal", "nominal"]


def alpha(values: Int64, grades: int, metric: Metric = "ordinal") -> float | None:
    """Return Krippendorff's alpha of grades `(I, R)`, -1 where missing.

    1 is perfect agreement, 0 what chance gives. None where it is 0/0: no item has two grades, or
    all that meet are the same one (who never grades otherwise was not seen to tell things apart).
    """
    votes = indicators(values[(values >= 0).sum(axis=1) > 1], grades).sum(axis=1)
    whole = meetings(votes, votes).sum(axis=0)
    found = float(alphas(whole, whole, grades, metric))
    return None if np.isnan(found) else found


def indicators(values: Int64, grades: int) -> Float64:
    """Return `(I, R, G)`: 1 where the rater gave the grade."""
    return np.asarray(values[:, :, None] == np.arange(grades), np.float64)


def meetings(own: Float64, votes: Float64) -> Float64:
    """Return `(I, P + G)`: how often each of P pairs of grades meets, how often each is given.

    `votes` counts the grades of an item, two at least; `own` counts those of them that meet the
    others, `(I, G)` each. Each grade has a weight of 1, spread over those it meets. Alpha needs no
    more than the sum over items, and this is linear in `own`.
    """
    a, b = np.triu_indices(votes.shape[1], 1)
    met = (own[:, a] * votes[:, b] + own[:, b] * votes[:, a]) / 2
    return np.concatenate([met / (votes.sum(axis=1) - 1)[:, None], own], axis=1)


def alphas(part: Float64, whole: Float64, grades: int, metric: Metric = "ordinal") -> Float64:
    """Return `(...)` of summed meetings `(P + G, ...)`, NaN where undefined.

    It is 1 - the mean distance of grades that meet in `part` / of any two in `whole`. The distance
    of ordinal grades is that of their middle ranks among all that were given, squared.
    """
    a, b = np.triu_indices(grades, 1)
    n = whole[-grades:]
    total, rank = n.sum(axis=0), n.cumsum(axis=0) - n / 2
    apart = (rank[b] - rank[a]) ** 2 if metric == "ordinal" else np.ones_like(rank[a])
    by_chance = ratio((n[a] * n[b] * apart).sum(axis=0), total * (total - 1))
    observed = ratio((part[:-grades] * apart).sum(axis=0), part[-grades:].sum(axis=0))
    return 1 - ratio(observed, by_chance)


def ratio(a: Float64, b: Float64) -> Float64:
    """Divide; NaN where it is 0/0."""
    with np.errstate(invalid="ignore"):
        return np.asarray(a / b)


def kappa(confusion: Int64, *, weighted: bool) -> float | None:
    """Return Cohen's kappa of counts `(G, G)`, one rater's grades by the other's.

    Weighted linearly, or every difference alike. None where it is 0/0: no counts, or both gave one
    and the same grade throughout.
    """
    at = np.arange(len(confusion))
    apart = np.abs(at[:, None] - at).clip(max=None if weighted else 1)
    by_chance = int((np.outer(confusion.sum(axis=1), confusion.sum(axis=0)) * apart).sum())
    observed = int((confusion * apart).sum() * confusion.sum())
    return 1 - observed / by_chance if by_chance else None


def overlap(labels: Sequence[Label], answers_from: int) -> Float64:
    """Return by ascending item `(I,)` the F1 of marked characters, the mean over pairs of raters.

    2 |A and B| / (|A| + |B|) of those who graded `answers_from` or above and marked something, as
    in `decide`; a character marked twice counts once. Who found an answer but marked nothing did
    not say where: they are left out, as one who did not grade is. NaN where fewer than two are
    left. No labels: `(0,)`.
    """
    rows = [
        (label.item, label.rater, span.start, span.end)
        for label in labels
        if label.grade is not None and label.grade >= answers_from
        for span in label.spans
    ]
    items = np.unique(np.array([label.item for label in labels], np.int64))
    item, rater, start, end = np.array(rows, np.int64).reshape(-1, 4).T
    width = end.max(initial=0) + 1  # of an item: they are laid out on one line
    first = np.searchsorted(items, item) * width
    edges = np.unique([first + start, first + end])
    raters, row = np.unique(rater, return_inverse=True)
    steps = np.zeros((len(raters), len(edges)), np.int64)
    np.add.at(steps, (row, np.searchsorted(edges, first + start)), 1)
    np.add.at(steps, (row, np.searchsorted(edges, first + end)), -1)
    marked = np.where(steps.cumsum(axis=1) > 0, np.diff(edges, append=edges[-1:]), 0)
    return _means(marked, edges // width, len(items))


def _means(marked: Int64, item: Int64, items: int) -> Float64:
    """Return `(I,)` from how many characters of a piece of an item each rater marked, `(R, S)`.

    `item`, `(S,)`, says which item the piece is of; nobody's mark ends within a piece.
    """
    size = [np.bincount(item, row, items) for row in marked]
    total, pairs = np.zeros(items), np.zeros(items)
    for a, b in combinations(range(len(marked)), 2):
        common = np.bincount(item, np.minimum(marked[a], marked[b]), items)
        total += 2 * common / np.maximum(size[a] + size[b], 1)
        pairs += (size[a] > 0) & (size[b] > 0)
    return ratio(total, pairs)
