"""What vendors are paid for a sweep's contexts, rewritten queries and embedding; calls nobody."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from retrieval.cost import Outlay
from retrieval.index import Index
from retrieval.ingest.embed import Embedder, Purpose
from retrieval.ingest.llm_context import Written
from retrieval.ingest.parse import Structure
from retrieval.pipeline import Pipeline
from retrieval.providers.remote import RemoteEmbedder, outlay, units_of
from retrieval.providers.writer import Asked, Writer
from retrieval.query.rewrite_chat import ByChat
from retrieval.runtime import Runtime
from retrieval.types import Chunks, Corpus, Queries


@dataclass(frozen=True)
class Awaited:
    """Chunks whose contexts a chat model has yet to write: these, and the tokens to come beside."""

    chunks: Chunks
    expected: Sequence[int]


def still_to_write(
    pipelines: Mapping[str, Pipeline], found: Container[str], corpus: Corpus, rt: Runtime
) -> dict[str, Awaited]:
    """Return what is awaited, by the key of the chunks that will hold it; it pays nobody."""
    awaited = {}
    for key, pipeline in pipelines.items():
        if isinstance(pipeline.contextualize, Written) and key not in found:
            structure, chunks = _bare(pipeline, corpus, rt)
            awaited[key] = Awaited(*pipeline.contextualize.awaited(corpus, structure, chunks))
    return awaited


def _bare(pipeline: Pipeline, corpus: Corpus, rt: Runtime) -> tuple[Structure, Chunks]:
    """Return the blocks and the chunks without what a chat model writes beside them."""
    index = replace(pipeline, contextualize=None).ingest(corpus, rt)
    return index.structure.value, index.chunks.value


Searched = Mapping[Embedder, Mapping[Purpose, Iterable[str]]]
"""What is embedded for the queries."""


def searched(pipelines: Iterable[Pipeline], queries: Queries, rt: Runtime) -> Searched:
    """Return the distinct texts that dense pipelines embed for queries, rewritten or as they are.

    What a chat model has yet to write is stood in for by texts of the expected length.
    """
    found: dict[Embedder, dict[Purpose, dict[str, None]]] = {}
    for p in pipelines:
        stage = None if "rewrite" in p.idle else p.rewrite
        texts: Mapping[Purpose, Iterable[str]] = {"query": queries.texts}
        if stage:
            texts = stage.embedded(queries, stage.foreseen(queries, rt))
        own = found.setdefault(p.embed, {"query": {}, "passage": {}})
        for purpose, given in texts.items():
            own[purpose].update(dict.fromkeys(given))
    return found


def outlays(
    indexes: Iterable[Index],
    corpus: Corpus,
    asked_for: Searched,
    rt: Runtime,
    awaited: Mapping[str, Awaited],
) -> dict[str, Outlay]:
    """Plan the embedding of indexes and queries, by model; a text that two share is paid once.

    Indexes whose contexts are `awaited`, by the key of their chunks, count with what is expected.
    Models on this machine cost nothing and are left out.
    """
    asked: dict[RemoteEmbedder, dict[str, Index]] = defaultdict(dict)
    for index in indexes:
        if isinstance(index.embedder, RemoteEmbedder):
            asked[index.embedder][index.chunks.key] = index

    def passages(embedder: RemoteEmbedder, own: Iterable[Index]) -> Iterator[tuple[str, int]]:
        for index in own:
            bare = awaited.get(index.chunks.key)
            if bare is None:
                yield from embedder.units(corpus, index.chunks.value)
            else:
                sizes = zip(embedder.units(corpus, bare.chunks), bare.expected, strict=True)
                for i, ((_, n), more) in enumerate(sizes):
                    yield f"{index.chunks.key} {i}", n + more

    found = {}
    for embedder, own in asked.items():
        texts = {purpose: units_of(given) for purpose, given in asked_for[embedder].items()}
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
