"""Filter: which chunks are searched at all, by what is known of them and of their documents.

A field is `id`, `title` or `media`, what an enricher finds (`dates`), or a key of the documents'
metadata; of two with one name the first in this order wins. A chunk without a value (its document
lacks the field or holds null there) is kept by `Not` alone; one with several is kept when one of
them is wanted. Numbers compare with numbers and text with text, exactly and by case; true is 1 and
false 0, as in SQLite.
"""

import json
import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from retrieval.errors import SpecError, one_of
from retrieval.ingest.enrich import ENRICHERS, Fields
from retrieval.runtime import Runtime
from retrieval.stage import Stage, nested, require, shown
from retrieval.types import Bool, Chunks, Corpus, Document

READS_AS_ANOTHER = re.compile(r"[-+.]*\d[\d.e+-]*$|true$|false$|null$|none$", re.IGNORECASE)
Value = str | int | float | bool
FIXED = ("id", "title", "media")
"""The fields that every document has."""


@dataclass(frozen=True)
class Searched:
    """What a filter may look at."""

    corpus: Corpus
    chunks: Chunks
    fields: tuple[Fields, ...]

    def where(self, field: str, holds: Callable[[Value], bool]) -> Bool | None:
        """Return which chunks have a value that is wanted, `(C,)`; None for an unknown field."""
        found = next((f.held[field] for f in self.fields if field in f.held), None)
        if field not in FIXED and found is not None:
            wanted = [any(map(holds, values)) for values in found.values]
            return np.array(wanted, bool)[found.of]
        documents = self.corpus.documents
        if field not in FIXED and documents and not any(field in d.metadata for d in documents):
            return None
        of_each = (
            getattr(d, field) if field in FIXED else d.metadata.get(field) for d in documents
        )
        held = (value is not None and holds(value) for value in of_each)
        return np.fromiter(held, bool, len(documents))[self.chunks.document]

    def known(self) -> list[str]:
        """Return the fields that may be named."""
        found = [name for f in self.fields for name in f.held]
        return list(dict.fromkeys([*FIXED, *found, *metadata_fields(self.corpus.documents)]))


@dataclass(frozen=True)
class Filter(Stage[Bool]):
    """Says of each chunk whether it is searched."""

    def apply(self, corpus: Corpus, chunks: Chunks, *fields: Fields, rt: Runtime) -> Bool:
        """Return `(C,)` bool.

        Raises:
            SpecError: there is no such field; the message lists the fields there are.
        """
        return self.kept(Searched(corpus, chunks, fields))

    @abstractmethod
    def kept(self, searched: Searched) -> Bool:
        """Return for each chunk whether it is searched, `(C,)`."""


@dataclass(frozen=True)
class ByField(Filter):
    """Looks at one field of each chunk."""

    field: str = shown("id")

    def kept(self, searched: Searched) -> Bool:
        """Look at every value."""
        found = searched.where(self.field, self.holds)
        if found is None:
            finder = next((e.__name__ for e in ENRICHERS if self.field in e.fields), None)
            fix = f"; put {finder} under enrich, which finds it" if finder else ""
            fix = fix or one_of(self.field, searched.known(), "field")
            name = type(self).__name__
            raise SpecError(f"{name}.field: no document has the field {self.field!r}{fix}")
        return found

    @abstractmethod
    def holds(self, value: Value) -> bool:
        """Tell whether a value that is there is wanted."""


@dataclass(frozen=True)
class Equals(ByField):
    """The field has this value."""

    value: Value = ""

    @property
    def label(self) -> str:
        """Return the comparison."""
        return f"{self.field} = {_said(self.value)}"

    def holds(self, value: Value) -> bool:
        """Compare."""
        return value == self.value


@dataclass(frozen=True)
class In(ByField):
    """The field has one of these values."""

    values: tuple[Value, ...] = ()

    @property
    def label(self) -> str:
        """Return the comparison."""
        return f"{self.field} in {', '.join(map(_said, self.values))}"

    def holds(self, value: Value) -> bool:
        """Compare with each."""
        return value in self.values


@dataclass(frozen=True)
class Range(ByField):
    """The field lies from `low` to `high`, both included; one that is left out does not bound.

    Text is compared character by character, which puts ISO dates in order: up to
    `2024-12-31T23:59` a year ends, since `2024-12-31` comes before every hour of that day.
    """

    low: str | int | float | None = None
    high: str | int | float | None = None

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None:
            alike = isinstance(self.low, str) == isinstance(self.high, str)
            require(alike, self, "high", "text where low is text, a number where it is one")
            require(_below(self.low, self.high), self, "high", f"at least low, {self.low!r}")

    @property
    def label(self) -> str:
        """Return the comparison."""
        ends = ("" if end is None else _said(end) for end in (self.low, self.high))
        return f"{self.field} {'..'.join(ends)}"

    def holds(self, value: Value) -> bool:
        """Compare with both ends."""
        above = self.low is None or _below(self.low, value)
        return above and (self.high is None or _below(value, self.high))


@dataclass(frozen=True)
class Glob(ByField):
    """The field is text of this form: `*` is anything, `?` a character, `[ab]` a or b.

    Slashes are no exception, and upper and lower case differ.
    """

    pattern: str = "*"

    @property
    def label(self) -> str:
        """Return the comparison."""
        return f"{self.field} ~ {self.pattern}"

    def holds(self, value: Value) -> bool:
        """Compare; a number has no form."""
        return isinstance(value, str) and fnmatchcase(value, self.pattern)


@dataclass(frozen=True)
class Exists(ByField):
    """The field has a value."""

    @property
    def label(self) -> str:
        """Return the comparison."""
        return f"has {self.field}"

    def holds(self, value: Value) -> bool:
        """Take whatever is there."""
        return True


@dataclass(frozen=True)
class Not(Filter):
    """What another filter does not keep, chunks without the field among them."""

    filter: Filter = nested(Equals, In, Range, Glob, Exists, default=Exists())

    @property
    def label(self) -> str:
        """Return the comparison."""
        return f"not {self.filter.label}"

    def kept(self, searched: Searched) -> Bool:
        """Return the opposite."""
        return ~self.filter.kept(searched)


@dataclass(frozen=True)
class Conjunction(Stage[Bool]):
    """Keep what every filter keeps."""

    def apply(self, *masks: Bool, rt: Runtime) -> Bool:
        """Return `(C,)` bool."""
        return np.asarray(np.logical_and.reduce(masks), bool)


FILTERS: tuple[type[Filter], ...] = (Equals, In, Range, Glob, Exists, Not)


def metadata_fields(documents: Sequence[Document]) -> list[str]:
    """Return the keys of the documents' metadata, in order of the alphabet."""
    return sorted({key for d in documents for key in d.metadata})


def _said(value: Value) -> str:
    """Write a value as in a spec: text between quotes where it would be read as something else."""
    if not isinstance(value, str):
        return json.dumps(value)
    return repr(value) if not value.strip() or READS_AS_ANOTHER.match(value) else value


def _below(low: Value, high: Value) -> bool:
    """Tell whether the first is at most the second; text and numbers have no order."""
    if isinstance(low, str) or isinstance(high, str):
        return isinstance(low, str) and isinstance(high, str) and low <= high
    return low <= high
