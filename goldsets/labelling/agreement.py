"""How far raters agree, how sure that is, and who or what stands out.

The figure is Krippendorff's alpha: it sets the disagreement within items against what chance makes
of the same grades. Grades are ordinal; they may be missing, and "can't tell" is no grade. Alpha
needs only sums over items (`coefficients.meetings`): 10,000 resamples are one matrix product.

Source of the thresholds: Krippendorff, "Content Analysis" (2004), chapter 11. Intervals are
percentile ones at 95 %. They resample items, so they take the items for a random sample.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from goldsets.evaluation.stats import LEVEL, RESAMPLES, resamples
from goldsets.evaluation.words import count
from goldsets.labelling.coefficients import alphas, indicators, kappa, meetings, overlap, ratio
from goldsets.labelling.types import Label
from retrieval.errors import InputError
from retrieval.types import Bool, Float32, Float64, Int64

RELIABLE = 0.8
TENTATIVE = 0.667
FEWEST = 30
BLOCK = 32


@dataclass(frozen=True)
class Estimate:
    """A value and its interval, None where undefined, and the number of items it rests on.

    There is no interval below `FEWEST` items, nor where more than 5 % of the resamples leave the
    value undefined (nearly all grades are the same one). At an alpha near 1 it is too narrow on
    few items: simulated, 86 of 100 hold .89 on 30 items of two raters, 90 on 100, 94 on 200.
    """

    value: float | None
    low: float | None
    high: float | None
    items: int


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa of two raters over the items that both graded; None where undefined.

    Show `weighted`: grades are ordered, two apart is twice as bad as one. `plain` takes every
    difference alike.
    """

    raters: tuple[int, int]
    items: int
    plain: float | None
    weighted: float | None


@dataclass(frozen=True)
class Agreement:
    """How far the raters agree; `alpha`, by rater and by tag too, is the ordinal one.

    `items` have a final label, `shared_items` two grades; `spans` is the F1 of marked characters.
    """

    items: int
    shared_items: int
    alpha: Estimate
    kappas: tuple[Kappa, ...]
    spans: Estimate
    per_rater: Mapping[int, Estimate]
    per_tag: Mapping[str, Estimate]


def report(
    labels: Sequence[Label],
    tags_of_item: Mapping[int, tuple[str, ...]],
    grades: int,
    answers_from: int,
    seed: int = 0,
) -> Agreement:
    """Measure the agreement of final labels, in any order, one for an item and rater.

    A rater's value is 1 - how far their grades are from the others' on the same items / how far
    chance puts any two grades. Alpha is the mean of these values, weighted by shared items: who is
    below it pulls it down. (The alpha of a rater's items blames all who met the dissenter; a mean
    of kappas needs variation in each pair.) Two alone have one value: only a third can tell who.

    Raters without a grade are there, undefined; tags are those of shared items.

    Raises:
        InputError: a label that is not final, an adjudication, there twice, of an unknown grade.
    """
    items, raters, values = table(labels, grades)
    shared = np.flatnonzero((values >= 0).sum(axis=1) > 1)
    given, f1 = indicators(values[shared], grades), overlap(labels, answers_from)[shared]
    votes = given.sum(axis=1)
    met = [meetings(own, votes) for own in (votes, *given.transpose(1, 0, 2))]
    marked = np.stack([np.nan_to_num(f1), ~np.isnan(f1)], axis=1)
    number = RESAMPLES if len(shared) >= FEWEST else 0
    counts = resamples.__wrapped__(len(shared), seed, number)  # not kept: 40 kB for each item
    (f1_sum, f1_items), whole, *own = _sums([marked, *met], counts)
    return Agreement(
        len(items),
        len(shared),
        _estimate(alphas(whole, whole, grades), len(shared)),
        tuple(
            _kappas((raters[a], raters[b]), values[:, [a, b]], grades)
            for a, b in combinations(range(len(raters)), 2)
        ),
        _estimate(ratio(f1_sum, f1_items), int(f1_items[0])),
        {
            rater: _estimate(alphas(its, whole, grades), int(its[-grades:, 0].sum()))
            for rater, its in zip(raters, own, strict=True)
        },
        _per_tag(met[0], _tagged([items[i] for i in shared], tags_of_item), counts, grades),
    )


