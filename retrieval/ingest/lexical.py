"""Lexical statistics: how often each term stands in each chunk.

A chunk's terms are sliced from those of its document; a chunk whose edge cuts a run of word
characters is tokenized by itself. Both ways give the same, which a property test holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from retrieval.ingest.tokenize import (
    TOKENIZERS,
    Lexicon,
    Terms,
    Tokenizer,
    Words,
    copy_slices,
    joined,
    words,
)
from retrieval.runtime import Runtime
from retrieval.stage import Stage, nested
from retrieval.types import Bool, Chunks, Corpus, Int32, Int64


@dataclass(frozen=True)
class Postings:
    """Which chunks hold which term how often, in columns sorted by term, then chunk.

    Term t owns `first[t]:first[t + 1]` of `chunk` and `count` (int32); `length` `(C,)` is each
    chunk's number of terms; `appearance` lists the terms that occur, as they first do.
    """

    first: Int64
    chunk: Int32
    count: Int32
    length: Int64
    appearance: Int64
    number: Mapping[str, int]


@dataclass(frozen=True)
class CountTerms(Stage[Postings]):
    """Count a tokenizer's terms in every chunk and its context."""

    tokenize: Tokenizer = nested(*TOKENIZERS, default=Words())

    def apply(self, corpus: Corpus, terms: Terms, chunks: Chunks, rt: Runtime) -> Postings:
        """Slice the documents' terms by the chunks and sort them into postings."""
        lexicon = Lexicon(self.tokenize, terms.vocabulary)
        flat, length = chunk_terms(corpus, terms, chunks, lexicon)
        rt.progress("CountTerms", 1, 1)
        return _postings(flat, length, lexicon.vocabulary)


def chunk_terms(
    corpus: Corpus, terms: Terms, chunks: Chunks, lexicon: Lexicon
) -> tuple[Int32, Int64]:
    """Return the terms of all chunks in a row (context first), and each chunk's number of them."""
    low, high, cut = _slices(corpus, terms, chunks)
    if chunks.context_only is not None:
        high, cut = np.where(chunks.context_only, low, high), cut & ~chunks.context_only
    alone = np.flatnonzero(cut)
    own, own_length = joined(_ids(lexicon, chunks.text(corpus, i)) for i in alone.tolist())
    beside, beside_length = joined(_ids(lexicon, c) for c in chunks.contexts)
    context_length = beside_length[chunks.context_of]
    sliced_length = np.where(cut, 0, high - low)
    length = context_length + sliced_length
    length[alone] += own_length
    flat = np.empty(int(length.sum()), np.int32)
    at = np.cumsum(length) - length
    beside_at = (np.cumsum(beside_length) - beside_length)[chunks.context_of]
    copy_slices(flat, beside, beside_at, context_length, at)
    copy_slices(flat, terms.id, low, sliced_length, at + context_length)
    copy_slices(
        flat, own, np.cumsum(own_length) - own_length, own_length, (at + context_length)[alone]
    )
    return flat, length


def _slices(corpus: Corpus, terms: Terms, chunks: Chunks) -> tuple[Int64, Int64, Bool]:
    """Return each chunk's first and last term, and whether its edge cuts a run."""
    base = np.repeat(corpus.base[:-1], np.diff(terms.runs))
    start, end = base + terms.start, base + terms.end
    chunk_start, chunk_end = (corpus.base[chunks.document] + e for e in (chunks.start, chunks.end))
    low = np.searchsorted(start, chunk_start)
    high = np.searchsorted(start, chunk_end)
    if not len(start):
        return terms.first[low], terms.first[high], np.zeros(len(chunks), bool)
    cuts_start = (low > 0) & (end[np.maximum(low, 1) - 1] > chunk_start)
    cuts_end = (high > low) & (end[np.maximum(high, 1) - 1] > chunk_end)
    return terms.first[low], terms.first[high], cuts_start | cuts_end


def _ids(lexicon: Lexicon, text: str) -> list[int]:
    return [t for run in words().findall(text) for t in lexicon.terms[lexicon[run]]]


def _postings(flat: Int32, length: Int64, vocabulary: Mapping[str, int]) -> Postings:
    size = max(len(length), 1)
    pairs = flat.astype(np.int64) * size + np.repeat(np.arange(len(length)), length)
    appearance = _first_appearances(flat, len(vocabulary))
    pairs.sort()
    heads = np.flatnonzero(np.diff(pairs, prepend=-1))
    count = np.diff(heads, append=len(pairs)).astype(np.int32)
    term = pairs[heads] // size
    first = np.searchsorted(term, np.arange(len(vocabulary) + 1))
    chunk = (pairs[heads] - term * size).astype(np.int32)
    return Postings(first, chunk, count, length, appearance, vocabulary)


def _first_appearances(flat: Int32, terms: int) -> Int64:
    first = np.full(terms, len(flat))
    first[flat[::-1]] = np.arange(len(flat))[::-1]  # of equal indices the last assigned stays
    order = np.argsort(first, kind="stable")
    return order[: np.count_nonzero(first < len(flat))]
