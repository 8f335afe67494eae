"""BM25 by its definition in rank-bm25, over all queries, from postings.

The weights are those of `rank_bm25` to the last bit: its own `_calc_idf` is fed our document
frequencies, and the sums run in query-term order, repeated terms included. A chunk that shares no
term with the query is not a hit, even where Okapi's negative scores or Plus's constants would put
it above one that does.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np

from retrieval.backends.select import best
from retrieval.index import Index
from retrieval.ingest.lexical import CountTerms, Postings
from retrieval.ingest.tokenize import TOKENIZERS, Tokenizer, Words
from retrieval.query.first import Retriever
from retrieval.runtime import Made, Runtime
from retrieval.stage import Stage, later, nested, require
from retrieval.types import Bool, Candidates, Chunks, Float64, Int32, Int64, Queries

PLUS_DELTA, L_DELTA = 1, 0.5  # rank-bm25's defaults
COMMON_SHARE = 4
"""A term in more than one chunk of this many is kept as a dense row."""


Variant = Literal["Okapi", "Plus", "L"]


@dataclass(frozen=True)
class BM25(Retriever):
    """Lexical search by BM25; `variant`, `k1`, `b` and their formulas are those of rank-bm25.

    `tokenize` decides what a term is. Filters choose among the chunks and leave the statistics (how
    rare a term is, how long a chunk) those of the whole corpus. Without `context` the words that
    `contextualize` puts beside the chunks are not counted. Source: Trotman, Puurula, Burgess,
    "Improvements to BM25 and Language Models Examined" (2014).
    """

    variant: Variant = "Okapi"
    k1: float = 1.5
    b: float = 0.75
    tokenize: Tokenizer = nested(*TOKENIZERS, default=Words())
    context: bool = later(True)

    def __post_init__(self) -> None:
        require(0 <= self.k1 <= 1000, self, "k1", "from 0 to 1000")
        require(0 <= self.b <= 1, self, "b", "from 0 to 1")

    @property
    def reads_context(self) -> bool:
        """Tell whether the words of contexts are counted."""
        return self.context

    def with_context(self) -> Self:
        """Return the stage with contexts switched on."""
        return replace(self, context=True)

    def search(
        self, index: Index, queries: Made[Queries], depth: int, rt: Runtime
    ) -> Made[Candidates]:
        """Return the best `depth` chunks of every query."""
        return rt.run(self, self._scorer(index, rt), queries, *index.narrowing, depth=depth)

    def as_if(self, index: Index, queries: Made[Queries], chunks: Chunks, rt: Runtime) -> Float64:
        """Count the chunks' terms and weigh them by the statistics of the index."""
        scorer, corpus, cut = (
            self._scorer(index, rt).value,
            index.corpus.value,
            self.tokenize.tokens,
        )
        texts = (chunks.indexed(corpus, i) for i in range(len(chunks)))
        pairs = zip(queries.value.texts, texts, strict=True)
        return np.array([scorer.one(cut(query), cut(text)) for query, text in pairs], np.float64)

    def _scorer(self, index: Index, rt: Runtime) -> "Made[Scorer]":
        terms = rt.run(self.tokenize, index.corpus)
        postings = rt.run(CountTerms(self.tokenize), index.corpus, terms, self.seen(index).chunks)
        return rt.run(Weigh(self.variant, self.k1, self.b), postings)

    def apply(
        self,
        scorer: "Scorer",
        queries: Queries,
        kept: Bool | None = None,
        *,
        depth: int,
        rt: Runtime,
    ) -> Candidates:
        """Score every query against the postings."""
        lists, room = [], np.empty(scorer.size)
        for i, text in enumerate(queries.texts):
            lists.append(scorer.top(self.tokenize.tokens(text), depth, room, kept))
            rt.progress("BM25", i + 1, len(queries))
        return Candidates.of_lists(lists, depth)


@dataclass(frozen=True)
class Weigh(Stage["Scorer"]):
    """Weigh every posting by one form of BM25."""

    variant: Variant
    k1: float
    b: float

    def apply(self, postings: Postings, rt: Runtime) -> "Scorer":
        """Return the weights, ready to be summed."""
        return Scorer(self, postings)


