"""Word documents, by python-docx: headings, paragraphs, lists and tables in their order."""

import io
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from docx import Document
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph

from retrieval.ingest.convert import Converted, markup
from retrieval.ingest.convert.office import check_package

HEADING = re.compile(r"heading (\d)$")
LIST = re.compile(r"list (bullet|number|paragraph)")
CODE = re.compile(r"code|preformatted|verbatim")


def convert(data: bytes, _: str) -> Converted:
    """Write a document's body as Markdown.

    Raises:
        InputError: it is no Word document.
    """
    check_package(data, "a Word document (.docx)")
    document = Document(io.BytesIO(data))
    text = markup.joined(_together(_blocks(document)))
    return Converted(text, str(document.core_properties.title or ""))


def _blocks(document: object) -> Iterator[tuple[str, str]]:
    """Return what each part of the body is, and how it is written."""
    for part in document.iter_inner_content():  # type: ignore[attr-defined]
        if isinstance(part, Table):
            yield "table", markup.table(_rows(part))
        elif isinstance(part, Paragraph) and part.text.strip():
            yield _paragraph(part)


def _paragraph(paragraph: Paragraph) -> tuple[str, str]:
    style = str(paragraph.style.name if paragraph.style is not None else "").lower()
    found = HEADING.match(style)
    text = paragraph.text.strip()
    if found or style == "title":
        return "heading", markup.heading(int(found[1]) if found else 1, text)
    if CODE.search(style):
        return "code", paragraph.text
    numbered = paragraph._p.pPr is not None and paragraph._p.pPr.numPr is not None
    if numbered or LIST.match(style):
        return "list", f"- {text}".replace("\n", "\n  ")
    return "prose", markup.prose(text)


def _rows(table: Table) -> Iterator[list[str]]:
    for row in table._tbl.tr_lst:
        yield [" ".join(p.text for p in cell.iter(qn("w:p"))) for cell in row.tc_lst]


def _together(blocks: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Join the lines of a code block, and the items of a list."""
    for kind, run in groupby(blocks, itemgetter(0)):
        texts = [text for _, text in run]
        if kind == "code":
            yield markup.fence("\n".join(texts))
        elif kind == "list":
            yield "\n".join(texts)
        else:
            yield from texts
