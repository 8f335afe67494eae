"""What vendors are paid for a sweep's contexts, rewritten queries and embedding; calls nobody."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from retrieval.cost import Outlay
from retrieval.index import Index
from retrieval.ingest.chunk import Semantic
from retrieval.ingest.embed import Embedder, Purpose
from retrieval.ingest.llm_context import Written
from retrieval.ingest.parse import Structure
from retrieval.ingest.tokens import CountTokens
from retrieval.pipeline import Pipeline
from retrieval.providers.remote import RemoteEmbedder, outlay, units_of
from retrieval.providers.writer import Asked, Writer
from retrieval.query.dense import Dense
from retrieval.query.rewrite_chat import ByChat
from retrieval.runtime import Runtime
from retrieval.types import Chunks, Corpus, Queries


@dataclass(frozen=True)
class Awaited:
    """Chunks that wait for a model: about these, and the tokens that a chat model puts beside."""

    chunks: Chunks
    expected: Sequence[int]


def awaited(pipelines: Mapping[str, Pipeline], corpus: Corpus, rt: Runtime) -> dict[str, Awaited]:
    """Return what waits for embedding or for a chat model, by the key of the chunks to come."""
    found = {}
    for key, pipeline in pipelines.items():
        index = pipeline.ingest(corpus, rt)
        waits = isinstance(pipeline.contextualize, Written) or isinstance(pipeline.chunk, Semantic)
        if not waits or rt.holds(index.chunks):
            continue
        structure, chunks = _bare(pipeline, corpus, rt)
        expected = [0] * len(chunks)
        if isinstance(pipeline.contextualize, Written):
            chunks, expected = pipeline.contextualize.awaited(corpus, structure, chunks)
        found[key] = Awaited(chunks, expected)
    return found


def _bare(pipeline: Pipeline, corpus: Corpus, rt: Runtime) -> tuple[Structure, Chunks]:
    """Return the blocks and the chunks without what a chat model writes beside them.

    Where embedding has yet to say where to cut, a chunker that needs none stands in.
    """
    if isinstance(pipeline.contextualize, Written):
        pipeline = replace(pipeline, contextualize=None)
    chunk = pipeline.chunk
    cut = replace(pipeline, contextualize=None).ingest(corpus, rt).chunks
    if isinstance(chunk, Semantic) and not rt.holds(cut):
        pipeline = replace(pipeline, chunk=chunk.stand_in)
    index = pipeline.ingest(corpus, rt)
    return index.structure.value, index.chunks.value


Embedded = Mapping[Embedder, Mapping[Purpose, Iterable[str]]]
"""What is embedded besides chunks."""


def embedded(
    pipelines: Iterable[Pipeline], corpus: Corpus, queries: Queries, rt: Runtime
) -> Embedded:
    """Return the distinct texts that pipelines embed for queries, rewritten or not, and to cut.

    What a chat model has yet to write is stood in for by texts of the expected length.
    """
    found: dict[Embedder, dict[Purpose, dict[str, None]]] = {}
    for p in pipelines:
        for embedder, texts in (*_for_queries(p, queries, rt), *_to_cut(p, corpus, rt)):
            own = found.setdefault(embedder, {"query": {}, "passage": {}})
            for purpose, given in texts.items():
                own[purpose].update(dict.fromkeys(given))
    return found


Texts = Iterator[tuple[Embedder, Mapping[Purpose, Iterable[str]]]]


def _for_queries(pipeline: Pipeline, queries: Queries, rt: Runtime) -> Texts:
    if not is_dense(pipeline):
        return
    stage = None if "rewrite" in pipeline.idle else pipeline.rewrite
    asked: Mapping[Purpose, Iterable[str]] = {"query": queries.texts}
    yield pipeline.embed, stage.embedded(queries, stage.foreseen(queries, rt)) if stage else asked


def _to_cut(pipeline: Pipeline, corpus: Corpus, rt: Runtime) -> Texts:
    if isinstance(pipeline.chunk, Semantic):
        index = pipeline.ingest(corpus, rt)
        tokens = rt.run(CountTokens(pipeline.chunk.vocabulary), index.corpus).value
        units = pipeline.chunk.units(corpus, index.structure.value, tokens, rt)
        yield pipeline.chunk.embed, {"passage": [units.text(corpus, i) for i in range(len(units))]}


def is_dense(pipeline: Pipeline) -> bool:
    """Tell whether a pipeline embeds in order to search."""
    return any(isinstance(stage, Dense) for stage in pipeline.first)


def to_embed(pipeline: Pipeline, index: Index) -> list[Index]:
    """Return the pipeline's index as each of its stages sees it that embeds in order to search."""
    return [stage.seen(index) for stage in pipeline.first if isinstance(stage, Dense)]


def outlays(
    indexes: Iterable[Index],
    corpus: Corpus,
    besides: Embedded,
    rt: Runtime,
    waiting: Mapping[str, Awaited],
) -> dict[str, Outlay]:
    """Plan the embedding of indexes and what is besides, by model; a text two share is paid once.

    Indexes whose chunks are `waiting`, by the key of these, count with what is expected. Models on
    this machine cost nothing and are left out.
    """
    asked: dict[RemoteEmbedder, dict[str, Index]] = {
        embedder: {} for embedder in besides if isinstance(embedder, RemoteEmbedder)
    }
    for index in indexes:
        if isinstance(index.embedder, RemoteEmbedder):
            asked[index.embedder][index.chunks.key] = index

    def passages(embedder: RemoteEmbedder, own: Iterable[Index]) -> Iterator[tuple[str, int]]:
        for index in own:
            bare = waiting.get(index.chunks.key)
            if bare is None:
                yield from embedder.units(corpus, index.chunks.value)
            else:
                sizes = zip(embedder.units(corpus, bare.chunks), bare.expected, strict=True)
                for i, ((_, n), more) in enumerate(sizes):
                    yield f"{index.chunks.key} {i}", n + more

    found = {}
    for embedder, own in asked.items():
        texts = {purpose: units_of(given) for purpose, given in besides[embedder].items()}
        every = chain(passages(embedder, own.values()), texts["passage"])
        found[embedder.identity] = outlay(embedder, every, "passage", rt) + outlay(
            embedder, texts["query"], "query", rt
        )
    return found


def context_outlays(
    pipelines: Mapping[str, Pipeline], corpus: Corpus, rt: Runtime
) -> dict[str, Outlay]:
    """Plan the contexts that chat models write, by model; pipelines by the key of their chunks."""
    found: dict[str, Outlay] = {}
    for pipeline in pipelines.values():
        stage = pipeline.contextualize
        if isinstance(stage, Written):
            planned = stage.outlay(corpus, *_bare(pipeline, corpus, rt), rt)
            name = stage.model.name
            found[name] = found[name] + planned if name in found else planned
    return found


def rewrite_outlays(
    pipelines: Iterable[Pipeline], queries: Queries, rt: Runtime
) -> dict[str, Outlay]:
    """Plan the rewriting of queries by chat models, by model; what two pipelines share, once."""
    asked: dict[str, tuple[Writer, dict[str, Asked]]] = {}
    for pipeline in pipelines:
        stage = pipeline.rewrite
        if isinstance(stage, ByChat) and "rewrite" not in pipeline.idle:
            _, own = asked.setdefault(stage.writer.identity, (stage.writer, {}))
            own.update((one[0], one) for one in stage.asked(queries))
    found: dict[str, Outlay] = {}
    for writer, distinct in asked.values():
        planned = writer.outlay([[one] for one in distinct.values()], rt)
        name = writer.model.name
        found[name] = found[name] + planned if name in found else planned
    return found
