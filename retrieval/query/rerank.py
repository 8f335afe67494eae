"""Rerank: look again, and closer, at the first candidates.

A reranker sees the first `top_n` candidates of each query and orders them anew. The rest follows in
its old order, with scores below theirs, so that no reranker loses a candidate and `top_n` may be
varied alone. No cross-encoder is among these: they need no key and no model beyond e5-small.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from retrieval.index import Index
from retrieval.ingest.late import TokenEmbedder, token_vectors
from retrieval.providers.local import LocalTokens
from retrieval.runtime import Made, Runtime
from retrieval.stage import Stage, require
from retrieval.types import Bool, Candidates, Chunks, Corpus, Float32, Float64, Int32, Queries


@dataclass(frozen=True)
class Reranker(Stage[Candidates]):
    """Orders the first `top_n` candidates anew; the rest follows as it was."""

    top_n: int = 150
    product: ClassVar[type[Candidates]] = Candidates

    def __post_init__(self) -> None:
        require(1 <= self.top_n <= 10_000, self, "top_n", "from 1 to 10,000")

    @property
    def late_model(self) -> TokenEmbedder | None:
        """Return what embeds the candidates token by token, None where nothing does."""
        return None

    @property
    def reads_context(self) -> bool:
        """Tell whether it reads the candidates, with what stands beside them."""
        return True

    def rerank(
        self,
        index: Index,
        queries: Made[Queries],
        pool: Made[Candidates],
        found: Sequence[Made[Candidates]],
        rt: Runtime,
    ) -> Made[Candidates]:
        """Return the pool in a new order; `found` are the lists of the first stages."""
        return rt.run(self, index.corpus, index.chunks, queries, pool)


@dataclass(frozen=True)
class Scorer(Reranker):
    """Scores each candidate by its text; the score does not depend on the other candidates."""

    @property
    @abstractmethod
    def judge(self) -> str:
        """Name what a score depends on besides the texts."""

    @abstractmethod
    def scores(
        self, corpus: Corpus, chunks: Chunks, queries: Queries, rt: Runtime, ids: Int32
    ) -> Float64:
        """Score candidates `(Q, n)`."""

    def apply(
        self, corpus: Corpus, chunks: Chunks, queries: Queries, pool: Candidates, rt: Runtime
    ) -> Candidates:
        """Rank by the scores; those a lesser `top_n` has asked for a moment ago are taken over."""
        top = pool.top(self.top_n).ids
        deep = rt.recent(self.judge, (corpus, chunks, queries, pool), lambda: Deep(len(top)))
        new = top[:, deep.scores.shape[1] :]
        if new.size:
            deep.scores = np.hstack([deep.scores, self.scores(corpus, chunks, queries, rt, new)])
        return reordered(pool, deep.scores[:, : top.shape[1]])


@dataclass(frozen=True)
class MaxSim(Scorer):
    """Late interaction: the mean over query tokens of the nearest token of the chunk.

    Tokens are seen in the context of their chunk. Source: Khattab and Zaharia, "ColBERT" (2020);
    here with the token vectors of a model that was trained for their mean alone.
    """

    embed: ClassVar[TokenEmbedder] = LocalTokens()

    @property
    def versions(self) -> list[Any]:
        """Return the revision and the model's: another version makes other scores."""
        return [*super().versions, *self.embed.versions]

    @property
    def late_model(self) -> TokenEmbedder | None:
        """Return the model."""
        return self.embed

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say whether the model is not here."""
        return self.embed.lacking

    @property
    def judge(self) -> str:
        """Name the model."""
        return f"MaxSim {self.embed.identity}"

    def _asked(self, queries: Queries, rt: Runtime) -> list[Float32]:
        return [v for batch in token_vectors(self.embed, queries.texts, "query", rt) for v in batch]

    def scores(
        self, corpus: Corpus, chunks: Chunks, queries: Queries, rt: Runtime, ids: Int32
    ) -> Float64:
        """Compare candidates with their queries, chunk by chunk: similarities from -1 to 1.

        Each distinct chunk is embedded once ever. The last bits of a score are those of the product
        of matrices that it was in.
        """
        asked = rt.recent(self.embed.identity, (queries,), lambda: self._asked(queries, rt))
        row, place = np.nonzero(ids >= 0)
        order = np.argsort(ids[row, place], kind="stable")
        row, place = row[order], place[order]
        distinct, first = np.unique(ids[row, place], return_index=True)
        texts = [chunks.indexed(corpus, int(c)) for c in distinct]
        scores = np.full(ids.shape, -np.inf)
        vectors = (v for b in token_vectors(self.embed, texts, "passage", rt) for v in b)
        for own, a, b in zip(vectors, first, [*first, len(row)][1:], strict=True):
            scores[row[a:b], place[a:b]] = max_sim([asked[q] for q in row[a:b]], own)
        return scores


class Deep:
    """The scores `(Q, n)` of a pool's first candidates, as deep as somebody looked."""

    def __init__(self, queries: int) -> None:
        self.scores: Float64 = np.empty((queries, 0))


def max_sim(queries: Sequence[Float32], passage: Float32) -> Float64:
    """Compare unit vectors `(tokens, d)` of each query with a passage's; 0 where one has none."""
    if not len(passage):
        return np.zeros(len(queries))
    nearest = (np.concatenate(queries) @ passage.T).max(axis=1)
    length = np.array([len(q) for q in queries])
    total = np.bincount(np.repeat(np.arange(len(queries)), length), nearest, len(queries))
    return np.asarray(total / np.maximum(length, 1), np.float64)


