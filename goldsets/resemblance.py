"""Where a text says nearly what a quote says: the place at which edited evidence probably stands.

White space counts as one space. The windows that share most of the quote's rarer runs of characters
are found first; in those alone the quote with its surroundings is aligned character by character
(Sellers 1980: edit distance with free ends), so that a long quote in a long text takes a moment.
"""

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from goldsets.types import Evidence
from retrieval.ingest.chunk import SENTENCE_END
from retrieval.types import Int64, Span

ALIKE = 0.5
"""The least similarity of two quotes that is worth a look: 1 - edit distance / longer length.

Measured on the sample's evidence in eight versions of its corpus and on Korean pages before and
after they were translated anew: what lies above had been reworded, what lies below left out, but
for a handful on either side. Where the passage is deleted, the best that is left lies below it for
four in five; the others are sentences that say nearly the same of something else.
"""

TOGETHER = 0.75
"""The least similarity of quotes with their surroundings where the quotes alone are not `ALIKE`.

A short quote may be wholly rewritten, "30 days" to "two weeks", between words that stayed.
"""

GRAM = 4
"""Characters of the runs by which windows are compared."""

LONG = 2000
"""Characters beyond which a quote needs no surroundings, and the first window that will do."""

WINDOWS = 3
"""Windows in which a quote is aligned."""

EDGE = 1000
"""Characters of a long quote that are aligned to find either end of it."""

SLACK = 8000
"""The most characters beyond a window in which an end is looked for."""

WORD = 16
"""The most characters that an edge is moved to reach that of a word."""

Codes = NDArray[np.uint32]
MARKS = (".", "!", "?", "…", "。", "！", "？")
SPACE = re.compile(r"\s+")
BREAK = re.compile(rf"(?:{SENTENCE_END.pattern})\s*|\s*\n\s*\n\s*")
WHITE = np.array([c for c in range(0x3001) if chr(c).isspace()], np.uint32)


