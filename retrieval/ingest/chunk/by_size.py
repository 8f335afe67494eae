"""Chunkers that do not look at blocks: what was given, windows of tokens, recursive splitting."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from retrieval.ingest.chunk.base import Chunker, Sized
from retrieval.ingest.chunk.cut import Piece, Text, joined, parts, windows
from retrieval.stage import require


@dataclass(frozen=True)
class Given(Chunker):
    """The chunks the corpus came with; a document that came with none is one chunk."""

    def spans(self, t: Text) -> Iterable[Piece]:
        """Return the document's own spans."""
        return t.given or [(0, len(t.text))]

    def cut(self, t: Text) -> Iterator[Piece]:
        """Return the spans as they came, white space at their edges and all."""
        return (piece for piece in self.spans(t) if t.text[slice(*piece)].strip())


@dataclass(frozen=True)
class FixedTokens(Sized):
    """Windows of `size` tokens that repeat up to the last `overlap` of the one before.

    With `whole_words` a cut moves back to the last space in the second half of the window, or
    where there is none (Chinese, say) to the last word's start; without, it falls between any two
    tokens.
    """

    overlap: int = 0
    whole_words: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.overlap < self.size, self, "overlap", "at least 0 and less than size")

    def spans(self, t: Text) -> Iterable[Piece]:
        """Slide the window over the whole document."""
        return windows(t, (0, len(t.text)), self.size, self.overlap, whole_words=self.whole_words)


@dataclass(frozen=True)
class Recursive(Sized):
    """Split at the coarsest of blank line, line, sentence mark, space; join up to `size` tokens.

    Source: LangChain's RecursiveCharacterTextSplitter with the separators of Chroma's chunking
    report (2024), lengths in tokens.
    """

    overlap: int = 0
    separators: ClassVar[tuple[str, ...]] = ("\n\n", "\n", ".", "?", "!", " ", "")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.overlap < self.size, self, "overlap", "at least 0 and less than size")

    def spans(self, t: Text) -> Iterable[Piece]:
        """Split the whole document."""
        return self._split(t, (0, len(t.text)), self.separators)

    def _split(self, t: Text, piece: Piece, separators: tuple[str, ...]) -> Iterator[Piece]:
        at = next(i for i, s in enumerate(separators) if t.text.find(s, *piece) >= 0)
        small: list[Piece] = []
        for part in parts(t.text, piece, separators[at]):
            if t.tokens(*part) < self.size or not separators[at]:
                small.append(part)
                continue
            yield from joined(t, small, self.size, self.overlap)
            small = []
            yield from self._split(t, part, separators[at + 1 :])
        yield from joined(t, small, self.size, self.overlap)
