"""Embed: one vector a chunk and a query, no text twice by the same model."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from threading import Lock
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

from retrieval.errors import PizzaError
from retrieval.runtime import Runtime
from retrieval.stage import Stage
from retrieval.store import vectors as store
from retrieval.types import Chunks, Corpus, Float32, Queries

T = TypeVar("T")

Purpose = Literal["passage", "query"]

WORTH_A_PROCESS = 64
"""Texts; for fewer, starting processes takes longer than embedding."""


@dataclass(frozen=True)
class Vectors:
    """Unit vectors, `(n, d)` float32."""

    matrix: Float32

    def arrays(self) -> dict[str, Any]:
        """Return the value as named arrays, for the artefact store."""
        return {"matrix": self.matrix}

    @classmethod
    def of_arrays(cls, a: Mapping[str, Any]) -> "Vectors":
        """Rebuild the value from `arrays()`; the matrix stays memory-mapped."""
        return cls(a["matrix"])


@dataclass(frozen=True)
class Model(Stage[T]):
    """What makes vectors of texts."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """Name what the vectors depend on besides the text: vendor, model, version."""

    @property
    def versions(self) -> list[Any]:
        """Return the revision and the model's identity: another version makes other vectors."""
        return [*super().versions, self.identity]


@dataclass(frozen=True)
class Embedder(Model[Vectors]):
    """Turns texts into unit vectors; chunks are embedded with their context in front."""

    product: ClassVar[type[Vectors]] = Vectors
    batch: ClassVar[int] = 32
    """Texts handed to the model at once; progress is kept after each."""

    def apply(self, corpus: Corpus, chunks: Chunks, rt: Runtime) -> Vectors:
        """Embed every chunk."""
        texts = [chunks.indexed(corpus, i) for i in range(len(chunks))]
        return Vectors(embed(self, texts, "passage", rt))

    @property
    def spread(self) -> bool:
        """Tell whether several processes embed faster than one."""
        return False

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """Return d, the length of a vector."""

    def batches(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the positions of the texts that are embedded at once."""
        every = range(len(texts))
        return [list(every[i : i + self.batch]) for i in every[:: self.batch]]

    def embed_batches(
        self,
        batches: Sequence[Sequence[str]],
        purpose: Purpose,
        rt: Runtime,
        keep: Callable[[int, Float32], None],
    ) -> None:
        """Hand `keep` each batch's number and its vectors, in any order and from any thread."""
        many = self.spread and sum(map(len, batches)) >= WORTH_A_PROCESS
        pool = rt.pool if many else None
        answers = (pool.map if pool else map)(partial(_ask, self, purpose), batches)
        for number, vectors in enumerate(answers):
            keep(number, vectors)

    @abstractmethod
    def embed_batch(self, texts: Sequence[str], purpose: Purpose) -> Float32:
        """Return `(n, d)` float32 unit vectors in the order of the texts."""


@dataclass(frozen=True)
class EmbedQueries(Stage[Vectors]):
    """Embed queries with an embedder."""

    embedder: Embedder
    product: ClassVar[type[Vectors]] = Vectors

    def apply(self, queries: Queries, rt: Runtime) -> Vectors:
        """Embed every query."""
        return Vectors(embed(self.embedder, queries.texts, "query", rt))


def embed(embedder: Embedder, texts: Sequence[str], purpose: Purpose, rt: Runtime) -> Float32:
    """Return the texts' vectors, asking the model only for those never embedded before.

    Vectors are kept batch by batch, so that work cut off in the middle resumes where it was.
    """
    hashes = [hash_of(text) for text in texts]
    found = kept_vectors(embedder, hashes, purpose, rt)
    missing = {h: t for h, t in zip(hashes, texts, strict=True) if h not in found}
    found.update(_embedded(embedder, missing, purpose, rt))
    matrix = np.empty((len(texts), embedder.dimensions), np.float32)
    for row, h in enumerate(hashes):
        matrix[row] = found[h]
    return matrix


def count_missing(embedder: Embedder, texts: Iterable[str], purpose: Purpose, rt: Runtime) -> int:
    """Count the distinct texts that the model would be asked for."""
    hashes = {hash_of(text) for text in texts}
    return len(hashes) - len(kept_hashes(embedder, list(hashes), purpose, rt))


def kept_hashes(
    embedder: Embedder, hashes: Sequence[str], purpose: Purpose, rt: Runtime
) -> set[str]:
    """Return those of the texts' hashes whose vectors are kept."""
    if rt.workspace is None:
        return set()
    return store.known(rt.workspace, _name(embedder, purpose), hashes)


def kept_vectors(
    embedder: Embedder, hashes: Sequence[str], purpose: Purpose, rt: Runtime
) -> dict[str, Float32]:
    """Return the vectors that are kept, by the hashes of their texts."""
    if rt.workspace is None:
        return {}
    return store.fetch(rt.workspace, _name(embedder, purpose), list(dict.fromkeys(hashes)))


def keep_vectors(
    embedder: Embedder, vectors: Mapping[str, Float32], purpose: Purpose, rt: Runtime
) -> None:
    """Keep vectors by the hashes of their texts, where there is a workspace."""
    if rt.workspace:
        store.keep(rt.workspace, _name(embedder, purpose), vectors)


def _embedded(
    embedder: Embedder, missing: Mapping[str, str], purpose: Purpose, rt: Runtime
) -> dict[str, Float32]:
    order = sorted(missing, key=lambda h: len(missing[h]))  # like lengths together
    rows = embedder.batches([missing[h] for h in order])
    batches = [[order[i] for i in batch] for batch in rows]
    found: dict[str, Float32] = {}
    turn = Lock()

    def keep(number: int, vectors: Float32) -> None:
        batch = batches[number]
        new = dict(zip(batch, _checked(embedder, vectors, len(batch)), strict=True))
        with turn:
            keep_vectors(embedder, new, purpose, rt)
            found.update(new)
            rt.tally.embedded += len(batch)
            rt.progress(
                f"Embed {len(order):,} texts with {embedder.identity}", len(found), len(order)
            )

    embedder.embed_batches([[missing[h] for h in batch] for batch in batches], purpose, rt, keep)
    return found


def _ask(embedder: Embedder, purpose: Purpose, texts: Sequence[str]) -> Float32:
    return embedder.embed_batch(texts, purpose)


def _checked(embedder: Embedder, vectors: Float32, n: int) -> Float32:
    if vectors.shape != (n, embedder.dimensions) or not np.isfinite(vectors).all():
        raise PizzaError(
            f"{embedder.identity} gave vectors of shape {vectors.shape} for {n} texts, expected"
            f" {(n, embedder.dimensions)} finite numbers; nothing was kept of this batch"
        )
    length = np.linalg.norm(vectors, axis=1)
    if not np.allclose(length, 1.0, atol=1e-3):
        worst = length[np.argmax(np.abs(length - 1))]
        raise PizzaError(
            f"{embedder.identity} gave a vector of length {worst:.3g}, expected 1;"
            " nothing was kept of this batch"
        )
    return vectors


def _name(embedder: Embedder, purpose: Purpose) -> str:
    return f"{embedder.identity}|{purpose}"


def hash_of(text: str) -> str:
    """Name a text in the table of vectors."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