@dataclass(frozen=True)
class Rescore(Reranker):
    """A rescorer: standardised scores of the first stages and of MaxSim, and the document's best.

    Within a query each list's scores are brought to mean 0 and deviation 1 and summed, MaxSim's
    times `late`; a candidate that a list lacks gets that list's least. Then `document` times the
    best sum in its document is added to each. With `late` 0 there is no model. The weights are
    plain numbers, not learned.
    """

    late: float = 1.0
    document: float = 1.0
    max_sim: ClassVar[type[MaxSim]] = MaxSim

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.late < np.inf, self, "late", "a number of at least 0")
        require(0 <= self.document < np.inf, self, "document", "a number of at least 0")

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say whether MaxSim's model is not here; with `late` 0 it is not needed."""
        return self.max_sim().lacking if self.late else ()

    @property
    def late_model(self) -> TokenEmbedder | None:
        """Return MaxSim's model, where it has a say."""
        return self.max_sim().late_model if self.late else None

    @property
    def reads_context(self) -> bool:
        """Tell whether MaxSim has a say; scores alone read nothing."""
        return bool(self.late)

    def rerank(
        self,
        index: Index,
        queries: Made[Queries],
        pool: Made[Candidates],
        found: Sequence[Made[Candidates]],
        rt: Runtime,
    ) -> Made[Candidates]:
        """Take MaxSim's ranking of the pool as one list more."""
        lists = [*found]
        if self.late:
            lists.append(self.max_sim(self.top_n).rerank(index, queries, pool, found, rt))
        return rt.run(self, index.chunks, pool, *lists)

    def apply(
        self, chunks: Chunks, pool: Candidates, *lists: Candidates, rt: Runtime
    ) -> Candidates:
        """Sum the features; `lists` are the first stages' and, unless `late` is 0, MaxSim's."""
        top = pool.top(self.top_n).ids
        n, late = top.shape[1], lists[-1:] if self.late else ()
        total = np.zeros(top.shape)
        for ranking in lists[: len(lists) - len(late)]:
            found = rt.recent("Rescore", (ranking, pool), partial(scores_in, ranking, pool.ids))
            total += standardised(found[:, :n], top >= 0)
        for ranking in late:
            total += self.late * standardised(scores_in(ranking.top(n), top), top >= 0)
        if self.document:
            total += self.document * best_of_document(chunks, top, total)
        return reordered(pool, total)


RERANKERS: tuple[type[Reranker], ...] = (Rescore, MaxSim)


def reordered(pool: Candidates, scores: Float64) -> Candidates:
    """Rank the first n of a pool by `scores` `(Q, n)`, ties by the lower chunk number.

    What is behind them keeps its order; its scores are the least of theirs minus 1, 2, 3, ...
    """
    head, tail = np.split(pool.ids, [scores.shape[1]], axis=1)
    scores = np.where(head >= 0, scores, -np.inf)
    order = np.lexsort((head, -scores), axis=1)
    least = np.min(scores, axis=1, keepdims=True, where=head >= 0, initial=np.inf)
    below = np.where(np.isfinite(least), least, 0.0) - np.arange(1, tail.shape[1] + 1)
    return Candidates(
        np.hstack([np.take_along_axis(head, order, axis=1), tail]),
        np.hstack([np.take_along_axis(scores, order, axis=1), np.where(tail >= 0, below, -np.inf)]),
    )


def scores_in(ranking: Candidates, ids: Int32) -> Float64:
    """Return the scores `(Q, n)` that a list gives to chunks; its least to those it lacks."""
    there = ranking.ids >= 0
    least = np.min(ranking.scores, axis=1, keepdims=True, where=there, initial=np.inf)
    found = np.broadcast_to(np.where(there.any(axis=1, keepdims=True), least, 0.0), ids.shape)
    if not there.any():
        return found.copy()
    order = np.argsort(ranking.ids, axis=1)
    span = int(max(ranking.ids.max(), ids.max(initial=0))) + 2
    row = np.arange(len(ids), dtype=np.int64)[:, None] * span + 1
    known = (np.take_along_axis(ranking.ids, order, axis=1) + row).ravel()  # ascending
    at = np.searchsorted(known, ids + row).clip(max=len(known) - 1)
    scores = np.take_along_axis(ranking.scores, order, axis=1).ravel()
    return np.where((known[at] == ids + row) & (ids >= 0), scores[at], found)


def standardised(scores: Float64, present: Bool) -> Float64:
    """Bring each query's scores to mean 0 and deviation 1; 0 where they are equal or absent."""
    n = np.maximum(present.sum(axis=1, keepdims=True), 1)
    centred = scores - np.sum(scores, axis=1, keepdims=True, where=present) / n
    width = np.sqrt(np.sum(centred**2, axis=1, keepdims=True, where=present) / n)
    return np.where(present & (width > 1e-12), centred / np.maximum(width, 1e-12), 0.0)


def best_of_document(chunks: Chunks, ids: Int32, scores: Float64) -> Float64:
    """Return for each candidate `(Q, n)` the best score among those of its document; 0 for none."""
    row, place = np.nonzero(ids >= 0)
    best = np.zeros(ids.shape)
    if len(row):
        document = chunks.document[ids[row, place]].astype(np.int64)
        of = row * (int(document.max()) + 1) + document
        _, group = np.unique(of, return_inverse=True)
        most = np.full(int(group.max()) + 1, -np.inf)
        np.maximum.at(most, group, scores[row, place])
        best[row, place] = most[group]
    return best
