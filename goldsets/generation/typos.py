"""Typos: how often real queries have one, and one put into a query, by a seed."""

import re
import unicodedata
from collections.abc import Collection, Sequence

from rapidfuzz.distance import OSA

from goldsets.generation.passages import drawn
from retrieval.ingest.tokenize import folded, words

LONG = 5
"""Letters from which on a Latin word may hold a typo; short words differ by a letter anyway."""
HANGUL = re.compile(r"[가-힣]{2,}")
LATIN = re.compile(r"[^\W\d_]+")
FINALS = 28
"""Final consonants of a Hangul syllable, none included (Unicode 3.12, conjoining jamo)."""

Near = dict[tuple[str, int], list[str]]
"""Words by their first letter and their length; a slip is seldom in the first letter."""


def mistyped(query: str, rate: float, seed: int, name: str) -> str:
    """Return the query with one typo, in `rate` of all cases."""
    if drawn(seed, name, "typo") >= rate:
        return query
    places = [m for m in LATIN.finditer(query) if len(m[0]) >= LONG and m[0].isascii()] or list(
        HANGUL.finditer(query)
    )
    if not places:
        return query
    place = places[int(drawn(seed, name, "typo's word") * len(places))]
    wrong = _hangul if HANGUL.fullmatch(place[0]) else _latin
    return (
        query[: place.start()]
        + wrong(place[0], drawn(seed, name, "typo's letter"))
        + query[place.end() :]
    )


def _latin(word: str, at: float) -> str:
    """Swap two letters in a row within a word; leave one out where both are the same."""
    i = 1 + int(at * (len(word) - 2))
    if word[i] == word[i + 1]:
        return word[:i] + word[i + 1 :]
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :]


def _hangul(word: str, at: float) -> str:
    """Leave out a syllable's final consonant; where none has one, the last syllable."""
    closed = [i for i, c in enumerate(word) if (ord(c) - 0xAC00) % FINALS]
    if not closed:
        return word[:-1]
    i = closed[int(at * len(closed))]
    return word[:i] + chr(ord(word[i]) - (ord(word[i]) - 0xAC00) % FINALS) + word[i + 1 :]


def typo_rate(queries: Sequence[str], vocabulary: Collection[str]) -> float:
    """Return the share of queries with a word that is one slip from one of the corpus's words.

    A slip is a letter put in, left out, changed, or two swapped (optimal string alignment). Only
    Latin words of five letters and more count, none of which the corpus has.
    """
    if not queries:
        return 0.0
    near: Near = {}
    for word in vocabulary:
        if len(word) >= LONG and word.isascii() and word.isalpha():
            near.setdefault((word[0], len(word)), []).append(word)
    slips = sum(any(_slipped(w, near, vocabulary) for w in _latins(q)) for q in queries)
    return slips / len(queries)


def _latins(query: str) -> list[str]:
    runs = (folded(run) for run in words().findall(unicodedata.normalize("NFC", query)))
    return [run for run in runs if len(run) >= LONG and run.isascii() and run.isalpha()]


def _slipped(word: str, near: Near, known: Collection[str]) -> bool:
    if word in known:
        return False
    alike = (w for n in (-1, 0, 1) for w in near.get((word[0], len(word) + n), ()))
    return any(
        OSA.distance(word, w, score_cutoff=1) <= 1 and not _inflected(word, w) for w in alike
    )


def _inflected(word: str, other: str) -> bool:
    """Tell whether they differ in their last letter alone, which is rather another form."""
    longest = max(len(word), len(other))
    return word[: longest - 1] == other[: longest - 1]
