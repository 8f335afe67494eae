r"""Regular expressions over many texts at once, in linear time whatever the pattern (RE2).

The texts lie end to end with a byte between them that nothing in RE2 matches, so that one search of
the row finds in each text what a search of it alone would. Where a string of three bytes has to
occur in every match, a trigram index first picks the texts to lay out.

`\w`, `\d`, `\s` and `\b` are ASCII in RE2; `\pL` is a letter of any script, `\p{Hangul}` of one.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
import re2

from retrieval.backends.trigrams import BLOCK, Trigrams
from retrieval.errors import SpecError
from retrieval.types import Int64

SEPARATOR = b"\xff"
"""No UTF-8 holds it and no class matches it; to `\\b` it is what an edge is."""

MOST_LOOKED_AT = 100
"""Matches of one text; so a hostile pattern reads no text more often than that."""

MAX_PATTERN = 1_000
STEP = 1 << 20
"""Bytes between two reports of progress."""

EDGES = ("^", "$", r"\A", r"\z")
"""Edges of a text, which are none in the row."""

TOKEN = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|\Z)"
    r"|\\(?P<escaped>[^A-Za-z0-9])"
    r"|(?P<drop>[*?]|\{\d+(?:,\d*)?\})"
    r"|(?P<open>\()|(?P<close>\))|(?P<bar>\|)"
    r"|(?P<other>\\[pP](?:\{[^}]*\}|.)|\\x(?:\{[^}]*\}|..)|\\[0-7]{1,3}|\\."
    r"|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|[+.^$])"
    r"|(?P<plain>.)",
    re.DOTALL,
)

Report = Callable[[int, int], None]
Tally = tuple[int, int, int]
"""A text's number, its different matched strings, its matches."""


def compiled(source: str, *, match_case: bool = False, capture: bool = False) -> "re2._Regexp[str]":
    """Compile a pattern.

    Raises:
        SpecError: it is too long, or RE2 does not take it.
    """
    if len(source) > MAX_PATTERN:
        raise SpecError(f"a pattern has at most {MAX_PATTERN:,} characters, not {len(source):,}")
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = match_case
    options.never_capture = not capture
    try:
        return re2.compile(source, options)
    except re2.error as e:
        why = e.args[0].decode(errors="replace") if isinstance(e.args[0], bytes) else str(e)
        raise SpecError(
            f"{source!r} is no pattern that RE2 takes ({why}); it runs in linear time, and so has"
            " no look-around, no back-references and no repetition above 1,000"
        ) from e


class Pattern:
    """A pattern, ready to search.

    Raises:
        SpecError: it cannot be compiled, or matches where there is nothing, and so in every text.
    """

    def __init__(self, source: str, *, match_case: bool = False) -> None:
        self.compiled = compiled(source, match_case=match_case)
        if self.compiled.fullmatch(""):
            raise SpecError(f"the pattern {source!r} matches where there is nothing: in every text")
        others = {token["other"] for token in TOKEN.finditer(source)}
        if r"\C" in others:
            raise SpecError(f"the pattern {source!r} matches pieces of characters; use . for \\C")
        self.alone = not others.isdisjoint(EDGES)
        """Whether texts have to be searched one by one."""
        self.strings = required(source)

    def tally(self, data: bytes, first: list[int], low: int, high: int) -> Iterator[Tally]:
        """Yield what matches in the texts `low` to `high` of a row; each starts at `first[i]`."""
        at, edge, following = first[low], first[high], -1
        i, looked_at, held = low, 0, 0
        distinct: set[bytes] = set()
        while at < edge:
            for match in self.compiled.finditer(data, at, edge):
                start, end = match.span()
                if start >= following:
                    if held:
                        yield i, len(distinct), held
                    i = bisect_right(first, start) - 1
                    following, looked_at, held, distinct = first[i + 1], 0, 0, set()
                if start < end:
                    held += 1
                    distinct.add(data[start:end])
                looked_at += 1
                if looked_at == MOST_LOOKED_AT:
                    at = following
                    break
            else:
                break
        if held:
            yield i, len(distinct), held


@dataclass(frozen=True)
class Found:
    """The texts that hold a match, ascending; their different matched strings, and matches."""

    texts: Int64
    distinct: Int64
    matches: Int64


