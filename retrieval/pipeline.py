"""The pipeline: named slots of stages, and the diagram as two functions.

INGEST   parse -> chunk -> enrich -> contextualize -> embed (+ lexical statistics for BM25)
QUERY    filter -> rewrite -> first stage (dense | lexical | regex) -> fuse -> rerank -> assemble
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retrieval.errors import SpecError, one_of
from retrieval.index import Index
from retrieval.ingest.chunk import CHUNKERS, Chunker, FixedTokens, vocabulary_of
from retrieval.ingest.contextualize import CONTEXTUALIZERS, Contextualizer
from retrieval.ingest.embed import Embedder
from retrieval.ingest.enrich import ENRICHERS, Enricher
from retrieval.ingest.llm_context import Gloss, LLMContext
from retrieval.ingest.parse import PARSERS, Blocks, Structure
from retrieval.ingest.tokens import CountTokens, token_counts
from retrieval.providers.cohere import CohereRerank
from retrieval.providers.embedders import EMBEDDERS
from retrieval.providers.fastembed import CrossEncoder
from retrieval.providers.local import Local
from retrieval.providers.voyage import VoyageRerank
from retrieval.query.assemble import ASSEMBLERS, Assembler, InRankOrder
from retrieval.query.dense import Dense
from retrieval.query.filter import FILTERS, Conjunction, Filter
from retrieval.query.first import Retriever
from retrieval.query.fuse import FUSERS, RRF, Fuser
from retrieval.query.lexical import BM25
from retrieval.query.listwise import Listwise
from retrieval.query.pointwise import Pointwise
from retrieval.query.regex import Regex
from retrieval.query.rerank import RERANKERS, Reranker
from retrieval.query.rewrite import Rewriter, Rewritten
from retrieval.query.rewrite_chat import HyDE, MultiQuery
from retrieval.query.synonyms import Synonyms
from retrieval.runtime import Made, Runtime
from retrieval.stage import Spec, Stage, build, full, short
from retrieval.types import Bool, Candidates, Corpus, Int32, Queries

RETRIEVERS: tuple[type[Retriever], ...] = (BM25, Dense, Regex)
REWRITERS: tuple[type[Rewriter], ...] = (MultiQuery, HyDE, Synonyms)
OPTIONAL = ("contextualize", "rewrite", "rerank")
"""Slots that may stay empty."""
LISTS = ("enrich", "filter", "first")
"""Slots that hold several stages; all but `first` may hold none."""

MAY_IDLE = ("enrich", "contextualize", "embed", "rewrite", "fuse")


@dataclass(frozen=True)
class Pipeline:
    """A retrieval pipeline as a value. `pool` is how many candidates each first stage returns."""

    parse: Stage[Structure] = Blocks()
    chunk: Chunker = FixedTokens()
    enrich: tuple[Enricher, ...] = ()
    contextualize: Contextualizer | None = None
    embed: Embedder = Local()
    filter: tuple[Filter, ...] = ()
    rewrite: Rewriter | None = None
    first: tuple[Retriever, ...] = (BM25(),)
    pool: int = 150
    fuse: Fuser = RRF()
    rerank: Reranker | None = None
    assemble: Assembler = InRankOrder()

    def __post_init__(self) -> None:
        if not self.first:
            raise SpecError("first needs at least one stage: BM25, Dense, Regex or several")
        weights = len(self.fuse.weights)
        if len(self.first) > 1 and weights not in (0, len(self.first)):
            raise SpecError(
                f"fuse has {weights} weights for {len(self.first)} first stages; give one for each"
            )
        fields = [field for stage in self.enrich for field in stage.fields]
        if len({*fields}) < len(fields):
            raise SpecError("enrich has two stages that find the same fields; keep one of them")
        if not 1 <= self.pool <= 10_000:
            raise SpecError(f"pool must be from 1 to 10,000 candidates, not {self.pool!r}")

    @property
    def idle(self) -> tuple[str, ...]:
        """Return the slots that cannot matter.

        No filter asks what enrichers find, nobody reads contexts, no dense stage embeds, none heeds
        what queries are rewritten to, or one list needs no fusing.
        """
        read = any(s.reads_context for s in self.first)
        read = read or (self.rerank is not None and self.rerank.reads_context)
        dense = any(isinstance(stage, Dense) for stage in self.first)
        heeded = self.rewrite is None or any(map(self.rewrite.concerns, self.first))
        matters = (self.filter, read, dense, heeded, len(self.first) > 1)
        return tuple(slot for slot, why in zip(MAY_IDLE, matters, strict=True) if not why)

    @property
    def stages(self) -> "list[Stage[Any]]":
        """Return the stages of all slots, in the diagram's order."""
        held = (getattr(self, slot) for slot in SLOTS)
        every = (s for value in held for s in (value if isinstance(value, tuple) else (value,)))
        return [stage for stage in every if stage is not None]

    def effective(self) -> "Pipeline":
        """Return the pipeline with idle slots at their default; what differs in these is one."""
        default = Pipeline()
        own = dataclasses.replace(self, **{slot: getattr(default, slot) for slot in self.idle})
        return own if own.contextualize else own.all_see_contexts()

    def all_see_contexts(self) -> "Pipeline":
        """Return the pipeline with contexts switched on for every first stage."""
        return dataclasses.replace(self, first=tuple(s.with_context() for s in self.first))

    def ingest(self, corpus: Corpus, rt: Runtime) -> Index:
        """Make a corpus searchable."""
        documents = rt.given(corpus, corpus.hash, "corpus")
        structure = rt.run(self.parse, documents)
        tokens = rt.run(CountTokens(vocabulary_of(self.chunk)), documents)
        chunks = rt.run(self.chunk, documents, structure, tokens)
        fields = tuple(rt.run(stage, documents, structure, chunks) for stage in self.enrich)
        vectors = rt.run(self.embed, documents, chunks)
        bare = (chunks, vectors) if self.contextualize else None
        if self.contextualize:
            chunks = rt.run(self.contextualize, documents, structure, chunks)
            vectors = rt.run(self.embed, documents, chunks)
        sizes = rt.run(SizeChunks(), documents, rt.run(CountTokens(), documents), chunks)
        return Index(documents, chunks, sizes, structure, self.embed, vectors, fields, bare=bare)

    def filtered(self, index: Index, rt: Runtime) -> Index:
        """Narrow an index to the chunks that every filter keeps; without any it stays as it is."""
        if not self.filter:
            return index
        return dataclasses.replace(index, kept=rt.run(Conjunction(), *self.masks(index, rt)))

    def masks(self, index: Index, rt: Runtime) -> list[Made[Bool]]:
        """Return which chunks each filter keeps."""
        return [rt.run(s, index.corpus, index.chunks, *index.fields) for s in self.filter]

    def search(
        self, index: Index, queries: Queries, rt: Runtime, *, passing: bool = False
    ) -> Made[Candidates]:
        """Rank an index's chunks for every query; nothing is kept for `passing` ones."""
        return self.steps(index, queries, rt, passing=passing).context

    def steps(
        self, index: Index, queries: Queries, rt: Runtime, *, passing: bool = False
    ) -> "Steps":
        """Search, and return the ranking of every box of the diagram."""
        index = self.filtered(index, rt)
        asked = rt.given(queries, queries.hash, "queries", passing=passing)
        written = self.rewritten(asked, rt)
        found = self.find(index, asked, written, self.pool, rt)
        return dataclasses.replace(self.combine(index, asked, found, rt), rewritten=written)

    def rewritten(self, asked: Made[Queries], rt: Runtime) -> Made[Rewritten] | None:
        """Return what is searched for besides the queries, None where nothing is."""
        rewrite = None if "rewrite" in self.idle else self.rewrite
        return rt.run(rewrite, asked) if rewrite else None

    def find(
        self,
        index: Index,
        asked: Made[Queries],
        written: Made[Rewritten] | None,
        depth: int,
        rt: Runtime,
    ) -> tuple[Made[Candidates], ...]:
        """Return the one list of each first stage."""

        def one(first: Retriever) -> Made[Candidates]:
            if written is None or self.rewrite is None or not self.rewrite.concerns(first):
                return first.search(index, asked, depth, rt)
            return self.rewrite.search(first, index, asked, written, depth, rt)

        return tuple(map(one, self.first))

    def combine(
        self, index: Index, asked: Made[Queries], found: tuple[Made[Candidates], ...], rt: Runtime
    ) -> "Steps":
        """Go on from the lists of the first stages: fuse, rerank, assemble."""
        pool = rt.run(self.fuse, *found, depth=self.pool) if len(found) > 1 else found[0]
        reranked = self.rerank.rerank(index, asked, pool, found, rt) if self.rerank else pool
        return Steps(index, found, pool, reranked, self.assemble.assemble(index, reranked, rt))


