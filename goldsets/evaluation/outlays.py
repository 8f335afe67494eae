"""What vendors are paid for a sweep's contexts and embedding; nobody is called to find out."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace

from retrieval.cost import Outlay
from retrieval.index import Index
from retrieval.ingest.llm_context import EXPECTED, LLMContext
from retrieval.pipeline import Pipeline
from retrieval.providers.remote import RemoteEmbedder, outlay, units_of
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


def outlays(
    indexes: Iterable[Index],
    corpus: Corpus,
    queries: Queries,
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

    def units(embedder: RemoteEmbedder, own: Iterable[Index]) -> Iterator[tuple[str, int]]:
        for index in own:
            bare = unwritten.get(index.chunks.key)
            if bare is None:
                yield from embedder.units(corpus, index.chunks.value)
            else:
                sizes = enumerate(n for _, n in embedder.units(corpus, bare))
                yield from ((f"{index.chunks.key} {i}", n + EXPECTED) for i, n in sizes)

    return {
        embedder.identity: outlay(embedder, units(embedder, own.values()), "passage", rt)
        + outlay(embedder, units_of(queries.texts), "query", rt)
        for embedder, own in asked.items()
    }


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
