"""A hit: what a retriever that is not ours says it found, in a file or over HTTP."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retrieval.errors import InputError
from retrieval.ingest.fields import shown, text_field

FIELDS = ("document", "start", "end", "text", "score", "id")


@dataclass(frozen=True, slots=True)
class Hit:
    """A stretch of a document, a text, or both; without offsets or text the whole document.

    `id` is the retriever's own name for it, of which nothing is known here.
    """

    document: str = ""
    start: int | None = None
    end: int | None = None
    text: str = ""
    score: float | None = None
    id: str = ""

    @property
    def words(self) -> str:
        """Return its text, or else what it is called."""
        if self.text:
            return self.text
        place = "" if self.start is None else f" {self.start}-{self.end}"
        return f"{self.document}{place}" if self.document else self.id


def hit_of(row: Any) -> Hit:
    """Read a hit from a JSON object; keys beyond `FIELDS` mean nothing here.

    Raises:
        InputError: a field holds what it cannot, one of `start` and `end` is alone, or there is
            neither a document nor a text nor an id.
    """
    if not isinstance(row, Mapping):
        raise InputError(f"a hit is an object, not {shown(row)}")
    start, end = (_offset(row, key) for key in ("start", "end"))
    if (start is None) != (end is None):
        raise InputError("start and end go together", where="end" if end is None else "start")
    if start is not None and end is not None and start >= end:
        raise InputError(f"start must be below end, not {start} and {end}", where="start")
    number = row.get("id")
    named = {**row, "id": str(number)} if type(number) is int else row
    document, text, name = (text_field(named, key, "") for key in ("document", "text", "id"))
    if not (document or text.strip() or name):
        raise InputError("a hit needs a document, a text or an id, and this has none of them")
    return Hit(document, start, end, text if text.strip() else "", _score(row), name)


def row_of(hit: Hit) -> dict[str, Any]:
    """Return a hit as a JSON object, without the fields it does not have."""
    row = {key: getattr(hit, key) for key in FIELDS}
    return {key: value for key, value in row.items() if value not in (None, "")}


def _offset(row: Mapping[str, Any], key: str) -> int | None:
    value = row.get(key)
    if value is not None and (type(value) is not int or not 0 <= value < 2**31):
        raise InputError(f"not a whole number from 0 up: {shown(value)}", where=key)
    return value


def _score(row: Mapping[str, Any]) -> float | None:
    value = row.get("score")
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        if number and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise InputError(f"not a finite number: {shown(value)}", where="score")
