"""PDF, by pypdf: the text of every page, each ended by a form feed, its headings marked."""

import io
import logging
import re

from pypdf import PdfReader
from pypdf.errors import DependencyError

from retrieval.errors import InputError
from retrieval.ingest.convert import Converted
from retrieval.ingest.convert.outline import headed, outline
from retrieval.ingest.media import HEADING_MARK, PAGE_END

PAGES = 5_000
MARKS = re.compile(f"[{PAGE_END}{HEADING_MARK}]")


def convert(data: bytes, _: str) -> Converted:
    """Read every page's text, the outline and the title.

    Raises:
        InputError: it is encrypted, has too many pages, or is scanned without text.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not _opens(reader):
        raise InputError("encrypted; save it without its password")
    if len(reader.pages) > PAGES:
        raise InputError(f"more than {PAGES:,} pages; split it")
    headings = outline(reader)
    pages = [MARKS.sub(" ", page.extract_text()) for page in reader.pages]
    if not any(p.strip() for p in pages):
        raise InputError("no text in it (scanned pages?); make it searchable (OCR) first")
    about = {"pages": len(pages)}
    marked = (headed(p.strip(), headings.get(i, ())) for i, p in enumerate(pages))
    return Converted("".join(f"{p}\n{PAGE_END}" for p in marked), _title(reader), about)


def _opens(reader: PdfReader) -> bool:
    """Tell whether the file opens without a password, as many do that only forbid printing."""
    try:
        return bool(reader.decrypt(""))
    except (DependencyError, NotImplementedError):
        return False


def _title(reader: PdfReader) -> str:
    return str((reader.metadata and reader.metadata.title) or "")
