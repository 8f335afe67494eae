"""Voyage AI: embedding and reranking (docs.voyageai.com)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from threading import Lock
from typing import Any, ClassVar

import numpy as np

from retrieval.cost import Usage
from retrieval.errors import BadAnswer
from retrieval.ingest.embed import Purpose, Vectors, hash_of, keep_vectors, kept_vectors
from retrieval.providers.base import Asked, call, scores_of, together, unit_vectors
from retrieval.providers.remote import Limits, RemoteEmbedder, count_tokens, pack
from retrieval.providers.rerank import RemoteReranker
from retrieval.providers.vendor import Vendor
from retrieval.runtime import Runtime
from retrieval.stage import shown
from retrieval.types import Chunks, Corpus, Float32, Float64

VENDOR = Vendor("Voyage", "voyage", ("VOYAGE_API_KEY",), "VOYAGE_BASE_URL", ("voyageai",))
_TOKENS: Mapping[str, int] = {
    "voyage-4-lite": 1_000_000,
    "voyage-3.5-lite": 1_000_000,
    "voyage-4": 320_000,
    "voyage-3.5": 320_000,
}
"""What one request may hold; 120,000 for all others."""
_DOCUMENT = 32_000
"""Tokens of one document of voyage-context-3."""


@dataclass(frozen=True)
class Voyage(RemoteEmbedder):
    """Voyage AI's embedding models; VOYAGE_API_KEY holds the key."""

    model: str = shown("voyage-3.5-lite")
    vendor: ClassVar[Vendor] = VENDOR
    widths: ClassVar[Mapping[str, int]] = {
        "voyage-4-large": 1024,
        "voyage-4": 1024,
        "voyage-4-lite": 1024,
        "voyage-3-large": 1024,
        "voyage-3.5": 1024,
        "voyage-3.5-lite": 1024,
        "voyage-code-3": 1024,
    }

    @property
    def limits(self) -> Limits:
        """Return Voyage's: 1,000 texts; tokens by model."""
        return Limits(1_000, _TOKENS.get(self.model, 120_000))

    def send(
        self, texts: Sequence[str], purpose: Purpose, seconds: float
    ) -> tuple[Any, Usage | None]:
        """Embed texts as documents or as queries."""
        kind = "query" if purpose == "query" else "document"
        answer = _client(seconds).embed(
            list(texts), model=self.model, input_type=kind, output_dimension=self.cut_to
        )
        return answer.embeddings, Usage(input=answer.total_tokens)


