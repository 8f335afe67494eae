"""Parquet files: rows in and out, with an error that names the file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from retrieval.errors import InputError


def columns(path: Path) -> set[str]:
    """Return the names of a file's columns."""
    with _opened(path) as opened:
        return set(opened.metadata.schema.to_arrow_schema().names)


def size(path: Path) -> int:
    """Return the number of rows."""
    with _opened(path) as opened:
        return int(opened.metadata.num_rows)


def rows(
    path: Path, needed: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each row's place and its values of some columns.

    Raises:
        InputError: it is no parquet, or a column that is needed is missing.
    """
    held = columns(path)
    missing = set(needed) - held
    if missing:
        raise InputError(f"there is no column {min(missing)!r}", where=path.name)
    with _opened(path) as opened:
        found = opened.read(columns=[c for c in (*needed, *optional) if c in held]).to_pylist()
    for i, row in enumerate(found, 1):
        yield f"{path.name}: row {i}", row


def write(path: Path, found: Sequence[dict[str, Any]]) -> None:
    """Write rows; a key of a dictionary whose values are of several types is written as text."""
    import pyarrow as pa
    from pyarrow.parquet import write_table

    write_table(pa.Table.from_pylist(_alike(found)), path)


def _alike(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    types: dict[tuple[str, str], set[type]] = {}
    for row in found:
        for name, value in row.items():
            for key, inside in value.items() if isinstance(value, dict) else ():
                types.setdefault((name, key), set()).add(type(inside))
    mixed = {place for place, kinds in types.items() if len(kinds) > 1}
    return [
        {
            name: {k: str(v) if (name, k) in mixed else v for k, v in value.items()}
            if isinstance(value, dict)
            else value
            for name, value in row.items()
        }
        for row in found
    ]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow as pa  # here, since it takes a second that other formats need not wait for
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as opened:
            yield opened
    except (pa.ArrowException, ValueError) as error:
        problem = f"not parquet that can be read ({str(error)[:200]})"
        raise InputError(problem, where=path.name) from None
