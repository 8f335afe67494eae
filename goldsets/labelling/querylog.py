"""Query logs: what people asked and how often, from CSV or JSON lines as other tools write them.

A log is hostile: it is read line by line, no cell is more than text, and a row that cannot be used
is named and stops nothing.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from goldsets.formats.base import Report
from goldsets.labelling.logfile import opened
from goldsets.labelling.wording import clean, normal
from retrieval.errors import InputError, one_of
from retrieval.ingest.fields import named, parse_object, shown, text_field

MAX_ROWS = 2_000_000
MAX_QUERY = 2_000
"""Characters of a query."""
MAX_RECORD = 131_072
"""Characters of a row that runs over several lines."""

QUERY_NAMES = re.findall(
    r"\w+",
    "query search_query search_term search_terms search_keyword search_phrase q queries top_queries"
    " search keyword keywords term terms question text"
    " 검색어 질의 질의어 쿼리 질문 키워드 인기_검색어",
)
COUNT_NAMES = re.findall(
    r"\w+",
    "count counts n frequency freq hits searches search_count total_searches impressions volume"
    " total_unique_searches views clicks"
    " 횟수 검색_횟수 검색횟수 건수 검색수 빈도 조회수 노출수 클릭수",
)
"""Names of columns, the likeliest first."""
DELIMITERS = ",;\t"
NO_DELIMITER = "\x1f"
"""Stands for none, where the header is a single cell."""
COUNT = re.compile("([0-9]{1,3}(?:[, '\u00a0\u202f][0-9]{3}){1,4}|[0-9]{1,15})(?:\\.0*)?")


@dataclass(frozen=True)
class Log:
    """Distinct queries with how often each was asked, and how the file was read.

    Every one of `rows` is in `counts`, or has no query (`blank`), or is named by the report.
    `count` is the empty string where rows were counted.
    """

    name: str
    counts: Mapping[str, int]
    rows: int
    blank: int
    encoding: str
    columns: tuple[str, ...]
    query: str
    count: str
    report: Report

    @property
    def total(self) -> int:
        """Count what was asked, each time."""
        return sum(self.counts.values())

    def lines(self) -> Iterator[str]:
        """Say how the file was read, and what was left out of it."""
        counted = f"counts from {self.count!r}" if self.count else "each row is one"
        yield f"Read as {self.encoding}; queries from {self.query!r}, {counted}"
        if self.blank:
            yield f"{self.blank:,} of {self.rows:,} rows have no query"
        yield from self.report.lines()


def logged(
    source: Path | bytes, name: str, *, query: str = "", count: str = "", encoding: str = ""
) -> Log:
    """Read a query log: CSV with a header (of `,` `;` or tabs) or JSON lines, as the name says.

    Columns are found by the names they usually have, or named by `query` and `count`; without a
    count, rows are counted. Encodings: a byte order mark decides, else UTF-8, CP949, CP1252, the
    first in which most lines beyond ASCII can be read.

    Raises:
        InputError: there is no file, no column of queries, or it is no text or too large.
    """
    with opened(source, name, encoding) as (file, chosen):
        reading = _Reading(_Lines(file), name, query, count)
        counts: dict[str, int] = {}
        for text, times in reading.entries():
            counts[text] = counts.get(text, 0) + times
    columns = reading.columns
    asked, counted = (columns[i] if i >= 0 else "" for i in (reading.query, reading.count))
    rows, blank, report = reading.rows, reading.blank, reading.report
    return Log(named(name), counts, rows, blank, chosen, columns, asked, counted, report)


def columns_of(source: Path | bytes, name: str, *, encoding: str = "") -> tuple[str, ...]:
    """Return the names of a log's columns, to choose from.

    Raises:
        InputError: there is no file, or it is empty, no text or too large.
    """
    with opened(source, name, encoding) as (file, _):
        return _heading(_Lines(file), name)[1]


class _Lines:
    """Lines with their numbers, of which some can be put back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.number = 0
        self._lines = iter(lines)
        self._back: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._lines)
        self.number += 1
        return line

    def back(self, lines: Sequence[str]) -> None:
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)


