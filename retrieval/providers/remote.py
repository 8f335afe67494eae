"""What vendors' embedders share: batches within their limits, threads, checked answers, plans."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from retrieval.cost import Outlay, Usage, cost, price_of, read_prices
from retrieval.errors import SpecError, one_of
from retrieval.ingest.embed import Embedder, Purpose, hash_of, kept_hashes
from retrieval.ingest.tokens import token_starts
from retrieval.providers.base import Asked, call, together, unit_vectors
from retrieval.providers.vendor import Vendor
from retrieval.runtime import Runtime
from retrieval.types import Chunks, Corpus, Float32

MARGIN = 0.8
"""The share of a vendor's limit on tokens that a batch fills: its vocabulary is not ours."""


@dataclass(frozen=True)
class Limits:
    """What one request may hold."""

    texts: int
    tokens: int


@dataclass(frozen=True)
class RemoteEmbedder(Embedder):
    """A vendor's embedding model. `width` is the length of its vectors; None is the model's own.

    Texts longer than the model reads are cut by the vendor, as it does for its other customers.
    """

    model: str = ""
    width: int | None = None
    vendor: ClassVar[Vendor]
    widths: ClassVar[Mapping[str, int]] = {}
    """The own length of vectors of the models we know."""

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise SpecError(
                f"{type(self).__name__} needs a model{one_of('', self.widths, 'model')}"
            )
        if self.width is not None and self.width < 1:
            raise SpecError(f"a vector cannot be {self.width!r} numbers long; give 1 or more")
        if self.width is None and self.model not in self.widths:
            raise SpecError(
                f"the vectors of {self.model!r} are of a length not known here; give it as width"
                f"{one_of(self.model, self.widths, 'model')}"
            )

    @property
    def identity(self) -> str:
        """Return who answers, the model and the length of its vectors."""
        return f"{self.vendor.source}/{self.model}@{self.dimensions}"

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say what of the vendor's key and SDK is not here."""
        return self.vendor.lacking

    @property
    def label(self) -> str:
        """Return the model's name."""
        return self.model

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return self.width or self.widths[self.model]

    @property
    def cut_to(self) -> int | None:
        """Return the length to ask for, None where it is the model's own or nobody can say."""
        own = self.widths.get(self.model)
        return None if own is None or self.width in (None, own) else self.width

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """Return what one request may hold."""

    @abstractmethod
    def send(
        self, texts: Sequence[str], purpose: Purpose, seconds: float
    ) -> tuple[Any, Usage | None]:
        """Make one attempt; return a row of numbers a text, and what the vendor counted."""

    def batches(self, texts: Sequence[str]) -> list[list[int]]:
        """Split the texts into requests within the vendor's limits, in their order."""
        return pack(list(map(count_tokens, texts)), self.limits)

    def embed_batches(
        self,
        batches: Sequence[Sequence[str]],
        purpose: Purpose,
        rt: Runtime,
        keep: Callable[[int, Float32], None],
    ) -> None:
        """Ask for the batches in threads; each answer is kept as it comes."""

        def one(i: int, rt: Runtime) -> None:
            keep(i, self.ask(batches[i], purpose, rt))

        together(one, len(batches), self.vendor.at_once, rt)

    def units(self, corpus: Corpus, chunks: Chunks) -> Iterator[tuple[str, int]]:
        """Return the hash under which each chunk's vector is kept, and its tokens."""
        return units_of(chunks.indexed(corpus, i) for i in range(len(chunks)))

    def embed_batch(self, texts: Sequence[str], purpose: Purpose) -> Float32:
        """Embed texts in one call outside any work."""
        return self.ask(texts, purpose, Runtime())

    def ask(self, texts: Sequence[str], purpose: Purpose, rt: Runtime) -> Float32:
        """Embed texts in one call."""

        def send(seconds: float) -> tuple[Float32, Usage | None]:
            rows, usage = self.send(texts, purpose, seconds)
            return unit_vectors(self.vendor.name, rows, len(texts), self.dimensions), usage

        expected = Usage(input=sum(map(count_tokens, texts)))
        return call(Asked(self.vendor, self.model, "embed", expected, send), rt)


def count_tokens(text: str) -> int:
    """Count tokens in o200k; vendors count by vocabularies of their own, a few in a hundred off."""
    return len(token_starts(text))


def pack(tokens: Sequence[int], limits: Limits) -> list[list[int]]:
    """Group positions in order, each group within the limits or of one."""
    groups: list[list[int]] = []
    filled = 0
    room = limits.tokens * MARGIN
    for i, n in enumerate(tokens):
        if not groups or filled + n > room or len(groups[-1]) >= limits.texts:
            groups.append([])
            filled = 0
        groups[-1].append(i)
        filled += n
    return groups


def units_of(texts: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Name each text as its vector is kept, with its tokens."""
    return ((hash_of(text), count_tokens(text)) for text in texts)


def outlay(
    embedder: RemoteEmbedder, units: Iterable[tuple[str, int]], purpose: Purpose, rt: Runtime
) -> Outlay:
    """Say what embedding takes, and what of it is kept from before; calls nobody."""
    sizes = dict(units)
    kept = kept_hashes(embedder, list(sizes), purpose, rt)
    new = sorted(n for h, n in sizes.items() if h not in kept)
    old = sum(sizes[h] for h in kept)
    own = read_prices(rt.workspace.path) if rt.workspace else {}
    price = price_of(f"{embedder.vendor.source}/{embedder.model}", own)
    return Outlay(
        calls=len(pack(new, embedder.limits)),
        texts=len(new),
        tokens=sum(new),
        usd=cost(Usage(input=sum(new)), price),
        kept_texts=len(kept),
        kept_tokens=old,
        kept_usd=cost(Usage(input=old), price),
    )
