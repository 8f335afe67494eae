"""Lexical statistics: terms with positions, counted once a document and sliced by every chunking.

A tokenizer is local: it cuts a text into runs of word characters and each run into terms, and looks
at nothing else. So a chunk's terms are those of the document's runs that lie in it; a chunk whose
edge cuts a run is tokenized by itself. Both ways give the same, which a property test holds.
"""

import re
import unicodedata
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, ClassVar, cast

import numpy as np

from retrieval.runtime import Runtime
from retrieval.stage import Stage, nested, require
from retrieval.types import Bool, Chunks, Corpus, Int32, Int64, pack, unpack

IDENTIFIER_PARTS = re.compile(
    r"_+"
    r"|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])"  # letters and digits
    r"|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"  # camelCase, HTTPServer
    r"|(?<=[가-힣])(?=[A-Za-z])|(?<=[A-Za-z])(?=[가-힣])"  # a Latin word with a Korean particle
)
HANGUL = re.compile(r"([가-힣]+)")
LAST_COMBINING_MARK = 0x1E94B
ENGLISH_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by for if in into is it no not of on or such that the their then"
        " there these they this to was will with",
    )
)
"""Lucene's English stop set."""


@dataclass(frozen=True)
class Terms:
    """The terms of a corpus in a row, and the runs they came from.

    `id` is `(T,)` int32 into `vocabulary`, which is in order of first appearance; `start` and `end`
    `(R,)` int32 delimit each run in its document. Run r owns the terms `first[r]:first[r + 1]`,
    which may be none (a stop word); document d owns the runs `runs[d]:runs[d + 1]`.
    """

    id: Int32
    start: Int32
    end: Int32
    first: Int64
    runs: Int64
    vocabulary: tuple[str, ...]

    def arrays(self) -> dict[str, Any]:
        """Return the value as named arrays, for the artefact store."""
        own = {"id": self.id, "start": self.start, "end": self.end, "first": self.first}
        return {**own, "runs": self.runs, "vocabulary": pack(self.vocabulary)}

    @classmethod
    def of_arrays(cls, a: Mapping[str, Any]) -> "Terms":
        """Rebuild the value from `arrays()`."""
        vocabulary = unpack(a["vocabulary"])
        return cls(a["id"], a["start"], a["end"], a["first"], a["runs"], vocabulary)


class Lexicon(dict[str, int]):
    """Numbers every distinct run, and remembers the terms of each; grows as runs are looked up."""

    def __init__(self, tokenizer: "Tokenizer", vocabulary: Iterable[str] = ()) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.vocabulary = {term: i for i, term in enumerate(vocabulary)}
        self.terms: list[tuple[int, ...]] = []

    def __missing__(self, run: str) -> int:
        grow = self.vocabulary.setdefault
        self.terms.append(tuple(grow(t, len(self.vocabulary)) for t in self.tokenizer.terms(run)))
        self[run] = len(self.terms) - 1
        return self[run]

    def flatten(self, runs: Int64) -> tuple[Int32, Int64]:
        """Return the terms of numbered runs in a row, and each run's number of them."""
        table, width = joined(self.terms)
        flat = np.empty(int(width[runs].sum()), np.int32)
        copy_slices(flat, table, (np.cumsum(width) - width)[runs], width[runs])
        return flat, width[runs]


@dataclass(frozen=True)
class Tokenizer(Stage[Terms]):
    """Cuts text into the terms that BM25 counts: NFC, case-folded."""

    product: ClassVar[type[Terms]] = Terms

    def apply(self, corpus: Corpus, rt: Runtime) -> Terms:
        """Tokenize each document once."""
        lexicon, word = Lexicon(self), words()
        runs: list[str] = []
        starts: list[int] = []
        runs_until = [0]
        for i, document in enumerate(corpus.documents):
            for match in word.finditer(document.text):
                runs.append(match[0])
                starts.append(match.start())
            runs_until.append(len(runs))
            rt.progress(type(self).__name__, i + 1, len(corpus))
        numbers = np.fromiter(map(lexicon.__getitem__, runs), np.int64, len(runs))
        flat, width = lexicon.flatten(numbers)
        start = np.array(starts, np.int32)
        end = start + np.fromiter(map(len, runs), np.int32, len(runs))
        first = np.concatenate([[0], np.cumsum(width)])
        until = np.array(runs_until, np.int64)
        return Terms(flat, start, end, first, until, tuple(lexicon.vocabulary))

    def tokens(self, text: str) -> list[str]:
        """Return the terms of any text, in order, with repetitions."""
        return [term for run in words().findall(text) for term in self.terms(run)]

    @abstractmethod
    def terms(self, run: str) -> Sequence[str]:
        """Cut one run of word characters into its terms."""


