"""Voyage AI: embedding and reranking (docs.voyageai.com)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from retrieval.cost import Usage
from retrieval.ingest.embed import Purpose
from retrieval.providers.base import Vendor, load, scores_of
from retrieval.providers.remote import Limits, RemoteEmbedder
from retrieval.providers.rerank import RemoteReranker
from retrieval.stage import shown
from retrieval.types import Float64

VENDOR = Vendor("Voyage", "voyage", ("VOYAGE_API_KEY",), "VOYAGE_BASE_URL")
_TOKENS: Mapping[str, int] = {
    "voyage-4-lite": 1_000_000,
    "voyage-3.5-lite": 1_000_000,
    "voyage-4": 320_000,
    "voyage-3.5": 320_000,
}
"""What one request may hold; 120,000 for all others."""


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
class VoyageRerank(RemoteReranker):
    """Voyage AI's rerankers; VOYAGE_API_KEY holds the key."""

    model: str = shown("rerank-2.5-lite")
    vendor: ClassVar[Vendor] = VENDOR

    def send(
        self, query: str, texts: Sequence[str], seconds: float
    ) -> tuple[Float64, Usage | None]:
        """Score the texts."""
        answer = _client(seconds).rerank(query, list(texts), model=self.model)
        scores = ((r.index, r.relevance_score) for r in answer.results)
        return scores_of(VENDOR.name, scores, len(texts)), Usage(input=answer.total_tokens)


def _client(seconds: float) -> Any:
    """Return a client that tries once; it holds no connection, the SDK keeps one a thread."""
    sdk = load("voyageai", "voyage")
    return sdk.Client(api_key=VENDOR.key(), base_url=VENDOR.base, max_retries=0, timeout=seconds)
