"""A dated table of list prices in US dollars before tax; a workspace's `prices.json` overrides it.

After the vendors' pages (voyageai.com/pricing, cohere.com/pricing, ai.google.dev/pricing,
anthropic.com/pricing, openai.com/api/pricing): the standard tier, prompts of ordinary length.
`since` is the month a row is known to hold for. A model that is not here has no known price.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens of each kind, `searches` for one search; None is not known."""

    input: float | None = None
    output: float | None = None
    cache_write: float | None = None
    cache_read: float | None = None
    searches: float | None = None
    since: str = ""


def _claude(input_: float, output: float, since: str) -> Price:
    """Anthropic: a write to the five-minute cache costs 1.25 times input, a read a tenth."""
    return Price(input_, output, round(input_ * 1.25, 6), round(input_ / 10, 6), since=since)


def _cached(input_: float, output: float, read: float, since: str) -> Price:
    """OpenAI and Gemini cache by themselves: a write is ordinary input, a read costs less."""
    return Price(input_, output, input_, read, since=since)


PRICES: Mapping[str, Price] = {
    "voyage/voyage-4-large": Price(0.12, since="2026-01"),
    "voyage/voyage-4": Price(0.06, since="2026-01"),
    "voyage/voyage-4-lite": Price(0.02, since="2026-01"),
    "voyage/voyage-3-large": Price(0.18, since="2025-10"),
    "voyage/voyage-3.5": Price(0.06, since="2025-10"),
    "voyage/voyage-3.5-lite": Price(0.02, since="2025-10"),
    "voyage/voyage-code-3": Price(0.18, since="2025-10"),
    "voyage/voyage-context-3": Price(0.18, since="2025-10"),
    "voyage/rerank-2.5": Price(0.05, since="2025-10"),
    "voyage/rerank-2.5-lite": Price(0.02, since="2025-10"),
    "cohere/embed-v4.0": Price(0.12, since="2025-10"),
    "cohere/embed-english-v3.0": Price(0.10, since="2025-10"),
    "cohere/embed-multilingual-v3.0": Price(0.10, since="2025-10"),
    "cohere/rerank-v3.5": Price(searches=0.002, since="2025-10"),
    "cohere/command-a-03-2025": Price(2.50, 10.00, since="2025-10"),
    "cohere/command-r-08-2024": Price(0.15, 0.60, since="2025-10"),
    "cohere/command-r7b-12-2024": Price(0.0375, 0.15, since="2025-10"),
    "gemini/gemini-embedding-001": Price(0.15, since="2025-10"),
    "gemini/gemini-2.5-flash": _cached(0.30, 2.50, 0.03, "2025-10"),
    "gemini/gemini-2.5-flash-lite": _cached(0.10, 0.40, 0.01, "2025-10"),
    "anthropic/claude-3-haiku": Price(0.25, 1.25, 0.30, 0.03, since="2025-10"),
    "anthropic/claude-3-5-haiku": _claude(0.80, 4.00, "2025-10"),
    "anthropic/claude-haiku-4-5": _claude(1.00, 5.00, "2025-10"),
    "anthropic/claude-sonnet-4-5": _claude(3.00, 15.00, "2025-10"),
    "openai/text-embedding-3-small": Price(0.02, since="2025-10"),
    "openai/text-embedding-3-large": Price(0.13, since="2025-10"),
    "openai/gpt-4.1": _cached(2.00, 8.00, 0.50, "2025-10"),
    "openai/gpt-4.1-mini": _cached(0.40, 1.60, 0.10, "2025-10"),
    "openai/gpt-4.1-nano": _cached(0.10, 0.40, 0.025, "2025-10"),
    "openai/gpt-4o-mini": _cached(0.15, 0.60, 0.075, "2025-10"),
}
