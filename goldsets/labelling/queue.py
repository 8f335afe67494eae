"""Which items somebody gets next: one pure function over who has what.

A query's items come together, so that it is read once. Where an item wants several raters, those
are preferred that somebody is at already, and among them those of people one has shared least with:
so every pair of raters comes to share items. Order within a query is shuffled for each rater.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from goldsets.labelling.types import Action
from retrieval.types import digest

State = Literal["held"] | Action
"""What somebody made of an item; `held` is out on a lease."""

ENOUGH = 3
"""Items shared with somebody beyond the least shared with anybody, at which others come first."""

AT_IT = frozenset({"held", "grade", "cannot_tell"})
OPEN = frozenset({"", "later", "undo"})
"""What a member made of items that may come to them again."""


@dataclass(frozen=True)
class Place:
    """An item in the queue: who is done with it or has it now, and what the asking member made.

    `mine` is "" where that member has not seen it.
    """

    item: int
    query: str
    at_it: frozenset[int] = frozenset()
    mine: State | Literal[""] = ""


def choose(
    places: Sequence[Place], member: int, raters: int, number: int, at: str = ""
) -> list[int]:
    """Choose the next items for a member; `at` is the query they are reading.

    What they graded, skipped or hold is not among them; what they put off comes last.
    """
    free = [p for p in places if p.mine in OPEN and len(p.at_it) < raters]
    company = _company(places, free, member, raters)
    ranked = _ranked(free, places, member, company, at)

    def key(place: Place) -> tuple[object, ...]:
        shuffled = digest(str(member), str(place.item))
        return place.mine == "later", ranked[place.query], company[place.item], shuffled

    wanted = {q for q, rank in ranked.items() if rank < number} if len(free) > number else ranked
    near = [p for p in free if p.query in wanted and p.mine != "later"]
    return [p.item for p in sorted(near if len(near) >= number else free, key=key)[:number]]


def to_go(places: Sequence[Place], member: int, raters: int) -> int:
    """Count what a member has in hand and what may still come to them."""
    open_ = (p for p in places if p.mine in OPEN | {"held"})
    return sum(len(p.at_it - {member}) < raters for p in open_)


def _company(
    places: Sequence[Place], free: Sequence[Place], member: int, raters: int
) -> dict[int, int]:
    """Return how many items a member has shared with those who are at each item, the least of them.

    An item nobody is at counts as a little more than the least that is shared with anybody: so it
    is begun rather than a third item shared with the same person. For one rater an item there is
    nothing to share.
    """
    if raters == 1:
        return dict.fromkeys((p.item for p in free), 0)
    shared: Counter[int] = Counter()
    for place in places:
        if member in place.at_it:
            shared.update(place.at_it)
    others = {m for place in places for m in place.at_it} - {member}
    alone = min((shared[m] for m in others), default=0) + ENOUGH
    return {p.item: min((shared[m] for m in p.at_it), default=alone) for p in free}


def _ranked(
    free: Sequence[Place],
    places: Sequence[Place],
    member: int,
    company: Mapping[int, int],
    at: str,
) -> dict[str, int]:
    """Rank queries: the one being read, those begun, the best company, the fewest others."""
    people: dict[str, set[int]] = {}
    for place in places:
        people.setdefault(place.query, set()).update(place.at_it)
    least: dict[str, int] = {}
    for place in free:
        least[place.query] = min(company[place.item], least.get(place.query, company[place.item]))

    def key(query: str) -> tuple[object, ...]:
        others = len(people[query] - {member})
        return query != at, member not in people[query], least[query], others

    return {q: i for i, q in enumerate(sorted(least, key=key))}
