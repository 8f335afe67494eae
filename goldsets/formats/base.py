"""What every format shares: the report of what cannot be used, fields of rows, and qrels."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from goldsets.types import MAX_GRADE, Evidence, GoldSet, Query
from retrieval.errors import InputError
from retrieval.ingest.fields import shown
from retrieval.types import Corpus, Document

T = TypeVar("T")
R = TypeVar("R")
Named = TypeVar("Named", Document, Query)

SHOWN = 20
"""Problems that a summary lists; the rest are counted."""
KEPT = 10_000
"""Problems that a report holds; of those beyond it holds the number."""
LONGEST = 400
"""Characters of a problem that are kept."""
HANGUL, LATIN = re.compile("[가-힣]"), re.compile("[A-Za-z]")
WORD = re.compile(r"[^\W\d_]+")
WHOLE_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,9}\s*")


class _Stop(InputError):
    """The problem that ended a strict import; it is complete as it is."""


@dataclass
class Report:
    """Collects what could not be used; with `strict` the first such line stops the import.

    Every problem names file, line, field and value.
    """

    strict: bool = False
    problems: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    """Where a quote stood elsewhere than its offset said, and was found by its text."""

    def skip(self, what: str, problem: str, *, where: str) -> None:
        """Note that one `what` (a document, query, judgment) at `where` is left out.

        Raises:
            InputError: in strict mode.
        """
        problem, where = problem[:LONGEST], where[:LONGEST]
        if self.strict:
            raise _Stop(problem, where=where)
        self.kinds[what] += 1
        if len(self.problems) < KEPT:
            self.problems.append(f"{where}: {problem}")

    @contextmanager
    def skipping(self, what: str, where: str) -> Iterator[None]:
        """Leave one `what` out when its making raises InputError.

        Raises:
            InputError: in strict mode.
        """
        try:
            yield
        except _Stop:
            raise
        except InputError as error:
            self.skip(what, error.problem, where=": ".join(p for p in (where, error.where) if p))

    def note(self, sentence: str) -> None:
        """Add a warning that stops nothing."""
        self.notes.append(sentence)

    def lines(self) -> Iterator[str]:
        """Phrase the summary, warnings first."""
        yield from self.notes
        if self.moved:
            count, first = len(self.moved), self.moved[0]
            quotes = "quote was" if count == 1 else "quotes were"
            yield f"{count:,} {quotes} not at the offset, but found by the text; first: {first}"
        for what, count in self.kinds.items():
            yield f"{count:,} {what if count == 1 else _plural(what)} left out"
        yield from self.problems[:SHOWN]
        if self.kinds.total() > SHOWN:
            yield f"... and {self.kinds.total() - SHOWN:,} more"


@dataclass(frozen=True)
class Imported:
    """Documents and gold read from somewhere else."""

    documents: tuple[Document, ...]
    queries: tuple[Query, ...]
    evidence: Mapping[str, tuple[Evidence, ...]]


@contextmanager
def inside(place: str, joint: str = ".") -> Iterator[None]:
    """Put a place in front of the field that an InputError names."""
    try:
        yield
    except InputError as error:
        where = joint.join(p for p in (place, error.where) if p)
        raise InputError(error.problem, where=where) from None


def add_new(held: dict[str, T], key: str, value: T, *, where: str = "id") -> None:
    """Put a value under a key that has none yet.

    Raises:
        InputError: the key is taken, or empty.
    """
    if not key.strip():
        raise InputError("empty", where=where)
    if key in held:
        raise InputError(f"seen before: {shown(key)}", where=where)
    held[key] = value


def by_id(
    rows: Iterable[tuple[str, R]],
    make: Callable[[R], Named],
    report: Report,
    what: str,
    *,
    where: str = "id",
) -> dict[str, Named]:
    """Make a value of each `(place, row)` and hold it under its id; leave out those that fail."""
    held: dict[str, Named] = {}
    for place, row in rows:
        with report.skipping(what, place):
            value = make(row)
            add_new(held, value.id, value, where=where)
    return held


def items(row: Mapping[str, object], key: str, kind: type[T]) -> list[T]:
    """Return a field that holds a list whose members are all of one type.

    Raises:
        InputError: it is missing or holds something else.
    """
    values = row.get(key)
    if not isinstance(values, list):
        problem = "missing" if values is None else f"not a list: {shown(values)}"
        raise InputError(problem, where=key)
    for i, value in enumerate(values):
        if not isinstance(value, kind):
            raise InputError(f"not of type {kind.__name__}: {shown(value)}", where=f"{key}[{i}]")
    return values


def whole_number(row: Mapping[str, object], key: str) -> int:
    """Return a field that holds a whole number from 0 up, small enough to be an offset.

    Raises:
        InputError: it is missing or holds something else.
    """
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        problem = "missing" if value is None else f"not a whole number: {shown(value)}"
        raise InputError(problem, where=key)
    if not 0 <= value < 2**31:
        raise InputError(f"not from 0 to {2**31 - 1}: {shown(value)}", where=key)
    return value


def numbered(position: int) -> str:
    """Name the query at a position, counted from 1, where a format gives it no id."""
    return f"q{position:04d}"


def language_of(texts: Iterable[str]) -> str:
    """Guess: `ko` where at least half of the words have Hangul, `en` Latin letters, else nothing.

    Words count and not letters, because Korean queries are full of Latin names.
    """
    words = [word for text in texts for word in WORD.findall(text)]
    if words and 2 * sum(1 for w in words if HANGUL.search(w)) >= len(words):
        return "ko"
    return "en" if words and 2 * sum(1 for w in words if LATIN.search(w)) >= len(words) else ""


def find_quote(text: str, quote: str, near: int) -> int:
    """Return where a quote stands: `near`, else the closest place to it; -1 for nowhere."""
    if quote and text.startswith(quote, near):
        return near
    before = text.rfind(quote, 0, near + len(quote)) if quote else -1
    after = text.find(quote, near) if quote else -1
    places = [p for p in (before, after) if p >= 0]
    return min(places, key=lambda p: abs(p - near), default=-1)


def whole(document: Document, grade: int = 3, part: str = "") -> Evidence:
    """Point at all of a document's text.

    Raises:
        InputError: the document is empty.
    """
    if not document.text:
        raise InputError(f"{shown(document.id)} has no text to point at", where="document")
    return Evidence.of(document.id, document.text, 0, len(document.text), grade, part)


@dataclass(frozen=True)
class Qrel:
    """A line of a qrels file: ids and a grade, as they stand there."""

    where: str
    query: str
    document: str
    grade: str


def judged(
    documents: Mapping[str, Document],
    queries: Mapping[str, Query],
    qrels: Iterable[Qrel],
    report: Report,
) -> Imported:
    """Turn judgments of documents into spans over all their text.

    Queries that the qrels do not name are left out.
    """
    found: dict[str, dict[str, Evidence]] = {}
    for qrel in qrels:
        with report.skipping("judgment", qrel.where):
            _known(queries, qrel.query, "query")
            evidence = found.setdefault(qrel.query, {})
            document = _known(documents, qrel.document, "document")
            add_new(evidence, document.id, whole(document, _grade(qrel.grade)), where="document")
    kept = tuple(q for q in queries.values() if q.id in found)
    held = {q.id: tuple(found[q.id].values()) for q in kept if found[q.id]}
    return Imported(tuple(documents.values()), kept, held)


def document_judgments(
    gold: GoldSet, corpus: Corpus
) -> tuple[list[tuple[str, str, int]], dict[str, int]]:
    """Return query, document and the best grade of its evidence, and what there is to count.

    They are ordered by query and document. Of documents that the corpus does not have, and of
    queries for which it has none, there is only the count.
    """
    grades: dict[tuple[str, str], int] = {}
    for query in gold.queries:
        for e in sorted(gold.of(query), key=lambda e: e.document):
            place = query.id, e.document
            grades[place] = max(e.grade, grades.get(place, 0))
    held = [(q, d, grade) for (q, d), grade in grades.items() if d in corpus.row]
    asked = len({q for q, _, _ in held})
    others = {
        "without evidence": len(gold.queries) - asked,
        "without a document": len(grades) - len(held),
    }
    counts = {"documents": len(corpus), "queries": asked, "judgments": len(held)}
    return held, counts | {what: n for what, n in others.items() if n}


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write UTF-8 lines, each with a line feed at its end."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


def _known(held: Mapping[str, T], key: str, kind: str) -> T:
    if key not in held:
        raise InputError(f"there is no such {kind}: {shown(key)}", where=kind)
    return held[key]


def _grade(text: str) -> int:
    if not WHOLE_NUMBER.fullmatch(text):
        raise InputError(f"not a whole number: {shown(text)}", where="score")
    if not 0 <= int(text) <= MAX_GRADE:
        raise InputError(f"not from 0 to {MAX_GRADE}: {shown(text)}", where="score")
    return int(text)


def _plural(what: str) -> str:
    return what[:-1] + "ies" if what.endswith("y") else what + "s"
