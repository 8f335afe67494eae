"""AutoRAG: a corpus and questions as parquet files, told apart by their columns."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from goldsets.formats.base import Imported, Report, add_new, by_id, whole
from goldsets.formats.files import Source, source
from goldsets.types import Evidence, Needs, Query
from retrieval.errors import InputError
from retrieval.ingest.fields import is_scalar, shown, text_field
from retrieval.types import Document, Scalar

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
    documents = by_id(_rows(texts, CORPUS), _document, report, "document", where="doc_id")
    queries: dict[str, Query] = {}
    evidence: dict[str, tuple[Evidence, ...]] = {}
    for where, row in _rows(asked, QA):
        with report.skipping("query", where):
            groups = _groups(row["retrieval_gt"])
            found = tuple(_evidence(groups, documents))
            query = _query(row, groups, language)
            add_new(queries, query.id, query, where="qid")
            evidence[query.id] = found
    return Imported(tuple(documents.values()), tuple(queries.values()), evidence)


def _choose(
    folder: Path, kind: str, option: str | Path, columns: Sequence[str], report: Report
) -> Source:
    if option:
        return source(folder, option)
    names = sorted(p.name for p in folder.glob("*.parquet"))
    files = [f for f in (source(folder, n) for n in names) if set(columns) <= _columns(f)]
    if not files:
        wanted = ", ".join(columns)
        raise InputError(f"there is no .parquet file with the columns {wanted}", where=str(folder))
    files.sort(key=_size, reverse=True)
    if len(files) > 1:
        others = ", ".join(f.name for f in files[1:10])
        report.note(f"{kind}: took {files[0].name}, the largest; not {others}")
    return files[0]


def _columns(file: Source) -> set[str]:
    return set(_about(file).schema.to_arrow_schema().names)


def _size(file: Source) -> int:
    return int(_about(file).num_rows)


def _about(file: Source) -> Any:
    with _parquet(file) as opened:
        return opened.metadata


def _rows(file: Source, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    missing = set(columns) - _columns(file)
    if missing:
        raise InputError(f"there is no column {min(missing)!r}", where=file.name)
    wanted = [c for c in (*columns, EXTRA) if c in _columns(file)]
    with _parquet(file) as opened:
        rows = opened.read(columns=wanted).to_pylist()
    for i, row in enumerate(rows, 1):
        yield f"{file.name}: row {i}", row


@contextmanager
def _parquet(file: Source) -> Iterator[Any]:
    import pyarrow as pa  # here, since it takes a second that other formats need not wait for
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(file.path) as opened:
            yield opened
    except (pa.ArrowException, ValueError) as error:
        problem = f"not parquet that can be read ({str(error)[:200]})"
        raise InputError(problem, where=file.name) from None


def _document(row: Mapping[str, Any]) -> Document:
    about = row.get(EXTRA)
    pairs = about.items() if isinstance(about, dict) else ()
    held = {k: v.isoformat() if isinstance(v, date) else v for k, v in pairs}
    metadata: dict[str, Scalar] = {k: v for k, v in held.items() if v is not None and is_scalar(v)}
    return Document(text_field(row, "doc_id"), text_field(row, "contents"), metadata=metadata)


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
