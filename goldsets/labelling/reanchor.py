"""When documents change: the evidence that stands elsewhere, reads differently or is gone.

Nothing is overwritten: what somebody decides is a judgment that replaces the one before it, and
what nobody has decided yet stays as it was. Moved evidence counts meanwhile; edited evidence and
what is gone count as not found.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from goldsets.evidence import Found, Status, anchor
from goldsets.store import gold as store
from goldsets.store.gold_log import Judgment
from goldsets.types import Evidence
from retrieval.errors import InputError
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus, Document, Span

ORDER = (Status.EDITED, Status.GONE, Status.MOVED)
"""What needs a reader comes first."""


@dataclass(frozen=True)
class Change:
    """A judgment whose evidence a corpus no longer holds where it said.

    `proposal` is the evidence as it would read there, None when it is gone.
    """

    judgment: Judgment
    found: Found
    proposal: Evidence | None


def changes(workspace: Workspace, name: str, corpus: Corpus) -> list[Change]:
    """List what has changed for a gold set: edited, gone, moved, each in the order of the corpus.

    Raises:
        NotFound: there is no gold set of that name.
    """
    gold, judged = store.read_judged(workspace, name)
    pairs = zip(judged, anchor(gold, corpus).found, strict=True)
    found = [_change(j, f, corpus) for j, f in pairs if f.status is not Status.EXACT]
    return sorted(found, key=lambda c: _place(c, corpus))


def _change(judgment: Judgment, found: Found, corpus: Corpus) -> Change:
    if found.span is None:
        return Change(judgment, found, None)
    document = corpus.documents[corpus.row[found.document]]
    return Change(judgment, found, _moved(judgment.evidence, document, found.span))


def _moved(old: Evidence, document: Document, span: Span) -> Evidence:
    """Anchor evidence anew; its grade and part stay."""
    at = (span.start, span.end)
    return Evidence.of(document.id, document.text, *at, old.grade, old.part)


def _place(change: Change, corpus: Corpus) -> tuple[int, int, int, int]:
    e, found = change.judgment.evidence, change.found
    row = corpus.row.get(found.document, len(corpus))
    start = found.span.start if found.span else e.start
    return ORDER.index(found.status), row, start, change.judgment.id


def to_confirm(found: Iterable[Change]) -> int:
    """Count what does not count in scores until somebody has decided it."""
    return sum(not c.found.status.sure for c in found)


def holds_in(corpus: Corpus, found: Iterable[Change]) -> str:
    """Say against which version evidence holds: `v3`, or `v3 with 4 to confirm`."""
    waiting = to_confirm(found)
    return f"v{corpus.version} with {waiting:,} to confirm" if waiting else f"v{corpus.version}"


def before(workspace: Workspace, corpus: str, evidence: Evidence) -> tuple[int, Document] | None:
    """Return the newest version that says what the evidence says where it says it, if any does."""

    def says(text: str) -> bool:
        return text[evidence.start : evidence.end] == evidence.exact

    return corpora.last_with(workspace, corpus, evidence.document, says)


def accept(workspace: Workspace, name: str, change: Change, rater: str) -> int:
    """Let the evidence stand where it was found; return the new judgment.

    Raises:
        InputError: it is gone, or somebody has decided it already.
    """
    if change.proposal is None:
        raise InputError("there is nothing to accept: the words are gone; mark them or drop them")
    old = change.judgment
    return store.judge(workspace, name, old.query, change.proposal, rater, replaces=old.id)


def accept_moved(workspace: Workspace, name: str, found: Sequence[Change], rater: str) -> int:
    """Let all moved evidence stand where it is, its words being the same; return how many.

    What somebody has decided meanwhile stays as they decided.
    """
    moved = {
        c.judgment.id: c.proposal for c in found if c.found.status is Status.MOVED and c.proposal
    }
    return store.replace_all(workspace, name, moved, rater)


def remark(
    workspace: Workspace, name: str, change: Change, document: Document, span: Span, rater: str
) -> int:
    """Let a span that somebody marked take the evidence's place; return the new judgment.

    Raises:
        InputError: no such span, or somebody has decided it already.
    """
    if span.end > len(document.text):
        raise InputError(f"{document.id!r} has no characters {span.start} to {span.end}")
    old = change.judgment
    new = _moved(old.evidence, document, span)
    return store.judge(workspace, name, old.query, new, rater, replaces=old.id)


def drop(workspace: Workspace, name: str, change: Change, rater: str) -> int:
    """Withdraw the evidence, which the log keeps; return the row that says so.

    Raises:
        InputError: somebody has decided it already.
    """
    return store.withdraw(workspace, name, change.judgment.id, rater)


def undo(workspace: Workspace, name: str, change: Change, decided: int, rater: str) -> int:
    """Let a judgment hold again in place of what was decided; return its new row.

    Raises:
        InputError: somebody has decided anew since.
    """
    old = change.judgment
    return store.judge(workspace, name, old.query, old.evidence, rater, replaces=decided)
