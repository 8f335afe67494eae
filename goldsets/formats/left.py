"""What a format has no place for, counted: gold that goes out loses nothing in silence."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from goldsets.evaluation.words import count
from goldsets.formats.beir import LEFT_OUT
from goldsets.formats.names import SPACE, encoded
from goldsets.types import Evidence, GoldSet
from retrieval.types import Corpus

Fields = Mapping[str, Callable[[Any], object]]

QUERY: Fields = {
    "tags": lambda q: q.tags,
    "language": lambda q: q.language,
    "needs": lambda q: q.needs != "all",
}
DOCUMENT: Fields = {
    "metadata": lambda d: set(d.metadata) - {"author", "bib"},
    "media type": lambda d: d.media != "text/plain",
    "given chunks": lambda d: d.given,
}
JUDGMENT: Fields = {"part": lambda e: e.part, "grade": lambda e: e.grade != Evidence.grade}
WHOLE = ("tags", "language", "media type", "given chunks", "span")
LEFT: Mapping[str, tuple[str, ...]] = {
    "beir": (*WHOLE, "needs", "part"),
    "trec": (*WHOLE, "needs", "part", "metadata"),
    "autorag": (*WHOLE, "grade"),
}
"""By format what it has no place for; one that is not named here has for all of a gold set."""
ENCODED: Mapping[str, re.Pattern[str]] = {"beir": LEFT_OUT, "trec": SPACE}
"""By format what is percent-encoded in its ids."""


def left(format_: str, gold: GoldSet, corpus: Corpus) -> Iterator[str]:
    """Phrase what a format leaves out of a gold set and its corpus, or writes otherwise."""
    evidence = [e for q in gold.queries for e in gold.of(q) if e.document in corpus.row]
    spans: Fields = {**JUDGMENT, "span": lambda e: _part_of(corpus, e)}
    yield from _left(format_, gold.queries, QUERY, "query", "queries")
    yield from _left(format_, corpus.documents, DOCUMENT, "document", "documents")
    yield from _left(format_, evidence, spans, "judgment", "judgments")


def _left(format_: str, rows: Iterable[Any], fields: Fields, one: str, many: str) -> Iterator[str]:
    rows = list(rows)
    for name in (n for n in LEFT.get(format_, ()) if n in fields):
        if lost := sum(1 for row in rows if fields[name](row)):
            yield f"{format_} has no place for the {name} of {count(lost, one, many)}"
    pattern = ENCODED.get(format_)
    names = (row.id for row in rows if hasattr(row, "id")) if pattern else ()
    if other := sum(1 for name in names if pattern and encoded(name, pattern) != name):
        yield f"percent-encoded: the id of {count(other, one, many)}"


def _part_of(corpus: Corpus, evidence: Evidence) -> bool:
    text = corpus.documents[corpus.row[evidence.document]].text
    return (evidence.start, evidence.end) != (0, len(text))
