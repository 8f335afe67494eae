"""Rerankers that somebody is paid for: what it takes, said before it is done."""

from abc import abstractmethod
from collections.abc import Container, Sequence
from dataclasses import dataclass

from retrieval.cost import Outlay, Usage, cost, price_of, read_prices
from retrieval.ingest.tokens import count_tokens
from retrieval.query.pairs import Pairs
from retrieval.query.rerank import Reranker
from retrieval.runtime import Runtime
from retrieval.types import Candidates, Chunks, Corpus, Int64, Queries


@dataclass(frozen=True)
class Prospect:
    """What is known of a reranking before anybody is paid for it.

    `tokens` `(C,)` are those of the chunks with what stands beside them. `pool`, whose key is
    `key`, is None while the first stages have not run: then each query is taken to have `depth`
    candidates of mean length. `made` tells whether the reranked list is kept.
    """

    corpus: Corpus
    chunks: Chunks
    tokens: Int64
    queries: Queries
    key: str
    pool: Candidates | None
    depth: int
    made: bool

    def pairs(self, top_n: int) -> dict[str, dict[str, int]]:
        """Return for each distinct query its first candidates by name, each with its tokens."""
        if self.pool is None:
            mean = round(float(self.tokens.mean())) if len(self.tokens) else 0
            n = min(top_n, self.depth, len(self.tokens))
            return {q: {f"{self.key} {q} {i}": mean for i in range(n)} for q in self.queries.texts}
        ids = self.pool.top(top_n).ids
        pairs = Pairs(self.corpus, self.chunks, self.queries.texts, ids)
        tokens = self.tokens.tolist()
        found = pairs.by_query().items()
        return {query: {name: tokens[c] for name, c in own.items()} for query, own in found}


@dataclass
class Share:
    """A part of the work: the new, or what is kept from before."""

    calls: int = 0
    texts: int = 0
    usage: Usage = Usage()

    def add(self, calls: int, texts: int, usage: Usage) -> None:
        """Count more of it."""
        self.calls += calls
        self.texts += texts
        self.usage += usage


@dataclass(frozen=True)
class PaidReranker(Reranker):
    """Pays for every candidate it looks at, once for a query and a text."""

    @property
    @abstractmethod
    def payee(self) -> str:
        """Return who is paid, as it is priced: `vendor/model`."""

    @property
    @abstractmethod
    def judge(self) -> str:
        """Name what a judgement depends on besides the query and the texts."""

    @abstractmethod
    def takes(self, query: int, texts: Sequence[int]) -> tuple[int, Usage]:
        """Return the calls that one query with these texts takes, and their usage, by tokens."""

    @abstractmethod
    def kept(self, names: Sequence[str], rt: Runtime) -> Container[str]:
        """Return those of the pairs that are judged already."""

    def outlay(self, prospect: Prospect, seen: set[str], rt: Runtime) -> Outlay:
        """Say what reranking takes, and what of it is kept; calls nobody.

        `seen` are the pairs that were counted before, for another variant say; it grows.
        """
        asked = prospect.pairs(self.top_n)
        names = [name for own in asked.values() for name in own]
        kept = {*names} if prospect.made else self.kept(names, rt)
        new, old = Share(), Share()
        for query, own in asked.items():
            fresh = {name: tokens for name, tokens in own.items() if name not in seen}
            seen.update(fresh)
            length = count_tokens(query) if fresh else 0
            for share, there in ((new, False), (old, True)):
                texts = [tokens for name, tokens in fresh.items() if (name in kept) == there]
                calls, usage = self.takes(length, texts)
                share.add(calls, len(texts), usage)
        return self.planned(new, old, prospect, rt)

    def planned(self, new: Share, old: Share, prospect: Prospect, rt: Runtime) -> Outlay:
        """Price both shares."""
        price = price_of(self.payee, read_prices(rt.workspace.path) if rt.workspace else {})
        return Outlay(
            calls=new.calls,
            texts=new.texts,
            tokens=new.usage.tokens,
            usd=cost(new.usage, price),
            kept_texts=old.texts,
            kept_tokens=old.usage.tokens,
            kept_usd=cost(old.usage, price),
            searches=new.usage.searches,
            estimated=prospect.pool is None and new.texts > 0,
        )