class Texts:
    """Texts laid end to end as UTF-8."""

    def __init__(self, texts: Iterable[str]) -> None:
        encoded = [t.encode("utf-8", "surrogatepass") for t in texts]
        self.row = b"".join(part for text in encoded for part in (text, SEPARATOR))
        self.first = [0, *accumulate(len(text) + len(SEPARATOR) for text in encoded)]

    def __len__(self) -> int:
        return len(self.first) - 1

    def __getitem__(self, i: int) -> bytes:
        return self.row[self.first[i] : self.first[i + 1] - len(SEPARATOR)]

    @cached_property
    def trigrams(self) -> Trigrams:
        """Index the text, ASCII letters in lower case; made when a pattern first needs it."""
        return Trigrams(self.row.lower())

    @cached_property
    def _first(self) -> Int64:
        return np.array(self.first)

    @cached_property
    def _fold_to_ascii(self) -> bytes:
        """Return the letters to which a sign here folds that is not their ASCII upper case."""
        signs = ((b"s", "ſ"), (b"k", "\u212a"))
        return b"".join(letter for letter, sign in signs if sign.encode() in self.row)

    def search(self, pattern: Pattern, report: Report | None = None) -> Found:
        """Return every text in which a pattern matches something, and how much.

        Matches of nothing do not count; no more than `MOST_LOOKED_AT` of a text are looked at.
        """
        table = np.array(list(self._tallies(pattern, report or _silent)), np.int64).reshape(-1, 3)
        return Found(*np.ascontiguousarray(table.T))

    def _tallies(self, pattern: Pattern, report: Report) -> Iterator[Tally]:
        runs = self._proposed(pattern)
        some = np.arange(len(self)) if runs is None else _counted(*runs)
        if pattern.alone:
            for i in some.tolist():
                report(i, len(self))
                for _, distinct, matches in pattern.tally(text := self[i], [0, len(text)], 0, 1):
                    yield i, distinct, matches
        elif runs is not None and 2 * len(some) < len(self):
            number = some.tolist()
            tallies = pattern.tally(*self._laid_out(*runs, some), 0, len(some))
            yield from ((number[i], distinct, matches) for i, distinct, matches in tallies)
        else:
            yield from self._all(pattern, report)

    def _all(self, pattern: Pattern, report: Report) -> Iterator[Tally]:
        low = 0
        while low < len(self):
            high = max(low + 1, bisect_right(self.first, self.first[low] + STEP) - 1)
            yield from pattern.tally(self.row, self.first, low, high)
            report(high, len(self))
            low = high

    def _laid_out(self, low: Int64, high: Int64, some: Int64) -> tuple[bytes, list[int]]:
        """Return a row of some texts in runs, and where in it each starts and the last one ends."""
        edges = zip(self._first[low].tolist(), self._first[high].tolist(), strict=True)
        length: Int64 = self._first[some + 1] - self._first[some]
        return b"".join([self.row[a:b] for a, b in edges]), [0, *length.cumsum().tolist()]

    def _proposed(self, pattern: Pattern) -> tuple[Int64, Int64] | None:
        """Return runs `[low, high)` of texts, ascending, among which are all that match.

        None where that may be any.
        """
        strings = [self._findable(s) for s in pattern.strings]
        if not strings or not all(strings):
            return None
        found = [self.trigrams.blocks(s) for s in strings]
        block = found[0] if len(found) == 1 else np.unique(np.concatenate(found))
        start = block.astype(np.int64) * BLOCK
        low = self._first.searchsorted(start, "right") - 1
        high = self._first[:-1].searchsorted(start + BLOCK)
        apart = np.flatnonzero(low[1:] >= high[:-1])
        return np.append(low[:1], low[apart + 1]), np.append(high[apart], high[-1:])

    def _findable(self, strings: tuple[bytes, ...]) -> bytes:
        """Return the longest string that the index can look up, or nothing."""
        signs = self._fold_to_ascii
        pieces = [p for s in strings for p in (re.split(b"[" + signs + b"]", s) if signs else [s])]
        longest = max(pieces, key=len, default=b"")
        return longest if len(longest) >= 3 else b""


def _counted(low: Int64, high: Int64) -> Int64:
    """Return all numbers of runs, `[low, high)` each."""
    length: Int64 = high - low
    before: Int64 = length.cumsum() - length
    return np.arange(int(length.sum())) + np.repeat(low - before, length)


def _silent(done: int, total: int) -> None:
    """Report nothing."""


def required(source: str) -> tuple[tuple[bytes, ...], ...]:
    """Return strings that occur in what a pattern matches: for each alternative, all of its own.

    They are UTF-8 with ASCII letters in lower case, to be looked for in folded text. Groups are not
    looked into; nothing is returned where an alternative needs no string.
    """
    alternatives, depth = [[""]], 0
    for token in TOKEN.finditer(source):
        kind, runs = token.lastgroup, alternatives[-1]
        depth += (kind == "open") - (kind == "close")
        if depth or kind in ("open", "close", "other"):
            runs.append("")
        elif kind == "bar":
            alternatives.append([""])
        elif kind == "drop":
            runs[-1] = runs[-1][:-1]
            runs.append("")
        else:
            runs[-1] += token[kind or 0]
    found = [tuple(s for run in runs for s in _folded(run)) for runs in alternatives]
    return tuple(found) if all(found) else ()


def _folded(run: str) -> Iterator[bytes]:
    """Cut a run at letters outside ASCII that have a case: what they fold to is not looked up."""
    cased = "".join({c for c in run if not c.isascii() and (c.lower(), c.upper()) != (c, c)})
    for piece in re.split(f"[{re.escape(cased)}]", run) if cased else [run]:
        string = piece.encode("utf-8", "surrogatepass").lower()
        if len(string) >= 3:
            yield string
