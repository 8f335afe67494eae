"""Contextual retrieval: a chat model says of each chunk what it is about in its document.

Source: Anthropic, "Introducing Contextual Retrieval" (2024), with their prompt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from threading import Lock

from retrieval.cost import Outlay, Usage, cost, price_of, read_prices
from retrieval.errors import SpecError
from retrieval.ingest.contextualize import Contextualizer
from retrieval.ingest.embed import hash_of
from retrieval.ingest.parse import Structure
from retrieval.providers.anthropic import Claude
from retrieval.providers.base import together
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.cohere import CohereChat
from retrieval.providers.gemini import GeminiChat
from retrieval.providers.openai import OpenAIChat
from retrieval.providers.remote import count_tokens
from retrieval.runtime import Runtime
from retrieval.stage import full, nested
from retrieval.store import texts as store
from retrieval.types import Chunks, Corpus, digest

PROMPT = """Here is the chunk we want to situate within the whole document
<chunk>
{chunk}
</chunk>
Please give a short succinct context to situate this chunk within the overall document for the \
purposes of improving search retrieval of the chunk. Answer only with the succinct context and \
nothing else."""
EXPECTED = 100
"""Tokens of a context, for plans: that of the source."""


@dataclass(frozen=True)
class LLMContext(Contextualizer):
    """A context that a chat model writes for each chunk, having read the whole document.

    `prompt` holds `{chunk}`; the document stands before it, where a prompt cache keeps it. A
    document's chunks are asked for one after the other, so that the cache stays warm, and several
    documents at once. Every context is kept by model, prompt, document and chunk as it comes.
    """

    model: ChatModel = nested(Claude, OpenAIChat, GeminiChat, CohereChat, default=Claude())
    prompt: str = PROMPT
    max_tokens: int = 300

    def __post_init__(self) -> None:
        if "{chunk}" not in self.prompt:
            raise SpecError("LLMContext.prompt needs {chunk}, where the text of the chunk stands")
        if self.max_tokens < 1:
            raise SpecError(f"LLMContext.max_tokens must be at least 1, not {self.max_tokens!r}")

    def contexts(
        self, corpus: Corpus, structure: Structure, chunks: Chunks, rt: Runtime
    ) -> Sequence[str]:
        """Return what is kept, and ask for the rest; a blank chunk has no context."""
        asked = list(self._asked(corpus, chunks))
        names = [name for document in asked for name, _ in document]
        found = store.fetch(rt.workspace, self._writer, names) if rt.workspace else {}
        todo = [d for d in asked if any(name and name not in found for name, _ in d)]
        missing, turn = len({*names} - found.keys() - {""}), Lock()
        written = 0

        def one(number: int, own: Runtime) -> None:
            nonlocal written
            for name, prompt in todo[number]:
                if not name or name in found:
                    continue
                text = self.model.write(prompt, own)
                with turn:
                    if rt.workspace:
                        store.keep(rt.workspace, self._writer, name, text)
                    found[name] = text
                    written += 1
                    rt.progress(f"Contexts by {self.model.name}", written, missing)

        together(one, len(todo), self.model.vendor.at_once, rt)
        return [found.get(name, "") for name in names]

    def outlay(self, corpus: Corpus, chunks: Chunks, rt: Runtime) -> Outlay:
        """Say what the contexts of chunks take, and what of it is kept; calls nobody."""
        asked = [{n: p for n, p in d if n} for d in self._asked(corpus, chunks)]
        names = [name for document in asked for name in document]
        kept = store.fetch(rt.workspace, self._writer, names) if rt.workspace else {}
        new = [[p for n, p in document.items() if n not in kept] for document in asked]
        old = [[p for n, p in document.items() if n in kept] for document in asked]
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

    def _usage(self, prompts: Sequence[Prompt]) -> Usage:
        """Count what the prompts of one document take, one after the other."""
        if not prompts:
            return Usage()
        document, n = count_tokens(prompts[0].document), len(prompts)
        asked = sum(count_tokens(p.ask) for p in prompts)
        written = n * min(EXPECTED, self.max_tokens)
        if self.model.caches:
            return Usage(asked, written, cache_write=document, cache_read=(n - 1) * document)
        return Usage(asked + n * document, written)

    @property
    def _writer(self) -> str:
        """Name what a context depends on besides the texts."""
        return digest(*map(str, (self.revision, self.model.versions, full(self))))

    def _asked(self, corpus: Corpus, chunks: Chunks) -> Iterator[list[tuple[str, Prompt]]]:
        """Return the chunks of each document by the name of their context, none for a blank one."""
        for row, group in groupby(range(len(chunks)), key=lambda i: int(chunks.document[i])):
            text = corpus.documents[row].text
            whole, hashed = f"<document>\n{text}\n</document>", hash_of(text)
            own = [chunks.text(corpus, i) for i in group]
            yield [
                (
                    hash_of(f"{hashed}\0{chunk}") if chunk.strip() else "",
                    Prompt(
                        self.prompt.replace("{chunk}", chunk), whole, max_tokens=self.max_tokens
                    ),
                )
                for chunk in own
            ]
