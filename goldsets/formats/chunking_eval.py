"""The set of the chunking evaluation: texts in `corpora/`, questions with character spans.

A folder with `corpora/*.md`, read as they lie, and `questions_df.csv`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from goldsets.formats.base import (
    Imported,
    Report,
    find_quote,
    inside,
    items,
    numbered,
    whole_number,
)
from goldsets.formats.files import source
from goldsets.types import Evidence, Query
from retrieval.errors import InputError, one_of
from retrieval.ingest.fields import parse_json, shown, text_field
from retrieval.types import Document

QUESTIONS, CORPORA = "questions_df.csv", "corpora"
COLUMNS = ("question", "references", "corpus_id")


def read(path: Path, report: Report, *, language: str = "en") -> Imported:
    """Read the folder; a query's tag is the text it asks about.

    A reference whose offsets are wrong is looked for by its content.

    Raises:
        InputError: a file or column is missing.
    """
    documents = _documents(path)
    queries: list[Query] = []
    evidence: dict[str, tuple[Evidence, ...]] = {}
    for i, (where, row) in enumerate(source(path, QUESTIONS).rows(COLUMNS), 1):
        with report.skipping("query", where):
            text, corpus = text_field(row, "question"), text_field(row, "corpus_id")
            found = tuple(_evidence(row, documents, report, where))
            query = Query(numbered(i), text, language, (corpus,), origin="imported")
            queries.append(query)
            evidence[query.id] = found
    return Imported(tuple(documents.values()), tuple(queries), evidence)


def _documents(folder: Path) -> dict[str, Document]:
    names = sorted(p.name for p in (folder / CORPORA).glob("*.md"))
    if not names:
        raise InputError(f"there is no {CORPORA}/*.md", where=str(folder))
    texts = {Path(n).stem: source(folder, f"{CORPORA}/{n}").text() for n in names}
    return {name: Document(name, text) for name, text in texts.items()}


def _evidence(
    row: Mapping[str, str], documents: Mapping[str, Document], report: Report, where: str
) -> Iterator[Evidence]:
    name = row["corpus_id"]
    if name not in documents:
        choices = one_of(name[:60], documents, "text")
        raise InputError(f"there is no text {shown(name)}{choices}", where="corpus_id")
    with inside("references"):
        references = parse_json(row["references"] or "")
    for i, reference in enumerate(items({"references": references}, "references", dict)):
        with inside(f"references[{i}]"):
            start, end = _place(reference, documents[name].text)
            if start != reference["start_index"]:
                report.moved.append(f"{where}: references[{i}]")
        yield Evidence.of(name, documents[name].text, start, end)


def _place(reference: Mapping[str, object], text: str) -> tuple[int, int]:
    content = text_field(reference, "content")
    start = find_quote(text, content, whole_number(reference, "start_index"))
    if start < 0:
        raise InputError(f"not in the text: {shown(content)}", where="content")
    return start, start + len(content)
