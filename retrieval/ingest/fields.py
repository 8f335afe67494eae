"""Fields of rows from outside: checked one by one, with errors that name the field and the value.

No more than a piece of a value goes into a message, escaped.
"""

import json
import math
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from retrieval.errors import InputError, one_of
from retrieval.types import Scalar

LARGEST = 2**63
"""Whole numbers stay below it, so that every store can hold them."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60
_short.maxlevel = _short.maxlist = _short.maxdict = 2


def shown(value: object) -> str:
    """Phrase a value for a message: escaped, and no more than a piece of it."""
    return _short.repr(value)


def named(name: str) -> str:
    """Return a file's name as it is, or escaped where a terminal could not show it."""
    return name if name.isprintable() and len(name) < 200 else shown(name)


def parse_json(text: str) -> Any:
    """Parse JSON; NaN and Infinity, which JSON does not have, are refused.

    Raises:
        InputError: it is not JSON, or is nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise InputError(f"not JSON ({error.msg}, {place}): {shown(text)}") from None
    except (ValueError, RecursionError):
        raise InputError(f"not JSON that can be used: {shown(text)}") from None


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        InputError: it is not one.
    """
    value = parse_json(text)
    if not isinstance(value, dict):
        raise InputError(f"not a JSON object: {shown(value)}")
    return value


def check_keys(row: Mapping[str, object], known: Sequence[str]) -> None:
    """Refuse keys that mean nothing, naming those that do.

    Raises:
        InputError: there is such a key.
    """
    for key in row:
        if key not in known:
            raise InputError(f"unknown key{one_of(key[:60], known, 'key')}", where=shown(key))


def text_field(row: Mapping[str, object], key: str, default: str | None = None) -> str:
    """Return a field that holds text; without a default it has to be there.

    Raises:
        InputError: it is missing, no text, or holds half a character (a lone surrogate).
    """
    value = row.get(key, default)
    if value is None:
        if default is not None:
            return default
        raise InputError("missing", where=key)
    if not isinstance(value, str):
        raise InputError(f"not text: {shown(value)}", where=key)
    return whole_text(value, key)


def whole_text(text: str, where: str) -> str:
    """Return the text if every character is whole.

    Raises:
        InputError: it holds a lone surrogate, which no encoding can write.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"half a character (lone surrogate) at {error.start}", where=where
        ) from None
    return text


def scalars(value: object, where: str = "metadata") -> dict[str, Scalar]:
    """Return a flat object: text, finite numbers, true, false and null by name.

    Raises:
        InputError: it is no object or holds anything else.
    """
    if not isinstance(value, dict):
        raise InputError(f"not an object: {shown(value)}", where=where)
    for key, held in value.items():
        if not is_scalar(held):
            raise InputError(f"not a single value: {shown(held)}", where=f"{where}.{shown(key)}")
        whole_text(f"{key}{held}", f"{where}.{shown(key)}")
    return value


def is_scalar(value: object) -> bool:
    """Tell whether a value is text, a number that can be stored, true, false or null."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return -LARGEST <= value < LARGEST
    return value is None or isinstance(value, str)


def _refuse(constant: str) -> object:
    raise ValueError(constant)
