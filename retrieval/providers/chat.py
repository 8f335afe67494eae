"""What vendors' chat models share: a prompt in, a text out."""

from abc import abstractmethod
from dataclasses import dataclass

from retrieval.cost import Usage
from retrieval.providers.base import Asked, call, text_of
from retrieval.providers.model import VendorModel
from retrieval.providers.remote import count_tokens
from retrieval.runtime import Runtime

READS = {"claude-": 200_000, "gpt-4.1": 1_047_576, "gemini-": 1_048_576, "command-a": 256_000}
"""Tokens that models read at once, by how their names begin; 128,000 where it is not known."""


@dataclass(frozen=True)
class Prompt:
    """What a model is asked. `document` comes first and is what a prompt cache keeps."""

    ask: str
    document: str = ""
    system: str = ""
    max_tokens: int = 400


@dataclass(frozen=True)
class ChatModel(VendorModel[str]):
    """A vendor's chat model; `temperature` None is the model's own (some take no other)."""

    temperature: float | None = None

    def caches(self, tokens: int) -> bool:
        """Tell whether a plan may count on it that a document of so many is read from a cache."""
        return False

    @property
    def reads(self) -> int:
        """Return how many tokens it reads at once, as its vendor counts them."""
        fits = [n for name, n in READS.items() if self.model.startswith(name)]
        return max(fits, default=128_000)

    @abstractmethod
    def send(self, prompt: Prompt, seconds: float) -> tuple[str | None, Usage | None]:
        """Make one attempt; return the text and what the vendor counted."""

    def write(self, prompt: Prompt, rt: Runtime) -> str:
        """Return what the model writes, without space around it.

        Raises:
            ProviderError: the vendor failed, or wrote nothing.
            OverBudget: the call would pass a budget.
        """

        def send(seconds: float) -> tuple[str, Usage | None]:
            text, usage = self.send(prompt, seconds)
            return text_of(self.vendor.name, text), usage

        return call(Asked(self.vendor, self.model, "chat", self.expected(prompt), send), rt)

    def expected(self, prompt: Prompt) -> Usage:
        """Return the most that a call can use: nothing read from a cache, all that may be written.

        A cache's write costs no less than input where there is a price for it.
        """
        asked = count_tokens(prompt.ask) + count_tokens(prompt.system)
        document = count_tokens(prompt.document)
        return Usage(input=asked + document, output=prompt.max_tokens)
