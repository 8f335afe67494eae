"""The contract test, against servers that keep the contract and servers that break it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from goldsets.outside.probe import Check, Probe, lines, probe, queries_of
from retrieval.errors import Refused, Unavailable
from retrieval.hits import Hit
from retrieval.providers.own import Server
from tests.goldsets.making import corpus_of, sample_corpus, sample_gold
from tests.goldsets.processes import furnished
from tests.goldsets.test_cli import explained, pizza
from tests.retrieval.providers.own_server import Retriever

GOLD, CORPUS = sample_gold(), sample_corpus()
NAMES = {
    *("answers", "hits", "k", "order", "first of fewer", "once each", "same again"),
    *("bad input", "latency"),
}


def good(query: str, k: int) -> list[Hit]:
    """The gold's own answer, and some more, best first."""
    row = next((i for i, q in enumerate(GOLD.queries) if q.text == query), 0)
    evidence = GOLD.of(GOLD.queries[row])[0]
    first = Hit(evidence.document, evidence.start, evidence.end, evidence.exact, 9.0, "c")
    others = [Hit(f"d{i}", 0, 10, score=8.0 - i) for i in range(5)]
    return [first, *others][:k]


@pytest.fixture
def own() -> Iterator[Retriever]:
    with Retriever(search=good) as retriever:
        yield retriever


def probed(own: Retriever, corpus: bool = True) -> Probe:
    texts = [q.text for q in GOLD.queries]
    return probe(Server(own.url), texts, 5, CORPUS if corpus else None)


def check(found: Probe, name: str) -> Check:
    return next(c for c in found.checks if c.name == name)


def test_who_keeps_the_contract_passes_every_check(own: Retriever) -> None:
    found = probed(own)
    assert {c.name: c.state for c in found.checks} == dict.fromkeys(
        {*NAMES, "in the corpus"}, "pass"
    )
    assert found.ok
    assert found.placed is not None
    assert found.placed["position"] == found.placed["hits"] == 30
    assert 0 < found.latency_ms["p50"] <= found.latency_ms["p95"] <= found.latency_ms["max"]
    said = list(lines(found))
    assert said[-1] == f"{own.url} keeps the contract"
    assert all(line.startswith("pass  ") for line in said[:-1])
    assert {c.name for c in probed(own, corpus=False).checks} == NAMES


class Breaking:
    """Breaks the contract in one way."""

    def __init__(self) -> None:
        self.turn = count()

    def rising(self, query: str, k: int) -> list[Hit]:
        return good(query, k)[::-1]

    def random(self, query: str, k: int) -> list[Hit]:
        return [Hit(f"d{next(self.turn)}")]

    def nowhere(self, query: str, k: int) -> list[Hit]:
        return [Hit("another-corpus", 0, 5)]

    def partly(self, query: str, k: int) -> list[Hit]:
        return [Hit("d0", 0, 5), Hit(text="what nobody here has ever said or written")][:k]

    def twice(self, query: str, k: int) -> list[Hit]:
        return [Hit("d0"), Hit("d0")][:k]

    def empty(self, query: str, k: int) -> list[Hit]:
        return []

    def sometimes(self, query: str, k: int) -> list[Hit]:
        return good(query, k) if query == GOLD.queries[0].text else []

    def unstable(self, query: str, k: int) -> list[Hit]:
        return good(query, 5)[-k:]


@pytest.mark.parametrize(
    ("way", "name", "state", "says"),
    [
        ("rising", "order", "fail", "the score rises at hit 2"),
        ("random", "same again", "fail", "the hits differ when asked again"),
        ("nowhere", "in the corpus", "fail", "6 hits: 6 nowhere in the corpus"),
        ("partly", "in the corpus", "warn", "6 nowhere in the corpus; the first: 'what nobody"),
        ("twice", "once each", "warn", "a hit comes twice"),
        ("empty", "hits", "fail", "no query has any hit"),
        ("sometimes", "hits", "warn", "5 queries without any"),
        ("unstable", "first of fewer", "warn", "for k = 1 another hit is first"),
    ],
)
def test_what_is_broken_is_named(
    own: Retriever, way: str, name: str, state: str, says: str
) -> None:
    own.search = getattr(Breaking(), way)
    found = probed(own)
    assert check(found, name).state == state
    assert says in check(found, name).said
    assert found.ok == (state != "fail")
    failed = [c.name for c in found.checks if c.state == "fail"]
    assert failed == ([name] if state == "fail" else [])


