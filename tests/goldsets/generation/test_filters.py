"""Filters: what is measured against plain loops, and the dial without any call."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from goldsets.generation import filters
from goldsets.generation.filters import (
    CHEAP,
    NAMES,
    REFERS,
    Rarity,
    common_run,
    likenesses,
    sieved,
)
from goldsets.generation.passages import Ground
from goldsets.generation.spec import Thresholds, generation_of
from goldsets.generation.types import Alike, Draft, Measured
from goldsets.generation.write import DECLINED
from retrieval.runtime import Runtime
from retrieval.types import Corpus, Document
from tests.goldsets.generation.conftest import SPEC

GOOD = Measured(answered=True, neighbours=3)
FINE = Draft("fine", "question", (1,), query="q", text="q", measured=GOOD)


def draft(name: str, kind: str = "question", **measured: object) -> Draft:
    return replace(FINE, name=name, kind=kind, measured=replace(GOOD, **measured))


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (draft("d", malformed="no JSON", answered=None), "malformed"),
        (draft("d", malformed=DECLINED, answered=None), "declined"),
        (draft("d", misquoted="not in the passage", answered=None), "misquoted"),
        (draft("d", refers="this document", answered=None), "refers to the document"),
        (draft("d", run=6, answered=None), "copies the passage"),
        (draft("d", rare=0.51, answered=None), "copies the passage"),
        (draft("d", alike=(Alike("fine", 0.95, 0.0),), answered=None), "duplicate"),
        (draft("d", alike=(Alike("fine", 0.0, 90.0),), answered=None), "duplicate"),
        (draft("d", answered=None), "not answered"),
        (draft("d", answered=False), "not answered"),
        (draft("d", answering=3), "not specific"),
        (draft("d", "multi_hop", alone=True), "not specific"),
        (draft("d", "unanswerable", answered=True), "not answered"),
        (draft("d", "unanswerable", answered=False, answering=1), "not specific"),
    ],
)
def test_each_filter_drops_what_it_is_for_and_nothing_else(bad: Draft, name: str) -> None:
    cut = sieved([FINE, bad], Thresholds())
    assert cut.reasons["fine"] == {}
    assert list(cut.reasons["d"]) == [name]
    assert cut.counts == {n: int(n == name) for n in NAMES}
    assert cut.survivors == {"fine"}


@pytest.mark.parametrize(
    "good",
    [
        draft("d", run=5, rare=0.5, answering=2),
        draft("d", alike=(Alike("fine", 0.94, 89.9),)),
        draft("d", alike=(Alike("another generation's", 1.0, 100.0),)),
        draft("d", "unanswerable", answered=False),
    ],
)
def test_what_is_just_good_enough_stays(good: Draft) -> None:
    assert sieved([FINE, good], Thresholds()).survivors == {"fine", "d"}


def test_a_draft_is_no_duplicate_of_one_that_was_dropped_before() -> None:
    copied = draft("copied", run=9)
    twin = draft("twin", alike=(Alike("copied", 1.0, 100.0),))
    third = draft("third", alike=(Alike("twin", 1.0, 100.0), Alike("copied", 1.0, 100.0)))
    cut = sieved([copied, twin, third], Thresholds())
    assert [list(own) for own in cut.reasons.values()] == [
        ["copies the passage"],
        [],
        ["duplicate"],
    ]


def test_what_says_the_same_as_one_that_the_judge_turned_down_is_a_duplicate() -> None:
    first = draft("first", answered=False)
    second = draft("second", answered=None, alike=(Alike("first", 1.0, 100.0),))
    assert sieved([first, second], Thresholds()).counts["duplicate"] == 1


measured = st.builds(
    Measured,
    malformed=st.sampled_from(["", "", "bad"]),
    run=st.integers(0, 9),
    rare=st.floats(0, 1),
    answered=st.sampled_from([None, True, False]),
    answering=st.integers(0, 3),
)


@given(st.lists(measured, max_size=12), st.integers(2, 9), st.floats(0, 1), st.integers(0, 3))
def test_a_looser_dial_never_loses_a_query(
    given_: list[Measured], run: int, rare: float, answering: int
) -> None:
    drafts = [replace(FINE, name=str(i), measured=m) for i, m in enumerate(given_)]
    tight = Thresholds(run=run, rare=rare, answering=answering)
    loose = Thresholds(run=run + 1, rare=min(rare + 0.1, 1.0), answering=answering + 1)
    few, many = (sieved(drafts, t) for t in (tight, loose))
    assert few.survivors <= many.survivors
    for cut in (few, many):
        assert sum(cut.counts.values()) + len(cut.survivors) == len(drafts)
    assert few.survivors <= sieved(drafts, tight, CHEAP).survivors


@given(st.lists(st.sampled_from("abcd"), max_size=9), st.lists(st.sampled_from("abcd"), max_size=9))
def test_the_longest_common_run_is_that_of_every_pair_of_slices(a: list[str], b: list[str]) -> None:
    slices = {tuple(a[i:j]) for i in range(len(a)) for j in range(i + 1, len(a) + 1)} & {
        tuple(b[i:j]) for i in range(len(b)) for j in range(i + 1, len(b) + 1)
    }
    assert common_run(" ".join(a), ", ".join(b).upper()) == max(map(len, slices), default=0)


def test_rare_words_are_those_that_few_passages_hold() -> None:
    texts = [f"the oven is hot and the dough rests, says page{i}" for i in range(10)]
    texts[0] += " zymology autolyse 발효"
    corpus = Corpus(tuple(Document(f"d{i}", t) for i, t in enumerate(texts)), "c", 1)
    ground = Ground.of(generation_of(SPEC), corpus, Runtime())
    rarity, (first, second, *_) = Rarity(ground), ground.passages
    assert rarity.share("zymology of hot dough", first, "question") == pytest.approx(1 / 3)
    assert rarity.share("zymology of hot dough", second, "question") == 0.0
    assert rarity.share("발효", first, "question") == 1.0
    assert rarity.share("", first, "question") == 0.0
    named = "`zymology` hot"
    assert rarity.share(named, first, "question") == 0.5
    assert rarity.share(named, first, "identifier") == 0.0


@pytest.mark.parametrize("block", [3, 256])
def test_likenesses_are_those_of_every_pair(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "BLOCK", block)
    rng = np.random.default_rng(1)
    words = ["oven", "dough", "salt", "night"]
    queries = [" ".join(rng.choice(words, 4)) for _ in range(10)]
    vectors = rng.normal(size=(10, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = likenesses(queries, vectors)
    for i, own in enumerate(found):
        expected = {}
        for j in range(i):
            cosine = float(vectors[i] @ vectors[j])
            ratio = fuzz.token_sort_ratio(queries[i], queries[j])
            if cosine >= 0.7 or ratio >= 70:
                expected[j] = (pytest.approx(cosine, abs=1e-4), pytest.approx(ratio, abs=0.06))
        assert {j: (a.cosine, a.ratio) for j, a in own} == expected
        best = [round(max(a.cosine, a.ratio / 100), 3) for _, a in own]
        assert best == sorted(best, reverse=True)
    assert sum(map(len, found)) > 10


@pytest.mark.parametrize(
    "query",
    [
        "what does this document say of dough",
        "according to the passage, when is it hot",
        "as described in the text above",
        "위 문서에서 말하는 반죽 시간은?",
        "앞에서 언급한 온도",
    ],
)
def test_what_speaks_of_the_document_is_seen(query: str) -> None:
    assert REFERS.search(query)


@pytest.mark.parametrize(
    "query", ["how do I declare the context type", "문서 업로드 방법", "upload a document"]
)
def test_what_asks_about_documents_is_not(query: str) -> None:
    assert not REFERS.search(query)
