"""Pools: what a team should read for a query, from pipelines that are unlike.

The union of the first passages of each, overlapping ones merged, long ones cut, and a few random
ones as a check. Source of the method: Spärck Jones and van Rijsbergen (1975), as TREC uses it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from goldsets.evaluation.measures import Measure
from goldsets.evaluation.pair import laid
from goldsets.evaluation.power import Power, expected, meter
from goldsets.evaluation.run import Run
from goldsets.evaluation.spec import Variant
from goldsets.evaluation.sweep import Board, Prepared
from goldsets.labelling.types import Evening, Source
from goldsets.store import gold, labels, runs
from goldsets.store.labels import Passage
from goldsets.types import GoldSet
from retrieval.pipeline import pipeline_of
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus, Span, digest

DEPTH = 10
EXTRAS = 2
LONGEST = 1_000
"""Characters of the longest passage; a merged one beyond it is cut at a paragraph or a sentence."""

LEXICAL = {"BM25": {"tokenize": "HangulBigrams"}}
PIPELINES: dict[str, dict[str, Any]] = {
    "lexical": {"chunk": {"ByHeading": {"size": 200}}, "first": [LEXICAL]},
    "dense": {
        "chunk": {"ByHeading": {"size": 200}},
        "contextualize": "Headings",
        "first": ["Dense"],
    },
    "hybrid": {
        "chunk": {"FixedTokens": {"size": 200}},
        "contextualize": "Headings",
        "first": [LEXICAL, "Dense"],
    },
}
"""Unlike on purpose: in what they match, in how they cut, in what they add."""


def fill(
    workspace: Workspace,
    evening: Evening,
    queries: Sequence[str],
    rt: Runtime,
    *,
    depth: int = DEPTH,
    extras: int = EXTRAS,
    imported: Sequence[str] = (),
) -> int:
    """Pool passages for some queries of an evening's gold set; return how many are new.

    They come pipeline by pipeline, the quickest first, so that reading can begin at once. What is
    judged, or in the queue already, comes no second time. `imported` names further runs, of sweeps
    or from elsewhere, over the same corpus version.
    """
    held = gold.read(workspace, evening.goldset)
    chosen = tuple(q for q in held.queries if q.id in set(queries))
    corpus = corpora.read(workspace, held.corpus)
    board = Board(GoldSet(held.name, held.corpus, chosen, held.evidence), corpus, rt)
    known = [_judged(board, row) for row in range(len(chosen))]
    queued = {q.id: own for q, own in zip(chosen, known, strict=True)}
    for item in labels.items(workspace, evening):
        if item.query in queued and item.document in corpus.row:
            queued[item.query].append((corpus.row[item.document], item.start, item.end))
    new = 0
    for source, lists in _sources(board, depth, extras, runs.read(workspace, imported)):
        for query, read, own in zip(chosen, lists, known, strict=True):
            fresh = [p for p in merged(read, corpus) if not inside(p, own)]
            own += fresh
            passages = [_passage(corpus, query.id, p, source) for p in fresh]
            new += labels.add(workspace, evening, corpus.name, corpus.version, passages)
    return new


def _sources(
    board: Board, depth: int, extras: int, imported: Sequence[Run]
) -> "Iterator[tuple[Source, list[list[Place]]]]":
    """Return the first passages of each query, source by source."""
    own = [board.prepare(Variant(n, pipeline_of(s))) for n, s in PIPELINES.items()]
    for prepared in own:
        yield "pool", _firsts(prepared, prepared.ranking.value.ids, depth)
        if prepared is own[0]:
            yield "random", [_random(prepared, extras, q.id) for q in board.gold.queries]
    for run in imported:
        yield "import", _firsts(laid(board, run), run.aligned(board.gold)[0], depth)


def power_of(gold_: GoldSet, corpus: Corpus, measure: Measure, rt: Runtime) -> Power:
    """Say what the answered queries of a gold set can tell apart between the pooled pipelines."""
    answered = tuple(q for q in gold_.queries if any(e.grade > 0 for e in gold_.of(q)))
    if not answered:
        return expected(0)
    board = Board(GoldSet(gold_.name, gold_.corpus, answered, gold_.evidence), corpus, rt)
    own = [board.prepare(Variant(n, pipeline_of(s))) for n, s in PIPELINES.items()]
    values = [board.values(p.index, p.ranking.value.ids, [measure])[0] for p in own]
    return meter(np.stack(values))


Place = tuple[int, int, int]
"""Row of a document, start, end."""


def merged(places: Iterable[Place], corpus: Corpus, longest: int = LONGEST) -> list[Place]:
    """Merge overlapping stretches, cut what is longer than `longest`; in order, none empty."""
    runs_: list[list[int]] = []
    for document, start, end in sorted(places):
        if runs_ and runs_[-1][0] == document and start < runs_[-1][2]:
            runs_[-1][2] = max(runs_[-1][2], end)
        else:
            runs_.append([document, start, end])
    return [
        (document, s.start, s.end)
        for document, start, end in runs_
        for s in _cut(corpus.documents[document].text, start, end, longest)
    ]


BREAKS = (re.compile(r"\n\s*\n"), re.compile(r"(?<=[.!?。다요])\s+|\n"), re.compile(r"\s+"))


def _cut(text: str, start: int, end: int, longest: int) -> Iterator[Span]:
    """Cut a stretch into parts of about equal length at the best break near each edge."""
    parts = -(-(end - start) // longest)
    while parts > 1:
        goal = start + (end - start) // parts
        edge = _break(text, goal, (end - start) // (2 * parts))
        yield from _trimmed(text, start, edge)
        start, parts = edge, parts - 1
    yield from _trimmed(text, start, end)


def _break(text: str, goal: int, reach: int) -> int:
    """Return the break nearest to `goal` within `reach`, of the best kind there is."""
    low = goal - reach
    for kind in BREAKS:
        edges = [low + m.end() for m in kind.finditer(text[low : goal + reach])]
        if edges:
            return min(edges, key=lambda e: abs(e - goal))
    return goal


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    inner = text[start:end]
    left, right = len(inner) - len(inner.lstrip()), len(inner.rstrip())
    if right > left:
        yield Span(start + left, start + right)


def _firsts(prepared: Prepared, ids: np.ndarray, depth: int) -> list[list[Place]]:
    chunks = prepared.index.chunks.value
    return [
        [
            (int(chunks.document[i]), int(chunks.start[i]), int(chunks.end[i]))
            for i in row[:depth].tolist()
            if i >= 0 and chunks.document[i] >= 0
        ]
        for row in ids
    ]


def _judged(board: Board, query: int) -> list[Place]:
    a = board.anchored
    rows = np.flatnonzero((a.query == query) & (a.document >= 0)).tolist()
    return [(int(a.document[i]), int(a.start[i]), int(a.end[i])) for i in rows]


def inside(place: Place, known: Iterable[Place]) -> bool:
    """Tell whether a passage is judged already: a known span covers at least half of it."""
    document, start, end = place
    return any(
        d == document and 2 * (min(end, e) - max(start, s)) >= end - start for d, s, e in known
    )


def _random(prepared: Prepared, number: int, query: str) -> list[Place]:
    """Draw chunks, the same ones every time for a query."""
    chunks = prepared.index.chunks.value
    rng = np.random.default_rng(int(digest("check", query)[:15], 16))
    drawn = rng.permutation(len(chunks))[:number].tolist()
    return [(int(chunks.document[i]), int(chunks.start[i]), int(chunks.end[i])) for i in drawn]


def _passage(corpus: Corpus, query: str, place: Place, source: Source) -> Passage:
    return Passage(query, corpus.documents[place[0]].id, place[1], place[2], source)
