"""What vendors' rerankers share: one query and its texts in, a score a text out."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.cost import Usage
from retrieval.providers.base import Asked, call
from retrieval.providers.model import VendorModel
from retrieval.providers.remote import count_tokens
from retrieval.runtime import Runtime
from retrieval.types import Float64

MOST = 1_000
"""Texts of one request, with every vendor."""


@dataclass(frozen=True)
class RemoteReranker(VendorModel[Float64]):
    """A vendor's cross-encoder: reads query and text together, one call a query."""

    @abstractmethod
    def send(
        self, query: str, texts: Sequence[str], seconds: float
    ) -> tuple[Float64, Usage | None]:
        """Make one attempt; return the scores in the texts' order, and what the vendor counted."""

    def expected(self, query: str, texts: Sequence[str]) -> Usage:
        """Return what one call is expected to use: by default the query once a text, as tokens."""
        tokens = sum(map(count_tokens, texts))
        return Usage(input=tokens + count_tokens(query) * len(texts))

    def score(self, query: str, texts: Sequence[str], rt: Runtime) -> Float64:
        """Return the relevance of each text, `(n,)` in the texts' order; more is better.

        Raises:
            ProviderError: the vendor failed, or did not score every text.
            OverBudget: a call would pass a budget.
        """
        parts = [texts[i : i + MOST] for i in range(0, len(texts), MOST)]
        scores = [self._part(query, part, rt) for part in parts]
        return np.concatenate(scores) if scores else np.empty(0)

    def _part(self, query: str, texts: Sequence[str], rt: Runtime) -> Float64:
        def send(seconds: float) -> tuple[Float64, Usage | None]:
            return self.send(query, texts, seconds)

        return call(Asked(self.vendor, self.model, "rerank", self.expected(query, texts), send), rt)