class Text:
    """A text laid out for any number of quotes.

    `flat` has one space for each white space, `at` maps its code points to the original's.
    """

    def __init__(self, text: str) -> None:
        codes = _codes(text)
        white = np.isin(codes, WHITE)
        kept = ~white
        kept[1:] |= ~white[:-1]
        kept[:1] = True
        self.original = text
        self.at: Int64 = np.flatnonzero(kept)
        self.codes: Codes = np.where(white, np.uint32(ord(" ")), codes)[kept]
        self.flat = self.codes.tobytes().decode("utf-32-le", "surrogatepass")
        grams = _grams(self.codes)
        self._places = np.argsort(grams, kind="stable")
        self._grams = grams[self._places]

    def windows(self, needle: str) -> list[int]:
        """Return where the windows begin that share most with a needle, rare runs weighing more."""
        wanted = np.unique(_grams(_codes(needle)))
        low = np.searchsorted(self._grams, wanted)
        often = np.searchsorted(self._grams, wanted, "right") - low
        first = np.repeat(low - np.cumsum(often) + often, often)
        rarity = np.log2(1 + len(self._grams) / np.maximum(often, 1))
        weight = np.zeros(len(self._grams) + 1)
        weight[1 + self._places[first + np.arange(len(first))]] = np.repeat(rarity, often)
        sums = np.cumsum(weight)
        width = min(max(len(needle) - GRAM + 1, 1), len(sums) - 1)
        held = sums[width:] - sums[: len(sums) - width]
        found: list[int] = []
        while len(found) < WINDOWS and held.max(initial=0.0) > 0:
            best = int(held.argmax())
            found.append(best)
            held[max(0, best - width // 2) : best + width // 2 + 1] = 0.0
        return found

    def span(self, start: int, end: int) -> Span:
        """Return a non-empty range of `flat` as a span of the original."""
        return Span(int(self.at[start]), int(self.at[end - 1]) + 1)


def resembling(
    evidence: Evidence, text: Text, taken: Iterable[Span] = ()
) -> tuple[Span, float] | None:
    """Return the place that resembles the evidence most, and how alike they are from 0 to 1.

    The best alignment of the quote with its surroundings, the nearest of equals; None where that
    is not `ALIKE`. A place that shares more than half with one of `taken` is passed over.
    """
    before, quote, after = map(_flat, (evidence.prefix, evidence.exact, evidence.suffix))
    long = len(quote) > LONG
    needle = quote if long else before + quote + after
    first, last = (0, len(quote)) if long else (len(before), len(before) + len(quote))
    taken, found = tuple(taken), []
    for window in text.windows(needle):
        low, high = _matched(needle, text, window)
        inner = _inner(needle, text.flat[low:high], first, last)
        if inner is None:
            continue
        span = _snapped(evidence, text.original, text.span(low + inner[0], low + inner[1]))
        if span is None or any(same_place(span, other) for other in taken):
            continue
        there = _flat(text.original[span.start : span.end])
        alike = _alike(quote, there)
        together = alike if long else _alike(needle, text.flat[low:high])
        if long and alike >= ALIKE:
            return span, alike
        found.append((alike + together, -abs(span.start - evidence.start), span, alike, together))
    if not found:
        return None
    *_, span, alike, together = max(found)
    if alike >= ALIKE:
        return span, alike
    return (span, together) if together >= TOGETHER else None


def _matched(needle: str, text: Text, window: int) -> tuple[int, int]:
    """Return the best match of a needle around a window; its two ends are found one by one."""
    slack = min(max(len(needle) // 2, 200), SLACK)
    low, high = max(0, window - slack), window + len(needle) + slack
    codes, edge = _codes(needle), min(len(needle), EDGE)
    tail = max(low, high - edge - 2 * slack)
    end = tail + _last(codes[-edge:], text.codes[tail:high])
    head = min(end, window + edge + slack)
    return head - _last(codes[:edge][::-1], text.codes[low:head][::-1]), end


def _last(needle: Codes, codes: Codes) -> int:
    """Return where the best match of a needle ends, wherever it begins; of equals the first."""
    steps = np.arange(len(codes) + 1, dtype=np.int32)
    row, below = np.zeros_like(steps), np.empty_like(steps)
    for i, code in enumerate(needle, 1):
        below[0] = i
        np.minimum(row[1:] + 1, row[:-1] + (codes != code), out=below[1:])
        row = np.minimum.accumulate(below - steps) + steps
    return int(row.argmin())


def _inner(needle: str, match: str, start: int, end: int) -> tuple[int, int] | None:
    """Map a part of the needle to the match; what was put in at its edges is left out."""
    if (start, end) == (0, len(needle)):
        return (0, len(match)) if match else None
    first = last = 0
    for op in Levenshtein.opcodes(needle, match):
        if op.src_start <= start < op.src_end:
            first = min(op.dest_start + start - op.src_start, op.dest_end)
        if op.src_start < end <= op.src_end:
            last = min(op.dest_start + end - op.src_start, op.dest_end)
    return (first, last) if first < last else None


def _snapped(evidence: Evidence, text: str, span: Span) -> Span | None:
    """Put the edges of a span where the quote had its own: at a sentence's edge, at a word's."""
    old = evidence.prefix + evidence.exact + evidence.suffix
    begin, stop = len(evidence.prefix), len(evidence.prefix) + len(evidence.exact)
    starts, ends = _sentence_edges(old)
    reach = max(16, len(evidence.exact) // 4)
    low, high = max(0, span.start - reach), span.end + reach
    near_starts, near_ends = ([low + e for e in es] for es in _sentence_edges(text[low:high]))
    start, end = span.start, span.end
    if begin in starts or evidence.start == 0:
        start = _nearest(start, [0, *near_starts], reach)
    if stop in ends or evidence.exact.endswith(MARKS):
        end = _nearest(end, [*near_ends, len(text)], reach)
    start = start if _in_word(old, begin) else _word_edge(text, start)
    end = end if _in_word(old, stop) else _word_edge(text, end)
    return _trimmed(text, start, end, to_word=evidence.exact[0].isalnum())


def _sentence_edges(text: str) -> tuple[list[int], list[int]]:
    """Return where sentences and paragraphs start, and where they end, but for the text's own."""
    breaks = list(BREAK.finditer(text))
    return [m.end() for m in breaks], [m.start() + len(m[0].rstrip()) for m in breaks]


def _nearest(at: int, edges: Iterable[int], reach: int) -> int:
    near = min(edges, key=lambda e: (abs(e - at), e), default=at)
    return near if abs(near - at) <= reach else at


def _word_edge(text: str, at: int) -> int:
    """Move a place inside a word to the nearer edge of the word, unless that is far."""
    for step in range(WORD):
        for edge in (at - step, at + step):
            if not _in_word(text, edge):
                return edge
    return at


def _in_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and all(c.isalnum() or c == "_" for c in text[at - 1 : at + 1])


def _trimmed(text: str, start: int, end: int, *, to_word: bool) -> Span | None:
    """Leave out white space at the edges, and marks in front of a quote that began with a word."""
    while start < end and (not text[start].isalnum() if to_word else text[start].isspace()):
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if start < end else None


def _alike(a: str, b: str) -> float:
    return Levenshtein.normalized_similarity(a, b)


def same_place(a: Span, b: Span) -> bool:
    """Tell whether more than half of the shorter span lies in the other."""
    shared = min(a.end, b.end) - max(a.start, b.start)
    return 2 * shared > min(a.end - a.start, b.end - b.start)


def _flat(text: str) -> str:
    return SPACE.sub(" ", text)


def _codes(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _grams(codes: Codes) -> Int64:
    if len(codes) < GRAM:
        return np.zeros(0, np.int64)
    runs = np.lib.stride_tricks.sliding_window_view(codes.astype(np.int64), GRAM)
    return np.asarray(runs @ (1_000_003 ** np.arange(GRAM, dtype=np.int64)), np.int64)
