"""Evidence finds itself in a corpus: by its position, else by its quote, else by what resembles it.

Source of the model: W3C Web Annotation, text position and text quote selectors. Nothing is scored
on a guess: what was edited counts as not found until somebody confirms where it stands now.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np

from goldsets.resemblance import Text, resembling, same_place
from goldsets.types import Evidence, GoldSet, Query
from retrieval.types import Corpus, Document, Int32, Int64, Span

BLOCK = 8
"""Characters by which a quote is looked for in other documents, white space left out.

A quote of fewer than `2 * BLOCK - 1` is not looked for: it could be there by chance.
"""


class Status(StrEnum):
    """How a piece of evidence was found again."""

    EXACT = "exact"
    MOVED = "moved"
    EDITED = "edited"
    GONE = "gone"

    @property
    def sure(self) -> bool:
        """Tell whether the words were found, so that they count in scores."""
        return self in (Status.EXACT, Status.MOVED)


@dataclass(frozen=True)
class Found:
    """Where a piece of evidence stands in a corpus now.

    The span of edited evidence is where it probably stands, that of what is gone is None.
    `document` is another than the evidence's own where that is not in the corpus and its words are
    in the other; `score` tells from 0 to 1 how alike the words are.
    """

    query: Query
    evidence: Evidence
    status: Status
    span: Span | None
    document: str
    score: float

    @property
    def name(self) -> str:
        """Name the piece in a list: its query and its document."""
        return f"{self.query.id}: {self.evidence.document}"


@dataclass(frozen=True)
class Anchored:
    """A gold set's evidence in one version of a corpus, as arrays of one length E.

    `query` is a row of `gold.queries`, `document` a row of the corpus (-1: gone, or edited and not
    confirmed); `thing` numbers what there is to find: all evidence of a query that needs any, each
    part of one that needs all.
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

    @property
    def edited(self) -> list[Found]:
        """List the evidence that reads differently now and waits for somebody to confirm it."""
        return [f for f in self.found if f.status is Status.EDITED]

    @cached_property
    def length(self) -> Int64:
        """Return each piece's number of characters; that of its quote where it is not found."""
        quoted = np.fromiter((len(f.evidence.exact) for f in self.found), np.int64, len(self.found))
        return np.where(self.document >= 0, self.end.astype(np.int64) - self.start, quoted)

    def only(self, queries: Int32 | Int64) -> "Anchored":
        """Return the evidence of some of the queries (rows, ascending), in the same order."""
        rows = np.flatnonzero(np.isin(self.query, queries))
        return self._taken(rows, np.searchsorted(queries, self.query[rows]), queries)

    def each(self, rows: Int64) -> "Anchored":
        """Return some pieces, each with its query to itself."""
        return self._taken(rows, np.arange(len(rows)), self.query[rows])

    def _taken(self, rows: Int64, query: Int64, queries: Int32 | Int64) -> "Anchored":
        asked = tuple(self.gold.queries[q] for q in queries.tolist())
        return Anchored(
            replace(self.gold, queries=asked),
            tuple(self.found[row] for row in rows.tolist()),
            query.astype(np.int32),
            *(a[rows] for a in (self.document, self.start, self.end, self.grade, self.thing)),
        )


def anchor(gold: GoldSet, corpus: Corpus) -> Anchored:
    """Find all evidence of a gold set in a corpus."""
    found, rows, things = [], [], 0
    for row, query in enumerate(gold.queries):
        numbers: dict[str, int] = {}
        for i, evidence in enumerate(gold.of(query)):
            part = "" if query.needs == "any" else (evidence.part or f"\0{i}")
            thing = numbers.setdefault(part, things + len(numbers))
            at = corpus.row.get(evidence.document)
            status, span = _verbatim(evidence, "" if at is None else corpus.documents[at].text)
            score = float(status.sure)
            found.append(Found(query, evidence, status, span, evidence.document, score))
            rows.append((row, evidence.grade, thing))
        things += len(numbers)
    _look_again(found, corpus)
    places = [
        (corpus.row[f.document], f.span.start, f.span.end) if f.span and f.status.sure else ABSENT
        for f in found
    ]
    query_row, grade, thing_row = np.array(rows, np.int32).reshape(-1, 3).T.copy()
    document, start, end = np.array(places, np.int32).reshape(-1, 3).T.copy()
    return Anchored(gold, tuple(found), query_row, document, start, end, grade, thing_row)


ABSENT = (-1, 0, 0)


