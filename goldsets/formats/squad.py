"""SQuAD 1 and 2, KorQuAD 1: articles of paragraphs, questions with answers at an offset."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from goldsets.formats.base import (
    Imported,
    Report,
    add_new,
    find_quote,
    inside,
    items,
    language_of,
    whole_number,
)
from goldsets.formats.files import Source, single, source
from goldsets.types import NO_ANSWER, Evidence, Needs, Query
from retrieval.errors import InputError
from retrieval.ingest.fields import shown, text_field
from retrieval.types import Document, Span

JOINT = "\n\n"
SAMPLE = 200
"""Paragraphs that are looked at to guess the language."""


@dataclass(frozen=True)
class _Paragraph:
    """A paragraph, where it begins in its document, and what is asked about it."""

    where: str
    document: str
    context: str
    start: int
    questions: Sequence[dict[str, object]]


def read(path: Path, report: Report, *, language: str = "") -> Imported:
    """Read a file, or the only .json file of a folder; a document is an article.

    The paragraphs are the document's given spans. Several answers are alternatives; a question
    that has none (`is_impossible`) is tagged `no-answer`. Without `language` it is guessed.

    Raises:
        InputError: the file is missing or is not SQuAD's JSON.
    """
    file = _file(path)
    documents: dict[str, Document] = {}
    paragraphs: list[_Paragraph] = []
    for i, article in enumerate(_articles(file)):
        where = f"{file.name}: data[{i}]"
        with report.skipping("document", where):
            name = _name(text_field(article, "title", "") or f"article {i + 1}", documents)
            found = list(_paragraphs(name, items(article, "paragraphs", dict), where, report))
            documents[name] = _document(name, found)
            paragraphs += found
    queries: dict[str, Query] = {}
    evidence: dict[str, tuple[Evidence, ...]] = {}
    spoken = language or language_of(p.context for p in paragraphs[:SAMPLE])
    for where, row, paragraph in _questions(paragraphs):
        with report.skipping("query", where):
            spans = _spans(row, paragraph, report, where)
            query = _query(row, spans, spoken)
            add_new(queries, query.id, query)
            text = documents[paragraph.document].text
            evidence[query.id] = tuple(
                Evidence.of(paragraph.document, text, s.start, s.end) for s in spans
            )
    held = {name: found for name, found in evidence.items() if found}
    return Imported(tuple(documents.values()), tuple(queries.values()), held)


def _file(path: Path) -> Source:
    if not path.is_dir():
        return single(path)
    names = sorted(p.name for p in path.glob("*.json"))
    if len(names) != 1:
        found = ", ".join(names[:10]) or "none"
        raise InputError(f"needs one .json file, has {found}; name the file", where=str(path))
    return source(path, names[0])


def _articles(file: Source) -> list[dict[str, object]]:
    top = file.json()
    with inside(file.name, ": "):
        if not isinstance(top, dict):
            raise InputError(f"not an object: {shown(top)}")
        return items(top, "data", dict)


def _name(title: str, taken: Mapping[str, object]) -> str:
    names = chain([title], (f"{title} ({n})" for n in count(2)))
    return next(name for name in names if name not in taken)


def _paragraphs(
    document: str, rows: list[dict[str, object]], where: str, report: Report
) -> Iterator[_Paragraph]:
    at = 0
    for i, row in enumerate(rows):
        paragraph = None
        with report.skipping("paragraph", f"{where}.paragraphs[{i}]"):
            context, asked = text_field(row, "context"), items(row, "qas", dict)
            place = f"{where}.paragraphs[{i}]"
            paragraph = _Paragraph(place, document, context, at, asked)
        if paragraph is not None:
            yield paragraph
            at += len(paragraph.context) + len(JOINT)


def _document(name: str, paragraphs: list[_Paragraph]) -> Document:
    spans = (Span(p.start, p.start + len(p.context)) for p in paragraphs)
    text = JOINT.join(p.context for p in paragraphs)
    return Document(name, text, name, given=tuple(s for s in spans if s.end > s.start))


def _questions(
    paragraphs: Iterable[_Paragraph],
) -> Iterator[tuple[str, dict[str, object], _Paragraph]]:
    for paragraph in paragraphs:
        for i, row in enumerate(paragraph.questions):
            yield f"{paragraph.where}.qas[{i}]", row, paragraph


def _spans(
    row: Mapping[str, object], paragraph: _Paragraph, report: Report, where: str
) -> list[Span]:
    """Return the distinct spans of the answers in the document; none if there is no answer."""
    if row.get("is_impossible") is True:
        return []
    found: dict[Span, None] = {}
    for i, answer in enumerate(items(row, "answers", dict)):
        place = f"{where}.answers[{i}]"
        with report.skipping("answer", place):
            text, said = text_field(answer, "text"), whole_number(answer, "answer_start")
            start = find_quote(paragraph.context, text, said)
            if start < 0:
                raise InputError(f"not in the paragraph: {shown(text)}", where="text")
            if start != said:
                report.moved.append(place)
            found[Span(paragraph.start + start, paragraph.start + start + len(text))] = None
    if not found:
        raise InputError("there is none that can be used", where="answers")
    return list(found)


def _query(row: Mapping[str, object], spans: list[Span], language: str) -> Query:
    tags = () if spans else (NO_ANSWER,)
    needs: Needs = "any" if len(spans) > 1 else "all"
    text = text_field(row, "question")
    return Query(text_field(row, "id"), text, language, tags, needs, "imported")
