"""The first stage: what every retriever is."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from retrieval.index import Index
from retrieval.runtime import Made, Runtime
from retrieval.stage import Stage
from retrieval.types import Candidates, Queries


@dataclass(frozen=True)
class Retriever(Stage[Candidates]):
    """Finds candidates for all queries at once in an index."""

    product: ClassVar[type[Candidates]] = Candidates

    @abstractmethod
    def search(
        self, index: Index, queries: Made[Queries], depth: int, rt: Runtime
    ) -> Made[Candidates]:
        """Return the best `depth` of the chunks that `index` keeps, for every query."""