class Scorer:
    """The weights of one BM25 over one set of postings, and sums of them."""

    def __init__(self, stage: Weigh, postings: Postings) -> None:
        self.postings = postings
        self.size = len(postings.length)
        self._first: list[int] = postings.first.tolist()
        self.stage, self._idf = stage, (idf := _idf(stage, postings))
        self._average = int(postings.length.sum()) / max(self.size, 1)
        self._weight = _weights(stage, postings, idf, self._average)
        self._absent = idf * PLUS_DELTA if stage.variant == "Plus" else np.zeros(len(idf))
        self._plain: list[bool] = ((idf > 0) & (self._absent == 0)).tolist()
        """Terms for which a score above zero means exactly that one is shared."""
        self._rows: dict[int, Float64] = {}

    def scores(self, tokens: Sequence[str]) -> tuple[Float64, Bool]:
        """Return every chunk's score, equal to rank-bm25's, and which share a term."""
        terms = self._known(tokens)
        total, hit = np.zeros(self.size), np.zeros(self.size, bool)
        for term in terms:
            total += self._row(term)
            hit[self._chunks(term)] = True
        return total, hit

    def top(
        self,
        tokens: Sequence[str],
        k: int,
        room: Float64 | None = None,
        kept: Bool | None = None,
    ) -> tuple[Int64, Float64]:
        """Return the k best hits as `(chunks, scores)`, ties by the lower chunk number.

        `room` is space for `size` scores; it saves making it for every query. `kept` `(C,)` says
        which chunks may be hits.
        """
        terms = self._known(tokens)
        if not all(map(self._plain.__getitem__, terms)):
            total, hit = self.scores(tokens)
            hits = np.flatnonzero(hit if kept is None else hit & kept)
            found = hits[best(total[hits], k)]
            return found, total[found]
        total = np.empty(self.size) if room is None else room
        total.fill(0.0)
        for term in terms:
            self._add(total, term)
        if kept is not None:
            total *= kept
        found = best(total, k)
        values = total[found]
        matching = np.count_nonzero(values)  # they come first
        return found[:matching], values[:matching]

    def one(self, tokens: Sequence[str], chunk: Sequence[str]) -> float:
        """Return the score of a chunk of these terms, -inf where it shares none of the index."""
        held = Counter(self._known(chunk))
        terms = self._known(tokens)
        if held.keys().isdisjoint(terms):
            return -np.inf
        count = np.array([held[t] for t in terms])
        own, length = np.maximum(count, 1), np.array(len(chunk))
        weight = _weight(self.stage, self._idf[terms], own, length, self._average)
        return float(sum(np.where(count, weight, self._absent[terms]).tolist()))

    def _add(self, total: Float64, term: int) -> None:
        own = self._slice(term)
        if (own.stop - own.start) * COMMON_SHARE <= self.size:
            np.add.at(total, self._wide[own], self._weight[own])
            return
        if term not in self._rows:
            self._rows[term] = self._row(term)
        total += self._rows[term]

    def _known(self, tokens: Sequence[str]) -> list[int]:
        number, first = self.postings.number, self._first
        terms = [number[t] for t in tokens if t in number]
        return [t for t in terms if first[t + 1] > first[t]]

    def _slice(self, term: int) -> slice:
        return slice(self._first[term], self._first[term + 1])

    def _chunks(self, term: int) -> Int64:
        return self._wide[self._slice(term)]

    @cached_property
    def _wide(self) -> Int64:
        return self.postings.chunk.astype(np.int64)  # numpy indexes faster by its own word

    def _row(self, term: int) -> Float64:
        row = np.full(self.size, self._absent[term])
        row[self._chunks(term)] = self._weight[self._slice(term)]
        return row


def _weights(stage: Weigh, p: Postings, idf: Float64, average: float) -> Float64:
    """Return the weight of every posting."""
    per_posting = np.repeat(idf, np.diff(p.first))
    return _weight(stage, per_posting, p.count, p.length[p.chunk], average)


def _weight(stage: Weigh, idf: Float64, count: Int32, length: Int64, average: float) -> Float64:
    """Compute the formula operation by operation as rank-bm25 does, so that no bit differs."""
    k1, b = stage.k1, stage.b
    if stage.variant == "L":
        c = count / (1 - b + b * length / average)
        return np.asarray(idf * count * (k1 + 1) * (c + L_DELTA) / (k1 + c + L_DELTA))
    if stage.variant == "Plus":
        part = (count * (k1 + 1)) / (k1 * (1 - b + b * length / average) + count)
        return np.asarray(idf * (PLUS_DELTA + part))
    return np.asarray(idf * (count * (k1 + 1) / (count + k1 * (1 - b + b * length / average))))


def _idf(stage: Weigh, p: Postings) -> Float64:
    """Ask rank-bm25 for each term's idf, from our document frequencies in its order."""
    import rank_bm25

    frequency = np.diff(p.first)
    oracle = object.__new__(getattr(rank_bm25, f"BM25{stage.variant}"))
    oracle.corpus_size, oracle.idf, oracle.epsilon = len(p.length), {}, 0.25
    idf = np.zeros(len(frequency))
    if len(p.appearance):
        oracle._calc_idf(
            dict(zip(p.appearance.tolist(), frequency[p.appearance].tolist(), strict=True))
        )
        idf[np.fromiter(oracle.idf, np.int64)] = np.fromiter(oracle.idf.values(), np.float64)
    return idf
