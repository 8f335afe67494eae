"""How gold follows from labels: one pure function."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from goldsets.labelling.types import Item, Label, Settings
from goldsets.types import Evidence
from retrieval.types import Span

How = Literal["adjudicated", "majority", "median"]


@dataclass(frozen=True)
class Decision:
    """The team's grade of an item and the characters that answer; how it came about."""

    grade: int
    spans: tuple[Span, ...]
    how: How


def decide(labels: Sequence[Label], settings: Settings) -> Decision | None:
    """Decide an item from the labels that hold; None while it is open.

    1. The newest adjudication decides.
    2. Else the item is open until `settings.raters` are done with it ("can't tell" is done).
    3. The grade that more than half of those who graded gave; else their median, the higher of the
       two middle ones when they are even in number (ties up). If nobody could tell, it stays open.
    4. Evidence is each character that at least half (ties up) of those marked who marked anything
       and found that it answers; where they agree on none, whatever any of them marked; where
       nobody marked anything, the whole passage, which is no span here.
    """
    final = [label for label in labels if label.final]
    adjudicated = [label for label in final if label.kind == "adjudication"]
    if adjudicated:
        last = max(adjudicated, key=lambda label: label.id)
        return None if last.grade is None else Decision(last.grade, last.spans, "adjudicated")
    graded = [label for label in final if label.grade is not None]
    if len(final) < settings.raters or not graded:
        return None
    grade, how = _middle([label.grade or 0 for label in graded])
    marked = [x.spans for x in graded if (x.grade or 0) >= settings.answers_from and x.spans]
    return Decision(grade, _shared(marked), how)


def _middle(grades: Sequence[int]) -> tuple[int, How]:
    grade, votes = Counter(grades).most_common(1)[0]
    if 2 * votes > len(grades):
        return grade, "majority"
    return sorted(grades)[len(grades) // 2], "median"


def _shared(marked: Sequence[Sequence[Span]]) -> tuple[Span, ...]:
    """Return what at least half of the raters marked; else what any did."""
    votes: Counter[int] = Counter()
    for spans in marked:
        votes.update({c for span in spans for c in range(span.start, span.end)})
    enough = sorted(c for c, n in votes.items() if 2 * n >= len(marked)) or sorted(votes)
    runs: list[Span] = []
    for c in enough:
        if runs and runs[-1].end == c:
            runs[-1] = Span(runs[-1].start, c + 1)
        else:
            runs.append(Span(c, c + 1))
    return tuple(runs)


def evidence_of(
    decision: Decision, item: Item, text: str, settings: Settings
) -> tuple[Evidence, ...]:
    """Turn a decision into evidence in a document's text.

    Below `answers_from` the passage as a whole is judged and not relevant: grade 0.
    """
    if decision.grade < settings.answers_from:
        return (Evidence.of(item.document, text, item.start, item.end, 0),)
    spans = decision.spans or (Span(item.start, item.end),)
    return tuple(Evidence.of(item.document, text, s.start, s.end, decision.grade) for s in spans)
