"""Review: what people decide on drafts, and what of all drafts stands in the gold set.

A draft that nobody reviewed stands there while it survives the filters, under the origin
`synthetic` (or that of the stand-in); one that somebody kept or edited stands there as `reviewed`
whatever the filters say; one that was dropped does not.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass

from goldsets.formats.base import language_of
from goldsets.generation.filters import Sieved, sieved
from goldsets.generation.offline import Offline
from goldsets.generation.spec import GenerationSpec, Thresholds, generation_of, thresholds_of
from goldsets.generation.types import ACTIONS, Action, Draft, Generation, Review
from goldsets.labelling.wording import normal
from goldsets.store import drafts as store
from goldsets.store import generations, gold
from goldsets.types import NO_ANSWER, REVIEWED, STAND_IN, SYNTHETIC, Evidence, Query
from retrieval.errors import InputError
from retrieval.store import Workspace


@dataclass(frozen=True)
class Table:
    """All drafts of a generation with what the filters say, and what people decided."""

    generation: Generation
    spec: GenerationSpec
    drafts: Sequence[Draft]
    sieved: Sieved
    standing: Mapping[int, Review]
    taken: AbstractSet[str]
    """The names of drafts that say what another query of the gold set says already."""

    @property
    def counts(self) -> dict[str, int]:
        """Count the drafts that stand in the gold set, reviewed or not, and those dropped."""
        held = Counter(self.status(d) for d in self.drafts)
        return {name: held[name] for name in ("reviewed", "unreviewed", "dropped", "filtered")}

    def status(self, draft: Draft) -> str:
        """Tell what became of a draft: reviewed, unreviewed, dropped or filtered."""
        review = self.standing.get(draft.id)
        if review is not None:
            return "dropped" if review.action == "drop" else "reviewed"
        return "unreviewed" if draft.name in self.sieved.survivors else "filtered"


def table(workspace: Workspace, generation: int) -> Table:
    """Read all drafts of a generation, filtered as its dial stands.

    Raises:
        NotFound: there is no such generation.
    """
    held = generations.read(workspace, generation)
    drafts = store.of(workspace, generation)
    standing = standing_of(store.reviews(workspace, generation))
    taken = _taken(workspace, held, drafts)
    cut = sieved(drafts, thresholds_of(held.thresholds), taken=taken)
    return Table(held, generation_of(held.spec), drafts, cut, standing, taken)


def _taken(workspace: Workspace, generation: Generation, drafts: Iterable[Draft]) -> set[str]:
    """Return the drafts whose words another query of the gold set has, case and marks aside."""
    own = {d.gold for d in drafts}
    queries = gold.read(workspace, generation.goldset).queries
    said = {normal(q.text) for q in queries if q.id not in own}
    return {d.name for d in drafts if normal(d.text) in said}


def standing_of(reviews: Iterable[Review]) -> dict[int, Review]:
    """Return the review of each draft that holds: the newest that is not taken back."""
    held: dict[int, list[Review]] = {}
    for review in reviews:
        own = held.setdefault(review.draft, [])
        if review.action != "undo":
            own.append(review)
        elif own:
            own.pop()
    return {draft: own[-1] for draft, own in held.items() if own}


def settle(workspace: Workspace, generation: int) -> int:
    """Make the gold set hold the survivors that nobody reviewed; return how many changed."""
    t = table(workspace, generation)
    wanted = {
        d.id: wanted_of(t.spec, d) if d.name in t.sieved.survivors else None
        for d in t.drafts
        if d.id not in t.standing
    }
    return store.enter(workspace, generation, wanted)


def turn_dial(workspace: Workspace, generation: int, thresholds: Thresholds) -> None:
    """Filter a generation's drafts by other thresholds; no model is asked."""
    generations.turn_dial(workspace, generation, asdict(thresholds))
    settle(workspace, generation)


def drop_left(workspace: Workspace, generation: int, who: str) -> int:
    """Drop what earlier generations left unreviewed in the gold set; return how many those were.

    What this generation wrote and one of them said already stands there instead.

    Raises:
        InputError: nobody is named.
    """
    if not who.strip():
        raise InputError("a review needs the name of who gives it")
    dropped = store.drop_left(workspace, generations.read(workspace, generation), who.strip())
    settle(workspace, generation)
    return dropped


