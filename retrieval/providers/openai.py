"""OpenAI, and servers that speak its API (Ollama, vLLM): embedding and chat.

OPENAI_BASE_URL names another server, which may need no key. Its host is part of a model's identity:
the same name there is another model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from retrieval.cost import Usage
from retrieval.ingest.embed import Purpose
from retrieval.providers.base import in_order
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.remote import Limits, RemoteEmbedder
from retrieval.providers.vendor import Vendor, one_client
from retrieval.stage import shown

VENDOR = Vendor(
    "OpenAI",
    "openai",
    ("OPENAI_API_KEY",),
    "OPENAI_BASE_URL",
    ("openai",),
    "openai",
    keyless=True,
    at_once=8,
)


@dataclass(frozen=True)
class OpenAI(RemoteEmbedder):
    """OpenAI's embedding models, or a server's that OPENAI_BASE_URL names; OPENAI_API_KEY."""

    model: str = shown("text-embedding-3-small")
    vendor: ClassVar[Vendor] = VENDOR
    widths: ClassVar[Mapping[str, int]] = {
        "text-embedding-3-small": 1536,
        "text-embedding-3-large": 3072,
        "text-embedding-ada-002": 1536,
    }

    @property
    def limits(self) -> Limits:
        """Return OpenAI's: 2,048 texts and 300,000 tokens; far less for a server of one's own."""
        return Limits(32, 16_000) if VENDOR.base else Limits(2_048, 300_000)

    def send(
        self, texts: Sequence[str], purpose: Purpose, seconds: float
    ) -> tuple[Any, Usage | None]:
        """Embed texts; documents and queries are the same to these models."""
        options: dict[str, Any] = {"dimensions": self.cut_to} if self.cut_to else {}
        if VENDOR.base:
            options["encoding_format"] = "float"  # not every server knows base64, the default
        answer = _client(VENDOR.key(), VENDOR.base).embeddings.create(
            input=list(texts), model=self.model, timeout=seconds, **options
        )
        rows = in_order(VENDOR.name, ((d.index, d.embedding) for d in answer.data), len(texts))
        return rows, Usage(input=answer.usage.prompt_tokens) if answer.usage else None


@dataclass(frozen=True)
class OpenAIChat(ChatModel):
    """OpenAI's chat models, or a server's that OPENAI_BASE_URL names; OPENAI_API_KEY."""

    model: str = shown("gpt-4.1-mini")
    vendor: ClassVar[Vendor] = VENDOR
    known: ClassVar[tuple[str, ...]] = ("gpt-4.1-mini", "gpt-4.1-nano", "gpt-4.1", "gpt-4o-mini")

    def send(self, prompt: Prompt, seconds: float) -> tuple[str | None, Usage | None]:
        """Ask once; the document stands first, where OpenAI caches by itself."""
        asked = "\n\n".join(filter(None, (prompt.document, prompt.ask)))
        system = [{"role": "system", "content": prompt.system}] if prompt.system else []
        most = "max_tokens" if VENDOR.base else "max_completion_tokens"
        warmth = {} if self.temperature is None else {"temperature": self.temperature}
        answer = _client(VENDOR.key(), VENDOR.base).chat.completions.create(
            model=self.model,
            messages=[*system, {"role": "user", "content": asked}],
            timeout=seconds,
            **{most: prompt.max_tokens},
            **warmth,
        )
        return answer.choices[0].message.content, _used(answer.usage)


def _used(counts: Any) -> Usage | None:
    """Read the counts: those of the prompt hold the cached ones."""
    if counts is None:
        return None
    details = counts.prompt_tokens_details
    read = (details.cached_tokens or 0) if details else 0
    return Usage(
        input=counts.prompt_tokens - read, output=counts.completion_tokens, cache_read=read
    )


@one_client
def _client(key: str, base: str | None) -> Any:
    sdk = VENDOR.sdk()
    return sdk.OpenAI(api_key=key, base_url=base, max_retries=0)
