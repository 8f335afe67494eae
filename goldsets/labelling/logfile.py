"""The file of a query log: refused if it is no text or too large, decoded by what speaks for it."""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO

from retrieval.errors import InputError
from retrieval.ingest.fields import named, shown
from retrieval.ingest.text import BOMS

MAX_BYTES = 200_000_000
VOTERS = 10_000
"""Lines beyond ASCII by which an encoding is guessed."""
NOT_TEXT = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"%PDF", b"SQLite format 3\0", b"PAR1")


@contextmanager
def opened(source: Path | bytes, name: str, encoding: str = "") -> Iterator[tuple[TextIO, str]]:
    """Open a log as text, and say in which encoding; what cannot be decoded becomes U+FFFD.

    Without `encoding` a byte order mark decides, else UTF-8, CP949 or CP1252 is taken, the first
    in which most lines beyond ASCII can be read.

    Raises:
        InputError: there is no such file or encoding, or it is no text or too large.
    """
    with _binary(source, name) as file:
        chosen = _known(encoding) if encoding else _guessed(file)
        yield io.TextIOWrapper(file, chosen, errors="replace"), chosen


@contextmanager
def _binary(source: Path | bytes, name: str) -> Iterator[BinaryIO]:
    if isinstance(source, Path) and not source.is_file():
        raise InputError("there is no such file", where=named(name))
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > MAX_BYTES:
        problem = f"larger than {MAX_BYTES // 1_000_000} MB; split it"
        raise InputError(problem, where=named(name))
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        head = file.read(16)
        file.seek(0)
        if head.startswith(NOT_TEXT):
            problem = "a workbook, archive or database, no text; save it as CSV"
            raise InputError(problem, where=named(name))
        yield file


def _known(encoding: str) -> str:
    try:
        "a".encode(encoding)
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise InputError(f"there is no text encoding {shown(encoding)}") from None


def _guessed(file: BinaryIO) -> str:
    """Return the encoding that the file's first bytes or most of its lines speak for."""
    head = file.read(4)
    file.seek(0)
    marked = next((name for bom, name in BOMS if head.startswith(bom)), "")
    if marked:
        return "utf-8-sig" if marked == "utf-8" else marked
    lines = list(islice((line for line in file if not line.isascii()), VOTERS))
    file.seek(0)
    for name in ("utf-8", "cp949"):
        if 2 * sum(_reads(line, name) for line in lines) >= len(lines):
            return name
    return "cp1252"


def _reads(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeError:
        return False
    return True
