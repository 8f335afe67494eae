"""Parts of a document: what a model reads with a chunk where it cannot read the whole."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise

from retrieval.ingest.chunk import ByHeading
from retrieval.ingest.chunk.cut import Piece, Text
from retrieval.ingest.parse import Block
from retrieval.ingest.tokens import token_starts
from retrieval.types import Document

LARGEST = 50_000
"""Tokens of what is not cut: a section of more is cut between its blocks."""


def parts(
    document: Document, blocks: Callable[[], Sequence[Block]], window: int
) -> list[tuple[int, str]]:
    """Return where each part of a document starts, and what is read of it.

    A document of up to `window` tokens (o200k) is one part, as it is. Another is cut into as few
    as there can be, of about one length, where sections start if it has any; each says what it is
    of and the headings it stands under.
    """
    text = document.text
    if len(text.encode()) <= window:  # no token is less than a byte
        return [(0, text)]
    starts = token_starts(text).tolist()
    if len(starts) <= window:
        return [(0, text)]
    ruler = Text(text, blocks(), starts, [])
    found = [
        (start, f"{_said(document, ruler, start)}\n\n{text[start:end]}")
        for start, end in _cut(ruler, window)
    ]
    return found or [(0, text)]  # nothing but space


def _said(document: Document, t: Text, start: int) -> str:
    above = next((b.path for b in t.blocks if b.end > start), ())
    return f"[A part of {' > '.join([document.label, *above])}]"


def _cut(t: Text, window: int) -> list[Piece]:
    units = list(ByHeading(max(min(window // 2, LARGEST), 1)).spans(t))
    fewest = -(-len(t.starts) // window)
    tried = (_alike(t, units, n) for n in range(fewest, len(units)))
    return next((p for p in tried if max(t.tokens(*piece) for piece in p) <= window), units)


def _alike(t: Text, units: Sequence[Piece], n: int) -> list[Piece]:
    """Join units to up to n pieces of about one length: cut nearest to each nth."""
    at = [t.tokens(0, start) for start, _ in units]
    first = {0}
    for i in range(1, n):
        wanted = i * len(t.starts) / n
        after = min(bisect_left(at, wanted), len(at) - 1)
        first.add(min(after, max(after - 1, 0), key=lambda unit: abs(at[unit] - wanted)))
    begin = [*sorted(first), len(units)]
    return [(units[a][0], units[b - 1][1]) for a, b in pairwise(begin)]
