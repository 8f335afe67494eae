"""Contexts that a chat model writes: what a chunk is about in its document, what code does.

Source: Anthropic, "Introducing Contextual Retrieval" (2024), with their prompt.
"""

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any, ClassVar

import numpy as np

from retrieval.cost import Outlay
from retrieval.errors import SpecError
from retrieval.ingest.contextualize import Contextualizer
from retrieval.ingest.embed import hash_of
from retrieval.ingest.parse import Described, Kind, Structure
from retrieval.ingest.parts import parts
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.writer import Asked, Writer, chat_model
from retrieval.runtime import Runtime
from retrieval.stage import Stage, full, later, lines, require
from retrieval.types import Bool, Chunks, Corpus, digest

PROMPT = """Here is the chunk we want to situate within the whole document
<chunk>
{chunk}
</chunk>
Please give a short succinct context to situate this chunk within the overall document for the \
purposes of improving search retrieval of the chunk. Answer only with the succinct context and \
nothing else."""
GLOSS = """Here is a piece of code from {where}
<code>
{chunk}
</code>
Please describe in plain language what it does and what it is for, in one to three sentences, with \
the words of somebody who searches for it and does not know its names. Answer only with the \
description and nothing else."""
GLOSSARY = """Terms of this field, for you to understand and to use:
<glossary>
{glossary}
</glossary>"""
CODE_SHARE = 0.5
"""Of a chunk's characters that must be code for it to be glossed."""


@dataclass(frozen=True)
class Written(Contextualizer):
    """Contexts that a chat model writes, each kept as it comes by model, prompt and what it is of.

    `glossary` is what the model should know of the field's words; it is sent with every chunk.
    """

    model: ChatModel = chat_model()
    prompt: str = lines(PROMPT)
    max_tokens: int = 300
    glossary: str = lines("", later=True)
    step: ClassVar[str] = "Contexts"
    expected: ClassVar[int] = 100
    """Tokens of a context, for plans: that of the source."""

    def __post_init__(self) -> None:
        if "{chunk}" not in self.prompt:
            name = type(self).__name__
            raise SpecError(f"{name}.prompt needs {{chunk}}, where the text of the chunk stands")
        require(self.max_tokens >= 1, self, "max_tokens", "at least 1")

    def contexts(
        self, corpus: Corpus, structure: Structure, chunks: Chunks, rt: Runtime
    ) -> Sequence[str]:
        """Return what is kept, and ask for the rest; what is left alone has no context."""
        asked = list(self.asked(corpus, structure, chunks))
        found = self._writer.write(_wanted(asked), rt)
        return [found.get(name, "") for group in asked for name, _ in group]

    def outlay(self, corpus: Corpus, structure: Structure, chunks: Chunks, rt: Runtime) -> Outlay:
        """Say what the contexts of chunks take, and what of it is kept; calls nobody."""
        return self._writer.outlay(_wanted(self.asked(corpus, structure, chunks)), rt)

    def awaited(
        self, corpus: Corpus, structure: Structure, chunks: Chunks
    ) -> tuple[Chunks, list[int]]:
        """Return the chunks but for what is to be written, and the tokens expected beside each."""
        asked = self.asked(corpus, structure, chunks)
        return chunks, [self.expected if name else 0 for group in asked for name, _ in group]

    @abstractmethod
    def asked(self, corpus: Corpus, structure: Structure, chunks: Chunks) -> Iterator[list[Asked]]:
        """Return all chunks in order, in groups asked for in turn; no name for one left alone."""

    def prompt_of(self, document: str = "", **values: str) -> Prompt:
        """Put the values into the prompt, `chunk` last, so that no other stands in it."""
        ask = self.prompt
        for name in sorted(values, key=lambda name: name == "chunk"):
            ask = ask.replace(f"{{{name}}}", values[name])
        known = GLOSSARY.replace("{glossary}", self.glossary) if self.glossary else ""
        return Prompt(ask, document, known, self.max_tokens)

    @property
    def _writer(self) -> Writer:
        """Name what a context depends on besides the texts."""
        identity = digest(*map(str, (self.revision, self.model.versions, full(self._kept_for))))
        return Writer(self.model, identity, self.step, self.expected)

    @property
    def _kept_for(self) -> Stage[Any]:
        return self


