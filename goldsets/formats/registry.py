"""The formats by the names that the command line uses."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from goldsets.evaluation.run import Run
from goldsets.formats import (
    autorag,
    beir,
    chunking_eval,
    contextual_retrieval,
    own,
    ragas,
    run_jsonl,
    run_parquet,
    run_trec,
    squad,
    trec,
)
from goldsets.formats.base import Imported, Report
from goldsets.formats.run_base import Answered
from goldsets.types import GoldSet
from retrieval.errors import InputError, one_of
from retrieval.ingest.fields import named, shown
from retrieval.types import Chunks, Corpus

V = TypeVar("V")

Reader = Callable[..., Imported]
"""Takes a path, a report, and options by keyword."""
Writer = Callable[[GoldSet, Corpus, Path], Mapping[str, int]]
"""Writes to a path (`pizza` and `ragas`: a file, else a folder) and returns the rows by kind."""

RunReader = Callable[..., list[Answered]]
"""Takes a path, a report, the corpus, and options by keyword."""
RunWriter = Callable[[Run, Chunks, GoldSet, Corpus, Path], Mapping[str, int]]

READERS: dict[str, Reader] = {
    "contextual-retrieval": contextual_retrieval.read,
    "chunking-eval": chunking_eval.read,
    "beir": beir.read,
    "trec": trec.read,
    "autorag": autorag.read,
    "squad": squad.read,
    "ragas": ragas.read,
    "pizza": own.read,
}
WRITERS: dict[str, Writer] = {
    "pizza": lambda gold, _, path: own.write(gold, path),
    "beir": beir.write,
    "trec": trec.write,
    "autorag": autorag.write,
    "ragas": lambda gold, _, path: ragas.write(gold, path),
}
RUN_READERS: dict[str, RunReader] = {
    "trec": run_trec.read,
    "jsonl": lambda path, report, _: run_jsonl.read(path, report),
    "parquet": lambda path, report, _: run_parquet.read(path, report),
}
RUN_WRITERS: dict[str, RunWriter] = {
    "trec": lambda run, chunks, _, corpus, path: run_trec.write(run, chunks, corpus, path),
    "jsonl": run_jsonl.write,
    "parquet": run_parquet.write,
}


def import_path(
    name: str, path: Path, /, *, strict: bool = False, **options: str | Path | None
) -> tuple[Imported, Report]:
    """Read gold in the format `name`; an option that is None is one that was not given.

    Raises:
        InputError: the format, an option or a file is not there; in strict mode, any bad line.
    """
    report = Report(strict)
    return _read(READERS, name, path, options, report), report


def import_run(
    name: str, path: Path, corpus: Corpus, /, *, strict: bool = False, **options: str | Path | None
) -> tuple[list[Answered], Report]:
    """Read a run in the format `name`, as `import_path` reads gold.

    Raises:
        InputError: the format, an option or a file is not there; in strict mode, any bad line.
    """
    report = Report(strict)
    return _read(RUN_READERS, name, path, options, report, corpus), report


def _read(
    readers: Mapping[str, Callable[..., V]],
    name: str,
    path: Path,
    options: Mapping[str, str | Path | None],
    report: Report,
    *more: Any,
) -> V:
    reader = _get(readers, name)
    given = {key: value for key, value in options.items() if value is not None}
    known = _options(reader)
    for key in given:
        if key not in known:
            raise InputError(
                f"{name} has no option {shown(key)}{one_of(key[:60], known, 'option')}"
            )
    if not path.exists():
        raise InputError(f"there is no file or folder {named(str(path))}")
    try:
        return reader(path, report, *more, **given)
    except OSError as error:
        place = named(str(error.filename or path))
        raise InputError(f"cannot be read ({error.strerror})", where=place) from None


def export_path(name: str, gold: GoldSet, corpus: Corpus, path: Path) -> Mapping[str, int]:
    """Write gold in the format `name`; return the rows by kind.

    Raises:
        InputError: there is no such format, or it cannot be written there.
    """
    return _write(lambda: _get(WRITERS, name)(gold, corpus, path), path)


def export_run(
    name: str, run: Run, chunks: Chunks, gold: GoldSet, corpus: Corpus, path: Path
) -> Mapping[str, int]:
    """Write a run in the format `name`; `chunks` are what it numbers. Return the rows by kind.

    Raises:
        InputError: there is no such format, or it cannot be written there.
    """
    return _write(lambda: _get(RUN_WRITERS, name)(run, chunks, gold, corpus, path), path)


def _write(write: Callable[[], Mapping[str, int]], path: Path) -> Mapping[str, int]:
    try:
        return write()
    except OSError as error:
        place = named(str(error.filename or path))
        raise InputError(f"cannot be written ({error.strerror})", where=place) from None


def options_of(name: str) -> list[str]:
    """List the options of a format's reader.

    Raises:
        InputError: there is no such format.
    """
    return _options(_get(READERS, name))


def _options(reader: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(reader).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]


def _get(formats: Mapping[str, V], name: str) -> V:
    if name not in formats:
        raise InputError(f"there is no format {shown(name)}{one_of(name[:60], formats, 'format')}")
    return formats[name]
