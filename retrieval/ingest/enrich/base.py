"""What enrichers have in common: fields with several values a chunk."""

import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

import numpy as np

from retrieval.ingest.parse import Described, Piece, Structure
from retrieval.runtime import Runtime
from retrieval.stage import Stage
from retrieval.types import Chunks, Corpus, Int32, pack, unpack

Values = tuple[str | int, ...]


@dataclass(frozen=True)
class Field:
    """One field of all chunks: chunk i has `values[of[i]]`; `of` is `(C,)` int32."""

    of: Int32
    values: tuple[Values, ...]

    @classmethod
    def of_rows(cls, rows: Iterable[Values]) -> "Field":
        """Number the distinct values."""
        number: dict[Values, int] = {}
        of = [number.setdefault(row, len(number)) for row in rows]
        return cls(np.array(of, np.int32), tuple(number))


@dataclass(frozen=True)
class Fields:
    """What enrichers found, by the names of the fields."""

    held: Mapping[str, Field]

    def arrays(self) -> dict[str, Any]:
        """Return the value as named arrays, for the artefact store."""
        of = {f"{name}_of": field.of for name, field in self.held.items()}
        values = {name: pack([json.dumps(v) for v in f.values]) for name, f in self.held.items()}
        return {**of, **{f"{name}_values": packed for name, packed in values.items()}}

    @classmethod
    def of_arrays(cls, a: Mapping[str, Any]) -> "Fields":
        """Rebuild the value from `arrays()`."""
        names = [name.removesuffix("_of") for name in a if name.endswith("_of")]
        values = {n: tuple(tuple(json.loads(v)) for v in unpack(a[f"{n}_values"])) for n in names}
        return cls({n: Field(np.asarray(a[f"{n}_of"], np.int32), values[n]) for n in names})


@dataclass(frozen=True)
class Enricher(Stage[Fields]):
    """Finds the values of its `fields` for each chunk."""

    product: ClassVar[type[Fields]] = Fields
    fields: ClassVar[tuple[str, ...]] = ()

    def apply(self, corpus: Corpus, structure: Structure, chunks: Chunks, rt: Runtime) -> Fields:
        """Look at every chunk, document by document."""
        rows: list[tuple[Values, ...]] = []
        columns = (chunks.document.tolist(), chunks.start.tolist(), chunks.end.tolist())
        spans = zip(*columns, strict=True)
        for row, group in groupby(spans, key=lambda span: span[0]):
            described = Described(corpus.documents[row], structure.of(row))
            rows += self.rows(described, [(start, end) for _, start, end in group])
            rt.progress(type(self).__name__, row + 1, len(corpus))
        return Fields({n: Field.of_rows(r[i] for r in rows) for i, n in enumerate(self.fields)})

    @abstractmethod
    def rows(self, d: Described, pieces: Sequence[Piece]) -> Iterator[tuple[Values, ...]]:
        """Return for each chunk of a document the values of each field."""


def distinct(values: Iterable[str | int]) -> Values:
    """Return what says something, each once, in order."""
    return tuple(dict.fromkeys(v for v in values if v))
