"""Synonyms: a team's own words for things, added to the queries that hold them; no model."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from retrieval.errors import SpecError
from retrieval.index import Index
from retrieval.ingest.embed import Purpose
from retrieval.query.first import Retriever
from retrieval.query.rewrite import Rewriter, Rewritten
from retrieval.runtime import Made, Runtime
from retrieval.stage import Stage, lines
from retrieval.types import Candidates, Queries

LONGEST = 100_000
"""Characters of a table."""

HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
"""Thai, Japanese and Chinese put no space between words."""

Entry = tuple[str, re.Pattern[str], tuple[str, ...]]
"""How a term begins, the term, its expansions."""


@dataclass(frozen=True)
class Synonyms(Rewriter):
    """A team's glossary: each term that a query holds brings its expansions to the query's end.

    `table` has a term a line, `k8s: kubernetes, 쿠버네티스`; a line that begins with `#` is a
    comment. Terms match as whole words in any case; a Korean particle may follow one of Latin
    letters, and anything one in Hangul (`연차` is in `연차를`). Expansions that the query holds
    already are left out. Every first stage searches the longer query.
    """

    table: str = lines("")

    def __post_init__(self) -> None:
        if len(self.table) > LONGEST:
            raise SpecError(
                f"Synonyms.table has {len(self.table):,} characters; {LONGEST:,} is the most"
            )
        entries(self.table)

    def concerns(self, first: Retriever) -> bool:
        """Tell whether there is a term at all."""
        return bool(entries(self.table))

    def apply(self, queries: Queries, rt: Runtime) -> Rewritten:
        """Return each query with its expansions, one text."""
        return Rewritten(tuple((expanded(text, entries(self.table)),) for text in queries.texts))

    def search(
        self,
        first: Retriever,
        index: Index,
        queries: Made[Queries],
        written: Made[Rewritten],
        depth: int,
        rt: Runtime,
    ) -> Made[Candidates]:
        """Search for the longer queries."""
        return first.search(index, rt.run(Instead(), written), depth, rt)

    def embedded(self, queries: Queries, written: Rewritten) -> Mapping[Purpose, Sequence[str]]:
        """Return the longer queries."""
        return {"query": [text for own in written.texts for text in own]}


@dataclass(frozen=True)
class Instead(Stage[Queries]):
    """Ask for what each query was rewritten to."""

    def apply(self, written: Rewritten, rt: Runtime) -> Queries:
        """Return one text a query."""
        return Queries(tuple(text for own in written.texts for text in own))


def expanded(query: str, table: Sequence[Entry]) -> str:
    """Add the expansions of a query's terms, each once, in the order of the table."""
    plain = _folded(query)
    found = (words for begins, term, words in table if begins in plain and term.search(plain))
    new = dict.fromkeys(word for words in found for word in words)
    return " ".join([query, *(w for w in new if not _pattern(_folded(w)).search(plain))])


@lru_cache(maxsize=64)
def entries(table: str) -> tuple[Entry, ...]:
    """Read a table.

    Raises:
        SpecError: a line that is no term with its expansions.
    """
    found = []
    for number, line in enumerate(table.splitlines(), 1):
        said = line.strip()
        if not said or said.startswith("#"):
            continue
        term, *rest = re.split(r"\s*:\s+", said, maxsplit=1)
        words = tuple(w for w in (word.strip() for word in "".join(rest).split(",")) if w)
        if not (term and words):
            raise SpecError(
                f"Synonyms.table, line {number}: {said[:60]!r} is no term with its expansions;"
                " write it like `k8s: kubernetes, 쿠버네티스`"
            )
        folded = _folded(term)
        found.append((folded.split()[0], _pattern(folded), words))
    return tuple(found)


@lru_cache(maxsize=10_000)
def _pattern(term: str) -> re.Pattern[str]:
    """Match a term between the edges of words, in the way of its script."""
    body = r"\s+".join(map(re.escape, term.split()))
    return re.compile(_edges(term[0])[0] + body + _edges(term[-1])[1])


def _edges(letter: str) -> tuple[str, str]:
    """Return what may not stand before a word that begins so, and after one that ends so."""
    if re.match(r"\w", letter, re.ASCII):
        return r"(?<![a-z0-9_])", r"(?![a-z0-9_])"
    if HANGUL.match(letter):
        return r"(?<!\w)", ""
    if UNSPACED.match(letter) or not re.match(r"\w", letter):
        return "", ""
    return r"(?<!\w)", r"(?!\w)"


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
