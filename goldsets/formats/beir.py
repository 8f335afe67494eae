"""BEIR: `corpus.jsonl`, `queries.jsonl` and `qrels/*.tsv`, which judge whole documents."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from goldsets.formats.base import (
    Imported,
    Qrel,
    Report,
    by_id,
    document_judgments,
    judged,
    write_lines,
)
from goldsets.formats.files import Source, source
from goldsets.formats.names import distinct
from goldsets.types import GoldSet, Query
from retrieval.errors import InputError, one_of
from retrieval.ingest.fields import scalars, shown, text_field
from retrieval.types import Corpus, Document

HEADER = ("query-id", "corpus-id", "score")
LEFT_OUT = re.compile(r"[\t\n\r\0\"\ufeff]")
"""What ends a field of the qrels, or is lost at its beginning, there or where BEIR reads it."""


def read(
    path: Path,
    report: Report,
    *,
    split: str = "test",
    qrels: str | Path = "",
    language: str = "",
) -> Imported:
    """Read the folder with the judgments of `split`, or of the file `qrels`.

    A query's evidence is all the text of each judged document; queries without judgments are
    left out.

    Raises:
        InputError: a file is missing.
    """
    corpus, asked = source(path, "corpus.jsonl"), source(path, "queries.jsonl")
    judgments = _qrels(path, split, qrels)
    documents = by_id(
        corpus.objects(report, "document"), _document, report, "document", where="_id"
    )
    rows = asked.objects(report, "query")
    queries = by_id(rows, lambda row: _query(row, language), report, "query", where="_id")
    return judged(documents, queries, _rows(judgments, report), report)


def write(gold: GoldSet, corpus: Corpus, folder: Path) -> dict[str, int]:
    """Write a gold set and its corpus; return the rows by kind.

    A document's grade is the best of its evidence. Tabs, line breaks and quotation marks in ids
    are percent-encoded.

    Raises:
        InputError: two ids would be the same.
    """
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    documents = distinct("document", (d.id for d in corpus.documents), LEFT_OUT)
    queries = distinct("query", (q.id for q in gold.queries), LEFT_OUT)
    judgments, counts = document_judgments(gold, corpus)
    rows = [HEADER, *((queries[q], documents[d], str(grade)) for q, d, grade in judgments)]
    stored = (_document_row(documents[d.id], d) for d in corpus.documents)
    write_lines(folder / "corpus.jsonl", stored)
    asked = (_line(queries[q.id], text=q.text) for q in gold.queries)
    write_lines(folder / "queries.jsonl", asked)
    write_lines(folder / "qrels" / "test.tsv", map("\t".join, rows))
    return counts


def _qrels(folder: Path, split: str, qrels: str | Path) -> Source:
    if qrels:
        return source(folder, qrels)
    known = sorted(p.stem for p in (folder / "qrels").glob("*.tsv"))
    if split in known:
        return source(folder, f"qrels/{split}.tsv")
    choices = one_of(split[:60], known, "split")
    raise InputError(f"there is no file qrels/{split[:60]}.tsv{choices}", where=str(folder))


def _document(row: Mapping[str, object]) -> Document:
    about = row.get("metadata")
    return Document(
        _own_id(row),
        text_field(row, "text"),
        text_field(row, "title", ""),
        metadata={} if about is None else scalars(about),
    )


def _query(row: Mapping[str, object], language: str) -> Query:
    return Query(_own_id(row), text_field(row, "text"), language, origin="imported")


def _own_id(row: Mapping[str, object]) -> str:
    value = row.get("_id")
    number = isinstance(value, int) and not isinstance(value, bool)
    return text_field({"_id": str(value)} if number else row, "_id")


def _rows(file: Source, report: Report) -> Iterator[Qrel]:
    for where, line in file.lines(report, "judgment"):
        fields = line.split("\t")
        if fields[-1].strip().lower() == HEADER[-1] and where.endswith(":1"):
            continue
        if len(fields) == len(HEADER):
            yield Qrel(where, *fields)
        else:
            problem = f"not {len(HEADER)} columns with tabs between, but {len(fields)}"
            report.skip("judgment", f"{problem}: {shown(line)}", where=where)


def _document_row(name: str, document: Document) -> str:
    about = {"metadata": dict(document.metadata)} if document.metadata else {}
    return _line(name, title=document.title, text=document.text, **about)


def _line(id_: str, **fields: Any) -> str:
    return json.dumps({"_id": id_, **fields}, ensure_ascii=False)