@dataclass(frozen=True)
class Steps:
    """A search box by box, each a ranking of the chunks of `index` that is made when first read.

    `found` has the list of each first stage; without a reranker `reranked` is `pool`. `rewritten`
    is what was searched for besides the queries, None where nothing was.
    """

    index: Index
    found: tuple[Made[Candidates], ...]
    pool: Made[Candidates]
    reranked: Made[Candidates]
    context: Made[Candidates]
    rewritten: Made[Rewritten] | None = None


FUSED, RERANKED, CONTEXT = "fused", "reranked", "context"


def boxes(pipeline: Pipeline, steps: Steps) -> dict[str, Made[Candidates]]:
    """Name the ranking of every box that a pipeline has, in the order of the diagram."""
    named = dict(zip(first_names(pipeline.first), steps.found, strict=True))
    if len(steps.found) > 1:
        named[FUSED] = steps.pool
    if pipeline.rerank:
        named[RERANKED] = steps.reranked
    return {**named, CONTEXT: steps.context}


def first_names(first: Sequence[Retriever]) -> list[str]:
    """Name first stages by their class, and by a number where there are two of one."""
    names = [type(stage).__name__ for stage in first]
    return [
        name if names.count(name) == 1 else f"{name} {names[: i + 1].count(name)}"
        for i, name in enumerate(names)
    ]


