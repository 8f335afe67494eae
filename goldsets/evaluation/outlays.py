"""What vendors are paid for the embedding of a sweep; nobody is called to find out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from retrieval.cost import Outlay
from retrieval.index import Index
from retrieval.providers.remote import RemoteEmbedder, outlay, units_of
from retrieval.runtime import Runtime
from retrieval.types import Corpus, Queries


def outlays(
    indexes: Iterable[Index], corpus: Corpus, queries: Queries, rt: Runtime
) -> dict[str, Outlay]:
    """Plan the embedding of indexes and queries, by model; a text that two share is paid once.

    Models on this machine cost nothing and are left out.
    """
    asked: dict[RemoteEmbedder, dict[str, Index]] = defaultdict(dict)
    for index in indexes:
        if isinstance(index.embedder, RemoteEmbedder):
            asked[index.embedder][index.chunks.key] = index
    return {
        embedder.identity: outlay(embedder, _units(embedder, own.values(), corpus), "passage", rt)
        + outlay(embedder, units_of(queries.texts), "query", rt)
        for embedder, own in asked.items()
    }


def _units(
    embedder: RemoteEmbedder, indexes: Iterable[Index], corpus: Corpus
) -> Iterator[tuple[str, int]]:
    for index in indexes:
        yield from embedder.units(corpus, index.chunks.value)
