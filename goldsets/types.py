"""Gold: queries, and the evidence that answers them as anchored spans of documents."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from retrieval.errors import InputError
from retrieval.types import digest

Needs = Literal["any", "all"]

MAX_GRADE = 100
CONTEXT = 32
"""Characters of prefix and suffix kept beside a quote."""

NO_ANSWER = "no-answer"
"""The tag of a query that the corpus does not answer."""


SYNTHETIC, STAND_IN, REVIEWED = "synthetic", "offline stand-in", ", reviewed"
"""Origins of queries that a model wrote, or the stand-in without one, and what follows them once
somebody has kept or edited the query."""


@dataclass(frozen=True)
class Evidence:
    """A judged span: where it stands, what it says, and how well it answers.

    `start`, `end` are a W3C TextPositionSelector, `exact`, `prefix`, `suffix` a TextQuoteSelector.
    Grade 0 means judged and not relevant. Evidence with the same non-empty `part` are alternatives
    for one part of the answer (copies of a passage, say).
    """

    document: str
    start: int
    end: int
    exact: str
    prefix: str = ""
    suffix: str = ""
    grade: int = 3
    part: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise InputError(
                f"start and end must be 0 <= start < end, not {self.start}, {self.end}"
            )
        if len(self.exact) != self.end - self.start:
            raise InputError(
                f"exact has {len(self.exact)} characters, not the {self.end - self.start}"
                f" from start {self.start} to end {self.end}"
            )
        if not 0 <= self.grade <= MAX_GRADE:
            raise InputError(f"grade must be from 0 to {MAX_GRADE}, not {self.grade!r}")

    @classmethod
    def of(
        cls, document: str, text: str, start: int, end: int, grade: int = 3, part: str = ""
    ) -> "Evidence":
        """Anchor a span of a document's text."""
        return cls(
            document,
            start,
            end,
            text[start:end],
            text[max(0, start - CONTEXT) : start],
            text[end : end + CONTEXT],
            grade,
            part,
        )


@dataclass(frozen=True)
class Query:
    """What somebody asks.

    `needs` says whether one piece of evidence answers it (`any`: they are alternatives) or every
    part is needed (`all`). `origin` tells written, logged, imported and generated queries apart.
    """

    id: str
    text: str
    language: str = ""
    tags: tuple[str, ...] = ()
    needs: Needs = "all"
    origin: str = "written"

    def __post_init__(self) -> None:
        if not self.id.strip() or not self.text.strip():
            raise InputError(f"a query needs an id and a text, not {self.id!r}, {self.text!r}")
        if self.needs not in ("any", "all"):
            raise InputError(f"needs must be 'any' or 'all', not {self.needs!r}")

    @property
    def synthetic(self) -> bool:
        """Tell whether a model, or the stand-in without one, wrote it; nobody asked it."""
        return is_synthetic(self.origin)

    @property
    def reviewed(self) -> bool:
        """Tell whether it is synthetic and somebody has kept or edited it."""
        return self.synthetic and self.origin.endswith(REVIEWED)


def is_synthetic(origin: str) -> bool:
    """Tell whether an origin is that of a query which a model, or the stand-in, wrote."""
    return origin.removesuffix(REVIEWED) in (SYNTHETIC, STAND_IN)


@dataclass(frozen=True)
class GoldSet:
    """Queries in order, each with its judged evidence."""

    name: str
    corpus: str
    queries: tuple[Query, ...]
    evidence: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """Content hash of queries and evidence, in whatever order: equal gold, equal version."""
        rows = (_row(q, self.evidence.get(q.id, ())) for q in self.queries)
        return digest("gold", *sorted(rows))[:12]

    def of(self, query: Query) -> tuple[Evidence, ...]:
        """Return a query's evidence."""
        return self.evidence.get(query.id, ())

    def unanswerable(self, query: Query) -> bool:
        """Tell whether it is gold that the corpus has no answer: tagged so, nothing relevant."""
        return NO_ANSWER in query.tags and not any(e.grade > 0 for e in self.of(query))

    @property
    def origins(self) -> dict[str, int]:
        """Count the queries by their origin, the most frequent first."""
        return dict(Counter(q.origin for q in self.queries).most_common())

    @property
    def judgments(self) -> int:
        """Count the judged spans."""
        return sum(len(e) for e in self.evidence.values())


def _row(query: Query, evidence: tuple[Evidence, ...]) -> str:
    spans = sorted((e.document, e.start, e.end, e.exact, e.grade, e.part) for e in evidence)
    about = [query.id, query.text, query.needs, query.language, query.tags, query.origin]
    return json.dumps([about, spans], ensure_ascii=False)
