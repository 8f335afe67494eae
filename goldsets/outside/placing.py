"""Placing: where the hits of a retriever from outside stand in a corpus.

By their offsets where what stands there is what they say; else by their words: as they are, by
their letters alone, or by resemblance. A hit that is found nowhere keeps its rank. Its chunk has no
document: it finds nothing, and lifts nothing that stands behind it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

import numpy as np

from goldsets.evidence import BLOCK, holding
from goldsets.outside.letters import Letters, letters_of
from goldsets.resemblance import Text, resembling
from goldsets.types import Evidence
from retrieval.hits import Hit
from retrieval.runtime import Progress, Runtime, silent
from retrieval.stage import Stage
from retrieval.types import Candidates, Chunks, Corpus, Float64, Span, digest

DEPTH = 1_000
"""Hits of a query that are taken."""

SURE = 0.8
"""The least resemblance that places a text: nobody confirms it, as somebody does for evidence."""

MOST_ALIKE = 2_000
"""Texts that are looked for by resemblance, which takes a tenth of a second each."""

WORDS = 4_000
"""Characters that are kept of a text which stands nowhere."""

SAMPLES = 12
"""Places of a text at which its letters are compared with those of every document."""


class How(StrEnum):
    """How a hit was found in the corpus."""

    POSITION = "position"
    QUOTE = "quote"
    ALIKE = "alike"
    NOWHERE = "nowhere"


class Place(NamedTuple):
    """Where a hit stands: row of its document, start, end; -1, 0, 0 for nowhere."""

    how: How
    document: int = -1
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Placed:
    """What a retriever from outside returned, in one corpus: its distinct spans, ranked.

    `counts` says of how many hits there are how each was found, and what else is worth knowing.
    """

    chunks: Chunks
    ranking: Candidates
    counts: Mapping[str, int]

    def key(self, *names: str) -> str:
        """Name it by what it is: who answers over a network may answer otherwise tomorrow."""
        arrays = (*self.chunks.arrays().values(), *self.ranking.arrays().values())
        return digest("returned", *names, *(a.tobytes() for a in arrays))


@dataclass(frozen=True)
class ReturnedChunks(Stage[Chunks]):
    """The distinct spans that a retriever from outside returned."""

    def apply(self, placed: Placed, rt: Runtime) -> Chunks:
        """Return them."""
        return placed.chunks


@dataclass(frozen=True)
class ReturnedRanking(Stage[Candidates]):
    """The rankings that a retriever from outside returned."""

    def apply(self, placed: Placed, rt: Runtime) -> Candidates:
        """Return them."""
        return placed.ranking


def place(corpus: Corpus, answers: Sequence[Sequence[Hit]], told: Progress = silent) -> Placed:
    """Find the hits of every query; those beyond the first `DEPTH` are left out and counted."""
    kept = [hits[:DEPTH] for hits in answers]
    keys = [[_bare(hit) for hit in hits] for hits in kept]
    distinct = dict(zip(chain(*keys), chain(*kept), strict=True))
    finder = Finder(corpus, told)
    places = dict(zip(distinct, finder.find(list(distinct.values())), strict=True))
    spans = {key: _span(places[key], hit) for key, hit in distinct.items()}
    rows = sorted(set(spans.values()))
    number = {row: i for i, row in enumerate(rows)}
    ranked = [
        (np.array([number[spans[key]] for key in own], np.int64), _scores(hits))
        for own, hits in zip(keys, kept, strict=True)
    ]
    depth = max([1, *map(len, kept)])
    beyond = sum(map(len, answers)) - sum(map(len, kept))
    found = Counter(places[key].how for key in chain(*keys))
    counts = {
        "hits": found.total(),
        **{str(how): found[how] for how in How},
        "ambiguous": sum(key in finder.ambiguous for key in chain(*keys)),
        "beyond": beyond,
        "empty": sum(not hits for hits in kept),
    }
    return Placed(_chunks(rows), Candidates.of_lists(ranked, depth), counts)


Bare = tuple[str, int | None, int | None, str, str]
Row = tuple[int, int, int, str]


def _bare(hit: Hit) -> Bare:
    """Return what tells a hit from others, whatever its score; its id if there is no more."""
    name = "" if hit.document or hit.text else hit.id
    return hit.document, hit.start, hit.end, hit.text, name


def _span(place: Place, hit: Hit) -> Row:
    return *place[1:], hit.words[:WORDS] if place.document < 0 else ""


def _chunks(rows: Sequence[Row]) -> Chunks:
    table = np.array([row[:3] for row in rows], np.int32).reshape(-1, 3)
    document, start, end = np.ascontiguousarray(table.T)
    bare = Chunks(document, start, end, np.zeros(len(rows), np.int32))
    return bare.beside([row[3] for row in rows])


def _scores(hits: Sequence[Hit]) -> Float64:
    """Return the scores, or for want of one the ranks, so that more is better."""
    given = [hit.score for hit in hits if hit.score is not None]
    if len(given) < len(hits):
        return -np.arange(1.0, len(hits) + 1)
    return np.array(given, np.float64)


class Finder:
    """Finds hits in a corpus; a document's letters are laid out once."""

    def __init__(self, corpus: Corpus, told: Progress) -> None:
        self.corpus, self.told = corpus, told
        self.ambiguous: set[Bare] = set()
        """Texts that several documents hold; the first of these was taken."""
        self._letters: dict[int, Letters] = {}

    def find(self, hits: Sequence[Hit]) -> list[Place]:
        """Return the place of each hit."""
        places = []
        for i, hit in enumerate(hits, 1):
            row = self.corpus.row.get(hit.document, -1)
            places.append(Place(How.NOWHERE) if row < 0 else self._there(hit, row))
            self.told("Finding what was returned", i, len(hits))
        self._elsewhere(hits, places)
        self._alike(hits, places)
        return places

    def _there(self, hit: Hit, row: int) -> Place:
        """Look in the hit's own document."""
        text = self.corpus.documents[row].text
        if hit.start is None and not hit.text:
            return Place(How.POSITION, row, 0, len(text)) if text else Place(How.NOWHERE)
        if hit.start is not None and hit.end is not None and hit.end <= len(text):
            here = text[hit.start : hit.end]
            if hit.text in ("", here) or _within(here, hit.text):
                return Place(How.POSITION, row, hit.start, hit.end)
        span = self._quoted(hit, row)
        return Place(How.QUOTE, row, span.start, span.end) if span else Place(How.NOWHERE)

    def _quoted(self, hit: Hit, row: int) -> Span | None:
        """Return where a document says the same: as it is, else by its letters."""
        text, near = self.corpus.documents[row].text, hit.start or 0
        quote = hit.text.strip()
        places = [text.rfind(quote, 0, near + len(quote)), text.find(quote, near)]
        found = [p for p in places if p >= 0] if quote else []
        if found:
            start = min(found, key=lambda p: abs(p - near))
            return Span(start, start + len(quote))
        if row not in self._letters:
            self._letters[row] = Letters.of(text)
        return self._letters[row].find(quote, near)

    def _elsewhere(self, hits: Sequence[Hit], places: list[Place]) -> None:
        """Look in all documents for the words of hits whose own is not known."""
        lost = [i for i in _lost(hits, places) if hits[i].document not in self.corpus.row]
        quotes = [letters_of(hits[i].text) for i in lost]
        for i, documents in zip(lost, holding(quotes, self.corpus, letters_of), strict=True):
            rows = [self.corpus.row[d.id] for d in documents]
            if len(rows) > 1:
                self.ambiguous.add(_bare(hits[i]))
            span = self._quoted(hits[i], rows[0]) if rows else None
            if span:
                places[i] = Place(How.QUOTE, rows[0], span.start, span.end)

    def _alike(self, hits: Sequence[Hit], places: list[Place]) -> None:
        """Place what resembles a stretch of its document, or of the likeliest one."""
        lost = _lost(hits, places)[:MOST_ALIKE]
        known = [self.corpus.row.get(hits[i].document, -1) for i in lost]
        strange = [i for i, row in zip(lost, known, strict=True) if row < 0]
        guessed = dict(zip(strange, self._likeliest([hits[i].text for i in strange]), strict=True))
        rows = {i: guessed.get(i, row) for i, row in zip(lost, known, strict=True)}
        laid = Text("")
        for n, i in enumerate(sorted(lost, key=rows.__getitem__), 1):
            self.told("Finding what reads differently", n, len(lost))
            if rows[i] < 0:
                continue
            text = self.corpus.documents[rows[i]].text
            laid = laid if laid.original == text else Text(text)
            quote, near = hits[i].text.strip(), hits[i].start or 0
            found = resembling(Evidence("", near, near + len(quote), quote), laid)
            if found and found[1] >= SURE:
                places[i] = Place(How.ALIKE, rows[i], found[0].start, found[0].end)

    def _likeliest(self, texts: Iterable[str]) -> list[int]:
        """Return for each text the document that shares most runs of its letters; -1 for none.

        Whatever 15 letters in a row two texts share, 8 of them are a block that one is cut into.
        """
        flat = [letters_of(text) for text in texts]
        keys: dict[str, list[int]] = defaultdict(list)
        for i, own in enumerate(flat):
            last = max(len(own) - 2 * BLOCK, 0)
            for begin in sorted({last * n // (SAMPLES - 1) for n in range(SAMPLES)}):
                for at in range(begin, min(begin + BLOCK, len(own) - BLOCK + 1)):
                    keys[own[at : at + BLOCK]].append(i)
        best = [(0, -1)] * len(flat)
        for row, document in enumerate(self.corpus.documents) if keys else ():
            own = letters_of(document.text)
            blocks = {own[at : at + BLOCK] for at in range(0, len(own), BLOCK)}
            shared = Counter(i for block in blocks & keys.keys() for i in keys[block])
            for i, number in shared.items():
                best[i] = max(best[i], (number, row), key=lambda b: b[0])
        return [row for _, row in best]


def _lost(hits: Sequence[Hit], places: Sequence[Place]) -> list[int]:
    """Return the hits that have words and no place."""
    nowhere = [i for i, p in enumerate(places) if p.how is How.NOWHERE]
    return [i for i in nowhere if hits[i].text.strip()]


def _within(here: str, text: str) -> bool:
    """Tell whether a text is that of a stretch with no more than as much beside it."""
    letters, whole = letters_of(here), letters_of(text)
    return 0 < len(whole) <= 2 * len(letters) and letters in whole
