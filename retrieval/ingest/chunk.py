"""Chunk: cut each document into passages. A chunk is an exact span; text is never altered.

Every chunker keeps a contract: spans lie in order of their start, none is empty or lies in the one
before, no character but white space is left out, and none is longer than `size` tokens of
`vocabulary` (see `tokens`) unless it is a single character. `Given` alone takes what it is given.
"""

import re
from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

from retrieval.ingest.parse import Block, Kind, Structure
from retrieval.ingest.parse.blocks import trimmed
from retrieval.ingest.tokens import Tokens, Vocabulary
from retrieval.runtime import Runtime
from retrieval.stage import Stage, require, shown
from retrieval.types import Chunks, Corpus, Document

Piece = tuple[int, int]

SENTENCE_END = re.compile(
    r"(?:(?<![.!?…])[.!?…]+[\"'”’)\]]*(?=\s)"  # a mark, closing quotes, then space
    r"|[。！？]+[」』”’)]*"  # full-width marks need no space
    r"|(?<=[가-힣])[.!?]+(?=[가-힣]))"  # Korean typed without one
)
ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|al|Dr|Mr|Mrs|Ms|St|No|Fig|approx)|\b[A-Z])$"
)


@dataclass(frozen=True)
class Text:
    """A document's text with its blocks and a ruler in tokens."""

    text: str
    blocks: Sequence[Block]
    starts: Sequence[int]
    given: Sequence[Piece]

    def tokens(self, start: int, end: int) -> int:
        """Count the tokens that start in a span."""
        return bisect_left(self.starts, end) - bisect_left(self.starts, start)

    def trim(self, start: int, end: int) -> Piece:
        """Narrow a span to leave out blank lines and trailing space."""
        return trimmed(self.text, start, end)


@dataclass(frozen=True)
class Chunker(Stage[Chunks]):
    """Cuts each document by itself."""

    product: ClassVar[type[Chunks]] = Chunks

    def apply(self, corpus: Corpus, structure: Structure, tokens: Tokens, rt: Runtime) -> Chunks:
        """Cut every document."""
        cut = []
        for i, document in enumerate(corpus.documents):
            cut.append(list(self.cut(_text(document, i, structure, tokens))))
            rt.progress(type(self).__name__, i + 1, len(corpus))
        return Chunks.of_spans(cut)

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
class Sized(Chunker):
    """A chunker with a greatest size in tokens."""

    size: int = shown(400)
    vocabulary: Vocabulary = "o200k"

    def __post_init__(self) -> None:
        require(1 <= self.size <= 100_000, self, "size", "from 1 to 100,000 tokens")


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
class BySentence(Sized):
    """Whole sentences (English and Korean), as many as fit into `size` tokens.

    Blocks are not joined across headings; lines of code and rows of tables count as sentences.
    """

    size: int = shown(200)

    def spans(self, t: Text) -> Iterable[Piece]:
        """Pack each section's sentences."""
        for section in sections(t.blocks):
            units = [unit for block in section for unit in sentences(t, block)]
            yield from packed(t, units, self.size)


@dataclass(frozen=True)
class ByHeading(Sized):
    """A section a chunk; one that is longer than `size` is cut between its blocks.

    A code block or table is never cut unless it alone is longer than `size`, then between lines;
    a heading stays with what follows it.
    """

    def spans(self, t: Text) -> Iterable[Piece]:
        """Pack each section's blocks."""
        for section in sections(t.blocks):
            units = [unit for group in with_heading(section) for unit in self._units(t, group)]
            yield from packed(t, units, self.size)

    def _units(self, t: Text, group: Sequence[Block]) -> Iterable[Piece]:
        whole = (group[0].start, group[-1].end)
        if t.tokens(*whole) <= self.size:
            return [whole]
        last = group[-1]
        if last.kind in (Kind.CODE, Kind.TABLE) and t.tokens(last.start, last.end) <= self.size:
            return [(b.start, b.end) for b in group]
        return [unit for block in group for unit in sentences(t, block)]


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
        for part in _parts(t.text, piece, separators[at]):
            if t.tokens(*part) < self.size or not separators[at]:
                small.append(part)
                continue
            yield from joined(t, small, self.size, self.overlap)
            small = []
            yield from self._split(t, part, separators[at + 1 :])
        yield from joined(t, small, self.size, self.overlap)


CHUNKERS: tuple[type[Chunker], ...] = (Given, FixedTokens, BySentence, ByHeading, Recursive)


def vocabulary_of(chunker: Chunker) -> Vocabulary:
    """Return the vocabulary that a chunker measures in."""
    return chunker.vocabulary if isinstance(chunker, Sized) else "o200k"


