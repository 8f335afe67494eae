"""The field's nouns as frozen values: documents, spans, queries, candidates.

Offsets are half-open `[start, end)` indices of Unicode code points into `Document.text`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

Scalar = str | int | float | bool | None
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


def digest(*parts: str | bytes) -> str:
    """Hash the parts, each with its length in front so that no two splits collide."""
    h = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        h.update(len(data).to_bytes(8, "big"))
        h.update(data)
    return h.hexdigest()


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of code points."""

    start: int
    end: int


@dataclass(frozen=True)
class Document:
    """A text with a name; `text` is canonical and is never altered by a stage.

    `given` are the chunks that came with the document (a benchmark's own), as spans of `text`.
    """

    id: str
    text: str
    title: str = ""
    media: str = "text/plain"
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    given: tuple[Span, ...] = ()

    @cached_property
    def hash(self) -> str:
        """Content hash over everything a stage can see; a cache key, not an identity."""
        about = json.dumps(dict(self.metadata), sort_keys=True, ensure_ascii=False)
        spans = ",".join(f"{s.start}-{s.end}" for s in self.given)
        return digest(self.id, self.title, self.media, about, spans, self.text)

    @property
    def label(self) -> str:
        """Return the title, or the id where there is none."""
        return self.title or self.id


@dataclass(frozen=True)
class Corpus:
    """An ordered, immutable collection of documents: one version of a corpus."""

    documents: Sequence[Document]
    name: str = ""
    version: int = 0

    @cached_property
    def hash(self) -> str:
        """Content hash of the documents in their order."""
        return digest("corpus", *(d.hash for d in self.documents))

    @cached_property
    def row(self) -> Mapping[str, int]:
        """Map a document's id to its position."""
        return {d.id: i for i, d in enumerate(self.documents)}

    @cached_property
    def base(self) -> Int64:
        """Position of each document's first character in the concatenated corpus, `(D + 1,)`."""
        lengths = np.fromiter((len(d.text) for d in self.documents), np.int64, len(self.documents))
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])

    def __len__(self) -> int:
        return len(self.documents)


@dataclass(frozen=True)
class Chunks:
    """The passages of a corpus that are indexed, in document order, as arrays of one length C.

    `document` is a row of `Corpus.documents`; `start`, `end` are offsets into its text.
    `contexts[context_of[i]]` is the text that a stage put beside chunk i (never inside it);
    `context_only` `(C,)` says which chunks an index sees by that alone, None: none.
    What a retriever from outside returned and is nowhere in the corpus has document -1 and no
    characters; its own words stand beside it.
    """

    document: Int32
    start: Int32
    end: Int32
    context_of: Int32
    contexts: tuple[str, ...] = ("",)
    context_only: Bool | None = None

    @classmethod
    def of_spans(cls, per_document: Iterable[Iterable[tuple[int, int]]]) -> "Chunks":
        """Gather each document's spans, in the documents' order."""
        rows = [(d, s, e) for d, spans in enumerate(per_document) for s, e in spans]
        table = np.array(rows, np.int32).reshape(-1, 3)
        document, start, end = np.ascontiguousarray(table.T)
        return cls(document, start, end, np.zeros(len(table), np.int32))

    def __len__(self) -> int:
        return len(self.document)

    @property
    def placed(self) -> Bool:
        """Tell which chunks stand in the corpus, `(C,)`: all that a chunker cut do."""
        return self.document >= 0

    def text(self, corpus: Corpus, i: int) -> str:
        """Return the chunk's own text, an exact slice of its document."""
        document = corpus.documents[int(self.document[i])]
        return document.text[int(self.start[i]) : int(self.end[i])]

    def context(self, i: int) -> str:
        """Return what stands beside the chunk, or the empty string."""
        return self.contexts[int(self.context_of[i])]

    def indexed(self, corpus: Corpus, i: int) -> str:
        """Return what an index sees: the context, a line break, the text; or the first alone."""
        context = self.context(i)
        if self.context_only is not None and self.context_only[i]:
            return context
        text = self.text(corpus, i)
        return f"{context}\n{text}" if context else text

    def beside(self, contexts: Sequence[str]) -> "Chunks":
        """Return the same chunks with a context for each."""
        number = {text: i for i, text in enumerate(dict.fromkeys(contexts))}
        context_of = np.array([number[text] for text in contexts], np.int32)
        return replace(self, context_of=context_of, contexts=tuple(number) or ("",))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the value as named arrays, for the artefact store."""
        own = {"document": self.document, "start": self.start, "end": self.end}
        only = {} if self.context_only is None else {"context_only": self.context_only}
        return {**own, "context_of": self.context_of, "contexts": pack(self.contexts), **only}

    @classmethod
    def of_arrays(cls, a: Mapping[str, NDArray[np.generic]]) -> "Chunks":
        """Rebuild the value from `arrays()`."""
        document, start, end, context_of = (
            np.asarray(a[name], np.int32) for name in ("document", "start", "end", "context_of")
        )
        only = np.asarray(a["context_only"], np.bool_) if "context_only" in a else None
        return cls(document, start, end, context_of, unpack(a["contexts"]), only)


@dataclass(frozen=True)
class Queries:
    """The texts asked, in one order that every array's first axis Q follows."""

    texts: tuple[str, ...]

    @cached_property
    def hash(self) -> str:
        """Content hash of the texts in their order."""
        return digest("queries", *self.texts)

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Candidates:
    """Ranked chunks for all queries at once.

    `ids` is `(Q, K)` int32, best first, padded with -1; `scores` is `(Q, K)` float64, padded with
    -inf. Ties are broken by the lower chunk number.
    """

    ids: Int32
    scores: Float64

    @property
    def depth(self) -> int:
        """Return K, the number of places a query."""
        return int(self.ids.shape[1])

    def only(self, queries: Int32 | Int64) -> Self:
        """Return the lists of some queries (rows), in that order."""
        return replace(self, **{f.name: getattr(self, f.name)[queries] for f in fields(self)})

    def top(self, k: int) -> "Candidates":
        """Cut the ranking at k."""
        return self if k >= self.depth else Candidates(self.ids[:, :k], self.scores[:, :k])

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the value as named arrays, for the artefact store."""
        return {"ids": self.ids, "scores": self.scores}

    @classmethod
    def of_arrays(cls, a: Mapping[str, NDArray[np.generic]]) -> "Candidates":
        """Rebuild the value from `arrays()`."""
        return cls(np.asarray(a["ids"], np.int32), np.asarray(a["scores"], np.float64))

    @classmethod
    def of_lists(cls, ranked: Sequence[tuple[Int64, Float64]], depth: int) -> "Candidates":
        """Pad one `(ids, scores)` pair a query to a rectangle of `depth` columns."""
        ids = np.full((len(ranked), depth), -1, np.int32)
        scores = np.full((len(ranked), depth), -np.inf)
        for row, (found, values) in enumerate(ranked):
            ids[row, : len(found)] = found[:depth]
            scores[row, : len(values)] = values[:depth]
        return cls(ids, scores)


def pack(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Store strings as one array of bytes (UTF-8 JSON)."""
    data = json.dumps(list(texts), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return np.frombuffer(data, np.uint8)


def unpack(packed: NDArray[np.generic]) -> tuple[str, ...]:
    """Rebuild the strings of `pack`."""
    return tuple(json.loads(packed.tobytes().decode("utf-8", "surrogatepass")))