def locate(evidence: Evidence, text: str) -> tuple[Status, Span | None]:
    """Find a piece of evidence in a text.

    Its own position first; else the occurrence of the quote (white space may differ) whose
    surroundings agree best with prefix and suffix, the nearest of equals; else the place that
    resembles it most, if any does.
    """
    status, span = _verbatim(evidence, text)
    if span is None:
        guess = resembling(evidence, Text(text))
        return (Status.EDITED, guess[0]) if guess else (Status.GONE, None)
    return status, span


def _verbatim(evidence: Evidence, text: str) -> tuple[Status, Span | None]:
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


Taken = dict[tuple[str, str, str], list[Span]]
"""Places that evidence was found at, by query, part and document: none of it is found there too."""

Guess = tuple[Span, float] | None
_GUESSED: dict[tuple[Evidence, str, tuple[Span, ...]], Guess] = {}
GUESSES = 20_000
"""Guesses that are remembered, to anchor in the same documents again without a pause."""


def _look_again(found: list[Found], corpus: Corpus) -> None:
    """Look for what is gone where its words may be: in other documents if its own is not there."""
    lost = [i for i, f in enumerate(found) if f.span is None]
    if not lost:
        return
    taken: Taken = defaultdict(list)
    for f in found:
        if f.span:
            taken[_claim(f, f.document)].append(f.span)
    absent = [i for i in lost if found[i].evidence.document not in corpus.row]
    quotes = [squeezed(found[i].evidence.exact) for i in absent]
    for i, documents in zip(absent, holding(quotes, corpus), strict=True):
        found[i] = _elsewhere(found[i], documents, taken)
    here = [i for i in lost if found[i].evidence.document in corpus.row]
    here.sort(key=lambda i: corpus.row[found[i].evidence.document])
    text = Text("")
    for i in here:
        document = corpus.documents[corpus.row[found[i].evidence.document]]
        found[i], text = _edited(found[i], document, taken, text)


def _claim(f: Found, document: str) -> tuple[str, str, str]:
    return f.query.id, f.evidence.part, document


def _edited(f: Found, document: Document, taken: Taken, text: Text) -> tuple[Found, Text]:
    """Find the place that resembles a piece most; `text` is laid out anew if it is another's."""
    claimed = taken[_claim(f, document.id)]
    key = (f.evidence, document.hash, tuple(claimed))
    if key not in _GUESSED:
        text = text if text.original == document.text else Text(document.text)
        if len(_GUESSED) >= GUESSES:
            _GUESSED.clear()
        _GUESSED[key] = resembling(f.evidence, text, claimed)
    guess = _GUESSED[key]
    if guess is None:
        return f, text
    claimed.append(guess[0])
    return replace(f, status=Status.EDITED, span=guess[0], score=guess[1]), text


def squeezed(text: str) -> str:
    """Leave out white space."""
    return "".join(text.split())


def holding(
    quotes: Sequence[str], corpus: Corpus, flat_of: Callable[[str], str] = squeezed
) -> list[list[Document]]:
    """Return the documents that hold each quote by one pass over the corpus.

    Quotes are flat already; `flat_of` leaves out of a text what makes no difference. Whatever 15
    characters in a row a text holds, 8 of them are one of the blocks it is cut into.
    """
    keys: dict[str, list[int]] = defaultdict(list)
    for i, quote in enumerate(quotes):
        if len(quote) >= 2 * BLOCK - 1:
            for at in range(BLOCK):
                keys[quote[at : at + BLOCK]].append(i)
    found: list[list[Document]] = [[] for _ in quotes]
    for document in corpus.documents if keys else ():
        flat = flat_of(document.text)
        blocks = {flat[at : at + BLOCK] for at in range(0, len(flat), BLOCK)}
        for i in sorted({i for block in blocks & keys.keys() for i in keys[block]}):
            if quotes[i] in flat:
                found[i].append(document)
    return found


def _elsewhere(f: Found, documents: Iterable[Document], taken: Taken) -> Found:
    """Find a piece in documents that hold its quote.

    It has moved where half of its surroundings came along, or, if they are not known, where it is
    the only place; elsewhere the same words may say something else, and somebody has to confirm.
    """
    known = len("".join((f.evidence.prefix + f.evidence.suffix).split()))
    places = [
        (_agreement(f.evidence, d.text, span), d, span)
        for d in documents
        for span in _occurrences(f.evidence.exact, d.text)
        if not any(same_place(span, other) for other in taken[_claim(f, d.id)])
    ]
    if not places:
        return f
    agreed, document, span = max(places, key=lambda p: p[0])
    moved = 2 * agreed >= known if known else len(places) == 1
    taken[_claim(f, document.id)].append(span)
    status = Status.MOVED if moved else Status.EDITED
    return replace(f, status=status, span=span, document=document.id, score=1.0)
