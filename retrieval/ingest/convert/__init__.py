"""Convert: the bytes of a PDF, a web page, an office file or a mail become one text.

All but a PDF's text is written as Markdown, so that its headings, tables, lists and code are found
like a Markdown file's. Converting happens in a process of its own (`sandbox`), which has a limit in
time and memory: what is converted is hostile, and what reads it was not written here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module

from retrieval.errors import InputError
from retrieval.ingest.media import DOCX, HTML, MAIL, NOTEBOOK, PDF, XLSX
from retrieval.types import Scalar

TEXT_LIMIT = 20_000_000
"""Characters of a converted text."""
UNUSABLE = re.compile("[\0\ud800-\udfff]")
MODULES = {
    PDF: "pdf",
    HTML: "html",
    DOCX: "docx",
    XLSX: "sheet",
    NOTEBOOK: "notebook",
    MAIL: "mail",
}
"""One module a medium, each with a function `convert(data, encoding)`."""


@dataclass(frozen=True)
class Converted:
    """A text, what it says about itself, and the files it carried as `(name, bytes)`."""

    text: str
    title: str = ""
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    members: tuple[tuple[str, bytes], ...] = ()


def convert(media: str, data: bytes, encoding: str = "utf-8") -> Converted:
    """Make a text of a file's bytes.

    Raises:
        InputError: the file is damaged, encrypted, not of its kind, or holds too much.
    """
    module = import_module(f"{__name__}.{MODULES[media]}")
    of: Callable[[bytes, str], Converted] = module.convert
    made = of(data, encoding)
    if len(made.text) > TEXT_LIMIT:
        raise InputError(f"more than {TEXT_LIMIT // 1_000_000} million characters; split it")
    about = {k: clean(v) if isinstance(v, str) else v for k, v in made.metadata.items() if v != ""}
    return Converted(clean(made.text).rstrip(), clean(made.title), about, made.members)


def clean(text: str) -> str:
    """Replace what no text may hold: NUL and halves of characters."""
    return UNUSABLE.sub("\ufffd", text)