def test_k_that_is_ignored_is_broken(own: Retriever) -> None:
    own.for_ever = "flood"
    found = probed(own, corpus=False)
    assert check(found, "k").state == check(found, "first of fewer").state == "fail"
    assert "10,000 hits for 'how long does dough rest', asked for 5" in check(found, "k").said
    assert "10,000 hits for k = 1" in check(found, "first of fewer").said


@pytest.mark.parametrize("answer", ["500", "html", "drop", '{"hits": []}'])
def test_bad_input_wants_a_refusal(own: Retriever, answer: str) -> None:
    asked = len(GOLD.queries) + 1 + 3
    own.play(*[""] * asked, answer)
    found = probed(own, corpus=False)
    assert check(found, "bad input").state == "fail"
    assert "a body that is not JSON is answered with" in check(found, "bad input").said


def test_queries_that_fail_among_others_are_counted(own: Retriever) -> None:
    own.play("", '{"hits": [{"document": 5}]}', "", "500")
    found = probed(own)
    said = check(found, "answers")
    assert said.state == "fail"
    assert said.said.startswith(
        "2 of 6 queries failed; the first: gave what cannot be used, hits[0]"
    )
    assert check(found, "hits").state == "pass"


def test_scores_are_not_needed(own: Retriever) -> None:
    own.search = lambda query, k: [replace(hit, score=None) for hit in good(query, k)]
    assert check(probed(own), "order").state == "skip"
    assert probed(own).ok


def test_who_cannot_be_asked_is_not_judged(own: Retriever) -> None:
    own.for_ever = "404"
    with pytest.raises(Refused):
        probed(own)
    own.for_ever = "drop"
    with pytest.raises(Unavailable):
        probed(own)


def test_what_is_asked_is_of_the_gold_set_or_the_corpus() -> None:
    assert queries_of(GOLD, CORPUS, 3) == [GOLD.queries[i].text for i in (0, 2, 5)]
    assert queries_of(GOLD, CORPUS, 99) == [q.text for q in GOLD.queries]
    named = queries_of(None, CORPUS, 2)
    assert named == [
        "Dough rests a night in the cold. Flour,",
        "Guests come at seven. Cold beer and a",
    ]
    assert queries_of(None, corpus_of(""), 2) == ["d0"]
    assert len(queries_of(None, None, 99)) == 5


# The command


def test_the_command_judges_by_its_exit_code(own: Retriever, tmp_path: Path) -> None:
    workspace = furnished(tmp_path / "w")
    done = pizza(workspace, "probe", own.url, "--goldset", "gold", "--k", "5")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == f"{own.url} keeps the contract"
    assert "30 hits: 30 by position" in done.stdout
    own.search = Breaking().rising
    done = pizza(workspace, "probe", own.url, "--corpus", "corpus", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert (found["ok"], found["url"]) == (False, own.url)
    assert [c["name"] for c in found["checks"] if c["state"] == "fail"] == ["order"]
    assert found["latency_ms"].keys() == {"p50", "p95", "max"}
    assert found["placed"]["nowhere"] == 0
    own.for_ever = "401"
    assert "refused (401)" in explained(pizza(workspace, "probe", own.url))


def test_the_command_needs_no_workspace_for_a_url(own: Retriever, tmp_path: Path) -> None:
    done = pizza(tmp_path / "none", "probe", own.url, "--queries", "2")
    assert done.exit_code == 0, done.output
    assert not (tmp_path / "none").exists()
    assert len({*own.asked} - {"", "x", "5", "None"}) == 2


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--k", "0"], "--k takes 1 to 1,000"),
        (["--queries", "0"], "--queries 1 or more"),
        (["--goldset", "silver"], "no gold set 'silver'"),
        (["--corpus", "silver"], "no corpus 'silver'"),
        (["--token-env", "NO_SUCH_TOKEN"], "set NO_SUCH_TOKEN in the environment"),
    ],
)
def test_what_cannot_be_probed_is_one_sentence(
    own: Retriever, tmp_path: Path, more: list[str], says: str
) -> None:
    workspace = furnished(tmp_path / "w")
    assert says in explained(pizza(workspace, "probe", own.url, *more))
    assert own.requests == []
    assert "http or https" in explained(pizza(workspace, "probe", "localhost"))
