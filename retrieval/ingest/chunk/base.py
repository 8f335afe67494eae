"""What chunkers have in common."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from retrieval.ingest.chunk.cut import Piece, Text
from retrieval.ingest.parse import Structure
from retrieval.ingest.tokens import Tokens, Vocabulary
from retrieval.runtime import Runtime
from retrieval.stage import Stage, require, shown
from retrieval.types import Chunks, Corpus, Document


@dataclass(frozen=True)
class Chunker(Stage[Chunks]):
    """Cuts each document by itself."""

    product: ClassVar[type[Chunks]] = Chunks

    def apply(self, corpus: Corpus, structure: Structure, tokens: Tokens, rt: Runtime) -> Chunks:
        """Cut every document."""
        cut: list[list[Piece]] = []
        contexts: list[str] = []
        for i, document in enumerate(corpus.documents):
            text = _text(document, i, structure, tokens)
            cut.append(list(self.cut(text)))
            contexts += self.contexts(text, cut[-1])
            rt.progress(type(self).__name__, i + 1, len(corpus))
        return Chunks.of_spans(cut).beside(contexts)

    def cut(self, t: Text) -> Iterator[Piece]:
        """Return the document's chunks, trimmed, without any that add nothing to the one before."""
        until = 0
        for start, end in self.spans(t):
            low, high = t.trim(start, end)
            if high > max(low, until):
                yield low, high
                until = high

    @abstractmethod
    def spans(self, t: Text) -> Iterable[Piece]:
        """Return the spans of one document, in order."""

    def contexts(self, t: Text, pieces: Sequence[Piece]) -> Sequence[str]:
        """Return what stands beside each of a document's chunks: nothing, unless a chunker says."""
        return [""] * len(pieces)


@dataclass(frozen=True)
class Sized(Chunker):
    """A chunker with a greatest size in tokens."""

    size: int = shown(400)
    vocabulary: Vocabulary = "o200k"

    def __post_init__(self) -> None:
        require(1 <= self.size <= 100_000, self, "size", "from 1 to 100,000 tokens")


def _text(document: Document, row: int, structure: Structure, tokens: Tokens) -> Text:
    given = [(s.start, s.end) for s in document.given]
    return Text(document.text, structure.of(row), tokens.of(row).tolist(), given)