class _Reading:
    """Reads rows, and notes what is left out; `query` and `count` are places in `columns`."""

    def __init__(self, lines: _Lines, name: str, query: str, count: str) -> None:
        self.lines, self.name, self.report = lines, named(name), Report()
        self.rows = self.blank = 0
        self.delimiter, self.columns = _heading(lines, name)
        self.query = _place(self.columns, query, QUERY_NAMES, self.name)
        self.count = _place(self.columns, count, COUNT_NAMES, self.name)
        if self.query < 0:
            problem = f"no column is called query, search_term, 검색어 ...; {_choice(self.columns)}"
            raise InputError(problem, where=self.name)

    def entries(self) -> Iterator[tuple[str, int]]:
        """Yield each row's query and how often it was asked."""
        for line in self.lines:
            if not line.strip():
                continue
            self.rows += 1
            if self.rows > MAX_ROWS:
                raise InputError(f"more than {MAX_ROWS:,} rows; split it", where=self.name)
            number = self.lines.number
            try:
                text, times = self._object(line) if not self.delimiter else self._row(line)
                query = _checked(text)
            except InputError as error:
                self.report.skip("row", str(error), where=f"{self.name}:{number}")
                continue
            if query:
                yield query, times
            else:
                self.blank += 1

    def _row(self, line: str) -> tuple[str, int]:
        most = len(self.columns)
        cells = _cells(line, self.lines, self.delimiter, most)
        if len(cells) <= max(self.query, self.count) or "".join(cells[most:]).strip():
            raise InputError(f"{len(cells)} cells, the header has {most}: {shown(line)}")
        return cells[self.query], _number(cells[self.count]) if self.count >= 0 else 1

    def _object(self, line: str) -> tuple[str, int]:
        row = parse_object(line)
        text = text_field(row, self.columns[self.query])
        times = row.get(self.columns[self.count]) if self.count >= 0 else None
        return text, 1 if times is None else _number(str(times))


def _heading(lines: _Lines, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter and the columns; of JSON lines none, and the keys of the first."""
    first = next((line for line in lines if line.strip()), "")
    if not first:
        raise InputError("empty", where=named(name))
    if name.lower().endswith((".jsonl", ".ndjson")) or first.lstrip().startswith("{"):
        ahead = [first, *islice(lines, 1000)]
        lines.back(ahead)
        return "", _keys(ahead, name)
    tried = {d: _cells(first, _Lines(()), d) for d in DELIMITERS}
    usual = {d: sum(_folded(c) in QUERY_NAMES for c in cells) for d, cells in tried.items()}
    best = max(tried, key=lambda d: (len(tried[d]) > 1, usual[d], len(tried[d])))
    columns = tuple(clean(cell) for cell in tried[best])
    return best if len(columns) > 1 else NO_DELIMITER, columns


def _keys(lines: Iterable[str], name: str) -> tuple[str, ...]:
    keys: dict[str, None] = {}
    for line in lines:
        try:
            keys.update(dict.fromkeys(parse_object(line)))
        except InputError:
            continue  # named when it is read
    if not keys:
        raise InputError("none of the first lines is a JSON object", where=named(name))
    return tuple(keys)


def _cells(line: str, more: _Lines, delimiter: str, width: int = 0) -> list[str]:
    """Cut a row into cells, with further lines where a quoted cell runs on.

    Where quotes do not follow CSV's rules, or lead to another `width`, they are taken as text.
    """
    bare = line.rstrip("\n")
    if '"' not in line:
        return bare.split(delimiter)
    taken: list[str] = []

    def feed() -> Iterator[str]:
        yield line
        size = len(line)
        while size <= MAX_RECORD and (further := next(more, "")):
            taken.append(further)
            size += len(further)
            yield further

    try:
        cells = next(csv.reader(feed(), delimiter=delimiter, strict=True))
    except csv.Error:
        cells = []
    if cells and (not taken or len(cells) == width):
        return cells
    more.back(taken)
    return bare.split(delimiter)


def _checked(text: str) -> str:
    query = clean(text)
    if len(query) > MAX_QUERY:
        raise InputError(f"{len(query):,} characters, a query may have {MAX_QUERY:,}")
    if "\ufffd" in query:
        raise InputError(f"a character that cannot be read: {shown(query)}")
    return query


def _number(text: str) -> int:
    if len(text) < 16 and text.isascii() and text.isdigit():
        return int(text)
    found = COUNT.fullmatch(text.strip())
    if not found:
        raise InputError(f"count is not a whole number: {shown(text)}")
    return int(re.sub("[^0-9]", "", found[1]))


def _place(columns: Sequence[str], wanted: str, usual: Sequence[str], name: str) -> int:
    """Return the place of the column wanted, else of one with a usual name, else -1."""
    if wanted:
        if wanted not in columns:
            known = one_of(wanted, columns, "column")
            raise InputError(f"there is no column {shown(wanted)}{known}", where=name)
        return columns.index(wanted)
    folded = [_folded(c) for c in columns]
    return next((folded.index(u) for u in usual if u in folded), -1)


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "_", normal(name)[:100]).strip("_")


def _choice(columns: Sequence[str]) -> str:
    return "choose among " + ", ".join(shown(c) for c in columns[:20])
