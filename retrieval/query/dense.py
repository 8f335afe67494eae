"""Dense search: cosine of query and chunk vectors, exact."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from retrieval.backends import exact
from retrieval.index import Index
from retrieval.ingest.embed import EmbedQueries, Vectors, embed
from retrieval.query.first import Retriever
from retrieval.runtime import Made, Runtime
from retrieval.stage import later
from retrieval.types import Bool, Candidates, Chunks, Float64, Queries


@dataclass(frozen=True)
class Dense(Retriever):
    """Nearest chunks by the pipeline's `embed` model; every chunk that filters keep is compared.

    Without `context` the chunks are embedded without what `contextualize` puts beside them.
    """

    context: bool = later(True)

    @property
    def reads_context(self) -> bool:
        """Tell whether contexts are embedded."""
        return self.context

    def with_context(self) -> Self:
        """Return the stage with contexts switched on."""
        return replace(self, context=True)

    def search(
        self, index: Index, queries: Made[Queries], depth: int, rt: Runtime
    ) -> Made[Candidates]:
        """Return the best `depth` chunks of every query."""
        return self.nearest(index, rt.run(EmbedQueries(index.embedder), queries), depth, rt)

    def nearest(
        self, index: Index, asked: Made[Vectors], depth: int, rt: Runtime
    ) -> Made[Candidates]:
        """Return the best `depth` chunks for every vector."""
        return rt.run(self, self.seen(index).vectors, asked, *index.narrowing, depth=depth)

    def as_if(self, index: Index, queries: Made[Queries], chunks: Chunks, rt: Runtime) -> Float64:
        """Embed the chunks and multiply."""
        corpus = index.corpus.value
        texts = [chunks.indexed(corpus, i) for i in range(len(chunks))]
        passages = embed(index.embedder, texts, "passage", rt)
        asked = rt.run(EmbedQueries(index.embedder), queries).value.matrix
        return np.asarray((asked * passages).sum(axis=1), np.float64)

    def apply(
        self,
        passages: Vectors,
        queries: Vectors,
        kept: Bool | None = None,
        *,
        depth: int,
        rt: Runtime,
    ) -> Candidates:
        """Multiply and select."""
        rows = None if kept is None else np.flatnonzero(kept)
        return exact.search(passages.matrix, queries.matrix, depth, rows)
