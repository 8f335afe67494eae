"""What vendors' rerankers share: one query and its texts in, a score a text out, each kept."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from threading import Lock
from typing import ClassVar

from retrieval.cost import Usage
from retrieval.providers.base import Asked, call, together
from retrieval.providers.model import VendorModel
from retrieval.providers.remote import Limits, count_tokens, pack
from retrieval.query.paid import PaidReranker
from retrieval.query.pairs import Pairs
from retrieval.query.rerank import Scorer
from retrieval.runtime import Runtime
from retrieval.store import scores as store
from retrieval.types import Candidates, Chunks, Corpus, Float64, Int32, Queries


@dataclass(frozen=True)
class RemoteReranker(PaidReranker, Scorer, VendorModel[Candidates]):
    """A vendor's cross-encoder: reads query and text together, one call a query.

    A text's score does not depend on the others, and is kept by model, query and text: another
    `top_n` asks for what is new alone. Blank texts are not sent and score 0.
    """

    limits: ClassVar[Limits]
    """What one request may hold; its tokens are those of the texts, and the query's once a text."""

    def __post_init__(self) -> None:
        PaidReranker.__post_init__(self)
        VendorModel.__post_init__(self)

    @property
    def label(self) -> str:
        """Return the model's name, with the depth where it is not the default."""
        default = next(f.default for f in fields(self) if f.name == "top_n")
        return self.model if self.top_n == default else f"{self.model} top {self.top_n}"

    @abstractmethod
    def send(
        self, query: str, texts: Sequence[str], seconds: float
    ) -> tuple[Float64, Usage | None]:
        """Make one attempt; return the scores in the texts' order, and what the vendor counted."""

    @property
    def payee(self) -> str:
        """Return who answers and the model."""
        return self.name

    @property
    def judge(self) -> str:
        """Return who answers and the model: nothing else matters to a score."""
        return self.name

    def usage(self, query: int, texts: Sequence[int]) -> Usage:
        """Return what a call is expected to use, by tokens: the query once a text."""
        return Usage(input=sum(texts) + query * len(texts))

    def takes(self, query: int, texts: Sequence[int]) -> tuple[int, Usage]:
        """Return the requests that a query with these texts is sent in, and their usage."""
        parts = pack([query + n for n in texts], self.limits)
        return len(parts), sum((self.usage(query, [texts[i] for i in p]) for p in parts), Usage())

    def kept(self, names: Sequence[str], rt: Runtime) -> dict[str, float]:
        """Return the scores that are kept, by the names of their pairs."""
        return store.fetch(rt.workspace, self.judge, names) if rt.workspace else {}

    def scores(
        self, corpus: Corpus, chunks: Chunks, queries: Queries, rt: Runtime, ids: Int32
    ) -> Float64:
        """Take the scores that are kept, and ask for the others, several queries at once."""
        pairs = Pairs(corpus, chunks, queries.texts, ids)
        names = [name for row in pairs.names for name in row if name]
        found = self.kept(names, rt)
        requests = list(self._requests(pairs, found))
        turn, answered = Lock(), 0

        def one(number: int, own: Runtime) -> None:
            nonlocal answered
            query, texts = requests[number]
            scores = self.ask(query, list(texts.values()), own).tolist()
            new = dict(zip(texts, scores, strict=True))
            with turn:
                if rt.workspace:
                    store.keep(rt.workspace, self.judge, new)
                found.update(new)
                answered += 1
                own.progress(f"Rerank with {self.name}", answered, len(requests))

        together(one, len(requests), self.vendor.at_once, rt)
        return pairs.values(found)

    def ask(self, query: str, texts: Sequence[str], rt: Runtime) -> Float64:
        """Return the relevance of each text, `(n,)` in the texts' order, by one call.

        Raises:
            ProviderError: the vendor failed, or did not score every text.
            OverBudget: the call would pass a budget.
        """

        def send(seconds: float) -> tuple[Float64, Usage | None]:
            return self.send(query, texts, seconds)

        expected = self.usage(count_tokens(query), [count_tokens(text) for text in texts])
        return call(Asked(self.vendor, self.model, "rerank", expected, send), rt)

    def _requests(
        self, pairs: Pairs, kept: Mapping[str, float]
    ) -> Iterator[tuple[str, dict[str, str]]]:
        """Return each request as its query and its texts by the names of their pairs."""
        for query, own in pairs.by_query().items():
            new = [(name, pairs.texts[c]) for name, c in own.items() if name not in kept]
            asked = count_tokens(query) if new else 0
            for part in pack([asked + count_tokens(text) for _, text in new], self.limits):
                yield query, dict(new[i] for i in part)
