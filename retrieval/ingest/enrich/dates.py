"""Dates, as ISO 8601 writes them: `2024-05-01`, `2024-05` without a day, `2024` without a month."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from retrieval.ingest.enrich.base import Enricher, Values, distinct
from retrieval.ingest.parse import Described, Piece
from retrieval.types import Document

KEYS = (
    *("date", "published", "published_at", "publish_date", "pubdate", "created", "created_at"),
    *("updated", "updated_at", "modified", "last_modified", "lastmod"),
)
"""Of a document's metadata, in the order in which they are looked at."""
OPENING = 1_000
"""Characters of a document whose first date may be the document's."""
YEAR, MONTH, DAY = r"(?:1[5-9]|20)[0-9]{2}", r"(?:1[0-2]|0?[1-9])", r"(?:3[01]|[12][0-9]|0?[1-9])"
MM, DD = "(?:1[0-2]|0[1-9])", "(?:3[01]|[12][0-9]|0[1-9])"
NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
NAMED = (
    "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    "|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?"
)
APART = r"(?<![0-9])(?<![0-9][-./])"
END = r"(?![0-9]|[-./][0-9])"
NTH = r"(?:st|nd|rd|th)?"
FORMS = (
    rf"{APART}(?P<y1>{YEAR})(?P<s>-|/|\. ?)(?P<m1>{MONTH})(?P=s)(?P<d1>{DAY})(?![0-9])",
    rf"{APART}(?P<y2>{YEAR})-(?P<m2>1[0-2]|0[1-9]){END}",
    rf"{APART}(?P<y3>{YEAR}) ?[년年](?: ?(?P<m3>{MONTH}) ?[월月](?: ?(?P<d3>{DAY}) ?[일日])?)?",
    rf"\b(?:(?P<d4>{DAY}){NTH} (?:of )?)?(?P<m4>{NAMED})\.?,? (?P<y4>{YEAR}){END}",
    rf"\b(?P<m5>{NAMED})\.? (?P<d5>{DAY}){NTH},? (?P<y5>{YEAR}){END}",
    rf"{APART}(?P<d6>{DAY})\. ?(?P<m6>{MONTH})\. ?(?P<y6>{YEAR}){END}",
    rf"{APART}(?P<d7>1[3-9]|2[0-9]|3[01])/(?P<m7>{MONTH})/(?P<y7>{YEAR}){END}",
    rf"{APART}(?P<m8>{MONTH})/(?P<d8>1[3-9]|2[0-9]|3[01])/(?P<y8>{YEAR}){END}",
)
IN_TEXT = re.compile("|".join(FORMS))
IN_NAME = re.compile(
    rf"(?<![0-9])(?P<y1>{YEAR})(?:(?P<s>[-_./])(?P<m1>{MM})(?:(?P=s)(?P<d1>{DD}))?"
    rf"|(?P<m2>{MM})(?P<d2>{DD}))(?![0-9])"
)


@dataclass(frozen=True)
class Dates(Enricher):
    """`date`: when a document is from; `dates`: those that a chunk names, as 2024-05-01.

    A document's date is in its metadata (`date`, `published`, ..., `updated`), else in its name
    (`2024-05-01-x.md`, `20240501`, `2024/05/`), else the first of its opening. Read are ISO and
    its like (2024/5/1, 2024. 5. 1.), 2024년 5월 1일, May 1, 2024, 1 May 2024, 1.5.2024 and
    5/31/2024, not what can be two days (5/1/2024). Years are from 1500 to 2099. All of May is
    `Range` from 2024-05 to 2024-05-31.
    """

    fields: ClassVar[tuple[str, ...]] = ("date", "dates")

    def rows(self, d: Described, pieces: Sequence[Piece]) -> Iterator[tuple[Values, ...]]:
        """Find each date once, and give it to the chunks in which it begins."""
        found = list(_found(IN_TEXT, d.document.text))
        starts = [start for start, _ in found]
        own = distinct([date_of(d.document)])
        for start, end in pieces:
            inside = found[bisect_left(starts, start) : bisect_left(starts, end)]
            yield own, distinct(iso for _, iso in inside)


def date_of(document: Document) -> str:
    """Return when a document is from, or nothing."""
    about = {k.lower().replace("-", "_"): v for k, v in document.metadata.items()}
    told = (_first(IN_TEXT, str(about[key])) for key in KEYS if key in about)
    named = (_first(IN_NAME, document.id), _first(IN_TEXT, document.text[:OPENING]))
    return next(filter(None, (*told, *named)), "")


def _first(form: re.Pattern[str], text: str) -> str:
    return next((iso for _, iso in _found(form, text)), "")


def _found(form: re.Pattern[str], text: str) -> Iterator[tuple[int, str]]:
    """Return where each date begins, and the date; no date is broken over lines."""
    for match in (m for line in _lines(text) for m in form.finditer(text, *line)):
        held = {name[0]: value for name, value in match.groupdict().items() if value}
        iso = _iso(held["y"], held.get("m", ""), held.get("d", ""))
        if iso:
            yield match.start(), iso


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Return the lines that hold a year: few do, and the forms are many."""
    until = 0
    for year in re.finditer(YEAR, text):
        if year.end() > until:
            end = text.find("\n", year.end())
            start, until = text.rfind("\n", until, year.start()) + 1, end if end >= 0 else len(text)
            yield start, until


def _iso(year: str, month: str, day: str) -> str:
    """Write a date; nothing for a day that its month does not have."""
    number = int(month) if month.isdigit() else 1 + NAMES.index(month[:3].lower()) if month else 0
    try:
        date(int(year), number or 1, int(day or 1))
    except ValueError:
        return ""
    parts = (year, f"{number:02}" if number else "", f"{int(day):02}" if day else "")
    return "-".join(filter(None, parts))
