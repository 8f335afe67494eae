"""TREC: documents and topics in SGML or XML, qrels that judge whole documents."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

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
from goldsets.formats.sgml import elements, escaped, escaped_line, one_line, plain, records
from goldsets.types import GoldSet, Query
from retrieval.errors import InputError, one_of
from retrieval.ingest.fields import named, shown, text_field
from retrieval.types import Corpus, Document

TopicsBy = Literal["num", "position"]

HEAD = 65_536
"""Bytes by which a file is recognised."""
QREL = re.compile(r"\S+\s+\S+\s+\S+\s+-?\d+\s*", re.ASCII)
LABEL = re.compile(r"\A\s*(?:number|topic):", re.IGNORECASE)
ABOUT = ("author", "bib")
DOCUMENT = ("docno", "title", *ABOUT, "text")
TOPIC = ("num", "title", "desc", "narr")
TOPICS_BY = ("num", "position")


@dataclass(frozen=True)
class _Topic:
    """A topic as it stands, and the place of it among all."""

    position: int
    num: str
    title: str


def read(
    path: Path,
    report: Report,
    *,
    documents: str | Path = "",
    topics: str | Path = "",
    qrels: str | Path = "",
    topics_by: TopicsBy = "num",
    encoding: str = "utf-8",
    language: str = "",
) -> Imported:
    """Read the folder; what each file holds is told by its beginning, or by an option.

    `topics_by` says which id of a topic the qrels mean: its `<num>`, or its position from 1 on. A
    note (an error in strict mode) says so when they do not meet. Tags in a text are left out.

    Raises:
        InputError: a file is missing or one of several cannot be chosen.
    """
    if topics_by not in TOPICS_BY:
        choices = one_of(str(topics_by)[:60], TOPICS_BY, "way")
        raise InputError(f"cannot number topics by {shown(topics_by)}{choices}", where="topics_by")
    held = _documents(_files(path, documents, "documents", _has("docno")), encoding, report)
    listed = _only(_files(path, topics, "topics", _has("top")), "topics")
    judgments = _only(_files(path, qrels, "qrels", _has_qrels), "qrels")
    asked, rows = list(_topics(listed, encoding)), list(_rows(judgments, report))
    _compare({r.query for r in rows}, [t for _, t in asked], topics_by, report)
    make = partial(_query, topics_by=topics_by, language=language)
    return judged(held, by_id(asked, make, report, "query", where="num"), rows, report)


def write(gold: GoldSet, corpus: Corpus, folder: Path) -> dict[str, int]:
    """Write `documents.xml`, `topics.xml` and `qrels.txt`; return the rows by kind.

    A document's grade is the best of its evidence. White space in ids is percent-encoded.

    Raises:
        InputError: two ids would be the same, or a text holds a NUL.
    """
    folder.mkdir(parents=True, exist_ok=True)
    documents = distinct("document", (d.id for d in corpus.documents))
    queries = distinct("query", (q.id for q in gold.queries))
    judgments, counts = document_judgments(gold, corpus)
    asked = (_topic_lines(queries[q.id], q.text) for q in gold.queries)
    stored = (_document_lines(documents[d.id], d) for d in corpus.documents)
    write_lines(folder / "documents.xml", ["<documents>", *stored, "</documents>"])
    write_lines(folder / "topics.xml", ["<topics>", *asked, "</topics>"])
    rows = (f"{queries[q]} 0 {documents[d]} {grade}" for q, d, grade in judgments)
    write_lines(folder / "qrels.txt", rows)
    return counts


def _files(
    folder: Path, option: str | Path, kind: str, is_one: Callable[[str], bool]
) -> list[Source]:
    if not folder.is_dir():
        raise InputError(f"there is no folder {named(str(folder))}")
    if option and not (folder / option).is_dir():
        return [source(folder, option)]
    paths = sorted(p for p in (folder / option).iterdir() if p.is_file() and p.name[0] != ".")
    files = [source(folder, p) for p in paths if option or is_one(_head(p))]
    if not files:
        raise InputError(f"there is no file of {kind}; name it with `{kind}`", where=str(folder))
    return files


def _only(files: list[Source], kind: str) -> Source:
    if len(files) > 1:
        names = ", ".join(f.name for f in files[:10])
        raise InputError(f"several files of {kind}: {names}; choose one with `{kind}`")
    return files[0]


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(HEAD).decode("latin-1")


def _has(tag: str) -> Callable[[str], bool]:
    return lambda head: re.search(rf"<{tag}[\s>]", head, re.IGNORECASE) is not None


def _has_qrels(head: str) -> bool:
    rows = head.split("\n")[:20]  # bytes of UTF-8, read as Latin-1, hold other line ends
    lines = [line.rstrip("\r") for line in rows if line.strip()][:5]
    return bool(lines) and all(QREL.fullmatch(line) for line in lines)


def _documents(files: Iterable[Source], encoding: str, report: Report) -> dict[str, Document]:
    rows = (row for file in files for row in _records(file, "doc", encoding))
    return by_id(rows, _document, report, "document", where="docno")


def _records(file: Source, tag: str, encoding: str) -> Iterator[tuple[str, str]]:
    for line, body in records(file.text(encoding), tag):
        yield f"{file.name}:{line}", body


def _document(body: str) -> Document:
    found = {name: next(elements(body, name, DOCUMENT), None) for name in DOCUMENT[:-1]}
    lines = {name: one_line(e.inner) for name, e in found.items() if e}
    texts = [plain(e.inner) for e in elements(body, "text")]
    rest = body
    for e in sorted((e for e in found.values() if e), key=lambda e: -e.start):
        rest = rest[: e.start] + rest[e.end :]
    text = "\n".join(texts) if texts else plain(rest)
    about = {name: lines[name] for name in ABOUT if lines.get(name)}
    return Document(text_field(lines, "docno"), text, lines.get("title", ""), metadata=about)


def _topics(file: Source, encoding: str) -> Iterator[tuple[str, _Topic]]:
    for i, (where, body) in enumerate(_records(file, "top", encoding), 1):
        found = (next(elements(body, name, TOPIC), None) for name in ("num", "title"))
        num, title = (one_line(LABEL.sub("", e.inner, 1)) if e else "" for e in found)
        yield where, _Topic(i, num, title)


def _query(topic: _Topic, *, topics_by: TopicsBy, language: str) -> Query:
    name = topic.num if topics_by == "num" else str(topic.position)
    if not name or not topic.title:
        raise InputError("missing or empty", where="title" if name else "num")
    return Query(name, topic.title, language, origin="imported")


def _rows(file: Source, report: Report) -> Iterator[Qrel]:
    for where, line in file.lines(report, "judgment"):
        fields = line.split()
        if len(fields) == 4:
            yield Qrel(where, fields[0], fields[2], fields[3])
        else:
            problem = f"not 4 columns (query, 0, document, grade), but {len(fields)}"
            report.skip("judgment", f"{problem}: {shown(line)}", where=where)


def _compare(ids: set[str], topics: list[_Topic], by: TopicsBy, report: Report) -> None:
    """Note when qrels name queries that are no topics: often they number them the other way."""
    known = {"num": {t.num for t in topics}, "position": {str(t.position) for t in topics}}
    lost = {way: len(ids - names) for way, names in known.items()}
    if not lost[by]:
        return
    other = "position" if by == "num" else "num"
    advice = (
        f"choose topics_by={other}" if lost[other] < lost[by] else "do the files belong together?"
    )
    sentence = (
        f"of {len(ids)} query ids in the qrels, {lost['num']} have no topic by num"
        f" and {lost['position']} by position; {advice}"
    )
    if report.strict:
        raise InputError(sentence, where="topics_by")
    report.note(sentence)


def _document_lines(name: str, document: Document) -> str:
    about = {k: str(document.metadata[k]) for k in ABOUT if document.metadata.get(k)}
    fields = {"docno": name, "title": document.title, **about}
    lines = [f"<{k}>{escaped_line(v)}</{k}>" for k, v in fields.items()]
    return "\n".join(["<doc>", *lines, "<text>", escaped(document.text), "</text>", "</doc>"])


def _topic_lines(name: str, text: str) -> str:
    num, title = (escaped_line(value) for value in (name, text))
    return f"<top>\n<num>{num}</num>\n<title>{title}</title>\n</top>"
