"""Parse: find the headings, code, tables and paragraphs of each document, as exact spans."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from retrieval.ingest.parse import markdown, plain, rst
from retrieval.ingest.parse.blocks import Block, Kind, Parse, with_paths
from retrieval.runtime import Runtime
from retrieval.stage import Stage
from retrieval.types import Corpus, Document, Int32, Int64, pack, unpack

__all__ = ["Block", "Blocks", "Kind", "Structure", "parse_document"]


@dataclass(frozen=True)
class Structure:
    """The blocks of a corpus as arrays of one length B, in document order.

    `span` is `(B, 2)` int32; `path_of` names the heading path in `paths` (parts joined by U+001F);
    document d owns blocks `first[d]:first[d + 1]`.
    """

    span: Int32
    kind: Int32
    path_of: Int32
    first: Int64
    paths: tuple[str, ...]

    def of(self, document: int) -> list[Block]:
        """Return one document's blocks, in order."""
        rows = slice(self.first[document], self.first[document + 1])
        columns = (self.kind, *self.span.T, self.path_of)
        return [
            Block(Kind(kind), start, end, path=self.path(path))
            for kind, start, end, path in zip(*(c[rows].tolist() for c in columns), strict=True)
        ]

    def path(self, i: int) -> tuple[str, ...]:
        """Return a heading path, outermost first."""
        return tuple(self.paths[i].split("\x1f")) if self.paths[i] else ()

    def arrays(self) -> dict[str, Any]:
        """Return the value as named arrays, for the artefact store."""
        own = {"span": self.span, "kind": self.kind, "path_of": self.path_of}
        return {**own, "first": self.first, "paths": pack(self.paths)}

    @classmethod
    def of_arrays(cls, a: Mapping[str, Any]) -> "Structure":
        """Rebuild the value from `arrays()`."""
        return cls(a["span"], a["kind"], a["path_of"], a["first"], unpack(a["paths"]))

    @classmethod
    def of_blocks(cls, per_document: list[list[Block]]) -> "Structure":
        """Gather each document's blocks, in the documents' order."""
        blocks = [b for document in per_document for b in document]
        names = {"\x1f".join(b.path): 0 for b in blocks}
        number = {name: i for i, name in enumerate(names)}
        return cls(
            np.array([(b.start, b.end) for b in blocks], np.int32).reshape(-1, 2),
            np.array([b.kind for b in blocks], np.int32),
            np.array([number["\x1f".join(b.path)] for b in blocks], np.int32),
            np.concatenate([[0], np.cumsum([len(d) for d in per_document])]).astype(np.int64),
            tuple(names),
        )


@dataclass(frozen=True)
class Blocks(Stage[Structure]):
    """Find blocks by the document's media type; what has none is paragraphs."""

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
    if media == "text/markdown":
        return markdown.parse
    if media == "text/x-rst":
        return rst.parse
    return plain.parse_code if media.startswith("text/x-source") else plain.parse


PARSERS: tuple[type[Stage[Structure]], ...] = (Blocks,)
