"""What the reranking of a sweep takes; nobody is called to find out.

The candidates are known where the first stages have run; before that, what reranking takes is an
estimate from the queries, the depth and the mean length of a chunk.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from goldsets.evaluation.outlays import Awaited
from retrieval.cost import Outlay
from retrieval.ingest.late import TokenEmbedder, count_missing_tokens
from retrieval.ingest.tokens import CountTokens, Tokens, count_tokens, token_counts
from retrieval.pipeline import Pipeline, Steps
from retrieval.query.paid import PaidReranker, Prospect
from retrieval.query.rerank import Reranker
from retrieval.runtime import Runtime
from retrieval.types import Candidates, Chunks, Corpus, Int64, Queries

Laid = tuple[Pipeline, Steps]
"""A pipeline and the boxes of its search."""


@dataclass(frozen=True)
class Reranking:
    """The reranking of some pipelines over the same queries.

    `found` are the keys of the products that are kept, and `awaited` the chunks whose contexts are
    still to be written, by their key.
    """

    corpus: Corpus
    queries: Queries
    rt: Runtime
    found: Container[str] = ()
    awaited: Mapping[str, Awaited] = field(default_factory=dict)
    _sizes: dict[str, Int64] = field(default_factory=dict, repr=False)

    def outlays(self, laid: Iterable[Laid]) -> dict[str, Outlay]:
        """Plan what rerankers are paid, by model; what two pipelines share is paid once."""
        planned: dict[str, Outlay] = {}
        seen: dict[str, set[str]] = defaultdict(set)
        for stage, pipeline, steps in self._distinct(laid):
            if isinstance(stage, PaidReranker):
                own = stage.outlay(self._prospect(pipeline, steps), seen[stage.judge], self.rt)
                name = stage.payee
                planned[name] = planned[name] + own if name in planned else own
        return planned

    def token_texts(self, laid: Iterable[Laid]) -> dict[str, int]:
        """Count the most texts that are embedded token by token, by model; queries each time."""
        texts: dict[TokenEmbedder, set[str]] = defaultdict(set)
        most: Counter[TokenEmbedder] = Counter()
        asked: Counter[TokenEmbedder] = Counter()
        for stage, pipeline, steps in self._distinct(laid):
            model = stage.late_model
            if model and steps.reranked.key not in self.found:
                own = self._texts(stage.top_n, steps)
                texts[model] |= own
                most[model] += min(len(own), len(self.queries) * min(stage.top_n, pipeline.pool))
                asked[model] += len(self.queries)
        return {
            model.identity: min(most[model], count_missing_tokens(model, own, self.rt))
            + asked[model]
            for model, own in texts.items()
        }

    def _distinct(self, laid: Iterable[Laid]) -> Iterator[tuple[Reranker, Pipeline, Steps]]:
        """Return the rerankers whose lists differ, in the order of their pipelines."""
        every = {steps.reranked.key: (p.rerank, p, steps) for p, steps in laid}
        yield from ((stage, p, steps) for stage, p, steps in every.values() if stage)

    def _prospect(self, pipeline: Pipeline, steps: Steps) -> Prospect:
        return Prospect(
            self.corpus,
            self._chunks(steps),
            self._tokens(steps),
            self.queries,
            steps.pool.key,
            self._pool(steps),
            pipeline.pool,
            steps.reranked.key in self.found,
        )

    def _chunks(self, steps: Steps) -> Chunks:
        waiting = self.awaited.get(steps.index.chunks.key)
        return waiting.chunks if waiting else steps.index.chunks.value

    def _tokens(self, steps: Steps) -> Int64:
        """Count the tokens of each chunk with what stands beside it, or is expected to."""
        key = steps.index.chunks.key
        if key not in self._sizes:
            chunks, waiting = self._chunks(steps), self.awaited.get(key)
            own = token_counts(chunks, self.corpus, self._document_tokens(steps))
            beside = np.array([count_tokens(text) for text in chunks.contexts])
            more = np.array(waiting.expected if waiting else 0, np.int64)
            self._sizes[key] = own.astype(np.int64) + beside[chunks.context_of] + more
        return self._sizes[key]

    def _document_tokens(self, steps: Steps) -> Tokens:
        return self.rt.run(CountTokens(), steps.index.corpus).value

    def _pool(self, steps: Steps) -> Candidates | None:
        """Return the candidates where they are at hand; nothing is made for it."""
        if steps.index.chunks.key in self.awaited:
            return None
        return self.rt.at_hand(steps.pool, Candidates)

    def _texts(self, top_n: int, steps: Steps) -> set[str]:
        """Return the texts of the candidates, or of all chunks while nobody knows which."""
        chunks, pool = self._chunks(steps), self._pool(steps)
        if steps.index.chunks.key in self.awaited:
            return {f"{steps.index.chunks.key} {i}" for i in range(len(chunks))}
        ids = np.arange(len(chunks)) if pool is None else np.unique(pool.top(top_n).ids)
        return {chunks.indexed(self.corpus, int(i)) for i in ids if i >= 0}
