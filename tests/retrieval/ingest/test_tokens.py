import bpe_openai
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.ingest import tokens as module
from retrieval.ingest.tokens import (
    PIECE,
    CountTokens,
    Tokens,
    Vocabulary,
    token_counts,
    token_starts,
)
from retrieval.runtime import Runtime
from retrieval.types import Chunks
from tests.retrieval.making import WORDS, corpus_of, decomposed, texts

VOCABULARIES: list[Vocabulary] = ["o200k", "cl100k"]
ENCODERS = {v: bpe_openai.get_encoding(f"{v}_base") for v in VOCABULARIES}
A_BOUNDARY = 2
"""Tokens by which cutting a text in two may change their number, and that may start elsewhere."""


def offsets(text: str, vocabulary: Vocabulary = "o200k") -> list[int]:
    """Where the tokens of the whole text start, by the encoder's own account."""
    encoder = ENCODERS[vocabulary]
    return list(encoder.decode_with_offsets(encoder.encode_ordinary(text))[1])


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "The quick brown fox, 1234567 times.",
        "👩‍🚀🧑🏽‍🚒 🇰🇷 family: 👨‍👩‍👧‍👦",
        "안녕하세요, 파이썬의 예외 처리",
        decomposed("안녕하세요, café naïve"),
        "<|endoftext|> is text here <|fim_prefix|>",
        "a\r\n\r\n\tb\n\n\n   c",
        " ".join(WORDS),
        "\u0000\u200b\ufeff\U0010ffff",
    ],
)
def test_starts_are_those_of_the_encoder(text: str, vocabulary: Vocabulary) -> None:
    starts = token_starts(text, vocabulary)
    assert starts.tolist() == offsets(text, vocabulary)
    assert starts.dtype == np.int32


@given(texts)
def test_starts_of_any_text_are_those_of_the_encoder(text: str) -> None:
    assert token_starts(text).tolist() == offsets(text)


def test_lone_surrogates_are_refused_by_the_encoder_not_miscounted() -> None:
    with pytest.raises(UnicodeEncodeError):
        token_starts("a\ud800")


@pytest.mark.parametrize(
    "text",
    [
        "word " * 20_001,
        "line of text 42\n" * 6_000,
        "파이썬의 예외 처리. " * 8_000,
        "👩‍🚀" * 15_000,
        "\n\n   " * 20_000,
        "x" * 90_001,
    ],
    ids=["words", "lines", "korean", "emoji", "blank", "one-word"],
)
def test_long_texts_are_encoded_in_pieces_that_change_little(text: str) -> None:
    starts, wanted = token_starts(text), offsets(text)
    pieces = -(-len(text) // (PIECE // 2))
    assert len(text) > PIECE
    assert abs(len(starts) - len(wanted)) <= A_BOUNDARY * pieces
    assert (np.diff(starts) >= 0).all()
    assert len(np.setdiff1d(wanted, starts)) <= A_BOUNDARY * pieces


def test_pieces_end_at_line_breaks_where_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 40)
    text = "".join(f"line number {i}\n" for i in range(30))
    assert token_starts(text).tolist() == offsets(text)


@given(st.lists(texts, max_size=4))
def test_a_chunk_holds_the_tokens_that_start_in_it(documents: list[str]) -> None:
    corpus = corpus_of(*documents)
    tokens = CountTokens().apply(corpus, Runtime())
    cut = [[(0, len(t)), (len(t) // 3, len(t) // 2), (0, 0)] for t in documents]
    wanted = [
        sum(start <= s < end for s in offsets(text))
        for text, spans in zip(documents, cut, strict=True)
        for start, end in spans
    ]
    assert token_counts(Chunks.of_spans(cut), corpus, tokens).tolist() == wanted


def test_tokens_of_a_document_and_back_from_arrays() -> None:
    corpus = corpus_of("one two", "", "안녕")
    tokens = CountTokens("cl100k").apply(corpus, Runtime())
    again = Tokens.of_arrays(tokens.arrays())
    for i, document in enumerate(corpus.documents):
        assert again.of(i).tolist() == offsets(document.text, "cl100k")


def test_an_empty_corpus_has_no_tokens() -> None:
    tokens = CountTokens().apply(corpus_of(), Runtime())
    assert (len(tokens.start), tokens.first.tolist()) == (0, [0])
    assert token_counts(Chunks.of_spans([]), corpus_of(), tokens).tolist() == []