@dataclass(frozen=True)
class SizeChunks(Stage[Int32]):
    """Count the tokens of every chunk."""

    def apply(self, corpus: Corpus, tokens: Any, chunks: Any, rt: Runtime) -> Int32:
        """Return `(C,)` int32."""
        return token_counts(chunks, corpus, tokens)


SLOTS: Mapping[str, tuple[type[Stage[Any]], ...]] = {
    "parse": PARSERS,
    "chunk": CHUNKERS,
    "enrich": ENRICHERS,
    "contextualize": (*CONTEXTUALIZERS, LLMContext, Gloss),
    "embed": EMBEDDERS,
    "filter": FILTERS,
    "rewrite": REWRITERS,
    "first": RETRIEVERS,
    "fuse": FUSERS,
    "rerank": (*RERANKERS, CrossEncoder, VoyageRerank, CohereRerank, Pointwise, Listwise),
    "assemble": ASSEMBLERS,
}
"""The stages each slot takes: adding one is a class and its name here."""


def pipeline_of(spec: Mapping[str, Any]) -> Pipeline:
    """Make a pipeline from its spec; slots that are left out have their default.

    Raises:
        SpecError: an unknown slot, stage or field (the message lists the valid ones), a bad value.
    """
    names = [f.name for f in dataclasses.fields(Pipeline)]
    for slot in spec:
        if slot not in names:
            raise SpecError(f"a pipeline has no slot {slot!r}{one_of(str(slot), names, 'slot')}")
    return Pipeline(**{slot: slot_value(slot, value) for slot, value in spec.items()})


def slot_value(slot: str, spec: Any) -> Any:
    """Make what goes into a slot from its spec."""
    if slot == "pool":
        if isinstance(spec, bool) or not isinstance(spec, int):
            raise SpecError(f"pool takes a number of candidates, not {spec!r}")
        return spec
    if slot in LISTS and slot != "first" and spec in (None, "none"):
        return ()
    if slot in LISTS:
        stages = spec if isinstance(spec, list) else [spec]
        return tuple(build(s, SLOTS[slot], slot) for s in stages)
    if spec is None and slot in OPTIONAL:
        return None
    return build(spec, SLOTS[slot], slot)


def full_spec(pipeline: Pipeline) -> dict[str, Any]:
    """Return the spec with every slot and field: what is stored."""
    return {f.name: _slot_spec(getattr(pipeline, f.name), full) for f in _fields()}


def short_spec(pipeline: Pipeline) -> dict[str, Any]:
    """Return the spec without what is default: what is shown."""
    default = Pipeline()
    changed = [f for f in _fields() if getattr(pipeline, f.name) != getattr(default, f.name)]
    return {f.name: _slot_spec(getattr(pipeline, f.name), short) for f in changed}


def _fields() -> tuple["dataclasses.Field[Any]", ...]:
    return dataclasses.fields(Pipeline)


def _slot_spec(value: Any, of: Any) -> Spec | int | list[Spec]:
    if isinstance(value, tuple):
        return [of(stage) for stage in value]
    return of(value) if isinstance(value, Stage) else value  # type: ignore[no-any-return]
