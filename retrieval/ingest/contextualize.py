"""Contextualize: put a line of context beside each chunk, for the indexes to see."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from retrieval.ingest.parse import Structure
from retrieval.runtime import Runtime
from retrieval.stage import Stage
from retrieval.types import Chunks, Corpus, Int64


@dataclass(frozen=True)
class Contextualizer(Stage[Chunks]):
    """Writes a context for each chunk; the chunk's text stays as it is."""

    product: ClassVar[type[Chunks]] = Chunks

    def apply(self, corpus: Corpus, structure: Structure, chunks: Chunks, rt: Runtime) -> Chunks:
        """Return the same chunks with contexts, before those that the chunker gave."""
        written = self.contexts(corpus, structure, chunks, rt)
        given = (chunks.context(i) for i in range(len(chunks)))
        return chunks.beside([f"{w}\n{g}".strip() for w, g in zip(written, given, strict=True)])

    @abstractmethod
    def contexts(
        self, corpus: Corpus, structure: Structure, chunks: Chunks, rt: Runtime
    ) -> Sequence[str]:
        """Return a context for each chunk."""


@dataclass(frozen=True)
class Headings(Contextualizer):
    """The document's title (or its path) and the headings the chunk stands under; no model."""

    def contexts(
        self, corpus: Corpus, structure: Structure, chunks: Chunks, rt: Runtime
    ) -> Sequence[str]:
        """Join title and headings with ` > `, leaving out a heading that repeats the title."""
        paths = heading_paths(corpus, structure, chunks)
        labels = [corpus.documents[d].label for d in chunks.document.tolist()]
        return [
            " > ".join(_without_repeat(label, p)) for label, p in zip(labels, paths, strict=True)
        ]


CONTEXTUALIZERS: tuple[type[Contextualizer], ...] = (Headings,)


def heading_paths(corpus: Corpus, structure: Structure, chunks: Chunks) -> list[tuple[str, ...]]:
    """Return the headings that each chunk's first character stands under."""
    at = _last_block_at(corpus, structure, chunks)
    known = [structure.path(i) for i in range(len(structure.paths))]
    return [known[structure.path_of[b]] if b >= 0 else () for b in at.tolist()]


def _last_block_at(corpus: Corpus, structure: Structure, chunks: Chunks) -> Int64:
    base = np.repeat(corpus.base[:-1], np.diff(structure.first))
    block = (
        np.searchsorted(
            base + structure.span[:, 0], corpus.base[chunks.document] + chunks.start, "right"
        )
        - 1
    )
    own = block >= structure.first[chunks.document]
    return np.where(own, block, -1)


def _without_repeat(label: str, path: tuple[str, ...]) -> list[str]:
    return [label, *(path[1:] if path and path[0].casefold() == label.casefold() else path)]
