"""Ids in files that have no place for some characters: percent-encoded, and never two alike."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from retrieval.errors import InputError

SPACE = re.compile(r"[\s\0\ufeff]")
"""What would end a column of TREC, or be lost at the beginning of a file."""


def encoded(name: str, left_out: re.Pattern[str] = SPACE) -> str:
    """Percent-encode what a format has no place for."""
    return left_out.sub(lambda m: quote(m[0]), name)


def distinct(kind: str, names: Iterable[str], left_out: re.Pattern[str] = SPACE) -> dict[str, str]:
    """Return each name with how it is written.

    Raises:
        InputError: two of them would be written alike.
    """
    held: dict[str, str] = {}
    for name in names:
        other = held.setdefault(encoded(name, left_out), name)
        if other != name:
            raise InputError(
                f"the {kind} ids {other!r} and {name!r} would be the same in this format, which"
                " has no place for some of their characters"
            )
    return {name: written for written, name in held.items()}
