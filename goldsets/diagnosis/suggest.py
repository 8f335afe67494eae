"""Suggestions: what could be changed to bring lost evidence back, and what is left to people."""

from collections.abc import Sequence
from dataclasses import dataclass

from goldsets.diagnosis.attribute import Diagnosis, Loss
from goldsets.diagnosis.causes import ABOUT, Cause
from goldsets.diagnosis.changes import Lost
from goldsets.diagnosis.replay import is_free
from goldsets.diagnosis.rules import RULES
from goldsets.evaluation.words import count
from retrieval.pipeline import Pipeline


@dataclass(frozen=True)
class Suggestion:
    """A change to a pipeline that should bring the evidence of `helps` (query ids) back.

    Without a `pipeline` it is something for people to do.
    """

    title: str
    why: str
    causes: tuple[Cause, ...]
    helps: tuple[str, ...]
    pipeline: Pipeline | None = None

    @property
    def free(self) -> bool:
        """Tell whether trying it asks no vendor for anything."""
        return self.pipeline is None or all(map(is_free, self.pipeline.stages))


def suggestions(diagnosis: Diagnosis) -> list[Suggestion]:
    """List what could be changed, what should help most queries first; equal changes are one."""
    found: dict[Pipeline, Suggestion] = {}
    for cause, rule in RULES.items():
        losses = diagnosis.of(cause)
        for title, pipeline in rule(Lost(diagnosis.trail, losses)) if losses else ():
            helps = tuple(dict.fromkeys(_ids(diagnosis, losses)))
            why = _why(cause, helps) + _where(diagnosis, cause, losses)
            new = Suggestion(title, why, (cause,), helps, pipeline)
            known = found.get(pipeline.effective())
            found[pipeline.effective()] = _joined(known, new) if known else new
    found.pop(diagnosis.trail.pipeline.effective(), None)
    by_hand = [s for cause in BY_HAND if (s := _by_hand(diagnosis, cause))]
    return [*sorted(found.values(), key=lambda s: -len(s.helps)), *by_hand]


def _ids(diagnosis: Diagnosis, losses: Sequence[Loss]) -> list[str]:
    return [diagnosis.trail.board.gold.queries[loss.query].id for loss in losses]


def _why(cause: Cause, helps: Sequence[str]) -> str:
    return f"{count(len(helps), 'query', 'queries')} with {cause.words}. {ABOUT[cause]}"


def _where(diagnosis: Diagnosis, cause: Cause, losses: Sequence[Loss]) -> str:
    """Name the documents whose evidence is cut: another chunking is for them."""
    if cause is not Cause.BOUNDARY_CUT:
        return ""
    found = diagnosis.trail.board.anchored.found
    names = list(dict.fromkeys(found[loss.row].document for loss in losses))
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f" In {', '.join(names[:5])}{more}."


def _joined(a: Suggestion, b: Suggestion) -> Suggestion:
    helps = tuple(dict.fromkeys((*a.helps, *b.helps)))
    return Suggestion(a.title, f"{a.why} {b.why}", (*a.causes, *b.causes), helps, a.pipeline)


BY_HAND = {
    Cause.NOT_IN_CORPUS: "Bring the missing documents in, on the Corpora page",
    Cause.PARSE_LOST: "See where the evidence stands now, on the Gold set page under Changes",
    Cause.PROBABLY_UNLABELLED: "Judge the passages that say the same words",
}
"""What no change to a pipeline mends."""


def _by_hand(diagnosis: Diagnosis, cause: Cause) -> Suggestion | None:
    losses = diagnosis.of(cause)
    if not losses:
        return None
    helps = tuple(dict.fromkeys(_ids(diagnosis, losses)))
    return Suggestion(BY_HAND[cause], _why(cause, helps), (cause,), helps)
