"""Assemble: what of the ranking reaches the reader, under a hard cap."""

from dataclasses import dataclass

import numpy as np

from retrieval.runtime import Runtime
from retrieval.stage import Stage, require
from retrieval.types import Candidates, Int32


@dataclass(frozen=True)
class Assembler(Stage[Candidates]):
    """Chooses and orders the chunks of the context."""


@dataclass(frozen=True)
class InRankOrder(Assembler):
    """The first `k` chunks in rank order, as many as fit whole into `max_tokens` (o200k)."""

    k: int = 150
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        require(1 <= self.k <= 10_000, self, "k", "from 1 to 10,000")
        fits = self.max_tokens is None or self.max_tokens >= 1
        require(fits, self, "max_tokens", "at least 1 token, or nothing for no cap")

    def apply(self, ranking: Candidates, tokens: Int32, rt: Runtime) -> Candidates:
        """Cut the ranking; `tokens` is each chunk's number of tokens, `(C,)`."""
        top = ranking.top(self.k)
        if self.max_tokens is None or not len(tokens):
            return top
        used = np.cumsum(np.where(top.ids < 0, 0, tokens[top.ids]), axis=1)
        kept = (used <= self.max_tokens) & (top.ids >= 0)
        return Candidates(
            np.where(kept, top.ids, np.int32(-1)), np.where(kept, top.scores, -np.inf)
        )


ASSEMBLERS: tuple[type[Assembler], ...] = (InRankOrder,)
