"""Whether synthetic queries look like real ones, by what can be measured of a query.

Each measure is compared by how often it is higher for a synthetic query than for a real one (the
area under the ROC curve, AUC; 0.5 is the aim), all of them together by whether a classifier tells
the two apart on queries it was not fitted to. It is a logistic regression; the AUC is the mean over
folds, and over several ways to cut them. Values of one cut lean on each other, so its interval is
that of half as many queries: simulated with five measures and 20 to 300 queries a side, it holds
0.5 in 96 to 97 of 100 sets where there is nothing to tell, and the truth in 91 to 100 where there
is (as many as there are would hold 0.5 in 83 to 86).

Sources: Friedman, "On Multivariate Goodness-of-Fit and Two-Sample Testing" (2003); Hastie,
Tibshirani and Friedman, "The Elements of Statistical Learning" (2009), section 4.4.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process

from goldsets.evaluation.no_answer import auc, auc_interval
from goldsets.evaluation.stats import SEED
from goldsets.evaluation.words import count
from retrieval.errors import InputError
from retrieval.types import Bool, Float32, Float64, Int64

FEWEST = 20
"""Queries of a side below which nothing is compared."""
FOLDS = 5
TIMES = 5
RIDGE = 1.0
TINY = 1e-9
STEPS = 50
REPEATED = 90.0
"""How alike, of 100, two queries are that are the same string but for trifles."""

WORDS, RUN, RARE = "words", "words in a row of the evidence", "rare words of the evidence"
COSINE, NEAREST = "cosine to the evidence", "distance to the nearest real query"
LEAKS = (RUN, RARE)
"""What a query has more of than real ones where it was made of the text it should find."""


@dataclass(frozen=True)
class Seen:
    """Queries of one origin and what is measured of each, `(Q,)` by name, NaN where it cannot be.

    `kinds` are empty strings for real queries.
    """

    texts: tuple[str, ...]
    kinds: tuple[str, ...]
    measured: Mapping[str, Float64]

    def only(self, rows: Int64) -> "Seen":
        """Return some of the queries."""
        texts, kinds = (tuple(held[i] for i in rows) for held in (self.texts, self.kinds))
        return Seen(texts, kinds, {name: values[rows] for name, values in self.measured.items()})


@dataclass(frozen=True)
class Area:
    """An AUC with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Distribution:
    """One measure on both sides, and how often it is higher for a synthetic query."""

    name: str
    real: Float64
    synthetic: Float64
    higher: Area


@dataclass(frozen=True)
class Repeated:
    """A synthetic query that says what a real one says, and how alike they are, of 100."""

    synthetic: str
    real: str
    ratio: float


@dataclass(frozen=True)
class Likeness:
    """Real queries beside synthetic ones; `told_apart` is the classifier's AUC."""

    real: int
    synthetic: int
    distributions: tuple[Distribution, ...]
    told_apart: Area | None
    repeated: tuple[Repeated, ...]

    @property
    def leaks(self) -> list[Distribution]:
        """Return what says that synthetic queries repeat their evidence more than real ones do."""
        return [d for d in self.distributions if d.name in LEAKS and d.higher.low > 0.5]


def compared(real: Seen, synthetic: Seen, seed: int = SEED) -> Likeness:
    """Compare queries by what both sides have measured.

    Raises:
        InputError: a side has too few queries.
    """
    for side, seen in (("real", real), ("synthetic", synthetic)):
        if len(seen.texts) < FEWEST:
            found = count(len(seen.texts), f"{side} query", f"{side} queries")
            raise InputError(f"{found}; {FEWEST} are needed to compare")
    pairs = {n: (v, synthetic.measured[n]) for n, v in real.measured.items()}
    known = {n: p for n, p in pairs.items() if all(np.isfinite(v).sum() >= FEWEST for v in p)}
    return Likeness(
        len(real.texts),
        len(synthetic.texts),
        tuple(_distribution(name, *pair) for name, pair in known.items()),
        told_apart(_rows(real, known), _rows(synthetic, known), seed),
        repeated(synthetic.texts, real.texts),
    )