@dataclass(frozen=True)
class LLMContext(Written):
    """A context that a chat model writes for each chunk, having read the whole document.

    `prompt` holds `{chunk}`; the document stands before it, where a prompt cache keeps it. A
    document's chunks are asked for one after the other, so that the cache stays warm, and several
    documents at once. Every context is kept by model, prompt, document and chunk as it comes.
    `glossary` says what the field's words mean; it is sent with every chunk.

    A document of more tokens than `window` (left empty: half of what the model reads at once, since
    vendors count up to twice our tokens) is read in parts of about one length, cut at headings
    where there are any: with each chunk the part that it stands in.
    """

    window: int | None = later(None)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.window is None or self.window >= 1, self, "window", "at least 1, or nothing")

    def asked(self, corpus: Corpus, structure: Structure, chunks: Chunks) -> Iterator[list[Asked]]:
        """Return a group a document, or a part of a long one; a blank chunk is left alone."""
        window = self.window or self.model.reads // 2
        middle = ((chunks.start + chunks.end) // 2).tolist()
        for row, group in groupby(range(len(chunks)), key=lambda i: int(chunks.document[i])):
            found = parts(corpus.documents[row], partial(structure.of, row), window)
            starts = [start for start, _ in found[1:]]
            for at, own in groupby(group, key=lambda i: bisect_right(starts, middle[i])):
                yield list(self._of(found[at][1], [chunks.text(corpus, i) for i in own]))

    def _of(self, read: str, chunks: Iterable[str]) -> Iterator[Asked]:
        whole, hashed = f"<document>\n{read}\n</document>", hash_of(read)
        for chunk in chunks:
            name = hash_of(f"{hashed}\0{chunk}") if chunk.strip() else ""
            yield name, self.prompt_of(whole, chunk=chunk)

    @property
    def _kept_for(self) -> Stage[Any]:
        return replace(self, window=None)  # what is read of a document is in the name


@dataclass(frozen=True)
class Gloss(Written):
    """What a chunk of code does, in plain language by a chat model; other chunks are left alone.

    Indexed beside the code or, with `instead`, in place of it (the text of the chunk stays). Code
    is a chunk of which at least half is. The model sees the chunk and, for `{where}` in `prompt`,
    its document and symbol. Each description is kept by model, prompt and what was seen.
    """

    prompt: str = lines(GLOSS)
    instead: bool = False
    step: ClassVar[str] = "Descriptions of code"

    def apply(self, corpus: Corpus, structure: Structure, chunks: Chunks, rt: Runtime) -> Chunks:
        """Return the same chunks with descriptions."""
        return self._seen(super().apply(corpus, structure, chunks, rt), corpus, structure)

    def awaited(
        self, corpus: Corpus, structure: Structure, chunks: Chunks
    ) -> tuple[Chunks, list[int]]:
        """Return the chunks but for their descriptions, and the tokens expected of these."""
        bare, expected = super().awaited(corpus, structure, chunks)
        return self._seen(bare, corpus, structure), expected

    def asked(self, corpus: Corpus, structure: Structure, chunks: Chunks) -> Iterator[list[Asked]]:
        """Return a group a chunk: there is nothing that a prompt cache could keep."""
        for i, code in enumerate(is_code(corpus, structure, chunks).tolist()):
            label = corpus.documents[int(chunks.document[i])].label
            where, chunk = f"{label} {chunks.context(i)}".strip(), chunks.text(corpus, i)
            name = hash_of(f"{where}\0{chunk}") if code else ""
            yield [(name, self.prompt_of(where=where, chunk=chunk))]

    def _seen(self, chunks: Chunks, corpus: Corpus, structure: Structure) -> Chunks:
        if not self.instead:
            return chunks
        return replace(chunks, context_only=is_code(corpus, structure, chunks))


def is_code(corpus: Corpus, structure: Structure, chunks: Chunks) -> Bool:
    """Tell of each chunk whether at least half of its characters are code, `(C,)`."""
    spans = zip(chunks.document.tolist(), chunks.start.tolist(), chunks.end.tolist(), strict=True)
    found: list[bool] = []
    for row, group in groupby(spans, key=lambda span: span[0]):
        d = Described(corpus.documents[row], structure.of(row))
        for _, start, end in group:
            code = (b for b in d.touched((start, end)) if b.kind is Kind.CODE)
            held = sum(min(b.end, end) - max(b.start, start) for b in code)
            found.append(held > 0 and held >= CODE_SHARE * (end - start))
    return np.array(found, bool)


def _wanted(asked: Iterable[Sequence[Asked]]) -> list[list[Asked]]:
    return [[(name, prompt) for name, prompt in group if name] for group in asked]
