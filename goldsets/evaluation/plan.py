"""The plan of a sweep: what it would make, embed and pay, and what it needs that is not here."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from goldsets.evaluation.outlays import (
    awaited,
    context_outlays,
    embedded,
    rewrite_outlays,
    to_embed,
)
from goldsets.evaluation.reranking import Reranking
from goldsets.evaluation.spec import SweepSpec
from goldsets.evaluation.sweep import Board, Prepared, by_chunks, embedding_outlays
from goldsets.outside.source import Http
from goldsets.types import GoldSet
from retrieval.cost import Outlay
from retrieval.index import Index
from retrieval.ingest.chunk import Semantic
from retrieval.ingest.embed import Embedder, count_missing
from retrieval.ingest.llm_context import Written
from retrieval.pipeline import Pipeline
from retrieval.query.paid import PaidReranker
from retrieval.query.rewrite_chat import ByChat
from retrieval.runtime import Runtime
from retrieval.store import artifacts
from retrieval.types import Corpus


@dataclass(frozen=True)
class Plan:
    """What a sweep would do, known before it starts."""

    variants: int
    stages: int
    kept: int
    texts_to_embed: dict[str, int]
    outlays: Mapping[str, Outlay]
    """What paid embedding takes, by model; models on this machine have none."""
    contexts: Mapping[str, Outlay]
    """What contexts written by chat models take, by model."""
    rewrites: Mapping[str, Outlay]
    """What queries rewritten by chat models take, by model."""
    reranking: Mapping[str, Outlay]
    """What rerankers of vendors and chat models take, by model."""
    token_texts: Mapping[str, int]
    """The most texts that late interaction embeds token by token, by model of this machine."""
    lacking: Mapping[str, Sequence[str]]
    """What is not set up here, a sentence each with the fix, and the variants that need it."""
    to_ask: Mapping[str, tuple[int, int]]
    """Queries that retrievers behind a URL are asked, by address, and those answered before."""

    @property
    def to_make(self) -> int:
        """Count the stages that are not kept yet."""
        return self.stages - self.kept


def plan(spec: SweepSpec, gold: GoldSet, corpus: Corpus, rt: Runtime) -> Plan:
    """Count what a sweep would make and pay; chunks are made for it, nobody is called."""
    board = Board(gold, corpus, rt)
    every = [board.prepare(v) for v in spec.variants]
    prepared = [p for p in every if not p.placed]
    keys = {m.key for p in prepared for m in p.ranking.line() if m.kept}
    found = artifacts.known(rt.workspace, keys) if rt.workspace else set()
    texts: Counter[str] = Counter()
    waiting = awaited(by_chunks(prepared), corpus, rt)
    for embedder, index in _to_embed(prepared, found):
        if index.chunks.key in waiting:
            texts[embedder.identity] += len(waiting[index.chunks.key].chunks)
            continue
        chunks = index.chunks.value
        passages = (chunks.indexed(corpus, i) for i in range(len(chunks)))
        texts[embedder.identity] += count_missing(embedder, passages, "passage", rt)
    pipelines = [p.variant.pipeline for p in prepared]
    for embedder, besides in embedded(pipelines, corpus, board.queries, rt).items():
        for purpose, given in besides.items():
            texts[embedder.identity] += count_missing(embedder, given, purpose, rt)
    reranking = Reranking(corpus, board.queries, rt, found, waiting)
    reranked = reranking.outlays(p.laid for p in prepared)
    return Plan(
        variants=len(every),
        stages=len(keys),
        kept=len(found),
        texts_to_embed=dict(texts),
        outlays=embedding_outlays(prepared, board, waiting),
        contexts=context_outlays(by_chunks(prepared), corpus, rt),
        rewrites=rewrite_outlays((p.variant.pipeline for p in prepared), board.queries, rt),
        reranking=reranked,
        token_texts=reranking.token_texts(p.laid for p in prepared),
        lacking=_lacking(every, found, texts, waiting, reranked, board),
        to_ask=_to_ask(spec, board.queries.texts, rt),
    )


def _to_ask(spec: SweepSpec, queries: Sequence[str], rt: Runtime) -> dict[str, tuple[int, int]]:
    servers = [v.source for v in spec.variants if isinstance(v.source, Http)]
    kept = [len(server.kept(queries, rt)) for server in servers]
    return {s.url: (len({*queries}) - n, n) for s, n in zip(servers, kept, strict=True)}


def _to_embed(prepared: Iterable[Prepared], found: set[str]) -> Iterable[tuple[Embedder, Index]]:
    seen = set(found)
    for p in prepared:
        for index in to_embed(p.variant.pipeline, p.searched):
            if index.vectors.key not in seen:
                seen.add(index.vectors.key)
                yield index.embedder, index


def _lacking(
    prepared: Iterable[Prepared],
    found: Container[str],
    texts: Mapping[str, int],
    waiting: Container[str],
    reranked: Mapping[str, Outlay],
    board: Board,
) -> dict[str, list[str]]:
    """Collect what the variants lack; what is kept from before needs neither key nor package."""
    lacking: dict[str, list[str]] = defaultdict(list)
    for p in prepared:
        if p.ranking.key in found:
            continue
        source = p.variant.source
        for stage in source.effective().stages if isinstance(source, Pipeline) else (source,):
            kept = (
                (isinstance(stage, Embedder) and not texts.get(stage.identity))
                or (isinstance(stage, Semantic) and not texts.get(stage.embed.identity))
                or (isinstance(stage, Written) and p.index.chunks.key not in waiting)
                or (isinstance(stage, ByChat) and not stage.missing(board.queries, board.rt))
                or (isinstance(stage, PaidReranker) and not reranked[stage.payee].calls)
            )
            for problem in () if kept else stage.lacking:
                if p.variant.name not in lacking[problem]:
                    lacking[problem].append(p.variant.name)
    return dict(lacking)
