"""Markdown, by markdown-it-py: headings, fences, tables and lists with their exact lines.

Tags of JSX and MDX (`<Tip icon="x">`), of Markdoc and of templates (`{% callout %}`) are blocks of
text: they become no heading, and what stands between them is Markdown, indented or not.
"""

import re
from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from retrieval.ingest.parse.blocks import Block, Kind, covering, line_starts, trimmed

FRONT_MATTER = re.compile(r"\A---[^\S\n]*\n(.*?\n)?---[^\S\n]*(?:\n|\Z)", re.DOTALL)
ANCHOR = re.compile(r"\s*\{(?:\s*[#.:][^{}]*|%[^{}]*%)\}\s*$")
BRACED = r"\{[^{}]*+\}"
for _ in range(3):  # braces in braces
    BRACED = rf"\{{[^{{}}]*+(?:{BRACED}[^{{}}]*+)*+\}}"
WITHIN = rf"(?:[^<>{{}}\"'\n]|\n(?![^\S\n]*\n)|\"[^\"]*+\"|'[^']*+'|{BRACED})*+"
TAG = re.compile(
    rf"<(?P<end>/)?(?:(?P<name>[A-Z][\w.-]*+)(?=[\s/>]){WITHIN})?>"  # JSX, and its fragments
    r"|\{%(?:[^%{]|%(?!\})|\{(?!%))*+%\}"
    r"|\{/\*(?:[^*{]|\*(?!/\})|\{(?!/\*))*+\*/\}"
)
TAG_LIMIT = 4_000
"""Characters of a tag with all it says."""
TAG_DEPTH = 50
"""Elements in elements; deeper ones do not count."""
BADGE = re.compile(r"<[A-Z][\w.]*(?:\s[^<>]*)?/>|<([A-Z][\w.]*)(?:\s[^<>]*)?>([^<>]*)</\1>")
"""An element of JSX in a heading; its second group is what it shows."""
MARKS = re.compile(r"^\s{0,3}#{1,6}(?:\s+|$)|\s+#+\s*$|\n\s{0,3}(?:=+|-+)\s*$")
LEAVES = {
    "paragraph_open": Kind.TEXT,
    "heading_open": Kind.HEADING,
    "fence": Kind.CODE,
    "code_block": Kind.CODE,
    "html_block": Kind.TEXT,
    "table_open": Kind.TABLE,
    "tag": Kind.TEXT,
}


def parse(text: str) -> list[Block]:
    """Find the blocks of a Markdown text; front matter is one block of kind META."""
    front = FRONT_MATTER.match(text)
    skipped = front.end() if front else 0
    meta = [Block(Kind.META, 0, len(text[:skipped].rstrip()))] if skipped else []
    body = text[skipped:]
    starts = [skipped + s for s in line_starts(body)]
    return covering(text, [*meta, *_blocks(text, _parser().parse(body), starts)])


def heading_title(source: str) -> str:
    """Strip a heading's marks, anchor and code ticks: `## Use `x` { #use }` -> `Use x`."""
    bare = BADGE.sub(r"\2", ANCHOR.sub("", MARKS.sub("", source.strip()))).replace("`", "")
    return " ".join(bare.split())


def _blocks(text: str, tokens: list[Token], starts: list[int]) -> Iterator[Block]:
    covered = -1
    for token in tokens:
        kind = LEAVES.get(token.type)
        if kind is None or token.map is None or token.map[0] < covered:
            continue
        first, covered = token.map
        start, end = trimmed(text, starts[first], starts[covered])
        if kind is Kind.HEADING and token.level == 0:
            title = heading_title(text[start:end])
            yield Block(kind, start, end, level=int(token.tag[1:]), title=title)
        else:
            language = token.info.split()[:1] if kind is Kind.CODE else []
            yield Block(_nested(kind, token.level), start, end, language="".join(language))


def _nested(kind: Kind, level: int) -> Kind:
    inside = level > 0 and kind in (Kind.TEXT, Kind.HEADING)
    return Kind.LIST if inside else kind


def _tags(state: StateBlock, first: int, end_line: int, silent: bool) -> bool:
    """Take lines that hold nothing but tags, and those of a tag that is broken over several."""
    at, last = state.bMarks[first] + state.tShift[first], first
    if state.is_code_block(first) or not state.src.startswith(("<", "{"), at):
        return False
    inside: list[str] = list(state.env.get("inside", ()))
    while at < state.eMarks[last] and (tag := TAG.match(state.src, at, at + TAG_LIMIT)):
        _step(inside, tag)
        while state.eMarks[last] < tag.end():
            last += 1
        at = state.skipSpaces(tag.end())
    for tag in TAG.finditer(state.src, at, state.eMarks[last]):
        _step(inside, tag)
    if last >= end_line or (at < state.eMarks[last] and last == first):
        return False
    if not silent:
        state.env["inside"], state.line = inside, last + 1
        state._code_enabled = not inside  # as in MDX, what stands in an element may be indented
        state.push("tag", "", 0).map = [first, last + 1]
    return True


def _step(inside: list[str], tag: re.Match[str]) -> None:
    """Go into an element or out of it, and out of those in it that were left open."""
    name = tag["name"] or ""
    if tag["end"]:
        while name in inside and inside.pop() != name:
            pass
    elif tag[0][0] == "<" and not tag[0].endswith("/>") and len(inside) < TAG_DEPTH:
        inside.append(name)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    parser.block.ruler.before("code", "tag", _tags, {"alt": ["paragraph", "reference"]})
    return parser
