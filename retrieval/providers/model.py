"""What a vendor's models share that are known by a name: chat models and rerankers."""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from retrieval.errors import SpecError
from retrieval.providers.vendor import Vendor
from retrieval.stage import Stage

T = TypeVar("T")


@dataclass(frozen=True)
class VendorModel(Stage[T]):
    """A model of a vendor, asked over the network."""

    model: str = ""
    vendor: ClassVar[Vendor]
    known: ClassVar[tuple[str, ...]] = ()
    """Models of the vendor that do this, of those whose price we have."""

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise SpecError(f"{type(self).__name__} needs the name of a model")

    @property
    def label(self) -> str:
        """Return the model's name."""
        return self.model

    @property
    def name(self) -> str:
        """Return who answers and the model, as it is priced."""
        return f"{self.vendor.source}/{self.model}"

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say what of the vendor's key and SDK is not here."""
        return self.vendor.lacking

    @property
    def versions(self) -> list[Any]:
        """Return the revision and who answers: another server's model answers otherwise."""
        return [*super().versions, self.name]
