"""How much texts resemble each other: shingles for near duplicates, hashed words for diversity.

The resemblance of two texts is the share of shingles, `WIDTH` words in a row, that they have in
common (Broder, "On the resemblance and containment of documents", 1997). Words are what white space
divides, case-folded.
"""

import zlib
from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.types import Bool, Float32, Int64

WIDTH = 4
DIMENSIONS = 256
UInt64 = NDArray[np.uint64]


class _Hashes(dict[str, int]):
    """The hash above 0 of a word, computed once."""

    def __missing__(self, word: str) -> int:
        self[word] = zlib.crc32(word.encode("utf-8", "surrogatepass")) + 1
        return self[word]


def hashed_words(texts: Sequence[str]) -> tuple[UInt64, Int64]:
    """Return the words of all texts in a row as hashes above 0, and each text's number of them."""
    hashes, flat = _Hashes(), array("Q")
    lengths = np.zeros(len(texts), np.int64)
    for i, text in enumerate(texts):
        words = text.casefold().split()
        lengths[i] = len(words)
        flat.extend(map(hashes.__getitem__, words))
    return np.array(flat, np.uint64), lengths


def shingles(texts: Sequence[str]) -> list[UInt64]:
    """Return each text's set of shingles, hashed, ascending; fewer words are one shingle."""
    flat, lengths = hashed_words(texts)
    ends = np.cumsum(lengths)
    rolled = _rolled(flat)
    return [
        np.unique(
            rolled[start : end - WIDTH + 1]
            if end - start >= WIDTH
            else _rolled(np.append(flat[start:end], np.zeros(WIDTH - (end - start), np.uint64)))
        )
        for start, end in zip((ends - lengths).tolist(), ends.tolist(), strict=True)
    ]


def _rolled(words: UInt64) -> UInt64:
    """Hash each `WIDTH` words in a row into one number."""
    rolled = np.zeros(max(len(words) - WIDTH + 1, 0), np.uint64)
    for j in range(WIDTH):
        rolled = _mixed(rolled + words[j : j + len(rolled)])
    return rolled


def near_duplicates(texts: Sequence[str], share: float) -> dict[int, set[int]]:
    """Return for each text the others that have at least `share` of all their shingles in common.

    Exact: two such texts have one of their rarest shingles in common, as many as the share leaves
    free and one more; only those pairs are compared (Chaudhuri et al., "A Primitive Operator for
    Similarity Joins", 2006).
    """
    own = shingles(texts)
    holders: dict[int, list[int]] = {}
    near: dict[int, set[int]] = {}
    for i, (mine, rarest) in enumerate(zip(own, _rarest_first(own), strict=True)):
        free = len(mine) - int(np.ceil(share * len(mine) - 1e-9)) + 1
        met: set[int] = set()
        for shingle in rarest[:free].tolist():
            met.update(holders.setdefault(shingle, []))
            holders[shingle].append(i)
        for j in met:
            if jaccard(mine, own[j]) >= share - 1e-9:
                near.setdefault(i, set()).add(j)
                near.setdefault(j, set()).add(i)
    return near


def _rarest_first(sets: Sequence[UInt64]) -> list[UInt64]:
    """Order each set by how few of all sets hold a member, then by the member."""
    flat = np.concatenate([*sets, np.empty(0, np.uint64)])
    _, of, count = np.unique(flat, return_inverse=True, return_counts=True)
    length = [len(own) for own in sets]
    order = np.lexsort((flat, count[of], np.repeat(np.arange(len(sets)), length)))
    return np.split(flat[order], np.cumsum(length))[:-1]


def jaccard(a: UInt64, b: UInt64) -> float:
    """Return the share that two sets, ascending, have in common."""
    common = int(_isin(a, b).sum())
    return common / (len(a) + len(b) - common)


def bags(texts: Sequence[str]) -> Float32:
    """Return unit vectors of hashed word counts, `(n, 256)`; zero for a text without words.

    Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (2009).
    """
    flat, lengths = hashed_words(texts)
    mixed = _mixed(flat)
    at = np.repeat(np.arange(len(texts)), lengths) * DIMENSIONS
    at += (mixed % np.uint64(DIMENSIONS)).astype(np.int64)
    sign = np.where((mixed >> np.uint64(40)) & np.uint64(1), 1.0, -1.0)
    size = len(texts) * DIMENSIONS
    counts = np.bincount(at, sign, size).reshape(len(texts), DIMENSIONS)
    length = np.linalg.norm(counts, axis=1, keepdims=True)
    return np.asarray(counts / np.maximum(length, 1e-12), np.float32)


def _isin(a: UInt64, b: UInt64) -> Bool:
    at = np.searchsorted(b, a)
    return np.asarray(np.append(b, np.uint64(0))[at] == a) & (at < len(b))


def _mixed(x: UInt64) -> UInt64:
    """Scatter the bits (the finalizer of splitmix64)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
