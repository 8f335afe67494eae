"""Where hits of others are found: by position, by words, by resemblance; and what is nowhere."""

import random
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsets.formats.registry import import_path
from goldsets.outside.letters import Letters, letters_of
from goldsets.outside.placing import DEPTH, WORDS, How, Place, Placed, place
from retrieval.hits import Hit
from retrieval.types import Corpus
from tests.goldsets.making import corpus_of, sample_corpus

CORPUS = sample_corpus()
OVEN = CORPUS.documents[1].text


def places(corpus: Corpus, *hits: Hit) -> list[tuple[int, int, int]]:
    """Where each hit of one query stands."""
    found = place(corpus, [hits])
    c, ids = found.chunks, found.ranking.ids[0]
    return [(int(c.document[i]), int(c.start[i]), int(c.end[i])) for i in ids[: len(hits)]]


def how(corpus: Corpus, hit: Hit) -> How:
    counts = place(corpus, [[hit]]).counts
    return next(h for h in How if counts[h])


def span_of(text: str, row: int = 1) -> tuple[int, int, int]:
    start = CORPUS.documents[row].text.index(text)
    return row, start, start + len(text)


@pytest.mark.parametrize(
    ("hit", "found", "where"),
    [
        (Hit("d1", 4, 8), How.POSITION, (1, 4, 8)),
        (Hit("d1", 4, 8, OVEN[4:8]), How.POSITION, (1, 4, 8)),
        (Hit("d1"), How.POSITION, (1, 0, len(OVEN))),
        (Hit("d1", text="A stone or a steel"), How.QUOTE, span_of("A stone or a steel")),
        (Hit("d1", 4, 8, "A stone or a steel"), How.QUOTE, span_of("A stone or a steel")),
        (Hit("d1", text="a STONE,\n or a steel"), How.QUOTE, span_of("A stone or a steel")),
        (
            Hit("", text="A stone or a steel stores"),
            How.QUOTE,
            span_of("A stone or a steel stores"),
        ),
        (Hit("theirs", text="A STEEL stores heat"), How.QUOTE, span_of("a steel stores heat")),
        (Hit("theirs", 2, 9, "a steel stores heat"), How.QUOTE, span_of("a steel stores heat")),
        (Hit("d3", text="치즈는 **물기를** 뺀다"), How.QUOTE, span_of("치즈는 물기를 뺀다", 3)),
        (Hit("d1", 0, 9_999), How.NOWHERE, (-1, 0, 0)),
        (Hit("theirs"), How.NOWHERE, (-1, 0, 0)),
        (Hit("theirs", 0, 5), How.NOWHERE, (-1, 0, 0)),
        (Hit(id="c17"), How.NOWHERE, (-1, 0, 0)),
        (Hit("", text="hot"), How.NOWHERE, (-1, 0, 0)),
        (Hit("d1", text="Nothing of the kind is said here, nor anywhere"), How.NOWHERE, (-1, 0, 0)),
        (Hit("d1", 0, 3, "Nothing of the kind is said here"), How.NOWHERE, (-1, 0, 0)),
        (Hit("d1", text="..."), How.NOWHERE, (-1, 0, 0)),
    ],
    ids=str,
)
def test_a_hit_is_found_where_its_document_or_its_words_are(
    hit: Hit, found: How, where: tuple[int, int, int]
) -> None:
    assert how(CORPUS, hit) == found
    assert places(CORPUS, hit) == [where]


def test_a_text_with_something_beside_it_stands_where_its_offsets_say() -> None:
    row, start, end = span_of("A stone or a steel stores heat.")
    augmented = f"Ovens > Baking\n\n{OVEN[start:end]}"
    assert places(CORPUS, Hit("d1", start, end, augmented)) == [(row, start, end)]
    mostly_else = f"{'Ovens ' * 20}{OVEN[start:end]}"
    assert how(CORPUS, Hit("d1", start, end, mostly_else)) == How.NOWHERE


def test_of_several_places_the_nearest_to_the_offset_counts() -> None:
    corpus = corpus_of("again and " * 20)
    for start in (0, 50, 120):
        hit = Hit("d0", start + 3, start + 9, "again and again")
        assert places(corpus, hit) == [(0, start, start + 15)]
    shouted = Hit("d0", 53, 60, "AGAIN AND AGAIN")
    assert places(corpus, shouted) == [(0, 50, 65)]


def test_a_text_that_several_documents_hold_is_ambiguous() -> None:
    corpus = corpus_of("Call us at any time of the day.", "x", "Call us at any time of the day.")
    hit = Hit(text="call us at any time of the day")
    found = place(corpus, [[hit, hit], [hit]])
    assert (found.counts["hits"], found.counts["ambiguous"]) == (3, 3)
    assert places(corpus, hit) == [(0, 0, 30)]
    assert place(corpus, [[Hit("d2", text=hit.text)]]).counts["ambiguous"] == 0


def test_what_reads_a_little_differently_is_placed_by_resemblance() -> None:
    edited = OVEN.replace("as hot as it gets", "as hot as it can be").replace("eight", "nine")
    assert how(CORPUS, Hit("d1", text=edited)) == How.ALIKE
    assert how(CORPUS, Hit(text=edited)) == How.ALIKE
    ((row, start, end),) = places(CORPUS, Hit(text=edited))
    assert row == 1
    assert end - start > 0.9 * len(OVEN)


