"""The stand-in without a key: it reads passages by their words alone, and says so."""

from dataclasses import dataclass

from goldsets.types import STAND_IN
from retrieval.stage import Stage


@dataclass(frozen=True)
class Offline(Stage[str]):
    """The offline stand-in, extractive: key phrases and sentence templates, no model, no calls."""

    @property
    def name(self) -> str:
        """Return the name that its queries carry."""
        return STAND_IN
