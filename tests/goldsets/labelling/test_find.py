"""Finding evidence by words and by patterns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsets.labelling.find import LONGEST, find
from retrieval.errors import InputError
from tests.goldsets.making import corpus_of

CORPUS = corpus_of(
    "The cap table lists every shareholder.\n\nNobody else is listed.",
    "캡테이블에는 모든 주주가 있다. 👋\n\nShareholders are listed in the Cap Table, cap by cap.",
    "Nothing of the kind.",
)


def shown(hits, corpus=CORPUS):
    texts = {d.id: d.text for d in corpus.documents}
    return [(h.document, [texts[h.document][s.start : s.end] for s in h.matches]) for h in hits]


def test_every_word_in_any_case_the_fullest_paragraph_first():
    assert shown(find(CORPUS, "cap LISTED")) == [
        ("d1", ["listed", "Cap", "cap", "cap"]),
        ("d0", ["cap"]),
        ("d0", ["listed"]),
    ]


def test_korean_as_a_part_of_a_word():
    assert shown(find(CORPUS, "주주 캡테이블")) == [("d1", ["캡테이블", "주주"])]


def test_a_pattern():
    assert shown(find(CORPUS, r"\pL+holders?\b", regex=True)) == [
        ("d0", ["shareholder"]),
        ("d1", ["Shareholders"]),
    ]
    assert find(CORPUS, "x*", regex=True) == []


@pytest.mark.parametrize("bad", ["", "  ", "x" * 201])
def test_nothing_to_search_for(bad):
    with pytest.raises(InputError):
        find(CORPUS, bad)


@pytest.mark.parametrize("bad", ["(", r"(?=x)", r"(a)\1", "a{5000}"])
def test_a_pattern_that_cannot_be(bad):
    with pytest.raises(InputError, match="RE2"):
        find(CORPUS, bad, regex=True)


def test_a_hostile_pattern_and_a_long_line_come_to_an_end():
    corpus = corpus_of("a" * 20_000 + "!")
    assert not find(corpus, "(a+)+$", regex=True)
    assert find(corpus, "a !")


@given(st.lists(st.sampled_from("ab c\n\n"), max_size=400).map("".join), st.sampled_from("abc"))
def test_matches_lie_in_their_passage_and_say_the_word(text, word):
    corpus = corpus_of(text)
    for hit in find(corpus, word):
        assert 0 <= hit.start < hit.end <= len(text)
        assert hit.end - hit.start <= LONGEST
        for s in hit.matches:
            assert hit.start <= s.start < s.end <= hit.end
            assert text[s.start : s.end] == word
    assert bool(find(corpus, word)) == (word in text)