@dataclass(frozen=True)
class Words(Tokenizer):
    """Words of letters, digits and `_`; English stop words and Snowball stemming if asked for."""

    stop_words: bool = False
    stem: bool = False

    def terms(self, run: str) -> Sequence[str]:
        """Return the run as one term."""
        return self._kept([folded(run)])

    def _kept(self, terms: Iterable[str]) -> Sequence[str]:
        kept = [t for t in terms if t and not (self.stop_words and t in ENGLISH_STOP_WORDS)]
        return _stemmed(kept) if self.stem else kept


@dataclass(frozen=True)
class Identifiers(Words):
    """Words, and beside each identifier its parts: camelCase, snake_case, digits; whole kept."""

    stop_words: bool = True
    stem: bool = True

    def terms(self, run: str) -> Sequence[str]:
        """Return the run, and its parts if it has several."""
        parts = [p for p in IDENTIFIER_PARTS.split(unicodedata.normalize("NFC", run)) if p]
        whole = folded(run)
        folds = [p.casefold() for p in parts]
        return self._kept([whole] if folds in ([], [whole]) else [whole, *folds])


@dataclass(frozen=True)
class HangulBigrams(Identifiers):
    """Korean as pairs of syllables, which needs no dictionary; everything else as identifiers."""

    def terms(self, run: str) -> Sequence[str]:
        """Return the pairs of each Hangul stretch, in place."""
        pieces = HANGUL.split(unicodedata.normalize("NFC", run))
        terms: list[str] = []
        for i, piece in enumerate(pieces):
            if i % 2:
                terms += [piece[j : j + 2] for j in range(max(1, len(piece) - 1))]
            elif piece:
                terms += super().terms(piece)
        return terms


@dataclass(frozen=True)
class Grams(Tokenizer):
    """Every n characters in a row of each word, its edges marked; no dictionary, no stemming.

    Source: McNamee and Mayfield, "Character N-Gram Tokenization for European Language Text
    Retrieval" (2004), who recommend n = 4.
    """

    n: int = 4

    def __post_init__(self) -> None:
        require(2 <= self.n <= 10, self, "n", "from 2 to 10 characters")

    def terms(self, run: str) -> Sequence[str]:
        """Return the grams of `_run_`, in order; a shorter one is a gram by itself."""
        marked = f"_{folded(run)}_"
        return [marked[i : i + self.n] for i in range(max(1, len(marked) - self.n + 1))]


TOKENIZERS: tuple[type[Tokenizer], ...] = (Words, Identifiers, HangulBigrams, Grams)


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


def joined(lists: Iterable[Sequence[int]]) -> tuple[Int32, Int64]:
    """Lay lists of term numbers end to end; return them and their lengths."""
    every = list(lists)
    length = np.fromiter(map(len, every), np.int64, len(every))
    return np.fromiter(chain.from_iterable(every), np.int32, int(length.sum())), length


def copy_slices(
    out: Int32, source: Int32, low: Int64, length: Int64, at: Int64 | None = None
) -> None:
    """Copy `source[low[i]:low[i] + length[i]]` to `out[at[i]:]`; without `at`, end to end."""
    ends = np.cumsum(length)
    within = np.arange(int(length.sum())) - np.repeat(ends - length, length)
    to = within + np.repeat(ends - length if at is None else at, length)
    out[to] = source[np.repeat(low, length) + within]


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


def folded(run: str) -> str:
    """Normalise a run for comparison: NFC, then case-folded."""
    return unicodedata.normalize("NFC", run).casefold()


@cache
def words() -> re.Pattern[str]:
    """Return the pattern of a run: letters, digits, `_`, and combining marks among them."""
    marks = [chr(c) for c in range(0x300, LAST_COMBINING_MARK) if unicodedata.combining(chr(c))]
    spacing = [chr(c) for c in range(0x900, 0x1800) if unicodedata.category(chr(c))[0] == "M"]
    mark = f"[{''.join(sorted({*marks, *spacing}))}]"
    return re.compile(rf"\w+(?:{mark}+\w*)*")


def _stemmed(terms: list[str]) -> Sequence[str]:
    import snowballstemmer

    stemmer = snowballstemmer.stemmer("english")  # cheap, and not safe to share between threads
    return cast("Sequence[str]", stemmer.stemWords(terms))
