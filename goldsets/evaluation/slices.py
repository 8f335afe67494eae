"""Slices: a gold set's queries by what they have in common."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from goldsets.evidence import Anchored
from goldsets.types import Query
from retrieval.query.names import names_in
from retrieval.types import Bool, Corpus

NOT_SAID = "not said"

SHORT = 4
"""Up to so many words a query is one of key words."""

MEDIA = "document type"


def slices(anchored: Anchored, corpus: Corpus, by: str) -> dict[str, Bool]:
    """Return the queries of each slice as a mask `(Q,)`, the largest slice first.

    `by` is one of DIMENSIONS. A query may be in several slices, and in none where nothing is known.
    """
    queries = anchored.gold.queries
    found = _media(anchored, corpus) if by == MEDIA else [OF_QUERY[by](q) for q in queries]
    masks: dict[str, Bool] = defaultdict(lambda: np.zeros(len(queries), bool))
    for row, names in enumerate(found):
        for name in names:
            masks[name][row] = True
    return dict(sorted(masks.items(), key=lambda item: (-int(item[1].sum()), item[0])))


def _media(anchored: Anchored, corpus: Corpus) -> list[Iterable[str]]:
    """Return for each query the types of the documents that hold its relevant evidence."""
    found: list[dict[str, None]] = [{} for _ in anchored.gold.queries]
    for i in np.flatnonzero((anchored.document >= 0) & (anchored.grade > 0)).tolist():
        found[int(anchored.query[i])][corpus.documents[int(anchored.document[i])].media] = None
    return list(found)


def kinds(query: Query) -> Iterable[str]:
    """Tell how a query is written: its length, and whether it names anything exactly."""
    length = "a few words" if len(query.text.split()) <= SHORT else "a sentence"
    return (length, "with exact names" if names_in(query.text) else "without exact names")


OF_QUERY: Mapping[str, Callable[[Query], Iterable[str]]] = {
    "tag": lambda q: q.tags or (NOT_SAID,),
    "kind": kinds,
    "language": lambda q: (q.language or NOT_SAID,),
    "needs": lambda q: (f"{q.needs} of its evidence",),
    "origin": lambda q: (q.origin,),
}

DIMENSIONS = (*list(OF_QUERY)[:3], MEDIA, *list(OF_QUERY)[3:])
