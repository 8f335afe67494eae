"""TREC runs: `query Q0 document rank score tag`, ordered by score as trec_eval orders them."""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np

from goldsets.evaluation.run import Run
from goldsets.evaluation.words import count
from goldsets.formats.base import Report, add_new, write_lines
from goldsets.formats.files import single
from goldsets.formats.names import distinct, encoded
from goldsets.formats.run_base import Answered
from retrieval.errors import InputError
from retrieval.hits import Hit, hit_of
from retrieval.ingest.fields import shown
from retrieval.types import Chunks, Corpus, digest

PLACE = re.compile(r"(.+):(\d{1,9})-(\d{1,9})")


class Line(NamedTuple):
    """A line's document, rank as it stands, and score."""

    docno: str
    rank: str
    score: float


def read(path: Path, report: Report, corpus: Corpus, *, chunks: str | Path = "") -> list[Answered]:
    """Read a run; what a line names is one of `chunks`, a document, or `document:start-end`.

    `chunks` is a file of JSON lines beside the run, or elsewhere: `id`, and where it stands as in a
    hit. Ranks do not count, as they do not in trec_eval: scores do, in single precision, and of
    equal ones the later name.

    Raises:
        InputError: there is no such file; in strict mode, a line cannot be used.
    """
    table = _table(path.parent / chunks, report) if chunks else {}
    names = {encoded(name): name for name in corpus.row} | {name: name for name in corpus.row}
    lines: dict[str, list[Line]] = defaultdict(list)
    first: dict[str, str] = {}
    for where, text in single(path).lines(report, "line"):
        with report.skipping("line", where):
            query, line = _line(text)
            first.setdefault(query, where)
            lines[query].append(line)
    odd = sum(not _by_rank(own) for own in lines.values())
    if odd:
        report.note(f"ranks and scores disagree in {count(odd, 'query', 'queries')}: scores count")
    return [
        Answered(first[query], query, "", tuple(_hits(own, names, table)))
        for query, own in lines.items()
    ]


def write(run: Run, chunks: Chunks, corpus: Corpus, path: Path) -> dict[str, int]:
    """Write a run; a chunk that is all of its document goes by the document's name alone.

    Scores are written so that each is below the one before it in single precision.

    Raises:
        InputError: two ids would be the same; white space in them is percent-encoded.
    """
    queries = distinct("query", run.queries).values()
    docnos = _docnos(run, chunks, corpus)
    lines = [line for row, query in enumerate(queries) for line in _lines(run, row, query, docnos)]
    write_lines(path, lines)
    return {"queries": len(run.queries), "hits": len(lines)}


def _table(path: Path, report: Report) -> dict[str, Hit]:
    held: dict[str, Hit] = {}
    for where, row in single(path).objects(report, "chunk"):
        with report.skipping("chunk", where):
            hit = hit_of(row)
            if not (hit.document or hit.text):
                raise InputError("missing, as is text: nothing says where it is", where="document")
            add_new(held, str(row.get("id", "")), hit)
    return held


def _line(text: str) -> tuple[str, Line]:
    fields = text.split(maxsplit=5)
    if len(fields) < 5:
        raise InputError(
            f"not 6 columns (query, Q0, document, rank, score, tag), but {len(fields)}:"
            f" {shown(text)}"
        )
    try:
        score = float(fields[4])
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise InputError(f"not a finite number: {shown(fields[4])}", where="score")
    return fields[0], Line(fields[2], fields[3], score)


def _sorted(lines: list[Line]) -> list[Line]:
    with np.errstate(over="ignore"):
        single_ = [float(np.float32(line.score)) for line in lines]
    order = sorted(range(len(lines)), key=lambda i: lines[i].docno, reverse=True)
    return [lines[i] for i in sorted(order, key=lambda i: -single_[i])]


def _by_rank(lines: list[Line]) -> bool:
    """Tell whether the ranks say the same as the scores, or say nothing."""
    try:
        return sorted(lines, key=lambda line: int(line.rank)) == _sorted(lines)
    except ValueError:
        return True


def _hits(lines: list[Line], names: Mapping[str, str], table: Mapping[str, Hit]) -> Iterator[Hit]:
    for line in _sorted(lines):
        name = _known(line.docno, names)
        place = PLACE.fullmatch(line.docno)
        if line.docno in table:
            hit = table[line.docno]
        elif name or not place:
            hit = Hit(name or line.docno)
        else:
            start, end = int(place[2]), int(place[3])
            document = _known(place[1], names) or place[1]
            hit = Hit(document, start, end) if start < end else Hit(line.docno)
        yield Hit(hit.document, hit.start, hit.end, hit.text, line.score, line.docno)


def _known(name: str, names: Mapping[str, str]) -> str:
    """Return the document that a name means, which may be percent-encoded; else nothing."""
    return names.get(name) or names.get(unquote(name), "")


def _lines(run: Run, row: int, query: str, docnos: Mapping[int, str]) -> Iterator[str]:
    tag = encoded(run.variant)
    last = np.float32(np.inf)
    found = run.candidates.ids[row].tolist()
    for rank, (i, score) in enumerate(zip(found, run.candidates.scores[row], strict=True), 1):
        if i >= 0:
            below = np.nextafter(last, np.float32(-np.inf))
            last = min(np.float32(score), below)
            yield f"{query} Q0 {docnos[i]} {rank} {last:.9g} {tag}"


def _docnos(run: Run, chunks: Chunks, corpus: Corpus) -> dict[int, str]:
    names = distinct("document", corpus.row)
    taken = set(names.values())
    found = np.unique(run.candidates.ids[run.candidates.ids >= 0]).tolist()
    return {i: _docno(chunks, i, corpus, names, taken) for i in found}


def _docno(
    chunks: Chunks, i: int, corpus: Corpus, names: Mapping[str, str], taken: Set[str]
) -> str:
    if chunks.document[i] < 0:
        return f"nowhere:{digest(chunks.context(i))[:12]}"
    document = corpus.documents[int(chunks.document[i])]
    start, end = int(chunks.start[i]), int(chunks.end[i])
    if (start, end) == (0, len(document.text)):
        return names[document.id]
    docno = f"{names[document.id]}:{start}-{end}"
    if docno in taken:
        raise InputError(f"{docno!r} is a document, and in TREC the name of a part of another")
    return docno
