"""Rerankers that somebody is paid for: what it takes, said before it is done."""

from abc import abstractmethod
from collections.abc import Container, Sequence
from dataclasses import dataclass, fields, replace

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

    @property
    def distinct(self) -> list[str]:
        """Return the queries, each once."""
        return list(dict.fromkeys(self.queries.texts))

    def pairs(self, pool: Candidates, top_n: int) -> dict[str, dict[str, int]]:
        """Return for each distinct query its first candidates by name, each with its tokens."""
        pairs = Pairs(self.corpus, self.chunks, self.queries.texts, pool.top(top_n).ids)
        tokens = self.tokens.tolist()
        found = pairs.by_query().items()
        return {query: {name: tokens[c] for name, c in own.items()} for query, own in found}


@dataclass
class Share:
    """A part of the work: the new, or what is kept from before."""

    texts: int = 0
    calls: int = 0
    usage: Usage = Usage()

    def add(self, texts: int, calls: int, usage: Usage, times: int = 1) -> None:
        """Count more of it, as often as that."""
        self.texts += texts * times
        self.calls += calls * times
        self.usage += Usage(*(getattr(usage, f.name) * times for f in fields(Usage)))


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
        if prospect.pool is None:
            return self.estimated(prospect, seen, rt)
        asked = prospect.pairs(prospect.pool, self.top_n)
        names = [name for own in asked.values() for name in own]
        kept = {*names} if prospect.made else self.kept(names, rt)
        new, old = Share(), Share()
        for query, own in asked.items():
            fresh = {name: tokens for name, tokens in own.items() if name not in seen}
            seen.update(fresh)
            length = count_tokens(query) if fresh else 0
            for share, there in ((new, False), (old, True)):
                texts = [tokens for name, tokens in fresh.items() if (name in kept) == there]
                if texts:
                    share.add(len(texts), *self.takes(length, texts))
        return self.planned(new, old, rt)

    def estimated(self, prospect: Prospect, seen: set[str], rt: Runtime) -> Outlay:
        """Estimate from queries and chunks of mean length; `seen` are the places counted before."""
        queries = prospect.distinct
        n = min(self.top_n, prospect.depth, len(prospect.tokens))
        places = {f"{prospect.key} {place}" for place in range(n)} - seen
        seen.update(places)
        each = round(float(prospect.tokens.mean())) if n else 0
        length = round(sum(map(count_tokens, queries)) / max(len(queries), 1))
        calls, usage = self.takes(length, [each] * len(places))
        share = Share()
        share.add(len(places), calls, usage, len(queries))
        new, old = (Share(), share) if prospect.made else (share, Share())
        return replace(self.planned(new, old, rt), estimated=new.texts > 0)

    def planned(self, new: Share, old: Share, rt: Runtime) -> Outlay:
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
        )
