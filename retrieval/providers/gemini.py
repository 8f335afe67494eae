"""Google's Gemini: embedding and chat (ai.google.dev), through google-genai.

Where the extra `google-generativeai` is installed, the package of that name is used instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from retrieval.cost import Usage
from retrieval.ingest.embed import Purpose
from retrieval.providers import generativeai
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.remote import Limits, RemoteEmbedder
from retrieval.providers.vendor import Vendor, one_client
from retrieval.stage import shown

VENDOR = Vendor(
    "Gemini",
    "gemini",
    ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "GOOGLE_GEMINI_BASE_URL",
    (generativeai.MODULE, "google.genai"),
)


@dataclass(frozen=True)
class Gemini(RemoteEmbedder):
    """Google's embedding models; GEMINI_API_KEY or GOOGLE_API_KEY holds the key."""

    model: str = shown("gemini-embedding-001")
    vendor: ClassVar[Vendor] = VENDOR
    widths: ClassVar[Mapping[str, int]] = {"gemini-embedding-001": 3072}

    @property
    def limits(self) -> Limits:
        """Return Gemini's: 100 texts, of which 2,048 tokens each are read."""
        return Limits(100, 200_000)

    def send(
        self, texts: Sequence[str], purpose: Purpose, seconds: float
    ) -> tuple[Any, Usage | None]:
        """Embed texts as documents or as queries; the API tells no usage."""
        kind = "RETRIEVAL_QUERY" if purpose == "query" else "RETRIEVAL_DOCUMENT"
        if VENDOR.module == generativeai.MODULE:
            return generativeai.embed(VENDOR, self.model, texts, kind, self.cut_to, seconds), None
        cut = {"output_dimensionality": self.cut_to} if self.cut_to else {}
        answer = _client(VENDOR.key(), VENDOR.base).models.embed_content(
            model=self.model,
            contents=list(texts),
            config={"task_type": kind, "http_options": _within(seconds), **cut},
        )
        return [e.values for e in answer.embeddings], None


@dataclass(frozen=True)
class GeminiChat(ChatModel):
    """Google's chat models; GEMINI_API_KEY or GOOGLE_API_KEY holds the key."""

    model: str = shown("gemini-2.5-flash-lite")
    vendor: ClassVar[Vendor] = VENDOR
    known: ClassVar[tuple[str, ...]] = ("gemini-2.5-flash-lite", "gemini-2.5-flash")

    def send(self, prompt: Prompt, seconds: float) -> tuple[str | None, Usage | None]:
        """Ask once; the document stands first, where Gemini caches by itself."""
        if VENDOR.module == generativeai.MODULE:
            return generativeai.write(VENDOR, self.model, prompt, self.temperature, seconds)
        answer = _client(VENDOR.key(), VENDOR.base).models.generate_content(
            model=self.model,
            contents="\n\n".join(filter(None, (prompt.document, prompt.ask))),
            config={
                "system_instruction": prompt.system or None,
                "temperature": self.temperature,
                "max_output_tokens": prompt.max_tokens,
                "http_options": _within(seconds),
            },
        )
        return answer.text, _used(answer.usage_metadata)


def _used(counts: Any) -> Usage | None:
    """Read the counts: those of the prompt hold the cached ones; thoughts are paid as output."""
    if counts is None or not counts.prompt_token_count:
        return None
    read = counts.cached_content_token_count or 0
    written = (counts.candidates_token_count or 0) + (counts.thoughts_token_count or 0)
    return Usage(input=counts.prompt_token_count - read, output=written, cache_read=read)


def _within(seconds: float) -> dict[str, int]:
    return {"timeout": max(1, int(seconds * 1000))}  # milliseconds


@one_client
def _client(key: str, base: str | None) -> Any:
    sdk = VENDOR.sdk()
    return sdk.Client(
        api_key=key, vertexai=False, http_options={"base_url": base} if base else None
    )
