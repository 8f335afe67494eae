"""Assemble: what of the ranking reaches the reader, under a hard cap."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, ClassVar, Literal

import numpy as np

from retrieval.errors import SpecError
from retrieval.index import Index
from retrieval.ingest.parse import Structure
from retrieval.ingest.tokens import Vocabulary
from retrieval.query.as_text import PLACES, Layout
from retrieval.query.passages import Passages, Reason, Span
from retrieval.query.shingles import bags, near_duplicates
from retrieval.runtime import Made, Runtime
from retrieval.stage import Stage, lines, require
from retrieval.types import Candidates, Chunks, Corpus, Float32, Int32

_TOGETHER = 64
"""Queries diversified at once; for each, all pairs of its candidates are in memory."""


@dataclass(frozen=True)
class Assembler(Stage[Candidates]):
    """Chooses and orders the chunks of the context."""

    def assemble(self, index: Index, ranking: Made[Candidates], rt: Runtime) -> Made[Candidates]:
        """Return what is left of a ranking."""
        return rt.run(self, ranking, index.tokens)


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


@dataclass(frozen=True)
class Assembled(Candidates):
    """What reaches the reader, in reading order, and what became of every candidate.

    Chunks of one passage stand side by side, in the order of the text; `passage` `(Q, K)` numbers
    the passages from 0 in reading order, -1 where there is none. `seen` `(Q, N)` are the candidates
    as they were ranked, `reason` `(Q, N)` int8 the `Reason` for each (-1 where there is none), and
    `instead` `(Q, N)` the chunk that a duplicate gave way to, else -1. Scores are the candidates';
    a neighbour has that of the chunk it was added to.
    """

    passage: Int32
    seen: Int32
    reason: Int32
    instead: Int32

    def arrays(self) -> dict[str, Any]:
        """Return the value as named arrays, for the artefact store."""
        own = {"passage": self.passage, "seen": self.seen}
        reason = self.reason.astype(np.int8)
        return {**super().arrays(), **own, "reason": reason, "instead": self.instead}

    @classmethod
    def of_arrays(cls, a: Mapping[str, Any]) -> "Assembled":
        """Rebuild the value from `arrays()`."""
        names = ("ids", "passage", "seen", "reason", "instead")
        values: dict[str, Any] = {n: np.asarray(a[n], np.int32) for n in names}
        return cls(scores=np.asarray(a["scores"], np.float64), **values)


@dataclass(frozen=True)
class Context(Assembler):
    """Merges duplicates, diversifies, joins what overlaps, adds neighbours, under a hard cap.

    `duplicates` is the share of shingles from which two chunks are one (1: equal texts alone, 0:
    all are kept); the better ranked stays. `diversity` is how much resemblance to those chosen
    before counts against a chunk's rank (maximal marginal relevance, Carbonell and Goldstein 1998,
    by the words; 0: not at all). `per_document` caps the chunks of a document. What does not fit
    whole into `max_tokens` of the vocabulary is passed over, and the next one tried. Chunks of a
    document that overlap or touch are joined, and what they share counts once. Then up to
    `neighbours` chunks on each side are added while they fit. `order`: by `rank`, `document` after
    document in the order of the text, or the best at both `edges` (Liu et al., "Lost in the
    Middle", 2023).

    As text a context is `instructions`, then the passages, a blank line after each: all of it
    counts under the cap. `template` says how a passage is written: `{text}`, and around it
    `{number}`, `{title}`, `{id}`, `{heading}` (the path), `{anchor}`, `{page}` and fields of the
    documents' metadata by name. `{mark}` is eight characters that stand in no document: no text
    can close a tag whose name ends in them.
    """

    revision: ClassVar[int] = 2

    k: int = 150
    duplicates: float = 0.8
    diversity: float = 0.0
    per_document: int | None = None
    join: bool = True
    neighbours: int = 0
    order: Literal["rank", "document", "edges"] = "rank"
    max_tokens: int | None = None
    vocabulary: Vocabulary = "o200k"
    instructions: str = lines("", later=True)
    template: str = lines("", later=True)
    product: ClassVar[type[Assembled]] = Assembled

    def __post_init__(self) -> None:
        require(1 <= self.k <= 10_000, self, "k", "from 1 to 10,000")
        require(0 <= self.duplicates <= 1, self, "duplicates", "from 0 to 1")
        require(0 <= self.diversity <= 1, self, "diversity", "from 0 to 1")
        some = self.per_document is None or self.per_document >= 1
        require(some, self, "per_document", "at least 1 chunk, or nothing for no cap")
        require(0 <= self.neighbours <= 100, self, "neighbours", "from 0 to 100")
        fits = self.max_tokens is None or self.max_tokens >= 1
        require(fits, self, "max_tokens", "at least 1 token, or nothing for no cap")
        if self.template and "{text}" not in self.template:
            raise SpecError("Context.template needs {text}, where the passage stands")

    def assemble(self, index: Index, ranking: Made[Candidates], rt: Runtime) -> Made[Candidates]:
        """Assemble from the texts of the candidates."""
        structure = (index.structure,) if self._says_where else ()
        return rt.run(self, index.corpus, index.chunks, ranking, *structure)

    def apply(
        self,
        corpus: Corpus,
        chunks: Chunks,
        ranking: Candidates,
        structure: Structure | None = None,
        *,
        rt: Runtime,
    ) -> Assembled:
        """Take the steps in the order of the class's description, query by query.

        Raises:
            SpecError: the template names an unknown field, or the instructions leave no room.
        """
        alike = _Alike(self, corpus, chunks, ranking.top(self.k).ids)
        layout = self._layout(corpus, structure)
        room = self._room(layout)
        reason = np.full(ranking.ids.shape, -1, np.int32)
        instead = np.full(ranking.ids.shape, -1, np.int32)
        rows, edges = [], (chunks.document, chunks.start, chunks.end)
        spans = list(zip(*(edge.tolist() for edge in edges), strict=True))
        pools = [ids[ids >= 0].tolist() for ids in ranking.ids[:, : self.k]]
        merges = [alike.merged(own) for own in pools]
        kept = [[c for c in own if c not in m] for own, m in zip(pools, merges, strict=True)]
        orders = alike.diverse(kept)
        for q, (own, merged, chosen) in enumerate(zip(pools, merges, orders, strict=True)):
            passages = Passages(spans, own, None if room is None else layout, room)
            passages.drop(merged, Reason.DUPLICATE)
            passages.fill(chosen, self.per_document, join=self.join)
            passages.extend(self.neighbours, join=self.join)
            if self.max_tokens:
                passages.shrink(partial(layout.fits, cap=self.max_tokens), self.order)
            became = passages.reason
            every = ranking.ids[q][ranking.ids[q] >= 0].tolist()
            reason[q, : len(every)] = [became.get(c, Reason.BEYOND) for c in every]
            instead[q, : len(own)] = [merged.get(c, -1) for c in own]
            rows.append(passages.read(self.order))
            rt.progress("Context", q + 1, len(ranking.ids))
        return _laid_out(ranking, rows, reason, instead)

    def texts(self, index: Index, found: Assembled) -> list[str]:
        """Write what the reader gets for each query; the question may follow."""
        structure = index.structure.value if self._says_where else None
        layout, chunks = self._layout(index.corpus.value, structure), index.chunks.value
        return [layout.whole(spans) for spans in _spans(chunks, found)]

    @property
    def _says_where(self) -> bool:
        return any(f"{{{name}}}" in self.template for name in PLACES)

    def _layout(self, corpus: Corpus, structure: Structure | None) -> Layout:
        return Layout(self.instructions, self.template, self.vocabulary, corpus, structure)

    def _room(self, layout: Layout) -> int | None:
        if self.max_tokens is None:
            return None
        taken = layout.tokens(layout.head)
        if taken >= self.max_tokens:
            raise SpecError(
                f"Context.instructions take {taken:,} tokens of max_tokens, {self.max_tokens:,};"
                " shorten them, or raise the cap"
            )
        return self.max_tokens - taken


class _Alike:
    """Which candidates are duplicates, and which resemble each other."""

    def __init__(self, stage: Context, corpus: Corpus, chunks: Chunks, ids: Int32) -> None:
        distinct = np.unique(ids[ids >= 0]).tolist()
        texts = [chunks.text(corpus, c) for c in distinct]
        self.diversity = stage.diversity
        self.row = {c: i for i, c in enumerate(distinct)}
        first = {text: i for i, text in reversed(list(enumerate(texts)))}
        self.text = {c: first[text] for c, text in zip(distinct, texts, strict=True)}
        """The row of the first chunk of the same text."""
        self.near: dict[int, set[int]] = {}
        if stage.duplicates:
            own = list(first.values())
            found = {}
            if stage.duplicates < 1:
                found = near_duplicates([texts[i] for i in own], stage.duplicates)
            self.near = {own[i]: {own[j] for j in js} for i, js in found.items()}
        self.merges = bool(stage.duplicates)
        self.bags: Float32 = bags(texts) if stage.diversity else np.empty((0, 0), np.float32)

    def merged(self, ranked: list[int]) -> dict[int, int]:
        """Return what gives way to which better ranked chunk."""
        kept: dict[int, int] = {}
        merged: dict[int, int] = {}
        for chunk in ranked if self.merges else ():
            text = self.text[chunk]
            others = [kept[t] for t in (text, *sorted(self.near.get(text, ()))) if t in kept]
            if others:
                merged[chunk] = others[0]
            else:
                kept[text] = chunk
        return merged

    def diverse(self, ranked: list[list[int]]) -> list[list[int]]:
        """Order by maximal marginal relevance; relevance falls evenly from 1 to 0 by rank."""
        if not self.diversity:
            return ranked
        return [
            order
            for start in range(0, len(ranked), _TOGETHER)
            for order in self._diverse(ranked[start : start + _TOGETHER])
        ]

    def _diverse(self, ranked: list[list[int]]) -> list[list[int]]:
        width = max(map(len, ranked), default=0)
        row = np.full((len(ranked), width), len(self.row))
        worth = np.full((len(ranked), width), -np.inf, np.float32)
        for q, own in enumerate(ranked):
            row[q, : len(own)] = [self.row[c] for c in own]
            worth[q, : len(own)] = (1 - self.diversity) * np.linspace(1, 0, len(own))
        own_bags = np.vstack([self.bags, np.zeros_like(self.bags[:1])])[row]
        alike = np.float32(self.diversity) * (own_bags @ own_bags.transpose(0, 2, 1))
        every, nearest = np.arange(len(ranked)), np.zeros_like(worth)
        order = np.empty(row.shape, np.int64)
        for place in range(width):
            best = np.argmax(worth - nearest, axis=1)
            order[:, place] = best
            worth[every, best] = -np.inf
            np.maximum(nearest, alike[every, best], out=nearest)
        return [[own[i] for i in order[q, : len(own)]] for q, own in enumerate(ranked)]


def _spans(chunks: Chunks, found: Assembled) -> Iterator[list[Span]]:
    """Return the passages of each query in reading order."""
    for ids, numbers in zip(found.ids.tolist(), found.passage.tolist(), strict=True):
        held = (pair for pair in zip(numbers, ids, strict=True) if pair[1] >= 0)
        passages = (np.array([c for _, c in own]) for _, own in groupby(held, itemgetter(0)))
        yield [
            (int(chunks.document[own[0]]), int(chunks.start[own].min()), int(chunks.end[own].max()))
            for own in passages
        ]


def _laid_out(
    ranking: Candidates, rows: list[list[tuple[int, int, int]]], reason: Int32, instead: Int32
) -> Assembled:
    """Lay out rows of (chunk, passage, candidate whose score it has) as arrays."""
    width = max([1, *map(len, rows)])
    ids, passage = (np.full((len(rows), width), -1, np.int32) for _ in range(2))
    scores = np.full((len(rows), width), -np.inf)
    for q, row in enumerate(rows):
        score = dict(zip(ranking.ids[q].tolist(), ranking.scores[q].tolist(), strict=True))
        for at, (chunk, number, source) in enumerate(row):
            ids[q, at], passage[q, at], scores[q, at] = chunk, number, score[source]
    return Assembled(ids, scores, passage, ranking.ids, reason, instead)


ASSEMBLERS: tuple[type[Assembler], ...] = (InRankOrder, Context)
