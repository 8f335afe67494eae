"""The loop: diagnose, suggest, race, take the winner; again until nothing helps, then verify once.

All of it happens on the tuning half. A race is successive halving by paired differences (Jamieson
and Talwalkar, 2016): the candidates run on a quarter of the queries, the better half of them on
half, the better half of these on all. The held-out half is looked at once, at the end.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldsets.diagnosis.attribute import diagnose
from goldsets.diagnosis.suggest import Suggestion, suggestions
from goldsets.diagnosis.trail import trail
from goldsets.diagnosis.verify import (
    SAME,
    Scored,
    Trial,
    estimate,
    halves,
    helps,
    scored,
    tried,
)
from goldsets.evaluation.measures import Measure
from goldsets.evaluation.outlays import to_embed
from goldsets.evaluation.stats import Estimate
from goldsets.evaluation.sweep import Board
from retrieval.errors import PizzaError, Stopped
from retrieval.ingest.embed import count_missing
from retrieval.pipeline import Pipeline
from retrieval.providers.local import Local
from retrieval.query.rerank import MaxSim, Rescore
from retrieval.types import Float64, Int64

STEPS = 8
"""Changes that are taken at most."""

MINUTES = 15.0
"""How long a loop looks for changes; one that is being tried is finished."""

SLOWER = 8
"""How much longer e5-small takes over a text than use-m3."""

CHEAP = 5_000
"""Hundreds of tokens that may be embedded for a change to be tried at once; the dear wait."""

LEAST = 16
"""Queries of the smallest round of a race."""


@dataclass(frozen=True)
class Step:
    """A change that was taken: its gain on the tuning half, and how many it was raced against."""

    suggestion: Suggestion
    gain: Estimate
    raced: int
    seconds: float


@dataclass(frozen=True)
class Improvement:
    """What a loop came to.

    `trial` compares the last pipeline with the first, on the held-out half if it helped; None where
    nothing was taken. `unfixed` are the ids of tuning queries that no pipeline tried answers whole;
    `errors` says what could not be tried.
    """

    base: Pipeline
    best: Pipeline
    steps: tuple[Step, ...]
    trial: Trial | None
    unfixed: tuple[str, ...]
    errors: tuple[str, ...]


class Race:
    """Candidates on the tuning half; remembers what was best for each query."""

    def __init__(self, board: Board, measure: Measure, until: float) -> None:
        self.board, self.measure, self.until = board, measure, until
        self.best: Float64 = np.full(len(board.gold.queries), -np.inf)
        self.errors: dict[str, None] = {}
        names = [hashlib.sha256(q.id.encode()).digest() for q in board.gold.queries]
        self.order = np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)

    def rounds(self) -> list[Int64]:
        """Return the queries of each round: a quarter, a half, all."""
        n = len(self.order)
        sizes = [n // part for part in (4, 2) if n // part >= LEAST]
        return [*(self.order[:size] for size in sizes), self.order]

    def run(self, pipeline: Pipeline, queries: Int64) -> Scored:
        """Score a pipeline on some of the queries."""
        every = len(queries) == len(self.order)
        board = self.board if every else self.board.only(np.sort(queries))
        found = scored(board, pipeline, self.measure)
        if every:
            self.best = np.fmax(self.best, found.values)
        return found

    def won(
        self, base: Pipeline, candidates: Sequence[Suggestion]
    ) -> tuple[Suggestion, Estimate] | None:
        """Return the candidate that gains most over the base, with its gain; None if none does.

        What is dear to try runs only where nothing cheap gains.
        """
        labour = {id(c): self._labour(c) for c in candidates}
        ordered = sorted(candidates, key=lambda c: labour[id(c)])
        cheap = [c for c in ordered if labour[id(c)] <= CHEAP]
        return self._won(base, cheap) or self._won(base, ordered[len(cheap) :])

    def _won(
        self, base: Pipeline, candidates: Sequence[Suggestion]
    ) -> tuple[Suggestion, Estimate] | None:
        left = list(candidates)
        gains: dict[int, Float64] = {}
        for queries in self.rounds() if left else ():
            before = self.run(base, queries)
            gains = {}
            for i, candidate in enumerate(left):
                after = self._tried(candidate, queries)
                if after is not None:
                    gains[i] = after.values - before.values
            places = sorted(gains, key=lambda i: -_mean(gains[i]))
            if len(queries) < len(self.order):
                left = [left[i] for i in places[: max(1, (len(places) + 1) // 2)]]
        if not gains:
            return None
        first = max(gains, key=lambda i: _mean(gains[i]))
        gain = gains[first]
        if not helps(gain) or (gain > SAME).sum() <= (gain < -SAME).sum():
            return None
        return left[first], estimate(gain)

    def _labour(self, candidate: Suggestion) -> int:
        """Estimate what trying takes: hundreds of tokens to embed, e5-small's counting more."""
        p = candidate.pipeline
        if p is None:
            return 0
        late = (isinstance(p.rerank, Rescore) and p.rerank.late) or isinstance(p.rerank, MaxSim)
        labour = SLOWER * len(self.order) * p.pool if late else 0
        for index in to_embed(p, p.ingest(self.board.corpus, self.board.rt)):
            chunks, tokens = index.chunks.value, index.tokens.value
            texts = (chunks.indexed(self.board.corpus, i) for i in range(len(chunks)))
            missing = count_missing(p.embed, texts, "passage", self.board.rt)
            usual = int(tokens.mean()) // 100 + 1 if len(tokens) else 1
            labour += missing * usual * (SLOWER if p.embed == Local("e5-small") else 1)
        return labour

    def _tried(self, candidate: Suggestion, queries: Int64) -> Scored | None:
        if time.monotonic() > self.until:
            self.errors[f"{candidate.title}: not tried, the time was up"] = None
            return None
        try:
            return self.run(candidate.pipeline, queries) if candidate.pipeline else None
        except Stopped:
            raise
        except PizzaError as e:
            self.errors[f"{candidate.title}: {e}"] = None
            return None

    def unfixed(self) -> tuple[str, ...]:
        """Return the ids of the queries that nothing tried answers whole."""
        ids = (q.id for q in self.board.gold.queries)
        return tuple(i for i, b in zip(ids, self.best, strict=True) if b < 1 - SAME)


def improve(
    board: Board,
    base: Pipeline,
    measure: Measure,
    steps: int = STEPS,
    minutes: float = MINUTES,
) -> Improvement:
    """Improve a pipeline on the tuning half step by step, and verify the result on the other.

    Changes that would pay a vendor are left to people.
    """
    race = Race(halves(board)[0], measure, time.monotonic() + 60 * minutes)
    taken: list[Step] = []
    best = base
    for number in range(steps):
        begun = time.perf_counter()
        board.rt.progress(f"Step {number + 1}", number, steps)
        found = suggestions(diagnose(trail(race.board, best, measure, passing=True)))
        candidates = [s for s in found if s.pipeline and s.free]
        won = race.won(best, candidates)
        if won is None or won[0].pipeline is None:
            break
        taken.append(Step(*won, len(candidates), time.perf_counter() - begun))
        best = won[0].pipeline
    trial = tried(board, base, best, measure) if taken else None
    return Improvement(base, best, tuple(taken), trial, race.unfixed(), tuple(race.errors))


def _mean(gain: Float64) -> float:
    seen = gain[~np.isnan(gain)]
    return float(seen.mean()) if len(seen) else -np.inf
