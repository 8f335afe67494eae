"""A run: one variant's rankings, kept so that any measure can be asked of them later."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldsets.types import GoldSet
from retrieval.types import Bool, Candidates, Corpus, Int32, Int64, digest


@dataclass(frozen=True)
class Run:
    """Rankings of one pipeline over one gold set and corpus version.

    `id` follows from the ranking's stage key and the queries' ids, so that equal runs are one.
    `chunking` is the key of the chunks that `candidates.ids` number; row i answers `queries[i]`.
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


def run_id(ranking_key: str, gold: GoldSet, corpus: Corpus) -> str:
    """Name a run by what it depends on."""
    ids = json.dumps([q.id for q in gold.queries])
    return digest(ranking_key, gold.name, gold.version, corpus.hash, ids)[:12]


def packed(candidates: Candidates) -> bytes:
    """Compress rankings for storage."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, ids=candidates.ids, scores=candidates.scores)
    return buffer.getvalue()


def unpacked(blob: bytes) -> Candidates:
    """Rebuild rankings from `packed`."""
    with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
        return Candidates.of_arrays(arrays)
