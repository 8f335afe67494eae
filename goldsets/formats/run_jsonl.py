"""Runs as JSON lines: a query a line, its hits best first."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from goldsets.evaluation.run import Run
from goldsets.formats.base import Report, items, write_lines
from goldsets.formats.files import single
from goldsets.formats.run_base import Answered
from goldsets.types import GoldSet
from retrieval.errors import InputError
from retrieval.hits import Hit, hit_of, row_of
from retrieval.ingest.fields import shown, text_field
from retrieval.types import Chunks, Corpus


def read(path: Path, report: Report) -> list[Answered]:
    """Read `{"id" or "query": ..., "hits": [...]}` a line; a hit of no use keeps its rank.

    Raises:
        InputError: there is no such file; in strict mode, a line or a hit cannot be used.
    """
    rows = []
    for where, row in single(path).objects(report, "line"):
        with report.skipping("line", where):
            name, text = text_field(row, "id", ""), text_field(row, "query", "")
            if not (name or text.strip()):
                raise InputError("missing, as is query: nothing says what was asked", where="id")
            given = items(row, "hits", object)
            rows.append(Answered(where, name, text, tuple(_hits(given, report, where))))
    return rows


def write(run: Run, chunks: Chunks, gold: GoldSet, corpus: Corpus, path: Path) -> dict[str, int]:
    """Write a run: each hit with its document, its offsets and its score."""
    rows = rows_of(run, chunks, gold, corpus)
    write_lines(path, (json.dumps(row, ensure_ascii=False) for row in rows))
    return {"queries": len(rows), "hits": sum(len(row["hits"]) for row in rows)}


def rows_of(run: Run, chunks: Chunks, gold: GoldSet, corpus: Corpus) -> list[dict[str, Any]]:
    """Return a run as an object a query, with its hits as the contract for retrievers has them."""
    wording = {q.id: q.text for q in gold.queries}
    return [_row(run, i, wording, chunks, corpus) for i in range(len(run.queries))]


def _hits(given: list[object], report: Report, where: str) -> Iterator[Hit]:
    for i, row in enumerate(given):
        hit = Hit(id=f"cannot be read: {shown(row)}")
        with report.skipping("hit", f"{where}: hits[{i}]"):
            hit = hit_of(row)
        yield hit


def _row(
    run: Run, row: int, wording: dict[str, str], chunks: Chunks, corpus: Corpus
) -> dict[str, Any]:
    name, ids = run.queries[row], run.candidates.ids[row].tolist()
    scored = zip(ids, run.candidates.scores[row].tolist(), strict=True)
    hits = [row_of(_hit(chunks, i, corpus, score)) for i, score in scored if i >= 0]
    asked = {"query": wording[name]} if name in wording else {}
    return {"id": name, **asked, "hits": hits}


def _hit(chunks: Chunks, i: int, corpus: Corpus, score: float) -> Hit:
    if chunks.document[i] < 0:
        return Hit(text=chunks.context(i), score=score)
    document = corpus.documents[int(chunks.document[i])]
    return Hit(document.id, int(chunks.start[i]), int(chunks.end[i]), score=score)
