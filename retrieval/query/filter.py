"""Filter: which chunks are searched at all, by what is known of their documents.

A field is `id`, `title`, `media` or a key of the documents' metadata (the first three win over a
key of the same name). A document that lacks the field, or holds null there, has no value: only
`Not` keeps it. Numbers compare with numbers and text with text, exactly and by case; true is 1 and
false 0, as in SQLite.
"""

import json
import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from retrieval.errors import SpecError, one_of
from retrieval.runtime import Runtime
from retrieval.stage import Stage, nested, require, shown
from retrieval.types import Bool, Chunks, Corpus, Document, Scalar

READS_AS_ANOTHER = re.compile(r"[-+.]*\d[\d.e+-]*$|true$|false$|null$|none$", re.IGNORECASE)
Value = str | int | float | bool
FIXED = ("id", "title", "media")
"""The fields that every document has."""


@dataclass(frozen=True)
class Filter(Stage[Bool]):
    """Says of each chunk whether it is searched."""

    def apply(self, corpus: Corpus, chunks: Chunks, rt: Runtime) -> Bool:
        """Return `(C,)` bool.

        Raises:
            SpecError: no document has the field; the message lists the fields there are.
        """
        return np.asarray(self.kept(corpus)[chunks.document], bool)

    @abstractmethod
    def kept(self, corpus: Corpus) -> Bool:
        """Return for each document whether its chunks are searched, `(D,)`."""


@dataclass(frozen=True)
class ByField(Filter):
    """Looks at one field of each document."""

    field: str = shown("id")

    def kept(self, corpus: Corpus) -> Bool:
        """Look at every document's value."""
        values = values_of(corpus, self.field, type(self).__name__)
        held = (v is not None and self.holds(v) for v in values)
        return np.fromiter(held, bool, len(corpus))

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
    """What another filter does not keep, documents without the field among them."""

    filter: Filter = nested(Equals, In, Range, Glob, Exists, default=Exists())

    @property
    def label(self) -> str:
        """Return the comparison."""
        return f"not {self.filter.label}"

    def kept(self, corpus: Corpus) -> Bool:
        """Return the opposite."""
        return ~self.filter.kept(corpus)


@dataclass(frozen=True)
class Conjunction(Stage[Bool]):
    """Keep what every filter keeps."""

    def apply(self, *masks: Bool, rt: Runtime) -> Bool:
        """Return `(C,)` bool."""
        return np.asarray(np.logical_and.reduce(masks), bool)


FILTERS: tuple[type[Filter], ...] = (Equals, In, Range, Glob, Exists, Not)


def values_of(corpus: Corpus, field: str, filter_: str) -> Sequence[Scalar]:
    """Return each document's value of a field, None where it has none.

    Raises:
        SpecError: no document has the field.
    """
    if field in FIXED:
        return [getattr(d, field) for d in corpus.documents]
    if len(corpus) and not any(field in d.metadata for d in corpus.documents):
        known = fields_of(corpus.documents)
        raise SpecError(
            f"{filter_}.field: no document has the field {field!r}{one_of(field, known, 'field')}"
        )
    return [d.metadata.get(field) for d in corpus.documents]


def fields_of(documents: Sequence[Document]) -> list[str]:
    """Return the fields that filters may name, those of metadata in order of the alphabet."""
    return [*FIXED, *sorted({key for d in documents for key in d.metadata} - {*FIXED})]


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
