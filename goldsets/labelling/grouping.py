"""Grouping: the queries of a log that ask the same, under their most frequent wording.

First by exact content (`wording.keys`), then by meaning: leader clustering (Hartigan, 1975), which
compares a query with the leaders of groups only. So groups do not chain: every member is near the
one that gave its group the name, and the most frequent lead.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from goldsets.labelling.wording import (
    Wording,
    content,
    corrections_of,
    differ,
    normal,
    stem,
    wording,
)
from retrieval.ingest.embed import embed
from retrieval.providers.local import Local
from retrieval.runtime import Runtime
from retrieval.types import Float32, Int64

MODEL = Local("use-m3")
NEAR = 0.87
"""Cosine of use-m3 from which contents of up to `WORDS` words are one question.

The more words, the less one of them moves the vector: with n words it is 1 - 0.13 * WORDS / n. Of
42 pairs that differ in one telling word and took no part in choosing it, 2 were joined; of 22 that
ask the same in other words, 4. It rather shows a question twice than hides one.
"""
WORDS = 3
COMPARED = 20_000
"""The most frequent groups that are compared by meaning; the others by their content alone."""
LONGEST = 200
"""Characters of content up to which queries are compared by meaning."""
LEADERS = 20
"""Nearest leaders that a query is held against."""
BLOCK = 1024

Members = list[tuple[str, int]]


@dataclass(frozen=True)
class Group:
    """Queries that ask the same, the most frequent first, each with its count."""

    members: tuple[tuple[str, int], ...]
    wording: Wording

    @property
    def text(self) -> str:
        """Return the most frequent wording, which names the group."""
        return self.members[0][0]

    @cached_property
    def count(self) -> int:
        """Count how often all of it was asked."""
        return sum(count for _, count in self.members)


def grouped(counts: Mapping[str, int], rt: Runtime) -> list[Group]:
    """Group distinct queries by what they ask, the most frequent group first (ties by text).

    Only the `COMPARED` most frequent groups of short content are embedded: about half a minute on
    one core where none of them was before. Counts in are counts out.
    """
    groups = _by_content(counts, rt)
    compared = [g for g in groups if len(g.wording.text) <= LONGEST][:COMPARED]
    vectors = embed(MODEL, [g.wording.text for g in compared], "query", rt)
    leaders = led(vectors, [g.wording for g in compared], rt)
    joined: dict[int, Members] = {}
    for group, leader in zip(compared, leaders, strict=True):
        joined.setdefault(leader, []).extend(group.members)
    ids = {id(group) for group in compared}
    rest = [g for g in groups if id(g) not in ids]
    return _ordered([*(_group(m, compared[i].wording) for i, m in joined.items()), *rest])


def led(vectors: Float32, wordings: Sequence[Wording], rt: Runtime) -> list[int]:
    """Return each query's leader: the nearest earlier one that leads itself, else the query."""
    signs: dict[tuple[str, ...], int] = {}
    sign = np.array([signs.setdefault(w.sign, len(signs)) for w in wordings])
    leader = np.arange(len(wordings))
    for start in range(0, len(wordings), BLOCK):
        rt.progress("Group queries", start, len(wordings))
        block = np.arange(start, min(start + BLOCK, len(wordings)))
        earlier = np.flatnonzero(leader[:start] == np.arange(start))
        columns = np.concatenate([earlier, block])
        cosine = vectors[block] @ vectors[columns].T
        cosine[sign[block][:, None] != sign[columns]] = -1
        for row in np.flatnonzero((cosine >= NEAR).sum(1) > 1):
            i = start + int(row)
            known = ((j, c) for j, c in _nearest(cosine[row], columns) if j < i and leader[j] == j)
            asked = islice(known, LEADERS)
            leader[i] = next((j for j, c in asked if _same(wordings[i], wordings[j], c)), i)
    return [int(i) for i in leader]


def nearest_of(left: Sequence[Wording], right: Sequence[Wording], rt: Runtime) -> list[int]:
    """Return for each on the left the nearest on the right that asks the same, or -1."""
    short = [i for i, w in enumerate(right) if len(w.text) <= LONGEST][:COMPARED]
    if not left or not short:
        return [-1] * len(left)
    a = embed(MODEL, [w.text[:LONGEST] for w in left], "query", rt)
    b = embed(MODEL, [right[i].text for i in short], "query", rt)
    places = np.array(short)
    return [
        next((j for j, c in _nearest(cosine, places) if _same(one, right[j], c)), -1)
        for one, cosine in zip(left, a @ b.T, strict=True)
    ]


def _same(a: Wording, b: Wording, cosine: float) -> bool:
    words = max(WORDS, min(len(a.words), len(b.words)))
    enough = cosine >= 1 - (1 - NEAR) * WORDS / words
    return enough and a.sign == b.sign and not differ(a, b)


def _nearest(cosine: Float32, places: Int64) -> Iterator[tuple[int, float]]:
    """Yield the places that are near with their cosine, the nearest first."""
    near = np.flatnonzero(cosine >= NEAR)
    for i in near[np.argsort(-cosine[near], kind="stable")]:
        yield int(places[i]), float(cosine[i])


def _by_content(counts: Mapping[str, int], rt: Runtime) -> list[Group]:
    forms: dict[str, Members] = {}
    for text, count in counts.items():
        forms.setdefault(normal(text), []).append((text, count))
    total = {form: sum(n for _, n in members) for form, members in forms.items()}
    order = sorted(forms, key=lambda form: (-total[form], form))
    corrections = _corrections(order[:COMPARED], total)
    known: dict[str, int] = {}
    groups: list[tuple[Members, Wording]] = []
    for done, form in enumerate(order):
        if done % 10_000 == 0:
            rt.progress("Compare wordings", done, len(order))
        words = wording(form, corrections)
        keys = words.keys
        place = next((known[key] for key in keys if key in known), len(groups))
        if place == len(groups):
            groups.append(([], words))
        groups[place][0].extend(forms[form])
        for key in keys:
            known.setdefault(key, place)
    return _ordered(_group(members, words) for members, words in groups)


def _corrections(forms: Sequence[str], total: Mapping[str, int]) -> dict[str, str]:
    words: Counter[str] = Counter()
    for form in forms:
        for word in content(form):
            words[stem(word)] += total[form]
    return corrections_of(words)


def _group(members: Members, words: Wording) -> Group:
    return Group(tuple(sorted(members, key=lambda m: (-m[1], m[0]))), words)


def _ordered(groups: Iterable[Group]) -> list[Group]:
    return sorted(groups, key=lambda g: (-g.count, g.text))
