"""The measures on characters once more, as slowly and plainly as their definitions read.

A character is `(document, offset)`; everything is a set of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from goldsets.evaluation.measures import Measure
from goldsets.types import Evidence, GoldSet, Query
from retrieval.types import Chunks, Corpus

Characters = set[tuple[int, int]]


def characters(document: int, start: int, end: int) -> Characters:
    return {(document, i) for i in range(start, end)}


@dataclass
class Naive:
    """`token_starts[d]` is where each token of document d starts."""

    gold: GoldSet
    corpus: Corpus
    chunks: Chunks
    token_starts: Sequence[Sequence[int]]

    def value(self, measure: Measure, query: Query, ranking: Sequence[int]) -> float | None:
        """Return a measure's value for one query, None where it is undefined."""
        relevant = [e for e in self.gold.of(query) if e.grade >= measure.rel]
        if not relevant:
            return None
        ranking = [c for c in ranking if c >= 0]
        if measure.name == "PrecisionOmega":
            return self._omega(relevant)
        if measure.name == "R":
            return self._recall(measure, self._things(query, relevant), ranking)
        pieces = self._context(measure, ranking)
        seen = set().union(*pieces)
        if measure.name == "EvidenceRecall":
            return self._evidence_recall(self._things(query, relevant), seen)
        evidence = set().union(*map(self.where, relevant))
        hit, size = len(evidence & seen), sum(map(len, pieces))
        whole = size if measure.name == "EvidencePrecision" else size + len(evidence - seen)
        return hit / whole if whole else 0.0

    def where(self, evidence: Evidence) -> Characters:
        """Return the characters of a piece of evidence, none where it is gone."""
        row = self.corpus.row.get(evidence.document, -1)
        text = self.corpus.documents[row].text if row >= 0 else ""
        start = text.find(evidence.exact)
        return characters(row, start, start + len(evidence.exact)) if start >= 0 else set()

    @cached_property
    def _chunks(self) -> list[Characters]:
        c = self.chunks
        spans = zip(c.document.tolist(), c.start.tolist(), c.end.tolist(), strict=True)
        return [characters(*span) for span in spans]

    def _things(self, query: Query, relevant: Sequence[Evidence]) -> list[list[Evidence]]:
        if query.needs == "any":
            return [list(relevant)]
        parts: dict[object, list[Evidence]] = {}
        for i, evidence in enumerate(relevant):
            parts.setdefault(evidence.part or i, []).append(evidence)
        return list(parts.values())

    def _recall(
        self, m: Measure, things: Sequence[Sequence[Evidence]], ranking: Sequence[int]
    ) -> float:
        seen = set().union(*(self._chunks[c] for c in ranking[: m.cutoff]))
        found = [
            any(len(self.where(e) & seen) >= m.share * len(e.exact) for e in thing)
            for thing in things
        ]
        return sum(found) / len(things)

    def _evidence_recall(self, things: Sequence[Sequence[Evidence]], seen: Characters) -> float:
        held = total = 0
        for thing in things:
            shortest_first = sorted(thing, key=lambda e: len(e.exact))
            best = max(shortest_first, key=lambda e: len(self.where(e) & seen) / len(e.exact))
            held += len(self.where(best) & seen)
            total += len(best.exact)
        return held / total

    def _context(self, m: Measure, ranking: Sequence[int]) -> list[Characters]:
        if not m.unit:
            return [self._chunks[c] for c in ranking[: m.cutoff]]
        left, context = m.cutoff or 0, []
        for c in ranking:
            document, start, end = (
                int(a[c]) for a in (self.chunks.document, self.chunks.start, self.chunks.end)
            )
            own = [t for t in self.token_starts[document] if start <= t < end]
            if len(own) > left:
                cut = own[left] if left else start
                context.append(characters(document, start, cut))
                break
            context.append(self._chunks[c])
            left -= len(own)
        return context

    def _omega(self, relevant: Sequence[Evidence]) -> float:
        evidence = set().union(*map(self.where, relevant))
        touching = set().union(*(c for c in self._chunks if c & evidence))
        return len(evidence & touching) / len(touching | evidence) if evidence else 0.0

    def projected(self, query: Query) -> dict[str, int]:
        """Return the chunks judged: those of which, or of whose evidence, half is shared."""
        grades: dict[str, int] = {}
        for evidence in self.gold.of(query):
            span = self.where(evidence)
            for c, chunk in enumerate(self._chunks):
                shared = len(span & chunk)
                if shared and 2 * shared >= min(len(span), len(chunk)):
                    grades[str(c)] = max(evidence.grade, grades.get(str(c), -1))
        return grades
