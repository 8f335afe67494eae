"""Verification: a change is tried on the tuning half of the queries, then once on the others.

The split follows the queries' ids: within each set of tags, taken in the gold set's order, the
first of two goes where the hash of its id says, and the second to the other half. A query that is
added moves no other. A look at the held-out half uses it up a little: of every 40 looks at changes
that do nothing, one comes out better by chance; `WORN_OUT` says when that is too many.
"""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from goldsets.evaluation import power, stats
from goldsets.evaluation.measures import Measure
from goldsets.evaluation.score import score
from goldsets.evaluation.spec import Variant
from goldsets.evaluation.stats import Estimate
from goldsets.evaluation.sweep import Board, cost_of
from goldsets.evaluation.words import count, points
from goldsets.types import GoldSet
from retrieval.cost import money
from retrieval.pipeline import Pipeline
from retrieval.types import Bool, Float64

SAME = 1e-9
WORN_OUT = 20
"""Looks at a held-out half after which half a change is expected to have held by chance."""


MARGIN = 1.12
"""What passing both halves takes more than one interval: simulated with gains of -1, 0 and 1."""


class Badge(StrEnum):
    """What came of a change."""

    VERIFIED = "verified"
    CANNOT_TELL = "helps, cannot tell"
    REJECTED = "rejected"
    WORSE = "made it worse"


@dataclass(frozen=True)
class Scored:
    """A pipeline on some queries: values `(Q,)`, NaN where undefined, and tokens to read `(Q,)`."""

    values: Float64
    tokens: Float64


@dataclass(frozen=True)
class Trial:
    """What a change did; differences are paired, query by query.

    `held_out` is None where the tuning half spoke against it, so that nobody looked. `fixes` and
    `breaks` are the ids of queries that the change made better and worse, on every half looked at.
    `tokens` is the mean difference of what a reader gets, `cost_usd` that of what vendors take to
    index the corpus from nothing, None where a price is unknown.
    """

    badge: Badge
    tuning: Estimate
    held_out: Estimate | None
    fixes: tuple[str, ...]
    breaks: tuple[str, ...]
    tokens: float
    cost_usd: float | None


def tuning_half(gold: GoldSet) -> Bool:
    """Tell which queries belong to the tuning half, `(Q,)`."""
    tuning = np.zeros(len(gold.queries), bool)
    strata = defaultdict(list)
    for row, query in enumerate(gold.queries):
        strata[tuple(sorted(query.tags))].append(row)
    for rows in strata.values():
        for place, row in enumerate(rows):
            leader = gold.queries[rows[place - place % 2]].id
            tuning[row] = (hashlib.sha256(leader.encode()).digest()[0] + place) % 2 == 0
    return tuning


def halves(board: Board) -> tuple[Board, Board]:
    """Divide a board's queries into the tuning half and the held-out one."""
    tuning = tuning_half(board.gold)
    return board.only(np.flatnonzero(tuning)), board.only(np.flatnonzero(~tuning))


def scored(board: Board, pipeline: Pipeline, measure: Measure) -> Scored:
    """Run a pipeline on a board's queries; the rankings are not kept."""
    index = pipeline.ingest(board.corpus, board.rt)
    steps = pipeline.steps(index, board.queries, board.rt, passing=True)
    ids = steps.context.value.ids
    top = ids[:, : measure.cutoff] if not measure.unit else ids
    tokens = np.append(index.tokens.value, 0)[top]  # the pad -1 takes the last
    values = score(board.target(index), ids[None], [measure])[0, 0]
    return Scored(values, tokens.sum(axis=1).astype(np.float64))


def tried(board: Board, base: Pipeline, changed: Pipeline, measure: Measure) -> Trial:
    """Try a change on the tuning half and, if it helps there, once on the held-out half."""
    tuning, held_out = halves(board)
    seen = [_Compared.of(tuning, base, changed, measure)]
    if helps(seen[0].gain):
        seen.append(_Compared.of(held_out, base, changed, measure))
    estimates = [estimate(c.gain) for c in seen]
    tokens = np.concatenate([c.tokens for c in seen])
    return Trial(
        badge(estimates[-1], held_out=len(seen) > 1),
        estimates[0],
        estimates[1] if len(seen) > 1 else None,
        tuple(i for c in seen for i in c.ids(c.gain > SAME)),
        tuple(i for c in seen for i in c.ids(c.gain < -SAME)),
        float(tokens.mean()) if len(tokens) else 0.0,
        _dearer(board, base, changed),
    )


def detectable(queries: int, spread: float = power.SPREAD) -> float | None:
    """Return the true gain that so many held-out queries verify in 4 of 5 cases; None: too few."""
    found = power.smallest(queries, spread)
    return None if found is None else MARGIN * found


def helps(gain: Float64) -> bool:
    """Tell whether a change helps on the queries it was chosen on, by gains `(Q,)`."""
    seen = gain[~np.isnan(gain)]
    return bool(len(seen) and seen.mean() > SAME)


def estimate(gain: Float64) -> Estimate:
    """Estimate a mean gain."""
    return stats.intervals(gain[None])[0]


def _dearer(board: Board, base: Pipeline, changed: Pipeline) -> float | None:
    before, after = (cost_of(board.prepare(Variant("", p)), board) for p in (base, changed))
    return None if before is None or after is None else after - before


def badge(difference: Estimate, *, held_out: bool) -> Badge:
    """Name what a paired difference says of a change; it is sure at 95 %.

    Nothing is verified on queries that it was chosen on.
    """
    mean, low, high = difference.mean or 0.0, difference.low or 0.0, difference.high or 0.0
    if held_out and low > SAME:
        return Badge.VERIFIED
    if high < -SAME:
        return Badge.WORSE
    return Badge.CANNOT_TELL if mean > SAME else Badge.REJECTED


def phrase(trial: Trial) -> str:
    """Say what came of a change in one sentence."""
    seen = trial.held_out or trial.tuning
    if seen.mean is None or seen.low is None or seen.high is None:
        return f"{trial.badge}: no query defines the measure"
    low, high = points(seen.low, signed=True), points(seen.high, signed=True)
    where = "held-out" if trial.held_out else "tuning"
    more = round(trial.tokens)
    costs = f"; {abs(more):,} {'more' if more > 0 else 'fewer'} tokens a query" if more else ""
    if trial.cost_usd:
        costs += (
            f"; {money(abs(trial.cost_usd))} {'more' if trial.cost_usd > 0 else 'less'} to index"
        )
    return (
        f"{trial.badge}: {points(seen.mean, signed=True)} points ({low} to {high}) on"
        f" {count(seen.queries, f'{where} query', f'{where} queries')};"
        f" fixes {len(trial.fixes)}, breaks {len(trial.breaks)}{costs}"
    )


@dataclass(frozen=True)
class _Compared:
    """A change on one half: what each query gains, and the tokens more there are to read."""

    board: Board
    gain: Float64
    tokens: Float64

    @classmethod
    def of(cls, board: Board, base: Pipeline, changed: Pipeline, measure: Measure) -> "_Compared":
        before, after = scored(board, base, measure), scored(board, changed, measure)
        return cls(board, after.values - before.values, after.tokens - before.tokens)

    def ids(self, chosen: Bool) -> list[str]:
        """Return the ids of some of the queries."""
        queries = self.board.gold.queries
        return [q.id for q, here in zip(queries, chosen, strict=True) if here]
