import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import MissingExtra
from retrieval.ingest.lexical import CountTerms
from retrieval.ingest.tokenize import (
    TOKENIZERS,
    Grams,
    HangulBigrams,
    Identifiers,
    Kiwi,
    Terms,
    Tokenizer,
    Words,
)
from retrieval.providers import kiwi
from retrieval.query.lexical import BM25
from retrieval.runtime import Runtime
from retrieval.types import Chunks, Corpus
from tests.retrieval.making import corpus_of, decomposed, texts

EVERY = [
    Words(),
    Words(stop_words=True, stem=True),
    Identifiers(),
    Identifiers(stop_words=False, stem=False),
    HangulBigrams(),
    HangulBigrams(stop_words=False, stem=False),
    Kiwi(),
    Kiwi(stop_words=False, stem=False),
    Grams(),
    Grams(n=2),
]


def counted(tokenizer: Tokenizer, corpus: Corpus, chunks: Chunks) -> list[Counter[str]]:
    """Each chunk's terms by way of slices and postings."""
    terms = tokenizer.apply(corpus, Runtime())
    postings = CountTerms(tokenizer).apply(corpus, terms, chunks, Runtime())
    found: list[Counter[str]] = [Counter() for _ in range(len(chunks))]
    for term, number in postings.number.items():
        own = slice(postings.first[number], postings.first[number + 1])
        for chunk, count in zip(postings.chunk[own], postings.count[own], strict=True):
            found[chunk][term] = int(count)
    assert postings.length.tolist() == [sum(c.values()) for c in found]
    return found


def test_every_tokenizer_is_tested() -> None:
    assert {type(t) for t in EVERY} == set(TOKENIZERS)


@st.composite
def chunked(draw: st.DrawFn) -> tuple[Corpus, Chunks]:
    """Documents cut anywhere, in the middle of words too, some with a context in front or alone."""
    corpus = corpus_of(*draw(st.lists(texts, min_size=1, max_size=3)))
    spans = []
    for document in corpus.documents:
        edge = st.integers(0, len(document.text))
        edges = draw(st.lists(st.tuples(edge, edge), max_size=5))
        spans.append(sorted((min(e), max(e)) for e in edges))
    chunks = Chunks.of_spans(spans)
    contexts = ("", *draw(st.lists(texts, max_size=2)))
    chosen = st.lists(st.sampled_from(range(len(contexts))), min_size=len(chunks))
    context_of = np.array(draw(chosen)[: len(chunks)], np.int32)
    alone = draw(st.none() | st.lists(st.booleans(), min_size=len(chunks)))
    only = None if alone is None else np.array(alone[: len(chunks)], bool)
    made = replace(chunks, contexts=contexts, context_of=context_of, context_only=only)
    return corpus, made


@pytest.mark.slow
@pytest.mark.parametrize("tokenizer", EVERY)
@given(case=chunked())
def test_slicing_a_document_gives_the_terms_of_the_chunk_alone(
    tokenizer: Tokenizer, case: tuple[Corpus, Chunks]
) -> None:
    corpus, chunks = case
    alone = [Counter(tokenizer.tokens(chunks.indexed(corpus, i))) for i in range(len(chunks))]
    assert counted(tokenizer, corpus, chunks) == alone


@pytest.mark.parametrize("tokenizer", EVERY)
@given(text=texts)
def test_the_normal_form_of_a_text_does_not_change_its_terms(
    tokenizer: Tokenizer, text: str
) -> None:
    terms = tokenizer.tokens(text)
    assert all(terms)
    assert tokenizer.tokens(decomposed(text)) == terms


@pytest.mark.parametrize("tokenizer", EVERY)
def test_a_cut_stop_word_is_what_is_left_of_it(tokenizer: Tokenizer) -> None:
    corpus = corpus_of("so there it is")
    chunks = Chunks.of_spans([[(0, 6), (6, 14)]])  # "so the", "re it is"
    alone = [Counter(tokenizer.tokens(chunks.text(corpus, i))) for i in range(2)]
    assert counted(tokenizer, corpus, chunks) == alone


