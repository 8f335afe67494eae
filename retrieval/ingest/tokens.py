"""Model tokens with their positions, counted once a document and sliced by every chunking.

Tokens are those of the document's own encoding: a chunk holds the tokens that start in it, so its
count can differ by a token or two from encoding the chunk alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

import numpy as np

from retrieval.runtime import Runtime
from retrieval.stage import Stage
from retrieval.types import Chunks, Corpus, Int32, Int64

Vocabulary = Literal["o200k", "cl100k"]

PIECE = 40_000
"""Characters encoded at once; bpe-openai refuses more than 200,000 tokens."""


@dataclass(frozen=True)
class Tokens:
    """Where each token of the corpus starts.

    `start` is `(T,)` int32, the code point in its document at which a token starts (several tokens
    share one where they are parts of a character); document d owns `first[d]:first[d + 1]`.
    """

    start: Int32
    first: Int64

    def of(self, document: int) -> Int32:
        """Return the token starts of one document, ascending."""
        return self.start[self.first[document] : self.first[document + 1]]

    def arrays(self) -> dict[str, Any]:
        """Return the value as named arrays, for the artefact store."""
        return {"start": self.start, "first": self.first}

    @classmethod
    def of_arrays(cls, a: Mapping[str, Any]) -> "Tokens":
        """Rebuild the value from `arrays()`."""
        return cls(np.asarray(a["start"], np.int32), np.asarray(a["first"], np.int64))


@dataclass(frozen=True)
class CountTokens(Stage[Tokens]):
    """Find the tokens of every document in a model's vocabulary."""

    vocabulary: Vocabulary = "o200k"
    product: ClassVar[type[Tokens]] = Tokens

    def apply(self, corpus: Corpus, rt: Runtime) -> Tokens:
        """Encode each document once."""
        starts = []
        for i, document in enumerate(corpus.documents):
            starts.append(token_starts(document.text, self.vocabulary))
            rt.progress("CountTokens", i + 1, len(corpus))
        first = np.concatenate([[0], np.cumsum([len(s) for s in starts], dtype=np.int64)])
        flat = np.concatenate(starts) if starts else np.empty(0, np.int32)
        return Tokens(flat, first.astype(np.int64))


def token_starts(text: str, vocabulary: Vocabulary = "o200k") -> Int32:
    """Return the code point at which each token of the text starts, ascending int32 `(T,)`."""
    parts = []
    for start, piece in _pieces(text):
        parts.append(_piece_starts(piece, vocabulary) + np.int32(start))
    return np.concatenate(parts) if parts else np.empty(0, np.int32)


def count_tokens(text: str, vocabulary: Vocabulary = "o200k") -> int:
    """Count the tokens of a text encoded by itself."""
    encoder, _ = _encoder(vocabulary)
    return sum(len(encoder.encode_ordinary(piece)) for _, piece in _pieces(text))


def token_counts(chunks: Chunks, corpus: Corpus, tokens: Tokens) -> Int32:
    """Count the tokens that start in each chunk, int32 `(C,)`.

    What is nowhere in the corpus takes the room of the words that stand beside it.
    """
    flat = tokens.start + np.repeat(corpus.base[:-1], np.diff(tokens.first))
    base = corpus.base[chunks.document]
    low = np.searchsorted(flat, base + chunks.start)
    high = np.searchsorted(flat, base + chunks.end)
    counts = (high - low).astype(np.int32)
    for i in np.flatnonzero(~chunks.placed):
        counts[i] = count_tokens(chunks.context(int(i)))
    return counts


def _piece_starts(text: str, vocabulary: Vocabulary) -> Int32:
    encoder, width = _encoder(vocabulary)
    ids = np.asarray(encoder.encode_ordinary(text), np.int64)
    byte = np.cumsum(width[ids]) - width[ids]
    data = np.frombuffer(text.encode(), np.uint8)
    if len(data) == len(text):
        return byte.astype(np.int32)
    character = np.cumsum((data & 0xC0) != 0x80) - 1
    return np.asarray(character[byte], np.int32)


def _pieces(text: str) -> list[tuple[int, str]]:
    pieces, start = [], 0
    while start < len(text):
        end = min(start + PIECE, len(text))
        if end < len(text):
            end = text.rfind("\n", start + PIECE // 2, end) + 1 or end
        pieces.append((start, text[start:end]))
        start = end
    return pieces


@cache
def _encoder(vocabulary: Vocabulary) -> tuple[Any, Int64]:
    from bpe_openai import get_encoding

    encoder = get_encoding(f"{vocabulary}_base")
    width = np.fromiter(map(len, encoder.token_byte_values()), np.int64)
    return encoder, width
