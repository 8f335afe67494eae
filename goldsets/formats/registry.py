"""The formats by the names that the command line uses."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from goldsets.formats import (
    autorag,
    beir,
    chunking_eval,
    contextual_retrieval,
    own,
    squad,
    trec,
)
from goldsets.formats.base import Imported, Report
from goldsets.types import GoldSet
from retrieval.errors import InputError, one_of
from retrieval.ingest.fields import named, shown
from retrieval.types import Corpus

V = TypeVar("V")

Reader = Callable[..., Imported]
"""Takes a path, a report, and options by keyword."""
Writer = Callable[[GoldSet, Corpus, Path], Mapping[str, int]]
"""Writes to a path (`pizza`: a file, else a folder) and returns the rows by kind."""

READERS: dict[str, Reader] = {
    "contextual-retrieval": contextual_retrieval.read,
    "chunking-eval": chunking_eval.read,
    "beir": beir.read,
    "trec": trec.read,
    "autorag": autorag.read,
    "squad": squad.read,
    "pizza": own.read,
}
WRITERS: dict[str, Writer] = {
    "pizza": lambda gold, _, path: own.write(gold, path),
    "beir": beir.write,
    "trec": trec.write,
}


def import_path(
    name: str, path: Path, /, *, strict: bool = False, **options: str | Path | None
) -> tuple[Imported, Report]:
    """Read gold in the format `name`; an option that is None is one that was not given.

    Raises:
        InputError: the format, an option or a file is not there; in strict mode, any bad line.
    """
    reader = _get(READERS, name)
    given = {key: value for key, value in options.items() if value is not None}
    known = options_of(name)
    for key in given:
        if key not in known:
            raise InputError(
                f"{name} has no option {shown(key)}{one_of(key[:60], known, 'option')}"
            )
    if not path.exists():
        raise InputError(f"there is no file or folder {named(str(path))}")
    report = Report(strict)
    try:
        return reader(path, report, **given), report
    except OSError as error:
        place = named(str(error.filename or path))
        raise InputError(f"cannot be read ({error.strerror})", where=place) from None


def export_path(name: str, gold: GoldSet, corpus: Corpus, path: Path) -> Mapping[str, int]:
    """Write gold in the format `name`; return the rows by kind.

    Raises:
        InputError: there is no such format, or it cannot be written there.
    """
    writer = _get(WRITERS, name)
    try:
        return writer(gold, corpus, path)
    except OSError as error:
        place = named(str(error.filename or path))
        raise InputError(f"cannot be written ({error.strerror})", where=place) from None


def options_of(name: str) -> list[str]:
    """List the options of a format's reader.

    Raises:
        InputError: there is no such format.
    """
    parameters = inspect.signature(_get(READERS, name)).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]


def _get(formats: Mapping[str, V], name: str) -> V:
    if name not in formats:
        raise InputError(f"there is no format {shown(name)}{one_of(name[:60], formats, 'format')}")
    return formats[name]
