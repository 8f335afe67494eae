"""The test that a team runs against its own retriever: does it keep docs/own-retriever.md?"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from goldsets.evaluation.words import count
from goldsets.outside.placing import place
from goldsets.outside.words import placed
from goldsets.types import GoldSet
from retrieval.errors import BadAnswer, ProviderError, Refused
from retrieval.hits import Hit
from retrieval.ingest.fields import shown
from retrieval.providers.own import Answer, Failed, Server, ask, post
from retrieval.retry import Retry
from retrieval.runtime import Runtime
from retrieval.types import Corpus

State = Literal["pass", "warn", "fail", "skip"]
ONCE = Retry(attempts=1, timeout_seconds=30.0)
TWICE = 3
"""Queries that are asked a second time."""
QUERIES = ("how do I get started", "what is the limit", "error", "시작하는 방법", "?")
"""What is asked where neither a gold set nor a corpus says what could be."""
BAD: Mapping[str, bytes] = {
    "a body that is not JSON": b'{"query": ',
    "no query": b'{"k": 5}',
    "a query that is a number": b'{"query": 5, "k": 5}',
    "k = 0": b'{"query": "x", "k": 0}',
}


@dataclass(frozen=True)
class Check:
    """What one part of the contract came to."""

    name: str
    state: State
    said: str


@dataclass(frozen=True)
class Probe:
    """What a retriever did, check by check."""

    url: str
    checks: tuple[Check, ...]
    latency_ms: Mapping[str, float]
    placed: Mapping[str, int] | None

    @property
    def ok(self) -> bool:
        """Tell whether nothing failed."""
        return all(check.state != "fail" for check in self.checks)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"ok": self.ok, **asdict(self)}


@dataclass(frozen=True)
class Asked:
    """The queries that were asked, with their answers; None where there was none."""

    server: Server
    k: int
    queries: tuple[str, ...]
    answers: tuple[Answer | None, ...]
    problems: tuple[str, ...]
    seconds: tuple[float, ...]

    @property
    def answered(self) -> Iterator[tuple[str, Answer]]:
        """Return the queries that were answered, with their answers."""
        pairs = zip(self.queries, self.answers, strict=True)
        return ((query, answer) for query, answer in pairs if answer is not None)

    @property
    def first(self) -> tuple[str, Answer] | None:
        """Return the first query that has hits."""
        return next(((q, a) for q, a in self.answered if a.hits), None)


def probe(
    server: Server, queries: Sequence[str], k: int = 10, corpus: Corpus | None = None
) -> Probe:
    """Ask a retriever, well and badly, and judge what it answers.

    Raises:
        ProviderError: it cannot be reached, or refuses to answer at all.
    """
    asked = _ask(server, queries, k)
    checks: list[Callable[[], Check]] = [
        partial(check, asked) for check in (_answers, _hits, _limit, _order, _prefix, _repeated)
    ]
    checks += [partial(_determined, asked), partial(_bad_input, server)]
    done = [check() for check in checks]
    took = {f"p{n}": round(float(np.percentile(asked.seconds, n)) * 1000, 1) for n in (50, 95)}
    took["max"] = round(max(asked.seconds) * 1000, 1)
    said = ", ".join(f"{name} {ms:,.0f} ms" for name, ms in took.items())
    done.append(Check("latency", "pass", f"{said} over {count(len(asked.seconds), 'call')}"))
    counts = None
    if corpus is not None:
        counts = dict(place(corpus, [a.hits for _, a in asked.answered]).counts)
        done.append(_found(counts, asked, corpus))
    return Probe(server.url, tuple(done), took, counts)


def queries_of(gold: GoldSet | None, corpus: Corpus | None, number: int) -> list[str]:
    """Return what to ask: queries of the gold set, else names of documents, spread evenly."""
    if gold is not None and gold.queries:
        texts = [query.text for query in gold.queries]
    elif corpus is not None and len(corpus):
        texts = [d.title or " ".join(d.text.split()[:8]) or d.id for d in corpus.documents]
    else:
        texts = list(QUERIES)
    at = np.linspace(0, len(texts) - 1, min(number, len(texts))).round().astype(int)
    return [texts[i] for i in at]


def _ask(server: Server, queries: Sequence[str], k: int) -> Asked:
    rt = Runtime(retry=ONCE)
    answers: list[Answer | None] = []
    problems, seconds = [], []
    for n, query in enumerate(queries):
        begun = time.perf_counter()
        try:
            answers.append(ask(server, query, k, rt))
        except ProviderError as e:
            if n == 0 and not isinstance(e, BadAnswer):
                raise
            answers.append(None)
            problems.append(e.problem)
        seconds.append(time.perf_counter() - begun)
    return Asked(server, k, tuple(queries), tuple(answers), tuple(problems), tuple(seconds))


def _answers(asked: Asked) -> Check:
    total = count(len(asked.queries), "query", "queries")
    if not asked.problems:
        return Check("answers", "pass", f"{total}, each answered with hits as they should be")
    failed = f"{len(asked.problems):,} of {total} failed; the first: {asked.problems[0]}"
    return Check("answers", "fail", failed)


def _hits(asked: Asked) -> Check:
    number = [len(answer.hits) for _, answer in asked.answered]
    empty = number.count(0)
    if not any(number):
        return Check("hits", "fail", "no query has any hit")
    said = f"{min(number)} to {max(number)} hits a query"
    if empty:
        return Check("hits", "warn", f"{said}; {count(empty, 'query', 'queries')} without any")
    return Check("hits", "pass", said)


def _limit(asked: Asked) -> Check:
    beyond = [(q, len(a.hits) + a.beyond) for q, a in asked.answered if a.beyond]
    if beyond:
        query, number = beyond[0]
        said = f"{number:,} hits for {shown(query)}, asked for {asked.k}; the rest is not counted"
        return Check("k", "fail", said)
    return Check("k", "pass", f"never more than the {asked.k} hits asked for")


def _order(asked: Asked) -> Check:
    scored = [(q, [h.score for h in a.hits]) for q, a in asked.answered if a.hits]
    given = [(q, [s for s in own if s is not None]) for q, own in scored if None not in own]
    if not given:
        return Check("order", "skip", "no scores; the order of the hits is taken for their rank")
    for query, own in given:
        rise = next((i for i, (a, b) in enumerate(pairwise(own), 2) if b > a), None)
        if rise:
            return Check("order", "fail", f"for {shown(query)} the score rises at hit {rise}")
    return Check("order", "pass", "best first: no score rises")


def _prefix(asked: Asked) -> Check:
    name, first = "first of fewer", asked.first
    if first is None:
        return Check(name, "skip", "there are no hits")
    query, answer = first
    try:
        one = ask(asked.server, query, 1, Runtime(retry=ONCE))
    except ProviderError as e:
        return Check(name, "fail", f"k = 1: {e.problem}")
    if one.beyond or not one.hits:
        return Check(name, "fail", f"{len(one.hits) + one.beyond:,} hits for k = 1")
    if _bare(one.hits[0]) != _bare(answer.hits[0]):
        return Check(name, "warn", f"for k = 1 another hit is first than for k = {asked.k}")
    return Check(name, "pass", "k = 1 gives one hit, the same that is first of more")


def _repeated(asked: Asked) -> Check:
    for query, answer in asked.answered:
        bare = [_bare(hit) for hit in answer.hits]
        if len({*bare}) < len(bare):
            said = f"for {shown(query)} a hit comes twice; it takes two places and counts once"
            return Check("once each", "warn", said)
    return Check("once each", "pass", "no hit comes twice for one query")


def _determined(asked: Asked) -> Check:
    again = list(asked.answered)[:TWICE]
    for query, answer in again:
        try:
            other = ask(asked.server, query, asked.k, Runtime(retry=ONCE))
        except ProviderError as e:
            return Check("same again", "fail", f"asked again: {e.problem}")
        if [*map(_bare, answer.hits)] != [*map(_bare, other.hits)]:
            said = f"for {shown(query)} the hits differ when asked again: no number will repeat"
            return Check("same again", "fail", said)
    said = f"{count(len(again), 'query', 'queries')} asked again, with the same hits"
    return Check("same again", "pass" if again else "skip", said)


def _bad_input(server: Server) -> Check:
    for what, body in BAD.items():
        status = _status(server, body)
        if not 400 <= status < 500:
            said = f"{what} is answered with status {status or 'nothing'}, expected 400 or so"
            return Check("bad input", "fail", said)
    return Check("bad input", "pass", "refused with a status from 400 to 499")


def _status(server: Server, body: bytes) -> int:
    try:
        post(server, body, ONCE.timeout_seconds)
    except Failed as e:
        return e.status_code
    except (OSError, Refused, BadAnswer):
        return 0
    return 200


def _found(counts: Mapping[str, int], asked: Asked, corpus: Corpus) -> Check:
    said = next(placed(counts))
    if counts["nowhere"] == counts["hits"]:
        return Check("in the corpus", "fail" if counts["hits"] else "skip", said)
    if not counts["nowhere"]:
        return Check("in the corpus", "pass", said)
    lost = next(
        hit
        for _, answer in asked.answered
        for hit in answer.hits
        if place(corpus, [[hit]]).counts["nowhere"]
    )
    return Check("in the corpus", "warn", f"{said}; the first: {shown(lost.words)}")


def _bare(hit: Hit) -> tuple[Any, ...]:
    return hit.document, hit.start, hit.end, hit.text, hit.id


def lines(found: Probe) -> Iterator[str]:
    """Phrase a probe, a line a check."""
    width = max(len(check.name) for check in found.checks)
    for check in found.checks:
        yield f"{check.state}  {check.name:{width}}  {check.said}"
    failed = [check.name for check in found.checks if check.state == "fail"]
    yield f"{found.url} keeps the contract" if found.ok else f"broken: {', '.join(failed)}"


def as_json(found: Probe) -> str:
    """Write a probe as JSON."""
    return json.dumps(found.plain(), ensure_ascii=False, indent=1)
