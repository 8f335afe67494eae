"""A dated table of list prices in US dollars before tax; a workspace's `prices.json` overrides it.

The standard tier, prompts of ordinary length. Each row names the page that said so and the month
for which it did (`since`): the vendor's own where a copy could be read, else one that transcribes
or repeats it. A row without a source was found on no page and is shown as unverified. A vendor may
have changed a price since; a model that is not here has no known price. Compared in November 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens of each kind, `searches` for one search; None is not known.

    `source` is the page that said so, empty where none was found.
    """

    input: float | None = None
    output: float | None = None
    cache_write: float | None = None
    cache_read: float | None = None
    searches: float | None = None
    since: str = ""
    source: str = ""


def _claude(input_: float, output: float, since: str, source: str) -> Price:
    """Anthropic: a write to the five-minute cache costs 1.25 times input, a read a tenth."""
    return Price(
        input_, output, round(input_ * 1.25, 6), round(input_ / 10, 6), None, since, source
    )


def _cached(input_: float, output: float, read: float, since: str, source: str) -> Price:
    """OpenAI and Gemini cache by themselves: a write is ordinary input, a read costs less."""
    return Price(input_, output, input_, read, None, since, source)


_HIVE = "hivebook.wiki/wiki/voyage-ai-embeddings-rerankers-for-rag"
_USAGE = "usagepricing.com/blueprint/voyage-ai, after docs.voyageai.com/docs/pricing"
_PUTER = "developer.puter.com/tutorials/cohere-api-pricing"
_MAXIM = "getmaxim.ai/bifrost/model-library/provider/cohere"
_CLAUDE = "docs.anthropic.com/en/docs/about-claude/pricing"
_SYNAPS = "docs.rs/synaps, after platform.claude.com/docs/en/about-claude/pricing"
_GEMINI = "deploybase.ai/articles/gemini-api-pricing, after ai.google.dev/gemini-api/docs/pricing"
_OPENAI = "developers.openai.com/api/docs/models"
_TOKENS = "tokenmath.io/openai-api-pricing-explained"

PRICES: Mapping[str, Price] = {
    "voyage/voyage-4-large": Price(0.12, since="2026-05", source=_HIVE),
    "voyage/voyage-4": Price(0.06, since="2026-05", source=_HIVE),
    "voyage/voyage-4-lite": Price(0.02, since="2026-05", source=_HIVE),
    "voyage/voyage-3-large": Price(0.18, since="2026-05", source=_HIVE),
    "voyage/voyage-3.5": Price(0.06, since="2026-05", source=_HIVE),
    "voyage/voyage-3.5-lite": Price(0.02, since="2026-05", source=_HIVE),
    "voyage/voyage-code-3": Price(0.18, since="2026-05", source=_HIVE),
    "voyage/voyage-context-3": Price(0.18, since="2026-05", source=_HIVE),
    "voyage/rerank-2.5": Price(0.05, since="2026", source=_USAGE),
    "voyage/rerank-2.5-lite": Price(0.02, since="2026-07", source="openrouter.ai/voyageai"),
    "cohere/embed-v4.0": Price(0.12, since="2026-06", source=_PUTER),
    "cohere/embed-english-v3.0": Price(0.10, since="2025-10"),
    "cohere/embed-multilingual-v3.0": Price(0.10, since="2025-10"),
    "cohere/rerank-v3.5": Price(searches=0.002, since="2025-10"),
    "cohere/command-a-03-2025": Price(2.50, 10.00, since="2026", source=_MAXIM),
    "cohere/command-r-08-2024": Price(0.15, 0.60, since="2026-06", source=_PUTER),
    "cohere/command-r7b-12-2024": Price(0.0375, 0.15, since="2026-06", source=_PUTER),
    "gemini/gemini-embedding-001": Price(0.15, since="2026-04", source="embeddingcost.com/google"),
    "gemini/gemini-2.5-flash": _cached(0.30, 2.50, 0.03, "2026-03", _GEMINI),
    "gemini/gemini-2.5-flash-lite": _cached(
        0.10, 0.40, 0.01, "2026-01", "aifreeapi.com/en/posts/gemini-api-pricing-2026"
    ),
    "anthropic/claude-3-haiku": Price(0.25, 1.25, 0.30, 0.03, None, "2025-08", _CLAUDE),
    "anthropic/claude-3-5-haiku": _claude(0.80, 4.00, "2025-08", _CLAUDE),
    "anthropic/claude-haiku-4-5": _claude(1.00, 5.00, "2026-10", _SYNAPS),
    "anthropic/claude-sonnet-4-5": _claude(3.00, 15.00, "2026-10", _SYNAPS),
    "openai/text-embedding-3-small": Price(
        0.02, since="2026", source=f"{_OPENAI}/text-embedding-3-large"
    ),
    "openai/text-embedding-3-large": Price(
        0.13, since="2026", source=f"{_OPENAI}/text-embedding-3-large"
    ),
    "openai/gpt-4.1": _cached(2.00, 8.00, 0.50, "2026-06", _TOKENS),
    "openai/gpt-4.1-mini": _cached(0.40, 1.60, 0.10, "2026-06", _TOKENS),
    "openai/gpt-4.1-nano": _cached(0.10, 0.40, 0.025, "2026", f"{_OPENAI}/gpt-4.1-nano"),
    "openai/gpt-4o-mini": _cached(0.15, 0.60, 0.075, "2026-06", "ai.cloudprice.net/api/v1/models"),
}
