"""Small corpora, texts of many scripts, and a model that costs nothing."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

import numpy as np
from hypothesis import strategies as st

from retrieval.index import Index
from retrieval.ingest.embed import Embedder, Purpose, Vectors
from retrieval.runtime import Made, Runtime
from retrieval.types import Chunks, Corpus, Document, Float32, digest

Spans = Iterable[tuple[int, int]]


def corpus_of(*texts: str, media: str = "text/plain") -> Corpus:
    return Corpus(tuple(Document(f"d{i}", text, media=media) for i, text in enumerate(texts)))


def whole_documents(corpus: Corpus) -> Chunks:
    """One chunk a document, even where it is empty."""
    return Chunks.of_spans([(0, len(d.text))] for d in corpus.documents)


@dataclass(frozen=True)
class Hashed(Embedder):
    """A model that gives every text a direction of its own and notes what it was asked."""

    model: str = "a"
    batch: ClassVar[int] = 4
    asked: ClassVar[list[str]] = []

    @property
    def identity(self) -> str:
        return f"hashed-{self.model}/1"

    @property
    def dimensions(self) -> int:
        return 8

    def embed_batch(self, texts: Sequence[str], purpose: Purpose) -> Float32:
        self.asked.extend(f"{purpose}: {text}" for text in texts)
        return np.stack([self.direction(f"{self.model} {purpose} {text}") for text in texts])

    def direction(self, text: str) -> Float32:
        seed = int.from_bytes(sha256(text.encode()).digest()[:8], "big")
        vector = np.random.default_rng(seed).normal(size=self.dimensions)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


WORDS = (
    *("the", "There", "with", "running", "getHTTPResponse2", "snake_case_name", "__set_name__"),
    *("v2beta10", "안녕하세요", "파이썬의", "Python을", "값", "café", "naïve", "नमस्ते", "কি", "ไทย"),
    *("שָׁלוֹם", "مَرْحَبًا", "ﬁn", "İstanbul", "straße", "日本語", "½", "x²", "0", "_"),
    *("👩‍🚀", "🇰🇷", "👍🏽", "e\u0301\u0327", "\u0301", "\u200d", "\ufe0f", "ᄀ", "ᅡ", "ᆨ"),
)
GAPS = (" ", "\n", "", "", ".", "-", "\t", "\r\n", "\u3000")

texts = st.lists(
    st.sampled_from(WORDS)
    | st.sampled_from(WORDS).map(decomposed)
    | st.sampled_from(GAPS)
    | st.characters(exclude_categories=["Cs"]),
    max_size=20,
).map("".join)
"""Texts of mixed scripts, words run together, marks that stand alone."""


def index_of(
    corpus: Corpus,
    chunks: Chunks,
    rt: Runtime,
    embedder: Embedder | None = None,
    bare: Chunks | None = None,
) -> Index:
    """An index of these chunks, with no structure and no token counts."""
    embedder = embedder or Hashed()
    documents, nothing = rt.given(corpus, corpus.hash), rt.given(None, "nothing")

    def embedded(chunks: Chunks) -> tuple[Made[Chunks], Made[Vectors]]:
        key = digest(*(a.tobytes() for a in chunks.arrays().values()))
        pieces = rt.given(chunks, key)
        return pieces, rt.run(embedder, documents, pieces)

    pieces, vectors = embedded(chunks)
    without = embedded(bare) if bare is not None else None
    return Index(documents, pieces, nothing, nothing, embedder, vectors, bare=without)
