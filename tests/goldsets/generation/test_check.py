"""Checks: what the judge's answers make of a draft, and of the passages near it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from goldsets.generation.ask import Answer, Work
from goldsets.generation.check import checked, read, usable
from goldsets.generation.passages import Ground
from goldsets.generation.spec import GenerationSpec, generation_of
from goldsets.generation.types import Draft, Passage
from goldsets.types import Evidence
from retrieval.ingest.embed import Embedder, Purpose, embed
from retrieval.runtime import Runtime
from retrieval.types import Corpus, Document, Float32
from tests.goldsets.generation.author import PASSAGE
from tests.goldsets.generation.conftest import SPEC

TEXTS = (
    "The dough rests for a night in the cold before it is baked.",
    "Dough that rests for a night in the cold tastes better when baked.",
    "A stone keeps the heat of the oven for an hour.",
    "Guests arrive at seven and drink cold beer.",
)
CORPUS = Corpus(tuple(Document(f"d{i}", t) for i, t in enumerate(TEXTS)), "c", 1)
QUERY = "how long does dough rest in the cold before it is baked"


class Said:
    """Answers by a rule on the passages' texts, and embeds for real."""

    def __init__(self, rule: Callable[[Sequence[str]], str]) -> None:
        self.rule = rule
        self.asked: list[list[str]] = []

    def ask(self, work: Work) -> list[Answer]:
        shown = [[t for _, t in PASSAGE.findall(task.prompt.ask)] for task in work.tasks]
        self.asked += shown
        return [Answer(self.rule(texts)) for texts in shown]

    def embed(self, embedder: Embedder, texts: Sequence[str], purpose: Purpose) -> Float32:
        return embed(embedder, texts, purpose, Runtime())


def yes(texts: Sequence[str], quote: str = "") -> str:
    return json.dumps({"reason": "it says so", "yes": True, "quote": quote})


def only(*wanted: int, quote: str = "") -> Callable[[Sequence[str]], str]:
    """Say yes to what is shown if one of these texts is all there is to see."""
    right = {TEXTS[i] for i in wanted}
    return lambda texts: yes(texts, quote) if {*texts} <= right else '{"yes": false, "reason": ""}'


def run(asker: Said, kind: str, *own: int, **fields: object) -> Draft:
    spec: GenerationSpec = generation_of(SPEC)
    if fields:
        spec = replace(spec, thresholds=replace(spec.thresholds, **fields))
    ground = Ground.of(spec, CORPUS, Runtime())
    passages: dict[int, Passage] = dict(enumerate(ground.passages))
    evidence = tuple(Evidence.of(f"d{i}", TEXTS[i], 0, 20) for i in own)
    d = Draft("n", kind, own, query=QUERY, text=QUERY, evidence=evidence)
    (found,) = checked(spec, [d], passages, ground, asker)
    return found


def test_its_own_passage_and_the_nearest_others_are_asked() -> None:
    asker = Said(only(0))
    d = run(asker, "question", 0, neighbours=2)
    assert asker.asked[0] == [TEXTS[0]]
    assert asker.asked[1] == [TEXTS[1]]  # the nearest
    assert len(asker.asked) == 3
    m = d.measured
    assert (m.answered, m.answered_reason, m.answering, m.neighbours) == (True, "it says so", 0, 2)
    assert len(d.evidence) == 1


def test_a_neighbour_that_answers_is_further_evidence_with_its_quote_or_whole() -> None:
    quote = "rests for a night in the cold"
    d = run(Said(only(0, 1, quote=quote)), "question", 0)
    assert [(e.document, e.exact) for e in d.evidence] == [("d0", TEXTS[0][:20]), ("d1", quote)]
    assert d.measured.answering == 1
    whole = run(Said(only(0, 1, quote="nobody says this here")), "question", 0)
    assert whole.evidence[1].exact == TEXTS[1]


def test_what_its_own_passage_does_not_answer_is_noted() -> None:
    d = run(Said(only(2)), "question", 0)
    assert d.measured.answered is False


def test_no_neighbours_are_asked_where_none_are_wanted() -> None:
    asker = Said(yes)
    assert run(asker, "question", 0, neighbours=0).measured.neighbours == 0
    assert len(asker.asked) == 1


def test_several_hops_are_asked_together_and_each_alone() -> None:
    asker = Said(lambda texts: yes(texts) if len(texts) == 2 else '{"yes": "no"}')
    d = run(asker, "multi_hop", 0, 2)
    assert asker.asked == [[TEXTS[0], TEXTS[2]], [TEXTS[0]], [TEXTS[2]]]
    assert (d.measured.answered, d.measured.alone) == (True, False)
    assert run(Said(yes), "multi_hop", 0, 2).measured.alone


@pytest.mark.parametrize("kind", ["comparison", "unanswerable"])
def test_neighbours_are_no_evidence_where_parts_or_nothing_is_wanted(kind: str) -> None:
    d = run(Said(yes), kind, 0)
    assert d.measured.answering == 3
    assert len(d.evidence) == 1


@pytest.mark.parametrize("text", ["I think so", '{"yes": 1}', '{"answer": true}', "", "[" * 9_999])
def test_an_answer_that_says_neither_is_no_yes(text: str) -> None:
    assert not usable(text)
    assert read(Answer(text)).yes is None
    assert run(Said(lambda _: text), "question", 0).measured.answered is False


def test_what_the_vendor_refused_is_no_yes_and_says_why() -> None:
    assert read(Answer("", "OpenAI refused (400): no")).reason == "OpenAI refused (400): no"


def test_nothing_to_check_asks_nobody() -> None:
    spec = generation_of(SPEC)
    ground = Ground.of(spec, CORPUS, Runtime())
    asker = Said(yes)
    assert checked(spec, [], {}, ground, asker) == []
    assert asker.asked == []
