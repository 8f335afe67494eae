"""What ingest makes of a corpus: products that are loaded or made when first read."""

from dataclasses import dataclass, replace

from retrieval.ingest.embed import Embedder, Vectors
from retrieval.ingest.enrich import Fields
from retrieval.ingest.parse import Structure
from retrieval.runtime import Made
from retrieval.types import Bool, Chunks, Corpus, Int32


@dataclass(frozen=True)
class Chunking:
    """What a ranking numbers: chunks of a corpus, whoever cut them, with their tokens."""

    corpus: Made[Corpus]
    chunks: Made[Chunks]
    tokens: Made[Int32]


@dataclass(frozen=True)
class Index(Chunking):
    """A corpus made searchable; lexical statistics are counted by the retriever that needs them."""

    structure: Made[Structure]
    embedder: Embedder
    vectors: Made[Vectors]
    fields: tuple[Made[Fields], ...] = ()
    """What enrichers found, for filters to ask."""
    kept: Made[Bool] | None = None
    """Which chunks are searched, `(C,)`; None: all of them."""
    bare: tuple[Made[Chunks], Made[Vectors]] | None = None
    """The chunks without what `contextualize` put beside them; None: it put nothing there."""

    def seen(self, *, context: bool) -> "Index":
        """Return the index with what `contextualize` put beside the chunks, or without."""
        if context or self.bare is None:
            return self
        chunks, vectors = self.bare
        return replace(self, chunks=chunks, vectors=vectors, bare=None)

    @property
    def narrowing(self) -> tuple[Made[Bool], ...]:
        """Return what every first stage takes as its last input: `kept`, where there is any."""
        return () if self.kept is None else (self.kept,)
