"""The set behind the Contextual Retrieval guide: code files in chunks, queries with gold chunks.

A folder with `codebase_chunks.json`, `evaluation_set.jsonl` and, for names, `paths.csv`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldsets.formats.base import (
    Imported,
    Report,
    add_new,
    inside,
    items,
    numbered,
    whole_number,
)
from goldsets.formats.files import source
from goldsets.types import Evidence, Query
from retrieval.errors import InputError
from retrieval.ingest.fields import shown, text_field
from retrieval.ingest.read import media_of
from retrieval.types import Document, Scalar, Span

CHUNKS, QUERIES, PATHS = "codebase_chunks.json", "evaluation_set.jsonl", "paths.csv"
COLUMNS = ("original_uuid", "repo_name", "relative_path")


@dataclass(frozen=True)
class _Place:
    """Where a gold chunk stands."""

    document: Document
    span: Span


def read(path: Path, report: Report, *, language: str = "en") -> Imported:
    """Read the folder; a query's evidence is the whole of each of its gold chunks.

    Raises:
        InputError: a file is missing or is not what it should be.
    """
    names = _names(path)
    documents: dict[str, Document] = {}
    places: dict[tuple[str, int], _Place] = {}
    for where, row in _rows(path):
        with report.skipping("document", where):
            document = _document(row, names)
            add_new(documents, document.id, document, where="doc_id")
            places |= _places(row, document)
    queries: dict[str, Query] = {}
    evidence: dict[str, tuple[Evidence, ...]] = {}
    for i, (where, row) in enumerate(source(path, QUERIES).objects(report, "query"), 1):
        with report.skipping("query", where):
            found = tuple(_evidence(row, places))
            tags = _tags(row)
            text = text_field(row, "query")
            query = Query(numbered(i), text, language, tags, origin="imported")
            queries[query.id], evidence[query.id] = query, found
    return Imported(tuple(documents.values()), tuple(queries.values()), evidence)


def _names(folder: Path) -> Mapping[str, Mapping[str, str]]:
    if not (folder / PATHS).is_file():
        return {}
    rows = source(folder, PATHS).rows(COLUMNS)
    return {row["original_uuid"]: row for _, row in rows}


def _rows(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    file = source(folder, CHUNKS)
    with inside(file.name, ": "):
        rows = items({"documents": file.json()}, "documents", dict)
    for i, row in enumerate(rows):
        yield f"{file.name}: [{i}]", row


def _document(row: Mapping[str, object], names: Mapping[str, Mapping[str, str]]) -> Document:
    text = text_field(row, "content")
    known = names.get(text_field(row, "original_uuid"), {})
    repo, path = known.get("repo_name") or "", (known.get("relative_path") or "").lstrip("/")
    metadata: dict[str, Scalar] = {"path": path, "repo": repo} if path else {}
    title = f"{repo}/{path}" if path else ""
    spans = tuple(_spans(text, items(row, "chunks", dict)))
    return Document(text_field(row, "doc_id"), text, title, media_of(path), metadata, spans)


def _spans(text: str, chunks: list[dict[str, object]]) -> Iterator[Span]:
    start, end = -1, 0
    for i, chunk in enumerate(chunks):
        with inside(f"chunks[{i}]"):
            content = text_field(chunk, "content")
            start = end if text.startswith(content, end) else text.find(content, start + 1)
            end = start + len(content)
            if start < 0 or not content:
                raise InputError(f"not in the document: {shown(content)}", where="content")
        yield Span(start, end)


def _places(row: Mapping[str, object], document: Document) -> dict[tuple[str, int], _Place]:
    uuid, chunks = text_field(row, "original_uuid"), items(row, "chunks", dict)
    return {
        (uuid, whole_number(chunk, "original_index")): _Place(document, span)
        for chunk, span in zip(chunks, document.given, strict=True)
    }


def _evidence(
    row: Mapping[str, object], places: Mapping[tuple[str, int], _Place]
) -> Iterator[Evidence]:
    golden = items(row, "golden_chunk_uuids", list)
    if not golden:
        raise InputError("empty", where="golden_chunk_uuids")
    for key in dict.fromkeys(tuple(pair) for pair in golden if _is_key(pair)):
        if key not in places:
            raise InputError(f"there is no such chunk: {shown(key)}", where="golden_chunk_uuids")
        place = places[key]
        yield Evidence.of(place.document.id, place.document.text, place.span.start, place.span.end)


def _is_key(pair: list[object]) -> bool:
    if len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], int):
        return True
    raise InputError(f"not a [uuid, index] pair: {shown(pair)}", where="golden_chunk_uuids")


def _tags(row: Mapping[str, object]) -> tuple[str, ...]:
    meta = row.get("meta")
    repo = text_field(meta, "repo_name", "") if isinstance(meta, dict) else ""
    return (repo,) if repo else ()
