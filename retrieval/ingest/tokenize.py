"""Tokenize: terms with positions, made once a document and sliced by every chunking.

A tokenizer is local: it cuts a text into runs of word characters and each run into terms, and looks
at nothing else. So a chunk's terms are those of the document's runs that lie in it.
"""

import re
import unicodedata
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, groupby
from typing import Any, ClassVar, cast

import numpy as np

from retrieval.providers import kiwi
from retrieval.providers.vendor import installed, missing
from retrieval.runtime import Runtime
from retrieval.stage import Stage, require
from retrieval.types import Corpus, Int32, Int64, pack, unpack

IDENTIFIER_PARTS = re.compile(
    r"_+"
    r"|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])"  # letters and digits
    r"|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"  # camelCase, HTTPServer
    r"|(?<=[가-힣])(?=[A-Za-z])|(?<=[A-Za-z])(?=[가-힣])"  # a Latin word with a Korean particle
)
HANGUL = re.compile(r"([가-힣]+)")
SAYING = re.compile(r"N|VV|VA|M|XR|UN")
"""Tags of nouns, verbs, adjectives, adverbs, roots; not of particles, endings, auxiliaries."""
NOMINAL = re.compile(r"N|XR|XPN|XSN")
"""Tags of what a compound noun is made of."""
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
class Korean(Identifiers):
    """Cuts stretches of Hangul in a way of its own; what stands between them as identifiers."""

    def terms(self, run: str) -> Sequence[str]:
        """Return the terms of each stretch, in place."""
        terms: list[str] = []
        for i, piece in enumerate(HANGUL.split(unicodedata.normalize("NFC", run))):
            if piece:
                terms += self.korean(piece) if i % 2 else super().terms(piece)
        return terms

    @abstractmethod
    def korean(self, stretch: str) -> Sequence[str]:
        """Cut a stretch of Hangul syllables."""


@dataclass(frozen=True)
class HangulBigrams(Korean):
    """Korean as pairs of syllables, which needs no dictionary; everything else as identifiers."""

    def korean(self, stretch: str) -> Sequence[str]:
        """Return the pairs; one syllable is a term."""
        return [stretch[j : j + 2] for j in range(max(1, len(stretch) - 1))]


@dataclass(frozen=True)
class Kiwi(Korean):
    """Korean as morphemes by Kiwi (the extra `ko`); everything else as identifiers.

    Nouns, stems and adverbs in their dictionary form; with `stop_words` no particles, endings and
    auxiliaries. Nouns in a row (캡테이블) are a term beside their parts, as in Lucene's nori with
    `mixed` decompounding. Each stretch of Hangul is analysed without the words around it, so that a
    chunk's terms are its document's.
    """

    @property
    def versions(self) -> list[Any]:
        """Return the revision and Kiwi's version."""
        return [*super().versions, kiwi.version()]

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say whether Kiwi is not here."""
        return () if installed("kiwipiepy") else (str(missing("kiwipiepy", "ko")),)

    def korean(self, stretch: str) -> Sequence[str]:
        """Return the morphemes that say something, then the compounds; if none, the stretch."""
        found = kiwi.morphemes(stretch)
        terms = [form for form, tag in found if not self.stop_words or SAYING.match(tag)]
        rows = groupby(found, key=lambda m: bool(NOMINAL.match(m[1])))
        nouns = ([form for form, _ in row] for nominal, row in rows if nominal)
        return [*terms, *("".join(row) for row in nouns if len(row) > 1)] or [stretch]


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


TOKENIZERS: tuple[type[Tokenizer], ...] = (Words, Identifiers, HangulBigrams, Kiwi, Grams)


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
