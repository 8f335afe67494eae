"""Pairs of a query and a text: what a reranker judges one by one, each once ever."""

from collections.abc import Mapping, Sequence

import numpy as np

from retrieval.ingest.embed import hash_of
from retrieval.types import Chunks, Corpus, Float64, Int32


class Pairs:
    """The first candidates of every query, `ids` `(Q, n)`, by the texts that an index sees.

    `names` are the pairs' hashes, as rows of n: equal texts share one. A name is empty where there
    is no candidate, or a blank text, which nobody is asked about.
    """

    def __init__(self, corpus: Corpus, chunks: Chunks, queries: Sequence[str], ids: Int32) -> None:
        self.queries, self.ids = queries, ids
        self.texts = {c: chunks.indexed(corpus, c) for c in np.unique(ids[ids >= 0]).tolist()}
        hashes = {c: hash_of(text) for c, text in self.texts.items() if text.strip()}
        self.names = [
            [hash_of(f"{query}\0{hashes[c]}") if c in hashes else "" for c in row]
            for query, row in zip(map(hash_of, queries), ids.tolist(), strict=True)
        ]

    def by_query(self) -> dict[str, dict[str, int]]:
        """Return for each distinct query its pairs, best first, each with a chunk of its text."""
        found: dict[str, dict[str, int]] = {}
        for query, names, row in zip(self.queries, self.names, self.ids.tolist(), strict=True):
            own = found.setdefault(query, {})
            for name, chunk in zip(names, row, strict=True):
                if name:
                    own.setdefault(name, chunk)
        return found

    def values(self, found: Mapping[str, float]) -> Float64:
        """Return what was found for each candidate, `(Q, n)`; 0 where nobody was asked."""
        rows = [[found[name] if name else 0.0 for name in row] for row in self.names]
        return np.array(rows, np.float64).reshape(self.ids.shape)