def decide(
    workspace: Workspace,
    draft: int,
    action: Action,
    who: str,
    *,
    text: str = "",
    evidence: Sequence[Evidence] | None = None,
) -> None:
    """Keep, edit or drop a draft, or take the last decision back; the gold set follows.

    An edit gives another `text`, other `evidence` or both; what it leaves out stays.

    Raises:
        InputError: an unknown action, nobody is named, nothing was edited, or there is no query or
            evidence to keep.
        NotFound: there is no such draft.
    """
    number, held = store.read(workspace, draft)
    t = table(workspace, number)
    before = t.standing.get(draft)
    _check(action, who, text, evidence, before)
    if action == "undo":
        _undo(workspace, t, held, who)
        return
    if action == "edit":
        text = " ".join(text.split()) or (before.text if before else "") or held.text
        evidence = _edited(evidence, before, held)
    else:
        text, evidence = held.text, held.evidence
    wanted = None if action == "drop" else _entry(t.spec, held, text, evidence)
    store.decide(workspace, draft, action, text, evidence, who.strip(), wanted)


def _undo(workspace: Workspace, t: Table, draft: Draft, who: str) -> None:
    """Go back to the review before the one that holds, or to none."""
    own = [r for r in store.reviews(workspace, t.generation.id) if r.draft == draft.id]
    undone = Review(draft.id, "undo", "", None, who, "")
    left = standing_of([*own, undone]).get(draft.id)
    if left is None:
        wanted = wanted_of(t.spec, draft) if draft.name in t.sieved.survivors else None
    elif left.action == "drop":
        wanted = None
    else:
        wanted = _entry(t.spec, draft, left.text, left.evidence or ())
    store.decide(
        workspace, draft.id, "undo", "", None, who.strip(), wanted, unreviewed=left is None
    )


def _check(
    action: str,
    who: str,
    text: str,
    evidence: Sequence[Evidence] | None,
    before: Review | None,
) -> None:
    if action not in ACTIONS:
        raise InputError(f"there is no action {action!r}; known: {', '.join(ACTIONS)}")
    if not who.strip():
        raise InputError("a review needs the name of who gives it")
    if action == "edit" and not text.strip() and evidence is None:
        raise InputError("an edit needs another text or other evidence")
    if action == "undo" and before is None:
        raise InputError("nothing was decided on this query that could be taken back")


def _edited(
    evidence: Sequence[Evidence] | None, before: Review | None, draft: Draft
) -> Sequence[Evidence]:
    if evidence is not None:
        return tuple(evidence)
    return before.evidence or () if before and before.evidence is not None else draft.evidence


def _entry(
    spec: GenerationSpec, draft: Draft, text: str, evidence: Sequence[Evidence]
) -> tuple[Query, Sequence[Evidence]]:
    if not text.strip():
        raise InputError("there is no query to keep; edit it first")
    if not evidence and draft.kind != "unanswerable":
        raise InputError("there is no evidence to keep; mark it first, or drop the query")
    return wanted_of(spec, draft, text, evidence, reviewed=True)


def wanted_of(
    spec: GenerationSpec,
    draft: Draft,
    text: str = "",
    evidence: Sequence[Evidence] | None = None,
    *,
    reviewed: bool = False,
) -> tuple[Query, Sequence[Evidence]]:
    """Return a draft as a query of the gold set, with its evidence."""
    text, evidence = text or draft.text, draft.evidence if evidence is None else evidence
    parts = {e.part for e in evidence if e.part}
    none = (NO_ANSWER,) if draft.kind == "unanswerable" else ()
    origin = STAND_IN if isinstance(spec.writer, Offline) else SYNTHETIC
    query = Query(
        draft.name,
        text,
        language_of([text]),
        (draft.kind.replace("_", "-"), *none),
        "all" if len(parts) > 1 else "any",
        origin + REVIEWED * reviewed,
    )
    return query, evidence
