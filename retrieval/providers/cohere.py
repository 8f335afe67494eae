"""Cohere: embedding, reranking and chat (docs.cohere.com)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from retrieval.cost import Usage
from retrieval.ingest.embed import Purpose
from retrieval.providers.base import scores_of
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.remote import Limits, RemoteEmbedder
from retrieval.providers.rerank import RemoteReranker
from retrieval.providers.vendor import Vendor, one_client
from retrieval.stage import shown
from retrieval.types import Float64

VENDOR = Vendor("Cohere", "cohere", ("CO_API_KEY", "COHERE_API_KEY"), "CO_API_URL", ("cohere",))
SEARCH = 100
"""Texts that one search pays for."""
PART = 500
"""Tokens of query and text that count as one of them."""


@dataclass(frozen=True)
class Cohere(RemoteEmbedder):
    """Cohere's embedding models; CO_API_KEY or COHERE_API_KEY holds the key."""

    model: str = shown("embed-v4.0")
    vendor: ClassVar[Vendor] = VENDOR
    widths: ClassVar[Mapping[str, int]] = {
        "embed-v4.0": 1536,
        "embed-english-v3.0": 1024,
        "embed-multilingual-v3.0": 1024,
        "embed-english-light-v3.0": 384,
        "embed-multilingual-light-v3.0": 384,
    }

    @property
    def limits(self) -> Limits:
        """Return Cohere's: 96 texts; tokens as many as one text of embed-v4.0 may have."""
        return Limits(96, 128_000)

    def send(
        self, texts: Sequence[str], purpose: Purpose, seconds: float
    ) -> tuple[Any, Usage | None]:
        """Embed texts as documents or as queries."""
        cut = {"output_dimension": self.cut_to} if self.cut_to else {}
        answer = _client(VENDOR.key(), VENDOR.base).embed(
            texts=list(texts),
            model=self.model,
            input_type="search_query" if purpose == "query" else "search_document",
            embedding_types=["float"],
            request_options=_within(seconds),
            **cut,
        )
        return answer.embeddings.float_, _billed(answer.meta.billed_units if answer.meta else None)


@dataclass(frozen=True)
class CohereRerank(RemoteReranker):
    """Cohere's rerankers; CO_API_KEY or COHERE_API_KEY holds the key.

    One query with up to a hundred texts is paid as one search, whatever is in them; a text that is
    longer than 500 tokens together with the query counts as several.
    """

    model: str = shown("rerank-v3.5")
    vendor: ClassVar[Vendor] = VENDOR
    known: ClassVar[tuple[str, ...]] = ("rerank-v3.5",)
    limits: ClassVar[Limits] = Limits(1_000, 4_000_000)

    def usage(self, query: int, texts: Sequence[int]) -> Usage:
        """Return the searches that are paid."""
        room = max(PART - query, 1)
        return Usage(searches=-(-sum(max(-(-n // room), 1) for n in texts) // SEARCH))

    def send(
        self, query: str, texts: Sequence[str], seconds: float
    ) -> tuple[Float64, Usage | None]:
        """Score the texts."""
        answer = _client(VENDOR.key(), VENDOR.base).rerank(
            model=self.model, query=query, documents=list(texts), request_options=_within(seconds)
        )
        scores = ((r.index, r.relevance_score) for r in answer.results)
        billed = answer.meta.billed_units if answer.meta else None
        searches = int(billed.search_units or 0) if billed else 0
        usage = Usage(searches=searches) if searches else None
        return scores_of(VENDOR.name, scores, len(texts)), usage


@dataclass(frozen=True)
class CohereChat(ChatModel):
    """Cohere's chat models; CO_API_KEY or COHERE_API_KEY holds the key."""

    model: str = shown("command-a-03-2025")
    vendor: ClassVar[Vendor] = VENDOR
    known: ClassVar[tuple[str, ...]] = (
        "command-a-03-2025",
        "command-r-08-2024",
        "command-r7b-12-2024",
    )

    def send(self, prompt: Prompt, seconds: float) -> tuple[str | None, Usage | None]:
        """Ask once; Cohere caches no prompts."""
        asked = "\n\n".join(filter(None, (prompt.document, prompt.ask)))
        system = [{"role": "system", "content": prompt.system}] if prompt.system else []
        warmth = {} if self.temperature is None else {"temperature": self.temperature}
        answer = _client(VENDOR.key(), VENDOR.base).chat(
            model=self.model,
            messages=[*system, {"role": "user", "content": asked}],
            max_tokens=prompt.max_tokens,
            request_options=_within(seconds),
            **warmth,
        )
        parts = [p.text for p in answer.message.content if p.type == "text"]
        return "".join(parts), _billed(answer.usage.billed_units if answer.usage else None)


def _billed(units: Any) -> Usage | None:
    if units is None or not units.input_tokens:
        return None
    return Usage(input=int(units.input_tokens), output=int(units.output_tokens or 0))


def _within(seconds: float) -> dict[str, float]:
    return {"timeout_in_seconds": seconds, "max_retries": 0}


@one_client
def _client(key: str, base: str | None) -> Any:
    sdk = VENDOR.sdk()
    return sdk.ClientV2(api_key=key, base_url=base, max_retries=0)
