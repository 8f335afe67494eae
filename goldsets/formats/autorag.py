"""AutoRAG: a corpus and questions as parquet files, told apart by their columns."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from goldsets.formats import parquet
from goldsets.formats.base import Imported, Report, add_new, by_id, whole
from goldsets.formats.files import Source, source
from goldsets.types import Evidence, GoldSet, Needs, Query
from retrieval.errors import InputError
from retrieval.ingest.fields import is_scalar, shown, text_field
from retrieval.types import Corpus, Document, Scalar

CORPUS, QA = ("doc_id", "contents"), ("qid", "query", "retrieval_gt")
EXTRA = "metadata"


def read(
    path: Path,
    report: Report,
    *,
    corpus: str | Path = "",
    qa: str | Path = "",
    language: str = "",
) -> Imported:
    """Read the folder; of several files with the right columns, the one with the most rows.

    Of `retrieval_gt` every outer group is needed and the ids in a group are alternatives. Evidence
    is all the text of a document.

    Raises:
        InputError: a file is missing or is no parquet.
    """
    texts = _choose(path, "corpus", corpus, CORPUS, report)
    asked = _choose(path, "qa", qa, QA, report)
    documents = by_id(
        parquet.rows(texts.path, CORPUS, (EXTRA,)), _document, report, "document", where="doc_id"
    )
    queries: dict[str, Query] = {}
    evidence: dict[str, tuple[Evidence, ...]] = {}
    for where, row in parquet.rows(asked.path, QA):
        with report.skipping("query", where):
            groups = _groups(row["retrieval_gt"])
            found = tuple(_evidence(groups, documents))
            query = _query(row, groups, language)
            add_new(queries, query.id, query, where="qid")
            evidence[query.id] = found
    return Imported(tuple(documents.values()), tuple(queries.values()), evidence)


def write(gold: GoldSet, corpus: Corpus, folder: Path) -> dict[str, int]:
    """Write a gold set and its corpus; return the rows by kind.

    AutoRAG knows documents, not spans: a piece of evidence becomes its document, and grade 0 is
    left out. A query without evidence in the corpus is left out and counted as `without evidence`.
    There are no answers to generate: `generation_gt` is empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    asked = [(q, _needed(gold, q, corpus)) for q in gold.queries]
    questions = [
        {"qid": q.id, "query": q.text, "retrieval_gt": groups, "generation_gt": [""]}
        for q, groups in asked
        if groups
    ]
    texts = [
        {"doc_id": d.id, "contents": d.text, EXTRA: _about(d)} for d in corpus.documents if d.text
    ]
    parquet.write(folder / "corpus.parquet", texts)
    parquet.write(folder / "qa.parquet", questions)
    lost = len(asked) - len(questions)
    judgments = sum(len(group) for _, groups in asked for group in groups)
    counts = {"documents": len(texts), "queries": len(questions), "judgments": judgments}
    return counts | ({"without evidence": lost} if lost else {})


def _needed(gold: GoldSet, query: Query, corpus: Corpus) -> list[list[str]]:
    """Return the groups of documents: every group is needed, in a group any will do."""
    parts: dict[str, dict[str, None]] = {}
    for i, e in enumerate(gold.of(query)):
        if e.grade and e.document in corpus.row:
            part = "" if query.needs == "any" else e.part or f"\0{i}"
            parts.setdefault(part, {})[e.document] = None
    groups = [list(documents) for documents in parts.values()]
    return [group for i, group in enumerate(groups) if group not in groups[:i]]


def _about(document: Document) -> dict[str, Scalar | None]:
    """Return a document's metadata; there is always some, since parquet has no empty records."""
    return {"title": document.title or None, **document.metadata}


def _choose(
    folder: Path, kind: str, option: str | Path, columns: Sequence[str], report: Report
) -> Source:
    if option:
        return source(folder, option)
    names = sorted(p.name for p in folder.glob("*.parquet"))
    files = [
        f for f in (source(folder, n) for n in names) if set(columns) <= parquet.columns(f.path)
    ]
    if not files:
        wanted = ", ".join(columns)
        raise InputError(f"there is no .parquet file with the columns {wanted}", where=str(folder))
    files.sort(key=lambda f: parquet.size(f.path), reverse=True)
    if len(files) > 1:
        others = ", ".join(f.name for f in files[1:10])
        report.note(f"{kind}: took {files[0].name}, the largest; not {others}")
    return files[0]


def _document(row: Mapping[str, Any]) -> Document:
    about = row.get(EXTRA)
    pairs = about.items() if isinstance(about, dict) else ()
    held = {k: v.isoformat() if isinstance(v, date) else v for k, v in pairs}
    metadata: dict[str, Scalar] = {k: v for k, v in held.items() if v is not None and is_scalar(v)}
    title = metadata.pop("title", "")
    return Document(
        text_field(row, "doc_id"), text_field(row, "contents"), str(title), metadata=metadata
    )


def _groups(value: object) -> list[list[str]]:
    """Return the groups; AutoRAG takes a single id, and a flat list, as one group."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        value = [value]
    if not isinstance(value, list) or not value or not all(_is_group(g) for g in value):
        raise InputError(f"not lists of ids: {shown(value)}", where="retrieval_gt")
    return value


def _is_group(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)


def _query(row: Mapping[str, Any], groups: list[list[str]], language: str) -> Query:
    needs: Needs = "any" if len(groups) == 1 and len(groups[0]) > 1 else "all"
    text = text_field(row, "query")
    return Query(text_field(row, "qid"), text, language, needs=needs, origin="imported")


def _evidence(groups: list[list[str]], documents: Mapping[str, Document]) -> Iterator[Evidence]:
    for part, group in enumerate(groups, 1):
        for name in dict.fromkeys(group):
            if name not in documents:
                raise InputError(f"there is no such document: {shown(name)}", where="retrieval_gt")
            yield whole(documents[name], part=str(part) if len(groups) > 1 else "")
