"""Files of each kind, made for the tests; none is kept in the repository."""

import io
import zipfile
from collections.abc import Sequence

from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, IndirectObject, NameObject, StreamObject

Bookmark = tuple[int, int, str]
"""Level, page from 0, title."""


def pdf(
    pages: Sequence[str],
    *,
    password: str = "",
    title: str = "",
    bookmarks: Sequence[Bookmark] = (),
) -> bytes:
    """Make a PDF; its text is Latin."""
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for text in pages:
        page = writer.add_blank_page(300, 300)
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = StreamObject()
        lines = " 0 -14 Td ".join(f"({line}) Tj" for line in text.split("\n"))
        stream.set_data(f"BT /F1 12 Tf 20 200 Td {lines} ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    above: dict[int, IndirectObject] = {}
    for level, page_number, name in bookmarks:
        above[level] = writer.add_outline_item(
            title=name, page_number=page_number, parent=above.get(level - 1)
        )
    if title:
        writer.add_metadata({"/Title": title})
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    sink = io.BytesIO()
    writer.write(sink)
    return sink.getvalue()


def packed(files: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Make a zip archive."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return sink.getvalue()
