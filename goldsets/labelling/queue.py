"""Which items somebody gets next: one pure function over who has what.

A query's items come together, so that it is read once. Where an item wants several raters, those
are preferred that somebody is at already, and among them those of people one has shared least with:
so every pair of raters comes to share items. Order within a query is shuffled for each rater.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from goldsets.labelling.types import Action
from retrieval.types import digest

State = Literal["held"] | Action
"""What somebody made of an item; `held` is out on a lease."""

ENOUGH = 3
"""Items shared with somebody beyond the least shared with anybody, at which others come first."""

AT_IT = frozenset({"held", "grade", "cannot_tell"})


@dataclass(frozen=True)
class Place:
    """An item in the queue: whose it is or was, by member, and what they made of it."""

    item: int
    query: str
    by: Mapping[int, State] = field(default_factory=dict)

    @property
    def at_it(self) -> frozenset[int]:
        """Return who is done with it or has it now."""
        return frozenset(m for m, state in self.by.items() if state in AT_IT)


def choose(
    places: Sequence[Place], member: int, raters: int, number: int, at: str = ""
) -> list[int]:
    """Choose the next items for a member; `at` is the query they are reading.

    What they graded, skipped or hold is not among them; what they put off comes last.
    """
    free = [p for p in places if _is_free(p, member, raters)]
    if not free:
        return []
    company = _company(places, member, raters)
    queries = _ranked(free, places, member, company, at)

    def key(place: Place) -> tuple[object, ...]:
        later = place.by.get(member) == "later"
        shuffled = digest(str(member), str(place.item))
        return later, queries[place.query], company[place.item], shuffled

    return [p.item for p in sorted(free, key=key)[:number]]


def _is_free(place: Place, member: int, raters: int) -> bool:
    mine = place.by.get(member)
    return mine in (None, "later", "undo") and len(place.at_it) < raters


def _company(places: Sequence[Place], member: int, raters: int) -> dict[int, int]:
    """Return how many items a member has shared with those who are at each item, the least of them.

    An item nobody is at counts as a little more than the least that is shared with anybody: so it
    is begun rather than a third item shared with the same person. For one rater an item there is
    nothing to share.
    """
    shared: Counter[int] = Counter()
    for place in places:
        shared.update(dict.fromkeys(place.at_it, int(member in place.at_it)))
    shared.pop(member, None)
    alone = min(shared.values(), default=0) + ENOUGH
    return {
        p.item: min((shared[m] for m in p.at_it - {member}), default=alone) if raters > 1 else 0
        for p in places
    }


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