def _rows(seen: Seen, names: Iterable[str]) -> Float64:
    """Return what a classifier sees, `(Q, F)`: counts by their logarithm."""
    counts = (WORDS, RUN)
    columns = {n: np.log1p(v) if n in counts else v for n, v in seen.measured.items()}
    return np.stack([columns[n] for n in names], axis=1)


def _distribution(name: str, real: Float64, synthetic: Float64) -> Distribution:
    a, b = real[np.isfinite(real)], synthetic[np.isfinite(synthetic)]
    higher = auc(b, a)
    return Distribution(name, a, b, Area(higher, *auc_interval(higher, len(b), len(a))))


def told_apart(real: Float64, synthetic: Float64, seed: int = SEED) -> Area | None:
    """Return how well a classifier tells real `(M, F)` from synthetic `(N, F)` rows it never saw.

    Rows with NaN are left out; None where a side has too few others.
    """
    sides = [rows[np.isfinite(rows).all(axis=1)] for rows in (real, synthetic)]
    if min(map(len, sides)) < FEWEST:
        return None
    labels = np.repeat([0.0, 1.0], [len(rows) for rows in sides])
    rows, rng = np.concatenate(sides), np.random.default_rng(seed)
    areas = [_one_cut(rows, labels, _folds(labels, rng)) for _ in range(TIMES)]
    value, (m, n) = float(np.mean(areas)), (len(side) // 2 for side in sides)
    return Area(value, *auc_interval(value, n, m))


def _folds(labels: Float64, rng: np.random.Generator) -> Int64:
    """Deal the rows of each label out to the folds."""
    fold = np.empty(len(labels), np.int64)
    for label in (0.0, 1.0):
        own = rng.permutation(np.flatnonzero(labels == label))
        fold[own] = np.arange(len(own)) % FOLDS
    return fold


def _one_cut(rows: Float64, labels: Float64, fold: Int64) -> float:
    areas = []
    for held in range(FOLDS):
        seen, other = fold != held, fold == held
        middle, spread = rows[seen].mean(axis=0), rows[seen].std(axis=0)
        scaled = (rows - middle) / np.where(spread > 0, spread, 1)
        scores = scaled[other] @ fitted(scaled[seen], labels[seen])[1:]
        areas.append(_area(scores, labels[other] == 1))
    return float(np.mean(areas))


def _area(scores: Float64, positive: Bool) -> float:
    return auc(scores[positive], scores[~positive])


def fitted(rows: Float64, labels: Float64, ridge: float = RIDGE) -> Float64:
    """Fit a logistic regression `(1 + F,)`, the intercept first, by Newton's steps.

    It minimises the negative log-likelihood + ridge / 2 · |slopes|².
    """
    design = np.column_stack([np.ones(len(rows)), rows])
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = TINY
    weights = np.zeros(design.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (p - labels) + penalty * weights
        curvature = (design * (p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def repeated(synthetic: Sequence[str], real: Sequence[str]) -> tuple[Repeated, ...]:
    """List synthetic queries that are a real one, or all but it, the likest first.

    A model that knows the application's queries by heart shows in these.
    """
    a, b = ([" ".join(text.casefold().split()) for text in side] for side in (synthetic, real))
    if not a or not b:
        return ()
    alike = process.cdist(a, b, scorer=fuzz.ratio, score_cutoff=REPEATED)
    found = [
        Repeated(text, real[j], round(float(alike[i, j]), 1))
        for i, (text, j) in enumerate(zip(synthetic, alike.argmax(axis=1).tolist(), strict=True))
        if alike[i, j] >= REPEATED
    ]
    return tuple(sorted(found, key=lambda r: -r.ratio))


def nearest(queries: Float32, real: Float32, *, own: bool) -> Float64:
    """Return the cosine distance of each query's vector to the nearest real one's, `(Q,)`.

    `own`: they are the real ones themselves, each compared with the others.
    """
    alike = queries @ real.T
    if own:
        np.fill_diagonal(alike, -np.inf)
    return np.asarray(1 - alike.max(axis=1, initial=-1.0), np.float64)