def windows(
    t: Text, piece: Piece, size: int, overlap: int = 0, *, whole_words: bool = True
) -> Iterator[Piece]:
    """Cut a span into windows of at most `size` tokens, up to `overlap` of them repeated.

    A character that alone is more tokens than `size` (an emoji) is a window of its own.
    """
    first, last = (bisect_left(t.starts, edge) for edge in piece)
    start = piece[0]
    while last - first > size:
        half = range(first + size, first + max(size // 2, 1) - 1, -1)
        least = chain(range(first + size, first, -1), range(first + size, last))
        cut = _edge(t, half, whole_words) or _edge(t, least, False)
        if cut is None:
            break
        yield start, t.starts[cut]
        repeated = range(max(cut - overlap, first + 1), cut + 1)
        first = _edge(t, repeated, whole_words) or cut
        start = t.starts[first]
    yield start, piece[1]


def _edge(t: Text, tokens: Iterable[int], whole_words: bool) -> int | None:
    """Return the first of the tokens that a window may begin with."""
    edges = (c for c in tokens if _starts_character(t, c))
    if not whole_words:
        return next(edges, None)
    every = list(edges)
    spaced = (c for c in every if _at_space(t, c))
    apart = (c for c in every if not _inside_word(t, c))
    return next(chain(spaced, apart, every), None)


def _starts_character(t: Text, token: int) -> bool:
    return token == 0 or t.starts[token] != t.starts[token - 1]


def _at_space(t: Text, token: int) -> bool:
    at = t.starts[token]
    return at == 0 or t.text[at].isspace() or t.text[at - 1].isspace()


def _inside_word(t: Text, token: int) -> bool:
    at = t.starts[token]
    return at > 0 and _in_word(t.text[at - 1]) and _in_word(t.text[at])


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def sections(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Group blocks by the heading they stand under; a heading without a body joins the next."""
    section: list[Block] = []
    for block in blocks:
        if block.kind is Kind.HEADING and any(b.kind is not Kind.HEADING for b in section):
            yield section
            section = []
        section.append(block)
    if section:
        yield section


def with_heading(section: Sequence[Block]) -> Iterator[list[Block]]:
    """Group each heading with the block that follows it."""
    group: list[Block] = []
    for block in section:
        group.append(block)
        if block.kind is not Kind.HEADING:
            yield group
            group = []
    if group:
        yield group


def sentences(t: Text, block: Block) -> Iterator[Piece]:
    """Cut a block into sentences; code and tables into lines."""
    if block.kind in (Kind.CODE, Kind.TABLE):
        ends = [block.start + m.end() for m in re.finditer("\n", t.text[block.start : block.end])]
    else:
        marks = SENTENCE_END.finditer(t.text, block.start, block.end)
        ends = [m.end() for m in marks if not _abbreviates(t.text, m.start())]
    start = block.start
    for end in [*ends, block.end]:
        low, high = t.trim(start, end)
        if high > low:
            yield low, high
        start = end


def _abbreviates(text: str, mark: int) -> bool:
    return text[mark] == "." and bool(ABBREVIATION.search(text[max(0, mark - 8) : mark]))


def packed(t: Text, units: Sequence[Piece], size: int) -> Iterator[Piece]:
    """Join consecutive units while they fit into `size` tokens; cut a unit that alone does not."""
    start: int | None = None
    end = 0
    for low, high in units:
        if start is not None and t.tokens(start, high) > size:
            yield start, end
            start = None
        if start is None and t.tokens(low, high) > size:
            *full, (low, high) = windows(t, (low, high), size)
            yield from full
        start, end = (low if start is None else start), high
    if start is not None:
        yield start, end


def _parts(text: str, piece: Piece, separator: str) -> Iterator[Piece]:
    start, end = piece
    if not separator:
        yield from ((i, i + 1) for i in range(start, end))
        return
    cut = text.find(separator, start + 1, end)
    while cut >= 0:
        yield start, cut
        start, cut = cut, text.find(separator, cut + len(separator), end)
    yield start, end


def joined(t: Text, parts: Sequence[Piece], size: int, overlap: int) -> Iterator[Piece]:
    """Join adjacent parts up to `size` tokens, each run repeating up to `overlap` of the last."""
    run: list[Piece] = []
    for part in parts:
        if run and t.tokens(run[0][0], part[1]) > size:
            yield run[0][0], run[-1][1]
            while run and _too_long(t, run, part, size, overlap):
                run.pop(0)
        run.append(part)
    if run:
        yield run[0][0], run[-1][1]


def _too_long(t: Text, run: Sequence[Piece], part: Piece, size: int, overlap: int) -> bool:
    repeated = t.tokens(run[0][0], run[-1][1])  # none where the run is the rest of a token
    return not overlap or repeated > overlap or t.tokens(run[0][0], part[1]) > size


def _text(document: Document, row: int, structure: Structure, tokens: Tokens) -> Text:
    given = [(s.start, s.end) for s in document.given]
    return Text(document.text, structure.of(row), tokens.of(row).tolist(), given)
