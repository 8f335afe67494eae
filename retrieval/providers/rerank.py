"""What vendors' rerankers share: one query and its texts in, a score a text out."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from retrieval.cost import Usage
from retrieval.errors import SpecError
from retrieval.providers.base import Asked, Vendor, call
from retrieval.providers.remote import count_tokens
from retrieval.runtime import Runtime
from retrieval.stage import Stage
from retrieval.types import Float64

MOST = 1_000
"""Texts of one request, with every vendor."""


@dataclass(frozen=True)
class RemoteReranker(Stage[Float64]):
    """A vendor's cross-encoder: reads query and text together, one call a query."""

    model: str = ""
    vendor: ClassVar[Vendor]

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise SpecError(f"{type(self).__name__} needs the name of a model")

    @property
    def label(self) -> str:
        """Return the model's name."""
        return self.model

    @property
    def identity(self) -> str:
        """Return who answers and the model: what a score depends on besides the texts."""
        return f"{self.vendor.source}/{self.model}"

    @property
    def versions(self) -> list[Any]:
        """Return the revision and the identity: another model gives other scores."""
        return [*super().versions, self.identity]

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
