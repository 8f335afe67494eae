"""What a text says about itself: its title, and the front matter of a Markdown file.

Front matter is hostile like the rest: aliases are not followed, deep nesting is refused.
"""

import re
from dataclasses import replace
from datetime import date

import yaml

from retrieval.errors import InputError
from retrieval.ingest.fields import is_scalar
from retrieval.ingest.media import MARKDOWN, RST, WRITTEN
from retrieval.ingest.parse import Kind, parse_document
from retrieval.ingest.parse.markdown import FRONT_MATTER
from retrieval.types import Document, Scalar

HEAD = 20_000
"""Characters that are searched for front matter and for a heading to serve as title."""
TITLE_LIMIT = 300
DEPTH = 20
SURROGATE = re.compile("[\ud800-\udfff]")


def described(document: Document) -> Document:
    """Give a document its title and metadata: its own, the front matter's, its first heading."""
    front = _front_matter(document.text) if document.media == MARKDOWN else {}
    told = front.pop("title", None)
    found = document.title if told is None else str(told)
    title = " ".join((found or _unless_told(document, told)).split())[:TITLE_LIMIT]
    about = {**front, **document.metadata, "path": document.id}
    return replace(document, title=title, metadata=about)


def _unless_told(document: Document, told: Scalar) -> str:
    return _first_heading(document) if told is None else ""


def _first_heading(document: Document) -> str:
    """Return the first heading's title; most stand near the top, so little is parsed at first."""
    if document.media not in (*WRITTEN, RST):
        return ""
    found = (_heading_in(document, document.text[:size]) for size in (HEAD // 10, HEAD))
    return next(filter(None, found), "")


def _heading_in(document: Document, head: str) -> str:
    if len(head) < len(document.text):  # whole lines, so that no title is cut
        head = head[: head.rfind("\n") + 1] or head
    blocks = parse_document(replace(document, text=head))
    return next((b.title for b in blocks if b.kind is Kind.HEADING), "")


def _front_matter(text: str) -> dict[str, Scalar]:
    found = FRONT_MATTER.match(text[:HEAD])
    try:
        fields = _yaml(found[1] or "") if found else None
    except Exception:  # a malformed tag raises whatever its constructor happens to raise
        return {}
    if not isinstance(fields, dict):
        return {}
    held = {k: v.isoformat() if isinstance(v, date) else v for k, v in fields.items()}
    return {k: v for k, v in held.items() if isinstance(k, str) and is_scalar(v) and _whole(k, v)}


def _whole(*values: object) -> bool:
    return not any(SURROGATE.search(str(v)) for v in values)


def _yaml(source: str) -> object:
    """Load flat YAML: deep nesting takes PyYAML minutes, aliases can stand for gigabytes."""
    depth = 0
    for event in yaml.parse(source, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH or isinstance(event, yaml.AliasEvent):
            raise InputError("front matter that is nested too deeply, or has aliases")
    return yaml.safe_load(source)
