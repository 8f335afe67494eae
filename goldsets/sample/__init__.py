"""The sample: the language reference that every Python carries, and a gold set written for it.

The text belongs to the interpreter and ships with nothing of ours; it differs between Python
versions, so evidence finds itself again by its quote.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from goldsets.evidence import Status, anchor
from goldsets.formats.base import Report
from goldsets.formats.own import read as read_gold
from goldsets.store import gold as store
from goldsets.types import Evidence, GoldSet
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus, Document

NAME = "python-reference"
GOLD = Path(__file__).parent / "gold.jsonl"

SWEEP: dict[str, Any] = {
    "base": {"first": [{"BM25": {"tokenize": "Identifiers"}}]},
    "grid": {
        "chunk": [{"FixedTokens": {"size": 200}}, {"ByHeading": {"size": 200}}],
        "contextualize": [None, "Headings"],
        "first": [
            [{"BM25": {"tokenize": "Identifiers"}}],
            ["Dense"],
            [{"BM25": {"tokenize": "Identifiers"}}, "Dense"],
        ],
    },
    "measures": ["R@5", "R@20", "nDCG@10", "RR@10", "EvidenceRecall@4000tok"],
}
"""Twelve pipelines: two ways to cut, with and without headings, three first stages."""


def documents() -> list[Document]:
    """Return the language reference, a topic a document."""
    from pydoc_data.topics import topics

    return [
        Document(topic, text, title=text.split("\n", 1)[0].strip(), media="text/x-rst")
        for topic, text in sorted(topics.items())
    ]


def gold() -> GoldSet:
    """Return the gold set written for it."""
    read = read_gold(GOLD, Report(strict=True))
    return GoldSet(NAME, NAME, read.queries, read.evidence)


def load(workspace: Workspace) -> Corpus:
    """Put the sample into a workspace; a second time changes nothing.

    The text differs between versions of Python: what stands elsewhere is anchored there, what was
    reworded is left for the review.
    """
    corpora.write(workspace, NAME, documents(), note="the sample")
    corpus = corpora.read(workspace, NAME)
    store.write(workspace, anchored(gold(), corpus), "sample")
    return corpus


def anchored(held: GoldSet, corpus: Corpus) -> GoldSet:
    """Give evidence that has moved the position it has in a corpus."""
    evidence: dict[str, list[Evidence]] = {}
    for found in anchor(held, corpus).found:
        e, span = found.evidence, found.span
        if found.status is Status.MOVED and span is not None:
            text = corpus.documents[corpus.row[found.document]].text
            e = Evidence.of(found.document, text, span.start, span.end, e.grade, e.part)
        evidence.setdefault(found.query.id, []).append(e)
    return replace(held, evidence={q: tuple(e) for q, e in evidence.items()})
