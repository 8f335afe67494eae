"""Ten more rerank depths, as a share of the 48-variant sweep that they are added to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from goldsets.evaluation.spec import Variant
from goldsets.evaluation.sweep import Board
from retrieval.ingest.embed import Purpose
from retrieval.ingest.late import TokenEmbedder
from retrieval.query.rerank import MaxSim, Reranker, Rescore
from retrieval.runtime import Runtime
from retrieval.types import Float32
from tests.benchmarks.bench_sweep import DEPTH, MEASURES, WORD, _word, data, ours, variants
from tests.benchmarks.harness import heading, once

WIDTH, FIRST = 64, 150
DEPTHS = range(10, 110, 10)


@dataclass(frozen=True)
class WordTokens(TokenEmbedder):
    """A fixed random vector a word, in place of a model's token vectors."""

    identity = "word-tokens"
    dimensions = WIDTH

    def embed_tokens(self, texts: Sequence[str], purpose: Purpose) -> list[Float32]:
        """Embed by a table."""
        rows = (np.stack([_word(w)[:WIDTH] for w in WORD.findall(t)]) for t in texts)
        return [r / np.linalg.norm(r, axis=1, keepdims=True) for r in rows]


@dataclass(frozen=True)
class ByWords(MaxSim):
    """MaxSim over these."""

    embed: ClassVar[TokenEmbedder] = WordTokens()


@dataclass(frozen=True)
class WithWords(Rescore):
    """Rescore with these."""

    max_sim: ClassVar[type[MaxSim]] = ByWords


def share(reranker: Reranker, board: Board, sweep: Sequence[Variant]) -> tuple[float, float]:
    """Return the seconds of the sweep, and the share of it that ten more depths add to one."""
    base = sweep[2].pipeline

    def run(variant: Variant) -> None:
        laid = board.prepare(variant)
        board.values(laid.index, laid.ranking.value.ids, MEASURES)

    def at(depth: int) -> Variant:
        return Variant(f"{depth}", replace(base, rerank=replace(reranker, top_n=depth)))

    whole = once(lambda: [run(v) for v in sweep])
    run(at(FIRST))
    return whole, once(lambda: [run(at(depth)) for depth in DEPTHS]) / whole


def main() -> None:
    """Print the shares."""
    heading(f"rerank: ten more depths of a pool of {DEPTH} for 300 queries")
    corpus, gold = data()
    sweep = variants()
    ours(corpus, gold)  # fill the vectors
    for reranker in (Rescore(late=0), ByWords(), WithWords()):
        shares = [share(reranker, Board(gold, corpus, Runtime()), sweep) for _ in range(3)]
        whole, added = min(shares, key=lambda pair: pair[1])
        name = f"{type(reranker).__name__}{'' if reranker != Rescore(late=0) else ' without model'}"
        print(f"  {name:24} adds {added:7.2%} of a sweep of {whole:.1f} s      goal < 3%")


if __name__ == "__main__":
    main()
