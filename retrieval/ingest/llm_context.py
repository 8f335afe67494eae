"""Contextual retrieval: a chat model says of each chunk what it is about in its document.

Source: Anthropic, "Introducing Contextual Retrieval" (2024), with their prompt.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from retrieval.cost import Outlay
from retrieval.errors import SpecError
from retrieval.ingest.contextualize import Contextualizer
from retrieval.ingest.embed import hash_of
from retrieval.ingest.parse import Structure
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.writer import Asked, Writer, chat_model
from retrieval.runtime import Runtime
from retrieval.stage import full, lines
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

    model: ChatModel = chat_model()
    prompt: str = lines(PROMPT)
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
        found = self._writer.write(_not_blank(asked), rt)
        return [found.get(name, "") for document in asked for name, _ in document]

    def outlay(self, corpus: Corpus, chunks: Chunks, rt: Runtime) -> Outlay:
        """Say what the contexts of chunks take, and what of it is kept; calls nobody."""
        return self._writer.outlay(_not_blank(self._asked(corpus, chunks)), rt)

    @property
    def _writer(self) -> Writer:
        """Name what a context depends on besides the texts."""
        identity = digest(*map(str, (self.revision, self.model.versions, full(self))))
        return Writer(self.model, identity, "Contexts", EXPECTED)

    def _asked(self, corpus: Corpus, chunks: Chunks) -> Iterator[list[Asked]]:
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


def _not_blank(asked: Iterable[Sequence[Asked]]) -> list[list[Asked]]:
    return [[(name, prompt) for name, prompt in document if name] for document in asked]
