"""Parse: find the headings, code, tables and paragraphs of each document, as exact spans."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np

from retrieval.ingest.media import CSV, PDF, RST, SOURCE, TSV, WRITTEN, XLSX
from retrieval.ingest.parse import code, markdown, pages, plain, rst, table
from retrieval.ingest.parse.blocks import Block, Kind, Parse, with_paths
from retrieval.runtime import Runtime
from retrieval.stage import Stage
from retrieval.types import Corpus, Document, Int32, Int64, pack, unpack

__all__ = ["Block", "Blocks", "Described", "Kind", "Piece", "Structure", "parse_document"]

Piece = tuple[int, int]


@dataclass(frozen=True)
class Structure:
    """The blocks of a corpus as arrays of one length B, in document order.

    `span` is `(B, 2)` int32; `path_of` names the heading path in `paths` (parts joined by U+001F);
    `code_of` is `(B, 2)`, language and symbol in `names`; `page` is 0 where there are none;
    document d owns blocks `first[d]:first[d + 1]`.
    """

    span: Int32
    kind: Int32
    path_of: Int32
    code_of: Int32
    page: Int32
    first: Int64
    paths: tuple[str, ...]
    names: tuple[str, ...]

    def of(self, document: int) -> list[Block]:
        """Return one document's blocks, in order."""
        rows = slice(self.first[document], self.first[document + 1])
        columns = (self.kind, *self.span.T, self.path_of, *self.code_of.T, self.page)
        return [
            Block(
                *(Kind(kind), start, end),
                path=self.path(path),
                language=self.names[language],
                symbol=self.names[symbol],
                page=page,
            )
            for kind, start, end, path, language, symbol, page in zip(
                *(c[rows].tolist() for c in columns), strict=True
            )
        ]

    def path(self, i: int) -> tuple[str, ...]:
        """Return a heading path, outermost first."""
        return tuple(self.paths[i].split("\x1f")) if self.paths[i] else ()

    def arrays(self) -> dict[str, Any]:
        """Return the value as named arrays, for the artefact store."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        return {n: pack(v) if isinstance(v, tuple) else v for n, v in arrays.items()}

    @classmethod
    def of_arrays(cls, a: Mapping[str, Any]) -> "Structure":
        """Rebuild the value from `arrays()`."""
        texts = ("paths", "names")
        values: dict[str, Any] = {n: unpack(v) if n in texts else v for n, v in a.items()}
        return cls(**values)

    @classmethod
    def of_blocks(cls, per_document: list[list[Block]]) -> "Structure":
        """Gather each document's blocks, in the documents' order."""
        blocks = [b for document in per_document for b in document]
        paths = _numbered("\x1f".join(b.path) for b in blocks)
        names = _numbered(name for b in blocks for name in (b.language, b.symbol))
        code = [(names[b.language], names[b.symbol]) for b in blocks]
        return cls(
            np.array([(b.start, b.end) for b in blocks], np.int32).reshape(-1, 2),
            np.array([b.kind for b in blocks], np.int32),
            np.array([paths["\x1f".join(b.path)] for b in blocks], np.int32),
            np.array(code, np.int32).reshape(-1, 2),
            np.array([b.page for b in blocks], np.int32),
            np.concatenate([[0], np.cumsum([len(d) for d in per_document])]).astype(np.int64),
            tuple(paths),
            tuple(names),
        )


@dataclass(frozen=True)
class Described:
    """A document with its blocks."""

    document: Document
    blocks: Sequence[Block]

    def touched(self, piece: Piece) -> Sequence[Block]:
        """Return the blocks that a span overlaps, in order."""
        starts, ends = self._edges
        return self.blocks[bisect_right(ends, piece[0]) : bisect_left(starts, piece[1])]

    @cached_property
    def _edges(self) -> tuple[list[int], list[int]]:
        return [b.start for b in self.blocks], [b.end for b in self.blocks]


@dataclass(frozen=True)
class Blocks(Stage[Structure]):
    """Find blocks by the document's media type; what has none is paragraphs."""

    revision: ClassVar[int] = 3
    product: ClassVar[type[Structure]] = Structure

    def apply(self, corpus: Corpus, rt: Runtime) -> Structure:
        """Parse each document."""
        parsed = []
        for i, document in enumerate(corpus.documents):
            parsed.append(parse_document(document))
            rt.progress("Blocks", i + 1, len(corpus))
        return Structure.of_blocks(parsed)


def parse_document(document: Document) -> list[Block]:
    """Find one document's blocks, with their heading paths."""
    return with_paths(_parser(document.media)(document.text))


def _parser(media: str) -> Parse:
    if media.startswith(SOURCE):
        return partial(code.parse, language=media.removeprefix(SOURCE))
    return OF_MEDIA.get(media, plain.parse)


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: i for i, name in enumerate(dict.fromkeys(names))}


OF_MEDIA: dict[str, Parse] = {
    **dict.fromkeys(WRITTEN, markdown.parse),
    RST: rst.parse,
    PDF: pages.parse,
    CSV: table.parse,
    TSV: table.parse,
    XLSX: table.parse_sheets,
}
"""What finds the blocks of a medium; source code goes by its language, the rest is paragraphs."""

PARSERS: tuple[type[Stage[Structure]], ...] = (Blocks,)
