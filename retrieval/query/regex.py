"""Regex search: the chunks in which a pattern matches, or the exact names of the query stand."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from retrieval.backends.patterns import Found, Pattern, Texts
from retrieval.backends.select import best
from retrieval.errors import SpecError
from retrieval.index import Index
from retrieval.query.first import Retriever
from retrieval.query.names import names_in, pattern_of
from retrieval.runtime import Made, Runtime
from retrieval.stage import Stage
from retrieval.types import Bool, Candidates, Chunks, Corpus, Float64, Int64, Queries

Ranked = tuple[Int64, Float64]


@dataclass(frozen=True)
class Regex(Retriever):
    r"""Chunks that hold the exact names in a query (identifiers, codes, versions, what is quoted).

    With a `pattern` (RE2), the chunks in which it matches, whatever is asked. `context` searches
    what stands beside a chunk too. Where nothing matches, nothing is found.

    Names match as whole words. A chunk's score is the sum over the names in it of log2(1 + C / the
    chunks that hold the name), so that an error code outweighs an acronym; with a `pattern` it is
    the number of different strings that match. To it comes n / (n + 1) for n matches, of which 100
    a chunk are looked at; ties go to the lower chunk. `\w`, `\d`, `\s` and `\b` are ASCII in RE2:
    `\pL` is a letter of any script, `\p{Hangul}` one of Hangul.
    """

    pattern: str = ""
    match_case: bool = False
    context: bool = False

    def __post_init__(self) -> None:
        if self.pattern:
            try:
                Pattern(self.pattern, match_case=self.match_case)
            except SpecError as e:
                raise SpecError(f"Regex.pattern: {e}") from e

    @property
    def reads_context(self) -> bool:
        """Tell whether it searches what stands beside the chunks."""
        return self.context

    def search(
        self, index: Index, queries: Made[Queries], depth: int, rt: Runtime
    ) -> Made[Candidates]:
        """Return the best `depth` chunks of every query."""
        texts = rt.run(LayOut(self.context), index.corpus, self.seen(index).chunks)
        return rt.run(self, texts, queries, *index.narrowing, depth=depth)

    def as_if(self, index: Index, queries: Made[Queries], chunks: Chunks, rt: Runtime) -> Float64:
        """Search the chunks too; a name is as rare as it is in the index."""
        texts = rt.run(LayOut(self.context), index.corpus, self.seen(index).chunks).value
        more = LayOut(self.context).apply(index.corpus.value, chunks, rt)
        scores = np.full(len(chunks), -np.inf)
        if self.pattern:
            found, score = self._by_pattern(more, rt)
            scores[found] = score
            return scores
        known: dict[str, Found] = {}
        further: dict[str, Found] = {}
        for i, query in enumerate(queries.value.texts):
            names = self._distinct(names_in(query))
            own = [f.matches[f.texts == i] for f in self._found(more, names, further)]
            pairs = zip(self._found(texts, names, known), own, strict=True)
            rarity = [_rarity(texts, f) for f, matches in pairs if len(matches)]
            if rarity:
                scores[i] = sum(rarity) + _share(np.concatenate(own).sum())
        return scores

    def apply(
        self, texts: Texts, queries: Queries, kept: Bool | None = None, *, depth: int, rt: Runtime
    ) -> Candidates:
        """Search the texts for each query's patterns, every distinct one once."""
        if self.pattern:
            ranked = _best(*self._by_pattern(texts, rt), kept, depth)
            return Candidates.of_lists([ranked] * len(queries), depth)
        known: dict[str, Found] = {}
        lists = []
        for i, query in enumerate(queries.texts):
            names = self._distinct(names_in(query))
            lists.append(_best(*self._by_names(texts, names, known), kept, depth))
            rt.progress("Regex", i + 1, len(queries))
        return Candidates.of_lists(lists, depth)

    def _by_pattern(self, texts: Texts, rt: Runtime) -> Ranked:
        pattern = Pattern(self.pattern, match_case=self.match_case)
        found = texts.search(pattern, partial(rt.progress, "Regex"))
        return found.texts, found.distinct + _share(found.matches)

    def _by_names(self, texts: Texts, names: tuple[str, ...], known: dict[str, Found]) -> Ranked:
        every = [f for f in self._found(texts, names, known) if len(f.texts)]
        if not every:
            return np.empty(0, np.int64), np.empty(0)
        rarity = [_rarity(texts, f) for f in every]
        ids, of = np.unique(np.concatenate([f.texts for f in every]), return_inverse=True)
        weight = np.repeat(rarity, [len(f.texts) for f in every])
        matches = np.bincount(of, np.concatenate([f.matches for f in every]))
        return ids, np.bincount(of, weight) + _share(matches)

    def _distinct(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Leave out, unless case is matched, a name that is another in other letters."""
        if self.match_case:
            return names
        return tuple({n.casefold(): n for n in reversed(names)}.values())[::-1]

    def _found(self, texts: Texts, names: tuple[str, ...], known: dict[str, Found]) -> list[Found]:
        for name in names:
            if name not in known:
                pattern = Pattern(pattern_of(name), match_case=self.match_case)
                known[name] = texts.search(pattern)
        return [known[name] for name in names]


@dataclass(frozen=True)
class LayOut(Stage[Texts]):
    """Lay the chunks' texts end to end, with their contexts in front if asked."""

    context: bool

    def apply(self, corpus: Corpus, chunks: Chunks, rt: Runtime) -> Texts:
        """Return the C texts, ready to be searched."""
        of = chunks.indexed if self.context else chunks.text
        return Texts(of(corpus, i) for i in range(len(chunks)))


def _rarity(texts: Texts, found: Found) -> float:
    return float(np.log2(1 + len(texts) / max(len(found.texts), 1)))


def _share(matches: Any) -> Float64:
    return np.asarray(matches / (matches + 1.0))


def _best(ids: Int64, scores: Float64, kept: Bool | None, depth: int) -> Ranked:
    if kept is not None:
        ids, scores = ids[kept[ids]], scores[kept[ids]]
    order = best(scores, depth)
    return ids[order], scores[order]
