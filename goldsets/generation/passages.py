"""Which passages are asked about: a sample by kind of block and by document, drawn by a seed."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

import numpy as np

from goldsets.generation.spec import GenerationSpec
from goldsets.generation.types import Passage
from retrieval.errors import InputError
from retrieval.index import Index
from retrieval.ingest.parse import Block, Described, Kind
from retrieval.pipeline import Pipeline
from retrieval.runtime import Runtime
from retrieval.types import Corpus, Int64, digest


def drawn(seed: int, *what: str) -> float:
    """Return a number in [0, 1) that follows from the seed and what it is drawn for alone."""
    return int(digest("draw", str(seed), *what)[:13], 16) / 16**13


@dataclass(frozen=True)
class Ground:
    """A corpus cut into passages, with an index of them that is made when it is read."""

    spec: GenerationSpec
    corpus: Corpus
    index: Index

    @classmethod
    def of(cls, spec: GenerationSpec, corpus: Corpus, rt: Runtime) -> "Ground":
        """Lay a corpus out as the spec says."""
        pipeline = Pipeline(parse=spec.parse, chunk=spec.chunk, embed=spec.embed)
        return cls(spec, corpus, pipeline.ingest(corpus, rt))

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        """Return every passage there is, in the order of the index's chunks."""
        chunks = self.index.chunks.value
        places = zip(
            chunks.document.tolist(), chunks.start.tolist(), chunks.end.tolist(), strict=True
        )
        return tuple(self._passage(*place) for place in places)

    @cached_property
    def row(self) -> dict[str, int]:
        """Map a passage's key to its row among all."""
        return {p.key: i for i, p in enumerate(self.passages)}

    def sample(self) -> list[Passage]:
        """Draw the spec's number of passages; the same seed and corpus draw the same.

        Each kind of block gets its share of them, and one at least; within a kind every document
        has its first passage drawn before any has its second.

        Raises:
            InputError: no passage has as many tokens as the spec wants.
        """
        rows = np.flatnonzero(self.index.tokens.value >= self.spec.least)
        if not len(rows):
            raise InputError(
                f"no passage of {self.corpus.name!r} has {self.spec.least} tokens;"
                " lower `least` or cut larger ones"
            )
        by_kind: dict[str, list[Passage]] = defaultdict(list)
        for i in rows.tolist():
            by_kind[self.passages[i].block].append(self.passages[i])
        wanted = quotas({kind: len(own) for kind, own in by_kind.items()}, self.spec.sample)
        seed = self.spec.seed
        chosen = [p for kind, n in wanted.items() for p in spread(by_kind[kind], seed)[:n]]
        return sorted(chosen, key=lambda p: drawn(seed, p.key))

    def _passage(self, row: int, start: int, end: int) -> Passage:
        document = self.corpus.documents[row]
        blocks = Described(document, self._blocks[row]).touched((start, end))
        text = document.text[start:end]
        path = common([b.path for b in blocks if b.path])
        return Passage(document.id, start, end, text, document.title, path, kind_of(blocks))

    @cached_property
    def _blocks(self) -> list[list[Block]]:
        structure = self.index.structure.value
        return [structure.of(row) for row in range(len(self.corpus))]


def kind_of(blocks: Sequence[Block]) -> str:
    """Name what most of a passage is, its headings left out."""
    held: Counter[Kind] = Counter()
    for block in blocks:
        if block.kind not in (Kind.HEADING, Kind.META):
            held[block.kind] += block.end - block.start
    return (held.most_common(1)[0][0] if held else Kind.TEXT).name.lower()


def common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the headings that all paths begin with."""
    steps = takewhile(lambda step: len(set(step)) == 1, zip(*paths, strict=False))
    return tuple(step[0] for step in steps)


def quotas(sizes: dict[str, int], n: int) -> dict[str, int]:
    """Share `n` out by size, one each at least where there are enough; by largest remainder."""
    names = sorted(sizes, key=lambda name: (-sizes[name], name))
    total = sum(sizes.values())
    if n >= total:
        return {name: sizes[name] for name in names}
    least = min(1, n // len(names))
    exact: Int64 | np.ndarray = np.array([sizes[name] * n / total for name in names])
    given = np.maximum(np.floor(exact).astype(int), least)
    for i in np.argsort(np.floor(exact) - exact, kind="stable").tolist():
        given[i] += given.sum() < n
    while given.sum() > n:
        given[int(given.argmax())] -= 1
    return dict(zip(names, given.tolist(), strict=True))


def spread(passages: Sequence[Passage], seed: int) -> list[Passage]:
    """Order passages so that every document has its first before any has its second."""
    own: dict[str, list[Passage]] = defaultdict(list)
    for p in sorted(passages, key=lambda p: drawn(seed, p.key)):
        own[p.document].append(p)
    places = {p.key: place for group in own.values() for place, p in enumerate(group)}
    return sorted(passages, key=lambda p: (places[p.key], drawn(seed, p.key)))
