"""Who makes the models we know, and one tiny call that tells whether a model answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any, get_args

from retrieval.cost import Usage
from retrieval.errors import SpecError
from retrieval.ingest.embed import Embedder
from retrieval.providers import anthropic, cohere, gemini, openai, voyage
from retrieval.providers.base import Asked, call, unit_vectors
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.fastembed import CrossEncoder, FastEmbed
from retrieval.providers.local import Local, Model
from retrieval.providers.remote import RemoteEmbedder, count_tokens
from retrieval.providers.rerank import RemoteReranker
from retrieval.providers.vendor import Vendor
from retrieval.query.rerank import Reranker
from retrieval.retry import Retry
from retrieval.runtime import Runtime
from retrieval.stage import Stage

TEXT = "pizza"
ASK = Prompt("Answer with the word yes.", max_tokens=64)
ONCE = Retry(attempts=1, deadline_seconds=10.0, timeout_seconds=10.0)
"""How long a check may take: one attempt, whose error is the answer."""
SHOWN = 40
"""Characters of what a chat model writes that are shown."""

StageClass = type[Stage[Any]]


@dataclass(frozen=True)
class Provider:
    """Who makes models, and the stages that ask them; without a vendor they are on this machine."""

    name: str
    vendor: Vendor | None
    stages: tuple[StageClass, ...]
    package: str = ""
    """What runs its models on this machine, where that is not in the core; also the extra."""

    @property
    def any_name(self) -> bool:
        """Tell whether it has more models than we know: on a server of one's own, or a hub."""
        own = self.vendor is not None and self.vendor.keyless and self.vendor.base
        return bool(own or self.package)

    @property
    def models(self) -> Iterator[Stage[Any]]:
        """Return a stage for each model we know."""
        return (made(cls, name) for cls in self.stages for name in known(cls))


PROVIDERS = (
    Provider("Voyage", voyage.VENDOR, (voyage.Voyage, voyage.VoyageContext, voyage.VoyageRerank)),
    Provider("Gemini", gemini.VENDOR, (gemini.Gemini, gemini.GeminiChat)),
    Provider("Cohere", cohere.VENDOR, (cohere.Cohere, cohere.CohereRerank, cohere.CohereChat)),
    Provider("Anthropic", anthropic.VENDOR, (anthropic.Claude,)),
    Provider(
        "OpenAI, or a server that speaks its API", openai.VENDOR, (openai.OpenAI, openai.OpenAIChat)
    ),
    Provider("On this machine", None, (Local,)),
    Provider("fastembed, on this machine", None, (FastEmbed, CrossEncoder), "fastembed"),
)


def kind(cls: StageClass) -> str:
    """Say what a stage asks its models for."""
    kinds = {Embedder: "embed", Reranker: "rerank", ChatModel: "chat"}
    return next(name for base, name in kinds.items() if issubclass(cls, base))


def known(cls: StageClass) -> tuple[str, ...]:
    """Return the names of the models we know of a stage."""
    if issubclass(cls, RemoteEmbedder):
        return tuple(cls.widths)
    if issubclass(cls, RemoteReranker | ChatModel):
        return cls.known
    return get_args(Model) if cls is Local else (cls().label,)


def made(cls: StageClass, model: str) -> Stage[Any]:
    """Make a stage of a model; where nobody knows the length of its vectors it has none to keep.

    Raises:
        SpecError: the model has no name.
    """
    if issubclass(cls, RemoteEmbedder) and model.strip() and model not in cls.widths:
        return cls(model=model.strip(), width=1)
    return cls(model=model.strip())  # type: ignore[call-arg]


def check(model: Stage[Any], rt: Runtime) -> str:
    """Ask a model for next to nothing; say what it answered and how long that took.

    Raises:
        ProviderError: the vendor failed; tried once, in seconds.
        MissingExtra: its package is not installed.
        MissingModel: it is none of a vendor, and not on this machine.
        OverBudget: the call would pass a budget.
        SpecError: it is no model.
    """
    vendor: Vendor | None = getattr(model, "vendor", None)
    if vendor:
        vendor.key()
        vendor.sdk()  # importing it takes seconds, which are not the vendor's
    begun = monotonic()
    said = _answer(model, Runtime(rt.workspace, retry=ONCE))
    return f"{said}, in {monotonic() - begun:.2f} s"


def _answer(model: Stage[Any], rt: Runtime) -> str:
    match model:
        case RemoteEmbedder():
            return f"gave a vector of {_width(model, rt):,} numbers"
        case RemoteReranker():
            return f"gave a text the score {model.ask(TEXT, [TEXT], rt)[0]:.2f}"
        case ChatModel():
            return f"wrote {model.write(ASK, rt)[:SHOWN]!r}"
        case CrossEncoder():
            model.source.need_no_download()
            return f"gave a text the score {model.score([(TEXT, TEXT)], 1)[0]:.2f}"
        case FastEmbed():
            model.source.need_no_download()
            return f"gave a vector of {model.embed_batch([TEXT], 'query').shape[1]:,} numbers"
        case Embedder():
            return f"gave a vector of {model.embed_batch([TEXT], 'query').shape[1]:,} numbers"
    raise SpecError(f"{model!r} is no model that can be checked")


def _width(model: RemoteEmbedder, rt: Runtime) -> int:
    """Embed a text; return the length of its vector, which need not be known before."""

    def send(seconds: float) -> tuple[int, Usage | None]:
        rows, usage = model.send([TEXT], "query", seconds)
        width = model.dimensions if model.model in model.widths else len(rows[0])
        return unit_vectors(model.vendor.name, rows, 1, width).shape[1], usage

    expected = Usage(input=count_tokens(TEXT))
    return call(Asked(model.vendor, model.model, "embed", expected, send), rt)
