"""Runs as Parquet: a hit a row, for notebooks and warehouses."""

from pathlib import Path
from typing import Any

from goldsets.evaluation.run import Run
from goldsets.formats.base import Report
from goldsets.formats.parquet import rows as read_rows
from goldsets.formats.run_base import Answered
from goldsets.formats.run_jsonl import rows_of
from goldsets.types import GoldSet
from retrieval.errors import InputError
from retrieval.hits import Hit, hit_of
from retrieval.ingest.fields import text_field
from retrieval.types import Chunks, Corpus

NEEDED = ("query", "rank")
FIELDS = ("document", "start", "end", "text", "score")


def write(run: Run, chunks: Chunks, gold: GoldSet, corpus: Corpus, path: Path) -> dict[str, int]:
    """Write a run: query, its words, rank from 1, document, offsets, score; return the rows."""
    import pyarrow as pa
    from pyarrow.parquet import write_table

    answered = rows_of(run, chunks, gold, corpus)
    rows = [
        {"query": row["id"], "words": row.get("query"), "rank": rank, **hit}
        for row in answered
        for rank, hit in enumerate(row["hits"], 1)
    ]
    types = {"rank": pa.int32(), "start": pa.int32(), "end": pa.int32(), "score": pa.float64()}
    names = ("query", "words", "rank", *FIELDS)
    schema = pa.schema([(name, types.get(name, pa.string())) for name in names])
    write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return {"queries": len(answered), "hits": len(rows)}


def read(path: Path, report: Report) -> list[Answered]:
    """Read a hit a row, by `query` and `rank`; a hit of no use keeps its place.

    Raises:
        InputError: it is no parquet, or has no such columns; in strict mode, a row cannot be used.
    """
    found: dict[str, list[tuple[int, Hit]]] = {}
    first: dict[str, str] = {}
    for where, row in read_rows(path, NEEDED, FIELDS):
        with report.skipping("hit", where):
            query, rank = text_field(row, "query"), row["rank"]
            if type(rank) is not int:
                raise InputError(f"not a whole number: {rank!r}", where="rank")
            first.setdefault(query, where)
            found.setdefault(query, []).append((rank, _hit(row)))
    return [
        Answered(first[query], query, "", tuple(h for _, h in sorted(hits, key=lambda r: r[0])))
        for query, hits in found.items()
    ]


def _hit(row: dict[str, Any]) -> Hit:
    return hit_of({key: value for key, value in row.items() if value is not None})
