r"""Finding evidence that no pipeline returned: by words, or by a regular expression.

Patterns run in RE2, in linear time whatever was typed. `\w` and `\b` are ASCII there; letters of
any script are `\pL`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import re2

from retrieval.errors import InputError
from retrieval.types import Corpus, Document, Span

MOST = 30
MAX_PATTERN = 200
PARAGRAPH = re2.compile(r"\n[ \t]*\n")
LONGEST = 1_500


@dataclass(frozen=True)
class Hit:
    """A passage that holds what was searched for, and where in the document it does."""

    document: str
    start: int
    end: int
    matches: tuple[Span, ...]


def find(corpus: Corpus, wanted: str, *, regex: bool = False, most: int = MOST) -> list[Hit]:
    """Find passages: with every word of `wanted` (in any case, as parts of words), or a pattern.

    Those with the most different words, then the most matches, come first; else the order of the
    corpus. A pattern's are in the order of the corpus.

    Raises:
        InputError: nothing to search for, or a pattern that RE2 does not take.
    """
    wanted = wanted.strip()
    if not wanted or len(wanted) > MAX_PATTERN:
        raise InputError(f"type 1 to {MAX_PATTERN} characters to search for")
    if regex:
        pattern = _compiled(wanted)
        return list(islice((h for d in corpus.documents for h in _by_pattern(d, pattern)), most))
    words = list(dict.fromkeys(wanted.split()))
    patterns = [_compiled(re2.escape(w)) for w in words]
    hits = [h for d in corpus.documents for h in _by_words(d, patterns)]
    hits.sort(key=lambda ranked: ranked[0], reverse=True)
    return [hit for _, hit in hits[:most]]


def _compiled(pattern: str) -> "re2._Regexp[str]":
    options = re2.Options()
    options.max_mem = 8 << 20
    options.log_errors = False
    options.case_sensitive = False
    try:
        return re2.compile(pattern, options)
    except re2.error as e:
        problem = e.args[0].decode() if isinstance(e.args[0], bytes) else str(e)
        raise InputError(f"that is no pattern RE2 takes: {problem}") from e


def _by_pattern(document: Document, pattern: "re2._Regexp[str]") -> Iterator[Hit]:
    for span in _matches(pattern, document.text, 0, len(document.text)):
        start, end = _around(document.text, span)
        yield Hit(document.id, start, end, (span,))


def _by_words(
    document: Document, patterns: list["re2._Regexp[str]"]
) -> Iterator[tuple[tuple[int, int], Hit]]:
    """Return the paragraphs of a document that has every word, ranked by how much they hold."""
    text = document.text
    if not all(p.search(text) for p in patterns):
        return
    for start, end in _paragraphs(text):
        found = [list(_matches(p, text, start, end)) for p in patterns]
        kinds = sum(bool(f) for f in found)
        if kinds:
            spans = tuple(sorted(s for f in found for s in f))
            yield (kinds, len(spans)), Hit(document.id, start, end, spans)


def _matches(pattern: "re2._Regexp[str]", text: str, start: int, end: int) -> Iterator[Span]:
    for match in islice(pattern.finditer(text[start:end]), 200):
        if match.end() > match.start():
            yield Span(start + match.start(), start + match.end())


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Cut a text at blank lines, and what is long in steps."""
    start = 0
    edges = [*((m.start(), m.end()) for m in PARAGRAPH.finditer(text)), (len(text), len(text))]
    for end, following in edges:
        for low in range(start, end, LONGEST):
            yield low, min(low + LONGEST, end)
        start = following


def _around(text: str, span: Span) -> tuple[int, int]:
    """Return the paragraph a match begins in, no more than half of LONGEST to either side."""
    reach = LONGEST // 2
    low, high = max(0, span.start - reach), min(len(text), span.end + reach)
    start = max((low + m.end() for m in PARAGRAPH.finditer(text[low : span.start])), default=low)
    after = PARAGRAPH.search(text[span.end : high])
    return start, span.end + after.start() if after else high