@pytest.mark.parametrize(
    ("tokenizer", "text", "terms"),
    [
        (Words(), "The Quick-brown fox's 3.5 tests", "the quick brown fox s 3 5 tests"),
        (Words(), "snake_case camelCase", "snake_case camelcase"),
        (Words(), "Straße İstanbul ﬁn", "strasse i̇stanbul fin"),
        (Words(), "안녕하세요, 세계! Python을", "안녕하세요 세계 python을"),
        (Words(), "नमस्ते दुनिया", "नमस्ते दुनिया"),
        (Words(), " . 👩‍🚀 — \n", ""),
        (Words(stop_words=True), "The cat is on the mat", "cat mat"),
        (Words(stem=True), "the running cats ran", "the run cat ran"),
        (Words(stop_words=True, stem=True), "This is the relational model", "relat model"),
        (Identifiers(), "the getHTTPResponse2", "gethttpresponse2 get http respons 2"),
        (Identifiers(), "__set_name__", "__set_name__ set name"),
        (Identifiers(), "snake_case_names", "snake_case_nam snake case name"),
        (Identifiers(), "v2beta10 utf8", "v2beta10 v 2 beta 10 utf8 utf 8"),
        (Identifiers(), "plain Word ALLCAPS", "plain word allcap"),
        (Identifiers(), "Python을 쓴다", "python을 python 을 쓴다"),
        (Identifiers(False, False), "isOn aB_Names", "ison is on ab_names a b names"),
        (Identifiers(), "_ ___", "_ ___"),
        (HangulBigrams(), "안녕하세요 세계", "안녕 녕하 하세 세요 세계"),
        (HangulBigrams(), "값 이", "값 이"),
        (HangulBigrams(), "Python을 getName에서", "python 을 getnam get name 에서"),
        (HangulBigrams(), "3월의 데이터", "3 월의 데이 이터"),
        (HangulBigrams(), "the running 고양이", "run 고양 양이"),
        (Kiwi(), "투자계약서를 확인했습니다", "투자 계약서 투자계약서 확인"),
        (Kiwi(), "캡테이블의 오류가", "테이블 캡테이블 오류"),
        (Kiwi(), "예뻤다 먹고 빨리", "예쁘 먹 빨리"),
        (Kiwi(), "Python을 getName에서 the", "python 을 getnam get name 에서"),
        (Kiwi(), "gpt-4o TS-999의", "gpt 4o 4 o ts 999 의"),
        (Kiwi(stop_words=False), "확인했습니다", "확인 하 었 습니다"),
        (Grams(), "getName is", "_get getn etna tnam name ame_ _is_"),
        (Grams(), "a 값", "_a_ _값_"),
        (Grams(n=2), "Ab", "_a ab b_"),
    ],
)  # fmt: skip
def test_terms_by_example(tokenizer: Tokenizer, text: str, terms: str) -> None:
    assert tokenizer.tokens(text) == terms.split()
    assert tokenizer.tokens(decomposed(text)) == terms.split()


def test_terms_are_kept_in_the_order_they_first_appear() -> None:
    corpus = corpus_of("b a b", "", "c a")
    terms = Words().apply(corpus, Runtime())
    assert terms.vocabulary == ("b", "a", "c")
    assert terms.id.tolist() == [0, 1, 0, 2, 1]


def test_terms_come_back_from_arrays() -> None:
    terms = Identifiers().apply(corpus_of("the getUser", "값 to"), Runtime())
    again = Terms.of_arrays(terms.arrays())
    assert again.vocabulary == terms.vocabulary
    for name in ("id", "start", "end", "first", "runs"):
        assert getattr(again, name).tolist() == getattr(terms, name).tolist()


@pytest.fixture
def eager_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_switching")
def test_threads_may_tokenize_at_once() -> None:
    text = "relational running generously hopefulness conditional identifiers " * 40
    alone = Identifiers().tokens(text)
    with ThreadPoolExecutor(4) as pool:
        assert all(found == alone for found in pool.map(Identifiers().tokens, [text] * 8))


def test_threads_may_ask_kiwi_at_once() -> None:
    text = "투자계약서를 확인했습니다 캡테이블의 오류가 예뻤다 " * 20
    alone = Kiwi().tokens(text)
    with ThreadPoolExecutor(4) as pool:
        assert all(found == alone for found in pool.map(Kiwi().tokens, [text] * 8))


@pytest.mark.slow
def test_processes_may_ask_kiwi() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(Kiwi().tokens, "계약서를").result() == ["계약서"]


def test_without_the_package_kiwi_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(kiwi, "_kiwi", kiwi._kiwi.__wrapped__)  # what is loaded stays loaded
        patch.setitem(sys.modules, "kiwipiepy", None)
        assert Kiwi().tokens("only English") == ["onli", "english"]
        with pytest.raises(MissingExtra, match=r'pip install "pizza-night\[ko\]"'):
            Kiwi().tokens("한국어")


def test_another_version_of_kiwi_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {Kiwi().key(), BM25(tokenize=Kiwi()).key()}
    monkeypatch.setattr(kiwi, "version", lambda: "0.0.1/0.0.1")
    assert not before & {Kiwi().key(), BM25(tokenize=Kiwi()).key()}
