"""What vendors are paid for a sweep's contexts, rewritten queries and embedding; calls nobody."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from retrieval.cost import Outlay
from retrieval.index import Index
from retrieval.ingest.embed import Embedder, Purpose
from retrieval.ingest.llm_context import EXPECTED, LLMContext
from retrieval.pipeline import Pipeline
from retrieval.providers.remote import RemoteEmbedder, outlay, units_of
from retrieval.providers.writer import Asked, Writer
from retrieval.query.rewrite_chat import ByChat
from retrieval.runtime import Runtime
from retrieval.types import Chunks, Corpus, Queries


def bare_chunks(pipeline: Pipeline, corpus: Corpus, rt: Runtime) -> Chunks:
    """Return a pipeline's chunks without their contexts: to count them pays nobody."""
    return replace(pipeline, contextualize=None).ingest(corpus, rt).chunks.value


def still_to_write(
    pipelines: Mapping[str, Pipeline], found: Container[str], corpus: Corpus, rt: Runtime
) -> dict[str, Chunks]:
    """Return the bare chunks of the pipelines whose contexts a chat model has yet to write."""
    return {
        key: bare_chunks(pipeline, corpus, rt)
        for key, pipeline in pipelines.items()
        if isinstance(pipeline.contextualize, LLMContext) and key not in found
    }


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
    unwritten: Mapping[str, Chunks],
) -> dict[str, Outlay]:
    """Plan the embedding of indexes and queries, by model; a text that two share is paid once.

    `unwritten` are the bare chunks of indexes whose contexts are still to be written, by the key of
    their chunks. Models on this machine cost nothing and are left out.
    """
    asked: dict[RemoteEmbedder, dict[str, Index]] = defaultdict(dict)
    for index in indexes:
        if isinstance(index.embedder, RemoteEmbedder):
            asked[index.embedder][index.chunks.key] = index

    def passages(embedder: RemoteEmbedder, own: Iterable[Index]) -> Iterator[tuple[str, int]]:
        for index in own:
            bare = unwritten.get(index.chunks.key)
            if bare is None:
                yield from embedder.units(corpus, index.chunks.value)
            else:
                sizes = enumerate(n for _, n in embedder.units(corpus, bare))
                yield from ((f"{index.chunks.key} {i}", n + EXPECTED) for i, n in sizes)

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
        if isinstance(stage, LLMContext):
            planned = stage.outlay(corpus, bare_chunks(pipeline, corpus, rt), rt)
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
