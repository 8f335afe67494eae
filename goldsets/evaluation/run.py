"""A run: one variant's rankings, kept so that any measure can be asked of them later."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from goldsets.outside.placing import Placed
from goldsets.types import GoldSet
from retrieval.errors import PizzaError
from retrieval.stage import Product
from retrieval.types import Bool, Candidates, Chunks, Corpus, Int32, Int64, digest

P = TypeVar("P", bound=Product)


@dataclass(frozen=True)
class Run:
    """Rankings of a pipeline, or a retriever from outside, over a gold set and corpus version.

    `id` follows from the ranking's stage key and the queries' ids, so that equal runs are one.
    `chunking` is the key of the chunks that `candidates.ids` number; row i answers `queries[i]`.
    A run from outside keeps its own `chunks`, and in `counts` how its hits were found in the
    corpus; `imported` names the format and the file of one that was made elsewhere.
    """

    id: str
    variant: str
    spec: Mapping[str, Any]
    goldset: str
    gold_version: str
    corpus: str
    corpus_version: int
    chunking: str
    queries: tuple[str, ...]
    candidates: Candidates
    seconds: Mapping[str, float]
    chunks: Chunks | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    imported: str = ""

    def rows(self, gold: GoldSet) -> Int64:
        """Return for each query of `gold` its row in the run, -1 where it was not asked."""
        number = {q: i for i, q in enumerate(self.queries)}
        return np.array([number.get(q.id, -1) for q in gold.queries], np.int64)

    def aligned(self, gold: GoldSet) -> tuple[Int32, Bool]:
        """Return its ranking `(Q, K)` in the order of a gold set's queries, and which it was asked.

        A query it was not asked has an empty row.
        """
        rows = self.rows(gold)
        asked = rows >= 0
        ids = np.full((len(rows), self.candidates.depth), -1, np.int32)
        ids[asked] = self.candidates.ids[rows[asked]]
        return ids, asked

    def placed_in(self, corpus: Corpus, gold: GoldSet) -> Placed:
        """Return what a run from outside has found, in the order of a gold set's queries.

        Raises:
            PizzaError: its hits were found in another version of the corpus.
        """
        if self.chunks is None or content_key(corpus, self.chunks) != self.chunking:
            raise PizzaError(
                f"{self.variant!r} was found in v{self.corpus_version} of corpus {self.corpus!r},"
                f" not in {corpus.name!r} v{corpus.version}; import it, or start its sweep, again"
            )
        ids, asked = self.aligned(gold)
        scores = np.full(ids.shape, -np.inf)
        scores[asked] = self.candidates.scores[self.rows(gold)[asked]]
        return Placed(self.chunks, Candidates(ids, scores), self.counts)


def content_key(corpus: Corpus, chunks: Chunks) -> str:
    """Name chunks that no stage of ours cut by what they are."""
    return digest("outside", corpus.hash, *(a.tobytes() for a in chunks.arrays().values()))


def run_id(ranking_key: str, gold: GoldSet, corpus: Corpus) -> str:
    """Name a run by what it depends on."""
    ids = json.dumps([q.id for q in gold.queries])
    return digest(ranking_key, gold.name, gold.version, corpus.hash, ids)[:12]


def packed(value: Product) -> bytes:
    """Compress rankings, or chunks, for storage."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **value.arrays())
    return buffer.getvalue()


def unpacked(blob: bytes, cls: type[P]) -> P:
    """Rebuild from `packed` what it was made of."""
    with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
        return cls.of_arrays(arrays)
