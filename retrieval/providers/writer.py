"""What stages share that have a chat model write texts: kept as they come, planned, priced."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from retrieval.cost import Outlay, Usage, cost, price_of, read_prices
from retrieval.errors import BadAnswer
from retrieval.providers.anthropic import Claude
from retrieval.providers.base import together
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.cohere import CohereChat
from retrieval.providers.gemini import GeminiChat
from retrieval.providers.openai import OpenAIChat
from retrieval.providers.remote import count_tokens
from retrieval.runtime import Runtime
from retrieval.stage import nested
from retrieval.store import texts as store

CHAT_MODELS: tuple[type[ChatModel], ...] = (Claude, OpenAIChat, GeminiChat, CohereChat)

Asked = tuple[str, Prompt]
"""The hash of what a text is written of, and what the model is asked."""


def chat_model() -> Any:
    """Declare a field that holds a chat model."""
    return nested(*CHAT_MODELS, default=Claude())


def as_it_is(text: str) -> None:
    """Take whatever was written."""


@dataclass(frozen=True)
class Writer:
    """A chat model at one task.

    `identity` names what a text depends on besides what it is written of, `step` what it does in a
    line of progress, and `expected` the tokens of a text for plans. `check` raises BadAnswer for a
    text that cannot be used: then the model is asked once more, and nothing broken is kept.
    """

    model: ChatModel
    identity: str
    step: str
    expected: int
    check: Callable[[str], object] = as_it_is

    def write(self, groups: Sequence[Sequence[Asked]], rt: Runtime) -> dict[str, str]:
        """Return the texts by their hashes: what is kept, and the rest as it is written.

        What stands in one group is asked for in turn, so that a prompt cache stays warm; several
        groups at once.

        Raises:
            ProviderError: the vendor failed, or wrote twice what cannot be used.
            OverBudget: a call would pass a budget.
        """
        found = self.kept([name for group in groups for name, _ in group], rt)
        todo = [g for g in groups if any(name not in found for name, _ in g)]
        missing = len({name for group in todo for name, _ in group} - found.keys())
        written, turn = 0, Lock()

        def one(number: int, own: Runtime) -> None:
            nonlocal written
            for name, prompt in todo[number]:
                if name in found:
                    continue
                text = self._ask(prompt, own)
                with turn:
                    if rt.workspace:
                        store.keep(rt.workspace, self.identity, name, text)
                    found[name] = text
                    written += 1
                    rt.progress(f"{self.step} by {self.model.name}", written, missing)

        together(one, len(todo), self.model.vendor.at_once, rt)
        return found

    def kept(self, names: Sequence[str], rt: Runtime) -> dict[str, str]:
        """Return the texts that are kept, by their hashes."""
        return store.fetch(rt.workspace, self.identity, names) if rt.workspace else {}

    def outlay(self, groups: Sequence[Sequence[Asked]], rt: Runtime) -> Outlay:
        """Say what texts take, and what of it is kept; calls nobody."""
        distinct = [dict(group) for group in groups]
        kept = self.kept([name for group in distinct for name in group], rt)
        new = [[p for n, p in group.items() if n not in kept] for group in distinct]
        old = [[p for n, p in group.items() if n in kept] for group in distinct]
        to_come, before = (sum(map(self._usage, part), Usage()) for part in (new, old))
        own = read_prices(rt.workspace.path) if rt.workspace else {}
        price = price_of(self.model.name, own)
        return Outlay(
            calls=sum(map(len, new)),
            texts=sum(map(len, new)),
            tokens=to_come.tokens,
            usd=cost(to_come, price),
            kept_texts=sum(map(len, old)),
            kept_tokens=before.tokens,
            kept_usd=cost(before, price),
        )

    def _ask(self, prompt: Prompt, rt: Runtime) -> str:
        text = self.model.write(prompt, rt)
        try:
            self.check(text)
        except BadAnswer:
            text = self.model.write(prompt, rt)
            self.check(text)
        return text

    def _usage(self, prompts: Sequence[Prompt]) -> Usage:
        """Count what the prompts of one group take, one after the other."""
        if not prompts:
            return Usage()
        document, n = count_tokens(prompts[0].document), len(prompts)
        asked = sum(count_tokens(p.system) + count_tokens(p.ask) for p in prompts)
        written = sum(min(self.expected, p.max_tokens) for p in prompts)
        if self.model.caches(document):
            return Usage(asked, written, cache_write=document, cache_read=(n - 1) * document)
        return Usage(asked + n * document, written)
