"""`Semantic`: sentences stay together while they are about the same, as their embeddings see it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from retrieval.ingest.chunk.base import Sized
from retrieval.ingest.chunk.by_size import Recursive
from retrieval.ingest.chunk.cut import Piece, Text, packed, sections, sentences, with_heading
from retrieval.ingest.embed import Embedder, embed
from retrieval.ingest.parse import Block, Kind, Structure
from retrieval.ingest.tokens import Tokens
from retrieval.providers.embedders import OF_TEXTS
from retrieval.providers.local import Local
from retrieval.runtime import Runtime
from retrieval.stage import nested, require
from retrieval.types import Chunks, Corpus, Float32, Float64, Int64


@dataclass(frozen=True)
class Semantic(Sized):
    """Sentences that are about the same, by their embeddings, up to `size` tokens a chunk.

    Groups of sentences of up to `unit` tokens, and code and tables that fit whole, are embedded and
    joined so that the sum over all pairs in a chunk of their similarity, less the mean similarity
    in the document, is the greatest there is: a chunk ends where similarity dips.

    Source: ClusterSemanticChunker of Smith and Troynikov, "Evaluating Chunking Strategies for
    Retrieval", Chroma 2024, which there finds more at the same size than breaks at percentiles
    (Kamradt).
    """

    unit: int = 50
    embed: Embedder = nested(*OF_TEXTS, default=Local())

    def __post_init__(self) -> None:
        super().__post_init__()
        require(1 <= self.unit <= 100_000, self, "unit", "from 1 to 100,000 tokens")

    @property
    def stand_in(self) -> Recursive:
        """Return what cuts about as many chunks without a model, for plans."""
        return Recursive(self.size, self.vocabulary)

    def apply(self, corpus: Corpus, structure: Structure, tokens: Tokens, rt: Runtime) -> Chunks:
        """Cut every document into units, embed them all, and join those of each document."""
        units = self.units(corpus, structure, tokens, rt)
        texts = [units.text(corpus, i) for i in range(len(units))]
        vectors = embed(self.embed, texts, "passage", rt)
        at = np.searchsorted(units.document, np.arange(len(corpus) + 1))
        found = [np.empty(0, np.int64)]
        for row in range(len(corpus)):
            own = slice(at[row], at[row + 1])
            start, end = (np.searchsorted(tokens.of(row), e[own]) for e in (units.start, units.end))
            found.append(at[row] + best_parts(vectors[own], start, end, self.size))
            rt.progress("Semantic", row + 1, len(corpus))
        first = np.concatenate(found)
        last = np.append(first, len(units))[1:] - 1
        return Chunks(
            units.document[first], units.start[first], units.end[last], units.context_of[first]
        )

    def units(self, corpus: Corpus, structure: Structure, tokens: Tokens, rt: Runtime) -> Chunks:
        """Cut every document into what is embedded."""
        return super().apply(corpus, structure, tokens, rt)

    def spans(self, t: Text) -> Iterable[Piece]:
        """Return a document's units, which are not cut any further."""
        for section in sections(t.blocks):
            groups = with_heading(section)
            for kept, run in groupby(groups, key=lambda g: self._is_kept(t, g[-1])):
                cut = self._kept if kept else self._packed
                yield from cut(t, run)

    def _is_kept(self, t: Text, block: Block) -> bool:
        fits = t.tokens(block.start, block.end) <= self.size
        return fits and block.kind in (Kind.CODE, Kind.TABLE)

    def _kept(self, t: Text, groups: Iterable[Sequence[Block]]) -> Iterator[Piece]:
        """Return code and tables whole, with the heading above where both fit."""
        for *above, block in groups:
            start = above[0].start if above else block.start
            if t.tokens(start, block.end) > self.size:
                yield from self._packed(t, [above])
                start = block.start
            yield start, block.end

    def _packed(self, t: Text, groups: Iterable[Sequence[Block]]) -> Iterator[Piece]:
        units = [unit for g in groups for block in g for unit in sentences(t, block)]
        return packed(t, units, min(self.unit, self.size))


def best_parts(vectors: Float32, start: Int64, end: Int64, size: int) -> Int64:
    """Return the first unit of each part of the best segmentation, ascending; of two, the longer.

    `start` and `end` count tokens. A part's worth is the sum over ordered pairs of different units
    in it of their similarity less the mean over all pairs; a part longer than `size` is one unit.
    """
    n = len(vectors)
    mean = _mean_similarity(vectors)
    low = np.minimum(np.searchsorted(start, end - size), np.arange(n))
    worth, best, cut = np.zeros(0), np.zeros(n + 1), np.zeros(n, np.int64)
    for i in range(n):
        pairs = vectors[low[i] : i + 1] @ vectors[i] - mean
        pairs[-1] = 0.0
        added = 2 * np.cumsum(pairs[::-1])[::-1]
        added[:-1] += worth[len(worth) - len(added) + 1 :]
        worth = added
        total = worth + best[low[i] : i + 1]
        cut[i] = low[i] + int(np.argmax(total))
        best[i + 1] = total[cut[i] - low[i]]
    firsts: list[int] = []
    while n:
        n = int(cut[n - 1])
        firsts.append(n)
    return np.array(firsts[::-1], np.int64)


def _mean_similarity(vectors: Float32) -> float:
    """Return the mean over all pairs of different unit vectors, from the length of their sum."""
    n = len(vectors)
    total: Float64 = vectors.sum(axis=0, dtype=np.float64)
    return float((total @ total - n) / (n * (n - 1))) if n > 1 else 0.0
