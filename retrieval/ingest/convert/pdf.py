"""PDF, by pypdf: the text of every page, each ended by a form feed."""

import io
import logging

from pypdf import PdfReader
from pypdf.errors import DependencyError

from retrieval.errors import InputError
from retrieval.ingest.convert import Converted
from retrieval.ingest.media import PAGE_END

PAGES = 5_000


def convert(data: bytes, _: str) -> Converted:
    """Read every page's text, and the title.

    Raises:
        InputError: it is encrypted, has too many pages, or is scanned without text.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not _opens(reader):
        raise InputError("encrypted; save it without its password")
    if len(reader.pages) > PAGES:
        raise InputError(f"more than {PAGES:,} pages; split it")
    pages = [page.extract_text().replace(PAGE_END, " ") for page in reader.pages]
    if not any(p.strip() for p in pages):
        raise InputError("no text in it (scanned pages?); make it searchable (OCR) first")
    about = {"pages": len(pages)}
    return Converted("".join(f"{p.strip()}\n{PAGE_END}" for p in pages), _title(reader), about)


def _opens(reader: PdfReader) -> bool:
    """Tell whether the file opens without a password, as many do that only forbid printing."""
    try:
        return bool(reader.decrypt(""))
    except (DependencyError, NotImplementedError):
        return False


def _title(reader: PdfReader) -> str:
    return str((reader.metadata and reader.metadata.title) or "")
