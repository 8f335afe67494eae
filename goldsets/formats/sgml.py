"""SGML as TREC writes it: scanned, since much of it is not well-formed.

No entity is expanded beyond a character, and the time is linear in the text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape, unescape

from retrieval.errors import InputError
from retrieval.ingest.fields import shown

TAG = re.compile(r"</?[A-Za-z][\w-]*(?:\s[^<>]*)?/?>|<!--[^<>]*-->")
BLANKS = re.compile(r"[ \t\r\n]+")
LOST = re.compile(r"[\t\n\r]|(?<= ) |^ | \Z|^[nt](?=umber:|opic:)", re.IGNORECASE)
"""What a reader of one line would drop: layout, and the labels of old topics."""


@dataclass(frozen=True)
class Element:
    """What stands between two tags; `start` and `end` include them."""

    start: int
    end: int
    inner: str


def records(text: str, tag: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the inside of each `<tag>`, up to its end tag or the next `<tag>`."""
    text = text.replace("\r\n", "\n")
    opened = list(re.finditer(_opening(tag), text, re.IGNORECASE))
    stops = [*(m.start() for m in opened[1:]), len(text)]
    line, at = 1, 0
    for match, stop in zip(opened, stops, strict=False):
        line += text.count("\n", at, match.start())
        at = match.start()
        body = text[match.end() : stop]
        yield line, re.split(rf"</{tag}\s*>", body, maxsplit=1, flags=re.IGNORECASE)[0]


def elements(body: str, name: str, siblings: Sequence[str] = ()) -> Iterator[Element]:
    """Yield the elements of a name; one without an end tag ends where a sibling begins."""
    opening = re.compile(_opening(name), re.IGNORECASE)
    nexts = "".join(f"|{_opening(s)}" for s in siblings if s != name)
    closing = re.compile(rf"(</{name}\s*>){nexts}", re.IGNORECASE)
    opened = opening.search(body)
    while opened:
        closed = closing.search(body, opened.end())
        stop = closed.start() if closed else len(body)
        end = closed.end() if closed and closed[1] else stop
        yield Element(opened.start(), end, body[opened.end() : stop])
        opened = opening.search(body, end)


def plain(inner: str) -> str:
    """Return a text without its tags, and without the line breaks next to the outer ones."""
    return unescape(TAG.sub(" ", inner.removeprefix("\n").removesuffix("\n")))


def one_line(inner: str) -> str:
    """Return a name or title: its layout is one space, white space written as entities stays."""
    return unescape(BLANKS.sub(" ", inner).strip(" "))


def escaped(text: str) -> str:
    """Write a text so that `plain` returns it.

    Raises:
        InputError: it holds a NUL.
    """
    return _whole(text).replace("\r", "&#13;")


def escaped_line(text: str) -> str:
    """Write a name or title so that `one_line` returns it.

    Raises:
        InputError: it holds a NUL.
    """
    return LOST.sub(lambda m: f"&#{ord(m[0])};", _whole(text))


def _whole(text: str) -> str:
    if "\0" in text:
        raise InputError(f"SGML has no place for the NUL character in {shown(text)}")
    return escape(text, quote=False)


def _opening(tag: str) -> str:
    return rf"<{tag}(?:\s[^<>]*)?>"
