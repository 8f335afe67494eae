"""Evidence finds itself in a corpus: by its position, else by its quote.

Source of the model: W3C Web Annotation, text position and text quote selectors.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from goldsets.types import Evidence, GoldSet, Query
from retrieval.types import Corpus, Int32, Int64, Span


class Status(StrEnum):
    """How a piece of evidence was found again."""

    EXACT = "exact"
    MOVED = "moved"
    GONE = "gone"


@dataclass(frozen=True)
class Found:
    """Where a piece of evidence stands in a corpus now; no span when it is gone."""

    query: Query
    evidence: Evidence
    status: Status
    span: Span | None


@dataclass(frozen=True)
class Anchored:
    """A gold set's evidence in one version of a corpus, as arrays of one length E.

    `query` is a row of `gold.queries`, `document` a row of the corpus (-1: gone); `thing` numbers
    what there is to find: all evidence of a query that needs any, each part of one that needs all.
    """

    gold: GoldSet
    found: tuple[Found, ...]
    query: Int32
    document: Int32
    start: Int32
    end: Int32
    grade: Int32
    thing: Int32

    @property
    def statuses(self) -> Counter[Status]:
        """Count the evidence by how it was found."""
        return Counter(f.status for f in self.found)

    @property
    def gone(self) -> list[Found]:
        """List the evidence that is not in the corpus any more."""
        return [f for f in self.found if f.status is Status.GONE]

    @cached_property
    def length(self) -> Int64:
        """Return each piece's number of characters; that of its quote where it is gone."""
        quoted = np.fromiter((len(f.evidence.exact) for f in self.found), np.int64, len(self.found))
        return np.where(self.document >= 0, self.end.astype(np.int64) - self.start, quoted)


def anchor(gold: GoldSet, corpus: Corpus) -> Anchored:
    """Find all evidence of a gold set in a corpus."""
    found, rows, things = [], [], 0
    for row, query in enumerate(gold.queries):
        numbers: dict[str, int] = {}
        for i, evidence in enumerate(gold.of(query)):
            part = "" if query.needs == "any" else (evidence.part or f"\0{i}")
            thing = numbers.setdefault(part, things + len(numbers))
            document = corpus.row.get(evidence.document, -1)
            text = corpus.documents[document].text if document >= 0 else ""
            status, span = locate(evidence, text)
            found.append(Found(query, evidence, status, span))
            at = (document, span.start, span.end) if span else (-1, 0, 0)
            rows.append((row, *at, evidence.grade, thing))
        things += len(numbers)
    table = np.ascontiguousarray(np.array(rows, np.int32).reshape(-1, 6).T)
    return Anchored(gold, tuple(found), *table)


def locate(evidence: Evidence, text: str) -> tuple[Status, Span | None]:
    """Find a piece of evidence in a text.

    Its own position first; else the occurrence of the quote (white space may differ) whose
    surroundings agree best with prefix and suffix, the nearest of equals.
    """
    if text[evidence.start : evidence.end] == evidence.exact:
        return Status.EXACT, Span(evidence.start, evidence.end)
    places = list(_occurrences(evidence.exact, text))
    if not places:
        return Status.GONE, None
    best = max(
        places, key=lambda s: (_agreement(evidence, text, s), -abs(s.start - evidence.start))
    )
    return Status.MOVED, best


def _occurrences(quote: str, text: str) -> Iterator[Span]:
    words = quote.split()
    if not words:
        return
    if words[0] not in text:
        return
    for match in re.finditer(r"\s+".join(map(re.escape, words)), text):
        yield Span(*match.span())


def _agreement(evidence: Evidence, text: str, span: Span) -> int:
    reach = (2 * len(evidence.prefix) + 8, 2 * len(evidence.suffix) + 8)
    before = "".join(text[max(0, span.start - reach[0]) : span.start].split())
    after = "".join(text[span.end : span.end + reach[1]].split())
    prefix, suffix = ("".join(t.split()) for t in (evidence.prefix, evidence.suffix))
    return _shared(prefix[::-1], before[::-1]) + _shared(suffix, after)


def _shared(a: Sequence[str], b: Sequence[str]) -> int:
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))
