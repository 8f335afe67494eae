"""What every format shares: the report of lines that cannot be used, and what a reader returns."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from goldsets.types import Evidence, Query
from retrieval.errors import InputError
from retrieval.types import Document

SHOWN = 20
"""Problems that a summary lists; the rest are counted."""


@dataclass
class Report:
    """Collects what could not be used; with `strict` the first such line stops the import.

    Every problem names file, line, field and value.
    """

    strict: bool = False
    problems: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def skip(self, what: str, problem: str, *, where: str) -> None:
        """Note that one `what` (a document, query, judgment) at `where` is left out.

        Raises:
            InputError: in strict mode.
        """
        if self.strict:
            raise InputError(problem, where=where)
        self.kinds[what] += 1
        self.problems.append(f"{where}: {problem}")

    def note(self, sentence: str) -> None:
        """Add a warning that stops nothing."""
        self.notes.append(sentence)

    def lines(self) -> Iterator[str]:
        """Phrase the summary, warnings first."""
        yield from self.notes
        for what, count in self.kinds.items():
            yield f"{count:,} {what}{'' if count == 1 else 's'} left out"
        yield from self.problems[:SHOWN]
        if len(self.problems) > SHOWN:
            yield f"... and {len(self.problems) - SHOWN:,} more"


@dataclass(frozen=True)
class Imported:
    """Documents and gold read from somewhere else."""

    documents: tuple[Document, ...]
    queries: tuple[Query, ...]
    evidence: Mapping[str, tuple[Evidence, ...]]
