"""Dense search: cosine of query and chunk vectors, exact."""

from dataclasses import dataclass

from retrieval.backends import exact
from retrieval.index import Index
from retrieval.ingest.embed import EmbedQueries, Vectors
from retrieval.query.first import Retriever
from retrieval.runtime import Made, Runtime
from retrieval.types import Candidates, Queries


@dataclass(frozen=True)
class Dense(Retriever):
    """Nearest chunks by the pipeline's `embed` model; every chunk is compared."""

    def search(
        self, index: Index, queries: Made[Queries], depth: int, rt: Runtime
    ) -> Made[Candidates]:
        """Return the best `depth` chunks of every query."""
        asked = rt.run(EmbedQueries(index.embedder), queries)
        return rt.run(self, index.vectors, asked, depth=depth)

    def apply(self, passages: Vectors, queries: Vectors, depth: int, rt: Runtime) -> Candidates:
        """Multiply and select."""
        return exact.search(passages.matrix, queries.matrix, depth)
