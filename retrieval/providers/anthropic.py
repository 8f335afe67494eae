"""Anthropic's Claude: chat with prompt caching (docs.anthropic.com)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from retrieval.cost import Usage
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.remote import count_tokens
from retrieval.providers.vendor import Vendor, one_client
from retrieval.stage import shown

VENDOR = Vendor(
    "Anthropic",
    "anthropic",
    ("ANTHROPIC_API_KEY",),
    "ANTHROPIC_BASE_URL",
    ("anthropic",),
    "anthropic",
    at_once=8,
)

CACHED_FROM = {"claude-sonnet-4-5": 1_024, "claude-3-5-haiku": 2_048, "claude-3-haiku": 2_048}
"""Tokens from which on the cache keeps a document; 4,096 for claude-haiku-4-5 and any other.

Source: docs.anthropic.com/en/docs/build-with-claude/prompt-caching, as of 2026.
"""


@dataclass(frozen=True)
class Claude(ChatModel):
    """Anthropic's chat models; ANTHROPIC_API_KEY holds the key. The extra is `anthropic`.

    A prompt's document is marked for the cache: writing it costs a quarter more than input, reading
    it within five minutes a tenth. Short documents (under 1,024 to 4,096 tokens, by model) are not
    cached and are paid as input.
    """

    model: str = shown("claude-haiku-4-5")
    vendor: ClassVar[Vendor] = VENDOR
    known: ClassVar[tuple[str, ...]] = (
        "claude-haiku-4-5",
        "claude-sonnet-4-5",
        "claude-3-5-haiku",
        "claude-3-haiku",
    )

    def caches(self, tokens: int) -> bool:
        """Tell whether the document is long enough for the model's cache."""
        least = (n for name, n in CACHED_FROM.items() if self.model.startswith(name))
        return tokens >= next(least, 4_096)

    def send(self, prompt: Prompt, seconds: float) -> tuple[str | None, Usage | None]:
        """Ask once, the document in a block of its own that the cache keeps."""
        kept = {"type": "text", "text": prompt.document, "cache_control": {"type": "ephemeral"}}
        blocks = [*([kept] if prompt.document else []), {"type": "text", "text": prompt.ask}]
        options: dict[str, Any] = {"system": prompt.system} if prompt.system else {}
        if self.temperature is not None:  # newer models take none, and the SDK names it no more
            options["extra_body"] = {"temperature": self.temperature}
        answer = _client(VENDOR.key(), VENDOR.base).messages.create(
            model=self.model,
            max_tokens=prompt.max_tokens,
            messages=[{"role": "user", "content": blocks}],
            timeout=seconds,
            **options,
        )
        return "".join(b.text for b in answer.content if b.type == "text"), _used(answer.usage)

    def expected(self, prompt: Prompt) -> Usage:
        """Return the most that a call can use: the document written to the cache."""
        asked = count_tokens(prompt.ask) + count_tokens(prompt.system)
        return Usage(
            input=asked, output=prompt.max_tokens, cache_write=count_tokens(prompt.document)
        )


def _used(counts: Any) -> Usage:
    return Usage(
        input=counts.input_tokens,
        output=counts.output_tokens,
        cache_write=counts.cache_creation_input_tokens or 0,
        cache_read=counts.cache_read_input_tokens or 0,
    )


@one_client
def _client(key: str, base: str | None) -> Any:
    sdk = VENDOR.sdk()
    return sdk.Anthropic(api_key=key, base_url=base, max_retries=0)
