"""Token vectors: what late interaction compares, kept by model and text."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from retrieval.ingest.embed import Model, Purpose
from retrieval.runtime import Runtime
from retrieval.store import vectors as store
from retrieval.types import Float32, digest

BATCH = 16
"""Texts embedded, or read from where they are kept, at once."""


@dataclass(frozen=True)
class TokenEmbedder(Model[Any]):
    """Turns each token of a text, seen in its context, into a unit vector."""

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """Return d, the length of a vector; a multiple of 4."""

    @abstractmethod
    def embed_tokens(self, texts: Sequence[str], purpose: Purpose) -> list[Float32]:
        """Return `(tokens, d)` float32 unit vectors for each text; none for one without tokens."""


def token_vectors(
    embedder: TokenEmbedder, texts: Sequence[str], purpose: Purpose, rt: Runtime
) -> Iterator[list[Float32]]:
    """Yield the texts' token vectors, `BATCH` texts at a time, in their order.

    Passages are kept in 8 bits, d + 4 bytes a token, batch by batch, and asked for once; queries
    are short and are not kept. Both are rounded alike, kept or not.
    """
    kept = rt.workspace if purpose == "passage" else None
    name = _name(embedder)
    for start in range(0, len(texts), BATCH):
        hashed = {_hash(text): text for text in texts[start : start + BATCH]}
        found = store.fetch(kept, name, list(hashed)) if kept else {}
        missing = {h: text for h, text in hashed.items() if h not in found}
        if missing:
            vectors = embedder.embed_tokens(list(missing.values()), purpose)
            new = {h: packed(v) for h, v in zip(missing, vectors, strict=True)}
            rt.tally.embedded += len(new)
            if kept:
                store.keep(kept, name, new)
            found.update(new)
        rt.progress(f"Tokens by {embedder.identity}", min(start + BATCH, len(texts)), len(texts))
        own = map(_hash, texts[start : start + BATCH])
        yield [unpacked(found[h], embedder.dimensions) for h in own]


def count_missing_tokens(embedder: TokenEmbedder, texts: Iterable[str], rt: Runtime) -> int:
    """Count the distinct passages whose token vectors are not kept."""
    hashes = {_hash(text) for text in texts}
    kept = rt.workspace and store.known(rt.workspace, _name(embedder), list(hashes))
    return len(hashes) - len(kept or ())


def _name(embedder: TokenEmbedder) -> str:
    return f"{embedder.identity}|tokens"


def _hash(text: str) -> str:
    return digest(text)[:32]


def packed(vectors: Float32) -> Float32:
    """Round `(tokens, d)` to 8 bits, a scale a token, as words of 4 bytes for the store."""
    scale = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-12).astype(np.float32) / 127
    codes = np.rint(vectors / scale).astype(np.int8)
    return np.hstack([codes.view(np.float32), scale]).ravel()


def unpacked(words: Float32, dimensions: int) -> Float32:
    """Return the unit vectors of `packed`."""
    rows = np.ascontiguousarray(words).reshape(-1, dimensions // 4 + 1)
    codes = cast("NDArray[np.int8]", np.ascontiguousarray(rows[:, :-1]).view(np.int8))
    vectors = codes.astype(np.float32)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), np.float32)
