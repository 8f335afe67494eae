"""Which blocks of a text hold which three bytes, so that a rare string is found without reading it.

Source: Russ Cox, "Regular Expression Matching with a Trigram Index" (2012), with blocks of a fixed
size for files.
"""

import numpy as np

from retrieval.types import Int32, Int64

BLOCK = 1024
"""Bytes; a string is filed under the block it begins in."""

OVERLAP = 64
"""Bytes that a block also sees of the next: a string's part beyond them is not looked at."""

PART = 2048
"""Blocks that are sorted at once."""

MOST = 6
"""The rarest trigrams of a string; more would narrow little and cost time."""


class Trigrams:
    """The postings of every trigram, in order of the trigram, then the block."""

    def __init__(self, data: bytes) -> None:
        parts = [_pairs(data, start) for start in range(0, len(data), BLOCK * PART)]
        pairs = np.concatenate([np.empty(0, np.int64), *parts])
        pairs.sort()
        code = (pairs >> 32).astype(np.int32)
        heads = np.flatnonzero(np.diff(code, prepend=-1))
        self._code: Int32 = code[heads]
        self._first: Int64 = np.append(heads, len(pairs))
        self._block = pairs.astype(np.int32)  # the low half

    def blocks(self, string: bytes) -> Int32:
        """Return the blocks, ascending, that may hold the beginning of a string.

        None that does is left out. The string needs at least three bytes.
        """
        seen = string[:OVERLAP]
        codes = {a << 16 | b << 8 | c for a, b, c in zip(seen, seen[1:], seen[2:], strict=False)}
        at = self._code.searchsorted(np.array([*codes], np.int32))
        if not len(self._code) or set(self._code[at.clip(max=len(self._code) - 1)]) != codes:
            return np.empty(0, np.int32)
        edges = zip(self._first[at].tolist(), self._first[at + 1].tolist(), strict=True)
        lists = sorted((self._block[a:b] for a, b in edges), key=len)[:MOST]
        found = lists[0]
        for other in lists[1:]:
            place = other.searchsorted(found).clip(max=len(other) - 1)
            found = found[other[place] == found]
        return found


def _pairs(data: bytes, start: int) -> Int64:
    """Return `trigram << 32 | block`, each pair once, for the blocks from `start` on."""
    piece = np.frombuffer(data[start : start + BLOCK * PART + OVERLAP], np.uint8)
    rows = -(-min(len(piece), BLOCK * PART) // BLOCK)
    padded = np.zeros(rows * BLOCK + OVERLAP, np.uint8)
    padded[: len(piece)] = piece
    codes = _codes(padded)
    table = np.lib.stride_tricks.sliding_window_view(codes, BLOCK + OVERLAP - 2)[::BLOCK].copy()
    table.sort(axis=1)
    new = np.ones(table.shape, bool)
    np.not_equal(table[:, 1:], table[:, :-1], out=new[:, 1:])
    block = np.repeat(np.arange(rows) + start // BLOCK, new.sum(axis=1))
    return table[new].astype(np.int64) << 32 | block


def _codes(data: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> Int32:
    wide = data.astype(np.int32)
    return wide[:-2] << 16 | wide[1:-1] << 8 | wide[2:]
