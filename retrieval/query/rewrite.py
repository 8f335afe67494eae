"""Rewrite: what the first stages search for instead of a query, or beside it.

Each first stage still has one list, that of the query as the user typed it where a rewriter does
not concern it. Rerankers read the query itself.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, ClassVar

import numpy as np

from retrieval.index import Index
from retrieval.ingest.embed import Purpose
from retrieval.query.first import Retriever
from retrieval.query.fuse import RRF
from retrieval.runtime import Made, Runtime
from retrieval.stage import Stage
from retrieval.types import Candidates, Int64, Queries, pack, unpack


@dataclass(frozen=True)
class Rewritten:
    """What each query was rewritten to, `texts[q]`; nothing for a blank one."""

    texts: tuple[tuple[str, ...], ...]

    def arrays(self) -> dict[str, Any]:
        """Return the value as named arrays, for the artefact store."""
        flat = [text for own in self.texts for text in own]
        return {"texts": pack(flat), "count": self.count}

    @property
    def count(self) -> Int64:
        """Return how many texts each query has, `(Q,)`."""
        return np.array(list(map(len, self.texts)), np.int64)

    @classmethod
    def of_arrays(cls, a: Mapping[str, Any]) -> "Rewritten":
        """Rebuild the value from `arrays()`."""
        flat, edges = unpack(a["texts"]), accumulate(a["count"].tolist(), initial=0)
        return cls(tuple(flat[start:end] for start, end in pairwise(edges)))


@dataclass(frozen=True)
class Rewriter(Stage[Rewritten]):
    """Rewrites all queries at once."""

    product: ClassVar[type[Rewritten]] = Rewritten

    @abstractmethod
    def apply(self, queries: Queries, rt: Runtime) -> Rewritten:
        """Rewrite every query."""

    def concerns(self, first: Retriever) -> bool:
        """Tell whether a first stage searches for anything but the query itself."""
        return True

    @abstractmethod
    def search(
        self,
        first: Retriever,
        index: Index,
        queries: Made[Queries],
        written: Made[Rewritten],
        depth: int,
        rt: Runtime,
    ) -> Made[Candidates]:
        """Return the one list of a first stage that is concerned."""

    @abstractmethod
    def embedded(self, queries: Queries, written: Rewritten) -> Mapping[Purpose, Sequence[str]]:
        """Return what a dense first stage embeds, for plans."""

    def foreseen(self, queries: Queries, rt: Runtime) -> Rewritten:
        """Return what is known without asking anybody; stand-ins of about its length elsewhere."""
        return self.apply(queries, rt)


@dataclass(frozen=True)
class Wordings(Stage[Queries]):
    """List the distinct texts that are searched: each query, and the first `most` rewordings."""

    most: int | None = None

    def apply(self, queries: Queries, written: Rewritten, rt: Runtime) -> Queries:
        """Return them in the order in which they first come."""
        every = self.of(queries, written)
        return Queries(tuple(dict.fromkeys(text for own in every for text in own)))

    def of(self, queries: Queries, written: Rewritten) -> list[tuple[str, ...]]:
        """Return those of each query, itself first, each once."""
        pairs = zip(queries.texts, written.texts, strict=True)
        return [tuple(dict.fromkeys((text, *own[: self.most]))) for text, own in pairs]


@dataclass(frozen=True)
class Gather(Stage[Candidates]):
    """Fuse what a first stage found for a query and for its rewordings by RRF, k = 60."""

    wordings: Wordings
    product: ClassVar[type[Candidates]] = Candidates

    def apply(
        self, queries: Queries, written: Rewritten, found: Candidates, *, depth: int, rt: Runtime
    ) -> Candidates:
        """Return the best `depth` of every query; `found` has a row for each text listed."""
        every = self.wordings.of(queries, written)
        row = {text: i for i, text in enumerate(dict.fromkeys(t for own in every for t in own))}
        place = np.full((max(map(len, every), default=1), len(every)), -1)
        for q, own in enumerate(every):
            place[: len(own), q] = [row[text] for text in own]
        return RRF().apply(*(_rows(found, at) for at in place), depth=depth, rt=rt)


def _rows(found: Candidates, at: Int64) -> Candidates:
    """Return the lists in these rows, and an empty one for -1."""
    there = (at >= 0)[:, None]
    ids = np.where(there, found.ids[at], np.int32(-1))
    return Candidates(ids, np.where(there, found.scores[at], -np.inf))
