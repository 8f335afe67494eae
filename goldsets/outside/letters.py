"""A text by its letters alone: what case, white space, marks and accents make no difference to."""

import unicodedata
from dataclasses import dataclass

import numpy as np

from retrieval.types import Int64, Span


class _Folded(dict[str, str]):
    """Maps a character to its letters and digits, decomposed and in lower case."""

    def __missing__(self, character: str) -> str:
        apart = unicodedata.normalize("NFKD", character).casefold()
        self[character] = letters = "".join(c for c in apart if c.isalnum())
        return letters


_FOLDED = _Folded()


def letters_of(text: str) -> str:
    """Return the letters and digits of a text."""
    return "".join(map(_FOLDED.__getitem__, text))


@dataclass(frozen=True)
class Letters:
    """A text's letters, and where each stands in it."""

    flat: str
    at: Int64

    @classmethod
    def of(cls, text: str) -> "Letters":
        """Lay out a text."""
        parts = [_FOLDED[c] for c in text]
        count = np.fromiter(map(len, parts), np.int64, len(parts))
        return cls("".join(parts), np.repeat(np.arange(len(parts)), count))

    def find(self, quote: str, near: int = 0) -> Span | None:
        """Return the place of a quote's letters that is nearest to `near`; None for nowhere."""
        wanted = letters_of(quote)
        if not wanted:
            return None
        middle = int(np.searchsorted(self.at, near))
        before = self.flat.rfind(wanted, 0, middle + len(wanted))
        after = self.flat.find(wanted, middle)
        places = [p for p in (before, after) if p >= 0]
        if not places:
            return None
        start = min(places, key=lambda p: abs(p - middle))
        return Span(int(self.at[start]), int(self.at[start + len(wanted) - 1]) + 1)
