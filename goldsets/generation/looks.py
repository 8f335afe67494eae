"""Looks at the held-out half of the labelled passages: each is kept, because each wears it out.

Whoever looks, rewords and looks again picks the wording that suits these very passages, so that its
figures flatter in the end as if they had been worded on.
"""

from collections.abc import Sequence

from goldsets.evaluation.words import count
from goldsets.generation.align import half
from goldsets.generation.labelled import Wording
from goldsets.generation.types import Generation, Look
from goldsets.store import generations
from retrieval.store import Workspace
from retrieval.types import digest


def held_out(held: Sequence[Wording]) -> int:
    """Count the held-out passages that the judge was asked about in any wording."""
    return len({c.passage for w in held for c in half(w.cases, held_out=True)})


def look(workspace: Workspace, generation: Generation, held: Sequence[Wording], who: str) -> None:
    """Keep that somebody looked at the held-out figures of wordings as they stand."""
    now = Look(_key(held), tuple(w.key for w in held if w.cases), held_out(held), who)
    generations.keep_look(workspace, generation, now)


def looked_at(found: Sequence[Look], held: Sequence[Wording]) -> bool:
    """Tell whether these figures were seen already, so that they say nothing new."""
    return _key(held) in {one.key for one in found}


def wear(found: Sequence[Look]) -> str:
    """Say how often the held-out half was looked at, and for how many wordings."""
    if not found:
        return "Nobody has looked at it."
    wordings = {key for one in found for key in one.wordings}
    return f"Looked at {count(len(found), 'time')}, for {count(len(wordings), 'wording')}."


def _key(held: Sequence[Wording]) -> str:
    """Name all that the figures of the held-out half rest on."""
    cases = ((w.key, c) for w in held for c in half(w.cases, held_out=True))
    return digest("look", *sorted(f"{k} {c.passage} {c.worth} {c.answers}" for k, c in cases))
