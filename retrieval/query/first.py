"""The first stage: what every retriever is."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

from retrieval.index import Index
from retrieval.runtime import Made, Runtime
from retrieval.stage import Stage
from retrieval.types import Candidates, Chunks, Float64, Queries


@dataclass(frozen=True)
class Retriever(Stage[Candidates]):
    """Finds candidates for all queries at once in an index."""

    product: ClassVar[type[Candidates]] = Candidates

    @property
    def reads_context(self) -> bool:
        """Tell whether it may see what `contextualize` puts beside the chunks."""
        return True

    def with_context(self) -> Self:
        """Return the stage with contexts switched on."""
        return self

    def seen(self, index: Index) -> Index:
        """Return the index as it sees it."""
        return index.seen(context=self.reads_context)

    @abstractmethod
    def search(
        self, index: Index, queries: Made[Queries], depth: int, rt: Runtime
    ) -> Made[Candidates]:
        """Return the best `depth` of the chunks that `index` keeps, for every query."""

    @abstractmethod
    def as_if(self, index: Index, queries: Made[Queries], chunks: Chunks, rt: Runtime) -> Float64:
        """Score a further chunk for each query, `(Q,)`, as if `index` held it; -inf: no hit.

        What stands beside the chunks is as this stage sees it.
        What is counted over all chunks (how rare a term is) stays as it is without it.
        """
