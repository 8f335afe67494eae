"""Chunk: cut each document into passages. A chunk is an exact span; text is never altered.

Every chunker keeps a contract: spans lie in order of their start, none is empty or lies in the one
before, no character but white space is left out, and none is longer than `size` tokens of
`vocabulary` (see `tokens`) unless it is a single character. `Given` alone takes what it is given.
"""

from retrieval.ingest.chunk.base import Chunker, Sized
from retrieval.ingest.chunk.by_block import ByBlock, Window
from retrieval.ingest.chunk.by_size import FixedTokens, Given, Recursive
from retrieval.ingest.chunk.by_structure import ByHeading, BySentence
from retrieval.ingest.chunk.cut import SENTENCE_END, Text, sentences
from retrieval.ingest.chunk.semantic import Semantic
from retrieval.ingest.tokens import Vocabulary

__all__ = [
    "CHUNKERS",
    "SENTENCE_END",
    "ByBlock",
    "ByHeading",
    "BySentence",
    "Chunker",
    "FixedTokens",
    "Given",
    "Recursive",
    "Semantic",
    "Sized",
    "Text",
    "Window",
    "sentences",
    "vocabulary_of",
]

CHUNKERS: tuple[type[Chunker], ...] = (
    *(Given, FixedTokens, BySentence, ByHeading, ByBlock, Recursive, Semantic, Window),
)


def vocabulary_of(chunker: Chunker) -> Vocabulary:
    """Return the vocabulary that a chunker measures in."""
    return chunker.vocabulary if isinstance(chunker, Sized) else "o200k"
