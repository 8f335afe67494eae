"""An evening from start to end: its queries, its pools, how far it is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from goldsets import jobs
from goldsets.labelling.decide import decide
from goldsets.labelling.types import Evening, Item, Label, Member, Settings
from goldsets.store import evenings, gold, labels
from goldsets.types import NO_ANSWER, GoldSet, Query
from retrieval.errors import InputError
from retrieval.store import Workspace

AT_ONCE = 200
"""Queries that passages are pooled for at once: as many as an evening reads, however many wait."""


def start(
    workspace: Workspace,
    name: str,
    corpus: str,
    settings: Settings,
    host: str,
    identity: str = "",
) -> tuple[Evening, Member]:
    """Start an evening on a corpus: its gold set, of the same name, is made where there is none.

    Raises:
        InputError: the name is empty or taken, or a gold set of that name is on another corpus.
    """
    if name not in {s.name for s in gold.summaries(workspace)}:
        gold.create(workspace, name, corpus)
    elif gold.marker(workspace, name)[0] != corpus:
        raise InputError(f"gold set {name!r} is on another corpus; choose another name")
    evening = evenings.create(workspace, name, name, settings)
    return evening, evenings.join(workspace, evening, host, "host", identity=identity)


def ask(
    workspace: Workspace, evening: Evening, queries: Sequence[Query], who: Member
) -> jobs.Job | None:
    """Add queries to an evening's gold set and have passages pooled for the first of them.

    Raises:
        Forbidden: onlookers add none.
    """
    evenings.allow(who, "host", "rater")
    if not queries:
        return None
    gold.put_queries(workspace, evening.goldset, queries, who.name)
    return pool(workspace, evening, [q.id for q in queries[:AT_ONCE]])


def pool(
    workspace: Workspace, evening: Evening, queries: Sequence[str], runs: Sequence[str] = ()
) -> jobs.Job:
    """Have passages pooled for queries, in a worker; asked for again while at work it is joined."""
    version = gold.marker(workspace, evening.goldset)
    spec = {
        "evening": evening.name,
        "queries": list(queries),
        "runs": list(runs),
        "version": list(version),
    }
    return jobs.start(workspace, "pool", spec, len(queries))


def say_no_answer(workspace: Workspace, token: str, query: str, none: bool) -> None:
    """Say that the corpus has no answer to a query, which is gold too; or take that back.

    Raises:
        Forbidden: the token is nobody's, or that of an onlooker.
        InputError: there is no such query.
    """
    evening, who = _known(workspace, token)
    held = {q.id: q for q in gold.read(workspace, evening.goldset).queries}
    if query not in held:
        raise InputError(f"there is no query {query!r} in gold set {evening.goldset!r}")
    tags = tuple(t for t in held[query].tags if t != NO_ANSWER) + ((NO_ANSWER,) if none else ())
    gold.put_query(workspace, evening.goldset, replace(held[query], tags=tags), who.name)


def corpus_of(workspace: Workspace, token: str) -> str:
    """Return the corpus that a rater's token opens.

    Raises:
        Forbidden: the token is nobody's, or that of an onlooker.
    """
    evening, _ = _known(workspace, token)
    return gold.marker(workspace, evening.goldset)[0]


def _known(workspace: Workspace, token: str) -> tuple[Evening, Member]:
    with workspace.read() as db:
        evening, who = evenings.by_token(db, token)
    evenings.allow(who, "rater", "host")
    return evening, who


@dataclass(frozen=True)
class QueryState:
    """How far a query is: its items, how many are decided, and whether any of them answers."""

    query: Query
    items: int
    decided: int
    answered: bool

    @property
    def done(self) -> bool:
        """Tell whether nothing is left to judge; a query without items is done if it has gold."""
        return self.decided == self.items and (self.items > 0 or self.answered or self.no_answer)

    @property
    def no_answer(self) -> bool:
        """Tell whether the team said that the corpus has no answer."""
        return NO_ANSWER in self.query.tags


@dataclass(frozen=True)
class Night:
    """An evening as it stands."""

    evening: Evening
    members: tuple[Member, ...]
    items: tuple[Item, ...]
    labels: tuple[Label, ...]
    gold: GoldSet
    queries: tuple[QueryState, ...]

    @property
    def done(self) -> int:
        """Count the queries that are done."""
        return sum(q.done for q in self.queries)

    @property
    def progress(self) -> float:
        """Count the queries that are done, and those begun by what is decided of them."""
        return sum(1.0 if q.done else q.decided / max(q.items, 1) for q in self.queries)

    @property
    def unread(self) -> list[str]:
        """List the queries that have nothing to read and no answer yet."""
        bare = [q for q in self.queries if not (q.items or q.answered or q.no_answer)]
        return [q.query.id for q in bare]

    @property
    def judged(self) -> Counter[int]:
        """Count what each member has judged."""
        return Counter(x.rater for x in self.labels if x.final and x.kind == "label")

    @property
    def disputed(self) -> list[Item]:
        """List the items on which raters differ and nobody has decided, the worst first."""
        by = labels_of(self.labels)
        spread = {i.id: disagreement(by.get(i.id, ())) for i in self.items}
        open_ = [i for i in self.items if spread[i.id] > 0]
        return sorted(open_, key=lambda i: (-spread[i.id], i.id))


def labels_of(held: Sequence[Label]) -> Mapping[int, list[Label]]:
    """Gather labels by item."""
    by: dict[int, list[Label]] = {}
    for label in held:
        by.setdefault(label.item, []).append(label)
    return by


def disagreement(held: Sequence[Label]) -> float:
    """Say how far the raters of an item are apart: 0 when they agree or somebody has decided.

    The range of their grades; half a grade for a "can't tell", and for spans of which no character
    is shared.
    """
    if any(x.kind == "adjudication" for x in held):
        return 0.0
    final = [x for x in held if x.final]
    grades = [x.grade for x in final if x.grade is not None]
    apart = float(max(grades) - min(grades)) if grades else 0.0
    unsure = 0.5 * any(x.action == "cannot_tell" for x in final)
    marked = [{c for s in x.spans for c in range(s.start, s.end)} for x in final if x.spans]
    crossed = 0.5 * (len(marked) > 1 and not set.intersection(*marked))
    return apart + unsure + crossed


def night(workspace: Workspace, evening: Evening) -> Night:
    """Read an evening as it stands."""
    held, items = labels.labels(workspace, evening), labels.items(workspace, evening)
    goldset = gold.read(workspace, evening.goldset)
    by = labels_of(held)
    count: Counter[str] = Counter(i.query for i in items)
    decided: Counter[str] = Counter(
        i.query for i in items if decide(by.get(i.id, ()), evening.settings) is not None
    )
    states = tuple(
        QueryState(q, count[q.id], decided[q.id], any(e.grade > 0 for e in goldset.of(q)))
        for q in goldset.queries
    )
    people = tuple(evenings.members(workspace, evening))
    return Night(evening, people, tuple(items), tuple(held), goldset, states)
