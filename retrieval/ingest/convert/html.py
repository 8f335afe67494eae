"""HTML, by lxml: headings, lists, tables and code of the body; scripts, styles and forms go.

Nothing is fetched. What is hidden by an attribute is left out, as a reader would not see it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree, html

from retrieval.errors import InputError
from retrieval.ingest.convert import Converted, markup
from retrieval.ingest.text import decoded, known

Element = Any  # lxml has no types
LIMIT = 20_000_000
"""Bytes."""


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


DECLARED = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
DROPPED = _words(
    "script style template noscript iframe object embed svg math canvas audio video head"
    " select button input textarea"
)
INLINE = _words(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark"
    " q rp rt ruby s samp small span strike strong sub sup time tt u var wbr"
)
CODE = frozenset(["code", "kbd", "samp", "tt", "var"])
HEADINGS = {f"h{i}": i for i in range(1, 7)}
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
LANGUAGE = re.compile(r"\b(?:language|lang|highlight|brush)[-:_ ]+([\w+#.-]+)")


def convert(data: bytes, encoding: str) -> Converted:
    """Write a page as Markdown.

    Raises:
        InputError: it is too large, in another encoding than it says, or holds no text.
    """
    if len(data) > LIMIT:
        raise InputError(f"a page of more than {LIMIT // 1_000_000} MB; split it")
    return page(decoded(data, _declared(data) or encoding))


def page(source: str) -> Converted:
    """Write a page as Markdown.

    Raises:
        InputError: it holds no text.
    """
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True)
    try:
        root = html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        raise InputError("a page without text") from None
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        raise InputError("elements nested more than 2,048 deep")
    writer = _Writer()
    writer.walk(root)
    title = next((str(t.text_content()) for t in root.iter("title")), "")
    return Converted(markup.joined(writer.blocks), " ".join(title.split()))


def _declared(data: bytes) -> str:
    """Return the encoding that a page says it has, if there is one of that name."""
    found = DECLARED.search(data[:4096])
    try:
        return known(found[1].decode()) if found else ""
    except InputError:
        return ""


class _Writer:
    """Collects blocks while a tree is walked, without recursion: pages nest deep."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.line: list[str] = []
        self.lists: list[int] = []
        self.bullet = ""
        self.listed = False

    def walk(self, root: Element) -> None:
        """Write every element, each when it begins and when it ends."""
        events = etree.iterwalk(root, events=("start", "end"))
        for event, element in events:
            if not isinstance(element.tag, str):
                continue
            if event == "start" and self.begin(element):
                events.skip_subtree()
            elif event == "end":
                self.end(element)

    def begin(self, element: Element) -> bool:
        """Begin an element; tell whether what is in it has been dealt with."""
        tag = element.tag
        whole = WHOLE.get(tag)
        if tag in DROPPED or _is_hidden(element):
            return True
        if tag not in INLINE and tag != "br":
            self.flush()
        if whole:
            self.write(whole(element))
            return True
        self.open(tag, element)
        self.line.append(element.text or "")
        return False

    def open(self, tag: str, element: Element) -> None:
        """Write what stands at an element's start."""
        if tag in ("ul", "ol"):
            self.lists.append(0)
        elif tag == "li":
            self.bullet = self.number(element)
        elif tag == "br":
            self.line.append("\v")
        elif tag in CODE:
            self.line.append("`")
        elif tag == "img":
            self.line.append(element.get("alt") or "")

    def number(self, item: Element) -> str:
        """Return an item's bullet, indented by the lists around it."""
        indent = "  " * min(max(len(self.lists) - 1, 0), 10)
        parent = item.getparent()
        if not self.lists or parent is None or parent.tag != "ol":
            return f"{indent}- "
        self.lists[-1] += 1
        return f"{indent}{self.lists[-1]}. "

    def end(self, element: Element) -> None:
        """End an element, and go on with the text behind it."""
        tag = element.tag
        handled = tag in DROPPED or tag in WHOLE or _is_hidden(element)
        if not handled and tag in CODE:
            self.line.append("`")
        if not handled and tag not in INLINE:
            self.flush()
        if not handled and tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        self.line.append(element.tail or "")

    def flush(self) -> None:
        """Write the line that was gathered as a paragraph or an item."""
        lines = (" ".join(part.split()) for part in "".join(self.line).split("\v"))
        text = "\n".join(filter(None, lines)).replace("``", "")
        self.line = []
        if not text:
            return
        item, inside = self.bullet, "  " * len(self.lists)
        self.bullet = ""
        body = markup.prose(text).replace("\n", f"\n{inside}")
        self.write(f"{item or inside}{body}", item=bool(item))

    def write(self, block: str, *, item: bool = False) -> None:
        """Add a block; an item right after another is a line of the same block."""
        if item and self.listed:
            self.blocks[-1] += f"\n{block}"
        else:
            self.blocks.append(block)
        self.listed = item


def _is_hidden(element: Element) -> bool:
    style = element.get("style")
    return element.get("hidden") is not None or bool(style and HIDDEN.search(style))


def _heading(element: Element) -> str:
    return markup.heading(HEADINGS[element.tag], str(element.text_content()).rstrip("¶# "))


def _code(element: Element) -> str:
    named = [element.get("class") or "", *(c.get("class") or "" for c in element.iter("code"))]
    language = LANGUAGE.search(" ".join(named))
    return markup.fence(str(element.text_content()), language[1] if language else "")


def _table(element: Element) -> str:
    return markup.table(_rows(element))


def _rows(element: Element) -> Iterator[list[str]]:
    for row in element.iter("tr"):
        yield [_shown(cell) for cell in row if cell.tag in ("td", "th")]


def _shown(cell: Element) -> str:
    return " ".join(str(t) for t in cell.itertext() if t)


WHOLE: dict[str, Callable[[Element], str]] = {
    **dict.fromkeys(HEADINGS, _heading),
    "pre": _code,
    "table": _table,
}
"""What is written by one function with all that is in it."""