@dataclass(frozen=True)
class VoyageContext(RemoteEmbedder):
    """Voyage AI's contextualized chunk embeddings: each chunk in the light of its document.

    A vector depends on all chunks of the document and is kept under all of them. A document of more
    tokens than one request may hold is embedded in parts that do not know of each other.
    """

    model: str = shown("voyage-context-3")
    vendor: ClassVar[Vendor] = VENDOR
    widths: ClassVar[Mapping[str, int]] = {"voyage-context-3": 1024}

    @property
    def limits(self) -> Limits:
        """Return Voyage's: 1,000 documents and 120,000 tokens."""
        return Limits(1_000, 120_000)

    def apply(self, corpus: Corpus, chunks: Chunks, rt: Runtime) -> Vectors:
        """Embed every chunk, document by document."""
        parts = list(self._parts(corpus, chunks))
        names = [name for part in parts for name in part.names]
        found = kept_vectors(self, names, "passage", rt)
        missing = [part for part in parts if not found.keys() >= {*part.names}]
        batches = pack([part.tokens for part in missing], self.limits)
        turn = Lock()

        def one(number: int, own: Runtime) -> None:
            batch = [missing[i] for i in batches[number]]
            vectors = self._embed_parts(batch, own)
            new = dict(zip((n for p in batch for n in p.names), vectors, strict=True))
            with turn:
                keep_vectors(self, new, "passage", rt)
                found.update(new)
                rt.tally.embedded += len(new)
                rt.progress(f"Embed documents with {self.identity}", number + 1, len(batches))

        together(one, len(batches), self.vendor.at_once, rt)
        rows = [found[name] for name in names]
        return Vectors(np.stack(rows) if rows else np.empty((0, self.dimensions), np.float32))

    def units(self, corpus: Corpus, chunks: Chunks) -> Iterator[tuple[str, int]]:
        """Return the hash under which each chunk's vector is kept, and its tokens."""
        for part in self._parts(corpus, chunks):
            yield from zip(part.names, map(count_tokens, part.texts), strict=True)

    def _parts(self, corpus: Corpus, chunks: Chunks) -> Iterator["_Part"]:
        rows = range(len(chunks))
        for _, group in groupby(rows, key=lambda i: int(chunks.document[i])):
            texts = [chunks.indexed(corpus, i) for i in group]
            counts = [count_tokens(text) for text in texts]
            for own in pack(counts, Limits(1_000, _DOCUMENT)):
                yield _Part(tuple(texts[i] for i in own), sum(counts[i] for i in own))

    def _embed_parts(self, parts: Sequence["_Part"], rt: Runtime) -> Float32:
        inputs = [list(part.texts) for part in parts]
        n = sum(map(len, inputs))

        def send(seconds: float) -> tuple[Float32, Usage | None]:
            rows, usage = self._ask(inputs, "document", seconds)
            return unit_vectors(VENDOR.name, rows, n, self.dimensions), usage

        expected = Usage(input=sum(part.tokens for part in parts))
        return call(Asked(VENDOR, self.model, "embed", expected, send), rt)

    def send(
        self, texts: Sequence[str], purpose: Purpose, seconds: float
    ) -> tuple[Any, Usage | None]:
        """Embed texts that stand alone: queries."""
        kind = "query" if purpose == "query" else "document"
        return self._ask([[text] for text in texts], kind, seconds)

    def _ask(
        self, inputs: list[list[str]], kind: str, seconds: float
    ) -> tuple[list[Any], Usage | None]:
        answer = _client(seconds).contextualized_embed(
            inputs, model=self.model, input_type=kind, output_dimension=self.cut_to
        )
        given = [list(r.embeddings) for r in answer.results]
        if list(map(len, given)) != list(map(len, inputs)):
            raise BadAnswer(VENDOR.name, "gave vectors for other chunks than were sent")
        return [row for rows in given for row in rows], Usage(input=answer.total_tokens)


@dataclass(frozen=True)
class _Part:
    """The chunks of a document, or of as much of it as a request takes, and their tokens."""

    texts: tuple[str, ...]
    tokens: int

    @property
    def names(self) -> list[str]:
        """Return the hash of each chunk among its neighbours."""
        whole = hash_of("\0".join(self.texts))
        return [f"{whole}.{i}" for i in range(len(self.texts))]


@dataclass(frozen=True)
class VoyageRerank(RemoteReranker):
    """Voyage AI's rerankers; VOYAGE_API_KEY holds the key."""

    model: str = shown("rerank-2.5-lite")
    vendor: ClassVar[Vendor] = VENDOR
    known: ClassVar[tuple[str, ...]] = ("rerank-2.5-lite", "rerank-2.5")
    limits: ClassVar[Limits] = Limits(1_000, 600_000)

    def send(
        self, query: str, texts: Sequence[str], seconds: float
    ) -> tuple[Float64, Usage | None]:
        """Score the texts."""
        answer = _client(seconds).rerank(query, list(texts), model=self.model)
        scores = ((r.index, r.relevance_score) for r in answer.results)
        return scores_of(VENDOR.name, scores, len(texts)), Usage(input=answer.total_tokens)


def _client(seconds: float) -> Any:
    """Return a client that tries once; it holds no connection, the SDK keeps one a thread."""
    sdk = VENDOR.sdk()
    return sdk.Client(api_key=VENDOR.key(), base_url=VENDOR.base, max_retries=0, timeout=seconds)