def verdict(agreement: Agreement) -> str:
    """Say in one sentence whether the grades can be relied on, as far as the interval tells.

    Krippendorff relies on data from an alpha of .800 on, tentatively from .667 on.
    """
    alpha, shared = agreement.alpha, count(agreement.shared_items, "shared item")
    if agreement.shared_items < FEWEST:
        return f"Too few to tell how far raters agree: {shared}, where {FEWEST} are needed."
    if alpha.value is None:
        return f"Cannot tell how far raters agree: all grades of {shared} are the same one."
    if alpha.low is None or alpha.high is None:
        return f"Cannot tell how far raters agree: nearly all grades of {shared} are the same one."
    found = f"alpha is {alpha.value:.2f} ({alpha.low:.2f} to {alpha.high:.2f}) on {shared}"
    if alpha.low >= RELIABLE:
        return f"The grades can be relied on: {found}, above Krippendorff's .800 for that."
    if alpha.low >= TENTATIVE:
        far = "below" if alpha.high < RELIABLE else "not surely above"
        return (
            f"The grades carry tentative conclusions: {found}, above Krippendorff's .667 for"
            f" these and {far} the .800 for relying on them."
        )
    least = "Krippendorff's .667, the least for tentative conclusions"
    if alpha.high < TENTATIVE:
        return f"The grades cannot be relied on: {found}, below {least}."
    return f"Too few shared items to tell: {found}, on both sides of {least}."


def table(labels: Iterable[Label], grades: int) -> tuple[list[int], list[int], Int64]:
    """Return items and raters, ascending, and grades `(I, R)`, -1 where missing.

    Raises:
        InputError: a label that is not final, an adjudication, there twice, of an unknown grade.
    """
    held: dict[tuple[int, int], int] = {}
    for label in labels:
        if not label.final or label.kind != "label" or (label.item, label.rater) in held:
            raise InputError(f"agreement takes one final label for an item and rater, not {label}")
        if label.grade is None:
            held[label.item, label.rater] = -1
        elif 0 <= label.grade < grades:
            held[label.item, label.rater] = label.grade
        else:
            raise InputError(f"grade must be from 0 to {grades - 1}, not {label.grade!r}")
    items, raters = sorted({i for i, _ in held}), sorted({r for _, r in held})
    row, column = ({known: at for at, known in enumerate(ids)} for ids in (items, raters))
    values = np.full((len(items), len(raters)), -1, np.int64)
    for (item, rater), grade in held.items():
        values[row[item], column[rater]] = grade
    return items, raters, values


def _kappas(raters: tuple[int, int], values: Int64, grades: int) -> Kappa:
    both = values[(values >= 0).all(axis=1)]
    confusion = np.bincount(both @ np.array([grades, 1]), minlength=grades**2)
    plain, weighted = (kappa(confusion.reshape(grades, -1), weighted=w) for w in (False, True))
    return Kappa(raters, len(both), plain, weighted)


def _tagged(items: Iterable[int], tags_of_item: Mapping[int, tuple[str, ...]]) -> dict[str, Bool]:
    """Return for each tag, in order, which items have it, `(I,)`."""
    tags = [set(tags_of_item.get(item, ())) for item in items]
    return {tag: np.array([tag in its for its in tags]) for tag in sorted(set().union(*tags))}


def _per_tag(
    meetings: Float64, tagged: Mapping[str, Bool], counts: Float32, grades: int
) -> dict[str, Estimate]:
    """Estimate alpha on the items of each tag; rare ones are not resampled."""
    found = {}
    for rare, drawn in ((True, counts[:0]), (False, counts)):
        tags = [tag for tag, here in tagged.items() if (here.sum() < FEWEST) == rare]
        parts = [meetings * tagged[tag][:, None] for tag in tags]
        for tag, its in zip(tags, _sums(parts, drawn), strict=True):
            found[tag] = _estimate(alphas(its, its, grades), int(tagged[tag].sum()))
    return dict(sorted(found.items()))


def _sums(parts: Sequence[Float64], counts: Float32) -> Iterator[Float64]:
    """Sum each `(I, C)` over items: as it is, then in each of N resamples; `(C, 1 + N)`."""
    for at in range(0, len(parts), BLOCK):
        block = parts[at : at + BLOCK]
        values = np.concatenate(block, axis=1)
        drawn = values.astype(np.float32).T @ counts.T
        sums = np.concatenate([values.sum(axis=0)[:, None], drawn], axis=1)
        yield from np.split(sums, np.cumsum([part.shape[1] for part in block])[:-1])


def _estimate(values: Float64, items: int) -> Estimate:
    """Make an estimate of a value and its resamples, `(1 + N,)`, NaN where undefined."""
    value = None if np.isnan(values[0]) else float(values[0])
    defined = values[1:][~np.isnan(values[1:])]
    if value is None or items < FEWEST or len(defined) < LEVEL * (len(values) - 1):
        return Estimate(value, None, None, items)
    tail, last, ordered = (1 - LEVEL) / 2, len(defined) - 1, np.sort(defined)
    low, high = ordered[math.floor(tail * last)], ordered[math.ceil((1 - tail) * last)]
    return Estimate(value, float(low), float(high), items)
