"""Other models on this machine, through fastembed (Qdrant) and onnxruntime; no torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from retrieval.errors import InputError
from retrieval.ingest.embed import Embedder, Purpose
from retrieval.providers.base import unit_vectors
from retrieval.providers.onnx_model import OnnxModel
from retrieval.providers.remote import Limits, count_tokens, pack
from retrieval.query.pairs import Pairs
from retrieval.query.rerank import Scorer
from retrieval.runtime import Runtime
from retrieval.stage import Stage, require, shown
from retrieval.store import scores as store
from retrieval.types import Chunks, Corpus, Float32, Float64, Int32, Queries, digest

AT_ONCE = Limits(32, 5_120)
"""Texts and tokens of a batch: memory grows with texts times the square of the longest."""


@dataclass(frozen=True)
class FastEmbed(Embedder):
    """A model of fastembed's list, or of a folder, on this machine's processor.

    With a `folder`, the model's files are read from there: those of the model of that name, or of
    any other if `pooling` says how its vectors are made of its tokens' (`none`: it does so itself).
    Some models want a prefix (`query: `, `passage: `), which is told where they are described and
    not added by itself. Texts longer than the model reads are cut. The extra is `fastembed`.
    """

    model: str = shown("BAAI/bge-small-en-v1.5")
    folder: str = ""
    pooling: Literal["own", "mean", "cls", "last", "none"] = "own"
    query_prefix: str = ""
    passage_prefix: str = ""

    def __post_init__(self) -> None:
        require(bool(self.model.strip()), self, "model", "the name of a model")
        fits = self.pooling == "own" or bool(self.folder)
        require(fits, self, "pooling", "own where there is no folder")

    @property
    def source(self) -> OnnxModel:
        """Return where its files are and how they are read."""
        pooling = "" if self.pooling == "own" else self.pooling
        return OnnxModel("TextEmbedding", self.model, self.folder, pooling)

    @property
    def identity(self) -> str:
        """Return the package's version, the model or the contents of its folder, the prefixes."""
        prefixes = (self.query_prefix, self.passage_prefix)
        return self.source.identity + (f"+{digest(*prefixes)[:8]}" if any(prefixes) else "")

    @property
    def label(self) -> str:
        """Return the model's name where no other field says more."""
        return _label(self)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say that the package, the model or its folder is missing."""
        return self.source.lacking

    @property
    def dimensions(self) -> int:
        """Return the length of a vector; a model that is not listed is loaded for it."""
        return _dimensions(self.source, self.source.identity)

    def batches(self, texts: Sequence[str]) -> list[list[int]]:
        """Put together as many texts as memory is spent on at once."""
        return pack(list(map(count_tokens, texts)), AT_ONCE)

    def embed_batches(
        self,
        batches: Sequence[Sequence[str]],
        purpose: Purpose,
        rt: Runtime,
        keep: Callable[[int, Float32], None],
    ) -> None:
        """Embed in this process, in as many threads as there may be processes."""
        rt.progress(f"Load {self.model}", 0, 1)
        for number, texts in enumerate(batches):
            keep(number, self._embed(texts, purpose, max(1, rt.processes)))

    def embed_batch(self, texts: Sequence[str], purpose: Purpose) -> Float32:
        """Embed texts in one thread; see `OnnxModel.loaded` for what is raised."""
        return self._embed(texts, purpose, 1)

    def _embed(self, texts: Sequence[str], purpose: Purpose, threads: int) -> Float32:
        model, query = self.source.loaded(threads), purpose == "query"
        prefix = self.query_prefix if query else self.passage_prefix
        run = model.query_embed if query else model.passage_embed
        with self.source.in_a_sentence():
            rows = list(run([f"{prefix}{text}" for text in texts]))
        return unit_vectors(self.model, rows, len(texts), self.dimensions)


@dataclass(frozen=True)
class CrossEncoder(Scorer):
    """A cross-encoder of fastembed's list, or of a folder, on this machine's processor.

    It reads each query together with each of the first `top_n` chunks. The score is the logistic of
    what it gives; each is kept by model, query and text. A `folder` holds the network as ONNX, with
    one output a pair, and its tokenizer. The extra is `fastembed`.
    """

    model: str = shown("Xenova/ms-marco-MiniLM-L-6-v2")
    folder: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(bool(self.model.strip()), self, "model", "the name of a model")

    @property
    def source(self) -> OnnxModel:
        """Return where its files are."""
        return OnnxModel("TextCrossEncoder", self.model, self.folder)

    @property
    def versions(self) -> list[Any]:
        """Return the revision and the model's identity: another version makes other scores."""
        return [*super().versions, self.judge]

    @property
    def judge(self) -> str:
        """Name the model."""
        return self.source.identity

    @property
    def label(self) -> str:
        """Return the model's name where no other field says more."""
        return _label(self)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say that the package, the model or its folder is missing."""
        return self.source.lacking

    def scores(
        self, corpus: Corpus, chunks: Chunks, queries: Queries, rt: Runtime, ids: Int32
    ) -> Float64:
        """Take the scores that are kept, and score the other pairs, like lengths together."""
        pairs = Pairs(corpus, chunks, queries.texts, ids)
        judge, names = self.judge, [n for row in pairs.names for n in row if n]
        found = store.fetch(rt.workspace, judge, names) if rt.workspace else {}
        new = {
            name: (query, pairs.texts[chunk])
            for query, own in pairs.by_query().items()
            for name, chunk in own.items()
            if name not in found
        }
        size = {text: count_tokens(text) for text in {t for pair in new.values() for t in pair}}
        lengths = {name: sum(map(size.__getitem__, pair)) for name, pair in new.items()}
        order = sorted(new, key=lengths.__getitem__)
        for batch in pack([lengths[name] for name in order], AT_ONCE):
            rt.progress(f"Rerank with {self.model}", batch[0], len(order))
            own = [order[i] for i in batch]
            scores = self.score([new[name] for name in own], max(1, rt.processes))
            judged = dict(zip(own, scores, strict=True))
            if rt.workspace:
                store.keep(rt.workspace, judge, judged)
            found.update(judged)
        shares = {name: float(np.exp(-np.logaddexp(0, -score))) for name, score in found.items()}
        return pairs.values(shares)

    def score(self, pairs: list[tuple[str, str]], threads: int) -> list[float]:
        """Return what the network gives each pair of a query and a text."""
        model = self.source.loaded(threads)
        with self.source.in_a_sentence():
            scores = [float(s) for s in model.rerank_pairs(pairs)]
        if len(scores) != len(pairs) or not np.isfinite(scores).all():
            raise InputError(
                f"gave {len(scores)} scores to {len(pairs)} pairs, or one that is no finite"
                " number; nothing was kept of them",
                where=self.folder or self.model,
            )
        return scores


def _label(stage: Stage[Any]) -> str:
    """Return the field `model` where every other has its default."""
    plain = all(getattr(stage, f.name) == f.default for f in fields(stage) if f.name != "model")
    return str(getattr(stage, "model", "")) if plain else ""


@lru_cache(64)
def _dimensions(source: OnnxModel, identity: str) -> int:  # noqa: ARG001 - other files, other key
    """Return the length of a model's vectors, as listed or as found."""
    listed = source.listed()
    if listed:
        return int(listed["dim"])
    model = source.loaded(1)
    with source.in_a_sentence():
        return len(next(iter(model.embed(["x"]))))