def test_what_is_nowhere_keeps_its_rank_and_its_words() -> None:
    hits = [Hit("d0", 0, 5), Hit(text="another world entirely"), Hit(id="c9"), Hit("d0", 0, 5)]
    found = place(CORPUS, [hits, []])
    chunks, ids = found.chunks, found.ranking.ids
    assert chunks.placed[ids[0]].tolist() == [True, False, False, True]
    assert [chunks.context(int(i)) for i in ids[0]] == ["", "another world entirely", "c9", ""]
    assert ids[0, 0] == ids[0, 3]
    assert ids[1].tolist() == [-1] * 4
    assert found.counts == {
        **{"hits": 4, "position": 2, "quote": 0, "alike": 0, "nowhere": 2},
        **{"ambiguous": 0, "beyond": 0, "empty": 1},
    }
    assert [chunks.text(CORPUS, int(i)) for i in ids[0]] == ["Dough", "", "", "Dough"]


def test_words_that_are_kept_and_hits_that_are_taken_are_bounded() -> None:
    hits = [Hit(text=f"{i} " + "x" * 2 * WORDS) for i in range(DEPTH + 7)]
    found = place(CORPUS, [hits])
    assert found.ranking.depth == DEPTH
    assert found.counts["beyond"] == 7
    assert max(map(len, found.chunks.contexts)) == WORDS


def test_scores_are_those_given_or_else_the_ranks() -> None:
    hits = [Hit("d0", score=2.5), Hit("d1", score=3.0)]
    assert place(CORPUS, [hits]).ranking.scores[0].tolist() == [2.5, 3.0]
    hits = [Hit("d0", score=2.5), Hit("d1")]
    assert place(CORPUS, [hits]).ranking.scores[0].tolist() == [-1, -2]


@pytest.mark.parametrize("answers", [[], [[]], [[], []]], ids=str)
def test_nothing_returned_is_an_empty_ranking(answers: list[list[Hit]]) -> None:
    found = place(CORPUS, answers)
    assert found.ranking.ids.shape == (len(answers), 1)
    assert (len(found.chunks), found.counts["hits"]) == (0, 0)


def test_an_empty_corpus_holds_nothing() -> None:
    found = place(Corpus(()), [[Hit("d0"), Hit(text="A stone or a steel stores heat")]])
    assert found.counts["nowhere"] == 2


def test_an_empty_document_has_no_place_for_a_hit() -> None:
    assert how(corpus_of(""), Hit("d0")) == How.NOWHERE


texts = st.text(alphabet="ab \n.é가ﬁİß\u0301", max_size=40)


@given(texts, texts, texts)
def test_letters_find_what_case_marks_and_white_space_differ_in(a: str, b: str, c: str) -> None:
    text = f"{a} {b} {c}"
    other = unicodedata.normalize("NFD", b).upper().replace(" ", "\n\n").replace(".", "--")
    span = Letters.of(text).find(other, len(a))
    if not letters_of(b):
        assert span is None
    else:
        assert span is not None
        assert letters_of(text[span.start : span.end]).startswith(letters_of(b)[:1])
        assert letters_of(b) in letters_of(text[span.start : span.end])


@given(st.lists(st.builds(Hit, st.sampled_from(["", "d1", "dx"]), text=texts), max_size=8))
def test_every_hit_has_a_rank_whatever_it_is(hits: list[Hit]) -> None:
    hits = [h for h in hits if h.document or h.text.strip()]
    found = place(CORPUS, [hits])
    assert (found.ranking.ids[0] >= 0).sum() == len(hits)
    assert sum(found.counts[h] for h in How) == len(hits)


def cleaned(text: str) -> str:
    """What a reader of Markdown or HTML leaves of a passage."""
    return re.sub(r"\s+", " ", re.sub(r"[*_`#>\[\]()|-]", "", text)).strip()


@pytest.mark.data
def test_on_real_documents_cleaned_passages_are_found_where_they_were(pizza_data: Path) -> None:
    read, _ = import_path("chunking-eval", pizza_data / "chunking-eval")
    corpus, rng = Corpus(read.documents), random.Random(1)
    truth: list[Place] = []
    hits: list[Hit] = []
    for i in range(300):
        row = rng.randrange(len(corpus))
        text = corpus.documents[row].text
        size = rng.choice([200, 500, 1000])
        start = rng.randrange(len(text) - size)
        quote = cleaned(text[start : start + size])
        if i % 10 == 0:  # reworded a little, besides
            words = quote.split()
            words[len(words) // 2 :: 25] = ["changed"] * len(words[len(words) // 2 :: 25])
            quote = " ".join(words)
        truth.append(Place(How.QUOTE, row, start, start + size))
        hits.append(Hit(text=quote))
    found: Placed = place(corpus, [hits])
    right = wrong = 0
    for (row, start, end), wanted, hit in zip(
        (
            (int(found.chunks.document[i]), int(found.chunks.start[i]), int(found.chunks.end[i]))
            for i in found.ranking.ids[0]
        ),
        truth,
        hits,
        strict=True,
    ):
        shared = min(end, wanted.end) - max(start, wanted.start)
        here = row == wanted.document and shared > 0.9 * (wanted.end - wanted.start)
        copy = row >= 0 and letters_of(hit.text) in letters_of(corpus.documents[row].text)
        right += here or copy
        wrong += row >= 0 and 2 * shared < wanted.end - wanted.start and not copy
    print(found.counts, f"{right} right, {wrong} elsewhere")
    assert right >= 294
    assert wrong == 0
    assert np.isclose(found.counts["quote"], 270, atol=5)
