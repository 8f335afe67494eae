"""Intake: real queries come in, pasted by a person or proposed from a query log."""

import random
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from goldsets.formats.base import Report, language_of
from goldsets.labelling.grouping import Group, grouped, nearest_of
from goldsets.labelling.querylog import MAX_QUERY, Log, columns_of, logged
from goldsets.labelling.wording import clean, normal, wording
from goldsets.types import GoldSet, Query
from retrieval.errors import InputError
from retrieval.runtime import Runtime

__all__ = [
    "Intake",
    "Log",
    "Proposal",
    "as_queries",
    "columns_of",
    "fresh_id",
    "logged",
    "pasted",
    "proposed",
]

Kind = Literal["head", "tail"]

MAX_PROPOSED = 10_000
BULLET = re.compile(r"[-*+•‣◦⁃▪▫■□●○·∙–—※](?:\s+|$)(?:\[[ xX]?\](?:\s+|$))?")
NUMBER = re.compile(r"[(\[]?[Qq]?([0-9]{1,5})[.):\]](?![0-9])\s*")


@dataclass(frozen=True)
class Intake:
    """Pasted queries that are new, and how many lines are not among them.

    `lines` is `len(queries) + blank + repeated + held` and the lines the report names.
    """

    queries: tuple[Query, ...]
    lines: int
    blank: int
    repeated: int
    held: int
    report: Report

    def notes(self) -> Iterator[str]:
        """Say what was left out."""
        if self.repeated:
            yield f"{self.repeated:,} repeated an earlier line"
        if self.held:
            yield f"{self.held:,} the gold set holds already"
        yield from self.report.lines()


@dataclass(frozen=True)
class Proposal:
    """A group of queries of a log: its most frequent wording, and all that ask the same.

    `count` is the sum over `members` (each with its own, the most frequent first), `share` its part
    of all that was asked. `held` is the id of the gold set's query that asks it, if one does.
    """

    text: str
    count: int
    share: float
    kind: Kind
    members: tuple[tuple[str, int], ...]
    held: str = ""


def fresh_id(text: str, taken: Collection[str]) -> str:
    """Make a readable id, unlike those taken, from a query's first words."""
    words = re.findall(r"\w+", normal(text[:500]))[:5]
    stem = "-".join(words)[:48].strip("-") or "query"
    if stem not in taken:
        return stem
    free = 2
    while f"{stem}-{free}" in taken:
        free *= 2
    low = free // 2  # taken; what is between is searched by halves, as thousands may share a stem
    while free - low > 1:
        middle = (low + free) // 2
        low, free = (middle, free) if f"{stem}-{middle}" in taken else (low, middle)
    return f"{stem}-{free}"


def pasted(
    text: str, held: GoldSet, *, taken: Collection[str] = (), tags: tuple[str, ...] = ()
) -> Intake:
    """Read queries, one a line; bullets and the numbers of a numbered list are taken off.

    `taken` are ids that must not be given besides those of the queries held.
    """
    ids = {q.id for q in held.queries}.union(taken)
    known = {normal(q.text) for q in held.queries}
    old = frozenset(known)
    report, queries = Report(), list[Query]()
    lines = _unlisted([clean(line) for line in text.splitlines()])
    here = repeated = 0
    for number, line in enumerate(lines, 1):
        form = normal(line)
        if len(line) > MAX_QUERY:
            problem = f"{len(line):,} characters, a query may have {MAX_QUERY:,}"
            report.skip("query", problem, where=f"line {number}")
        elif form in old:
            here += 1
        elif form in known:
            repeated += 1
        elif line:
            known.add(form)
            queries.append(_query(line, ids, tags, "written"))
    blank = lines.count("")
    return Intake(tuple(queries), len(lines), blank, repeated, here, report)


def proposed(
    log: Log, held: GoldSet, *, heads: int, tail: int, seed: int, rt: Runtime
) -> list[Proposal]:
    """Propose the `heads` most frequent groups of a log, and `tail` of the others by chance.

    The others are drawn uniformly by group, without replacement; both kinds are in order of count.

    Raises:
        InputError: heads or tail is negative or too large.
    """
    for name, value in (("heads", heads), ("tail", tail)):
        if not 0 <= value <= MAX_PROPOSED:
            raise InputError(f"{name} must be from 0 to {MAX_PROPOSED:,}, not {value!r}")
    groups = grouped(log.counts, rt)
    rest = range(heads, len(groups))
    drawn = sorted(random.Random(seed).sample(rest, min(tail, len(rest))))  # noqa: S311
    chosen = [*groups[:heads], *(groups[i] for i in drawn)]
    total = log.total
    return [
        Proposal(
            g.text,
            g.count,
            g.count / total if total else 0.0,
            "head" if i < heads else "tail",
            g.members,
            known,
        )
        for i, (g, known) in enumerate(zip(chosen, _held(chosen, held, rt), strict=True))
    ]


def as_queries(proposals: Sequence[Proposal], taken: Collection[str]) -> list[Query]:
    """Make queries of proposals, tagged `head` or `tail`; ids are unlike those taken."""
    ids = set(taken)
    return [_query(p.text, ids, (p.kind,), "logged") for p in proposals]


def _query(text: str, ids: set[str], tags: tuple[str, ...], origin: str) -> Query:
    name = fresh_id(text, ids)
    ids.add(name)
    return Query(name, text, language_of([text]), tags, "any", origin)


def _unlisted(lines: list[str]) -> list[str]:
    """Take bullets off, and numbers where most lines have one and they count up."""
    lines = [BULLET.sub("", line, count=1) if BULLET.match(line) else line for line in lines]
    found = [NUMBER.match(line) for line in lines]
    numbers = [int(m[1]) for m in found if m]
    rising = all(later > one or later == 1 for one, later in pairwise(numbers))
    if len(numbers) < 2 or not rising or 2 * len(numbers) < sum(map(bool, lines)):
        return lines
    return [line[m.end() :] if m else line for line, m in zip(lines, found, strict=True)]


def _held(groups: Sequence[Group], held: GoldSet, rt: Runtime) -> list[str]:
    """Return for each group the id of the query that asks the same, by content or by meaning."""
    asked = [wording(normal(q.text), {}) for q in held.queries]
    known = {k: q.id for q, w in zip(held.queries, asked, strict=True) for k in w.keys}
    near = nearest_of([g.wording for g in groups], asked, rt)
    return [
        next((known[k] for k in _keys(group) if k in known), held.queries[i].id if i >= 0 else "")
        for group, i in zip(groups, near, strict=True)
    ]


def _keys(group: Group) -> Iterator[str]:
    yield from group.wording.keys
    for form in dict.fromkeys(normal(text) for text, _ in group.members):
        yield from wording(form, {}).keys
