"""Read: files, folders and JSON lines become documents; what cannot be read is a line, not a stop.

What is read is hostile: nothing in it runs, YAML aliases and links out of a folder are not
followed, and no more than a piece of a value goes into a message.
"""

import codecs
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from retrieval.errors import InputError
from retrieval.ingest.fields import (
    check_keys,
    is_scalar,
    named,
    parse_object,
    scalars,
    shown,
    text_field,
    whole_text,
)
from retrieval.ingest.media import MARKDOWN, RST, media_of
from retrieval.ingest.parse import Kind, parse_document
from retrieval.ingest.parse.markdown import FRONT_MATTER
from retrieval.types import Document, Scalar

__all__ = ["Read", "decoded", "media_of", "read_paths", "read_uploads"]

LIMIT = 50_000_000
"""Bytes of a document's file."""
LINES_LIMIT = 1_000_000_000
"""Bytes of a .jsonl file, which holds many documents."""
HEAD = 20_000
"""Characters that are searched for front matter and for a heading to serve as title."""
TITLE_LIMIT = 300
DEPTH = 20
KEYS = ("id", "text", "title", "metadata")
SKIPPED = frozenset({"node_modules", "__pycache__"})
SURROGATE = re.compile("[\ud800-\udfff]")

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


@dataclass(frozen=True)
class Read:
    """Documents in the order they were found, and a line for each thing that was left out."""

    documents: tuple[Document, ...]
    problems: list[str]


def read_paths(paths: Sequence[Path], *, encoding: str = "utf-8") -> Read:
    """Read files and folders, folders whole and in the order of their names.

    A document's id is its path below the folder given, a single file's is its name; several paths
    count from the folder that holds them all. `encoding` is for files without a byte order mark.

    Raises:
        InputError: there is no such encoding.
    """
    given = list(dict.fromkeys(Path(os.path.normpath(p.absolute())) for p in paths))
    reading = _Reading(_known(encoding))
    for path in given:
        reading.path(path, _base(given))
    return reading.read()


def read_uploads(files: Iterable[tuple[str, bytes]], *, encoding: str = "utf-8") -> Read:
    """Read files that came as `(name, bytes)`; a document's id is the name.

    Raises:
        InputError: there is no such encoding.
    """
    reading = _Reading(_known(encoding))
    for name, data in files:
        with reading.noting(name):
            reading.take(name, data)
    return reading.read()


def decoded(
    data: bytes, encoding: str = "utf-8", *, fix: str = "name it, such as --encoding cp949"
) -> str:
    """Decode text by its byte order mark (dropped), else by `encoding`; `fix` ends the message.

    Raises:
        InputError: the bytes are not in that encoding, or are no text.
    """
    chosen = next((name for bom, name in BOMS if data.startswith(bom)), encoding)
    try:
        text = data.decode(chosen).removeprefix("\ufeff")
    except UnicodeError as error:
        if b"\0" in data:
            raise InputError("looks binary: it holds NUL bytes") from None
        at = getattr(error, "start", 0)
        raise InputError(f"not {chosen} at byte {at} ({data[at]:#04x}); {fix}") from None
    except (LookupError, ValueError):
        raise _no_encoding(encoding) from None
    if "\0" in text:
        raise InputError("looks binary: it holds NUL bytes")
    return whole_text(text, "")


class _Reading:
    """Collects documents by id, and the lines for what is left out."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self.documents: dict[str, Document] = {}
        self.problems: list[str] = []

    def read(self) -> Read:
        return Read(tuple(self.documents.values()), self.problems)

    @contextmanager
    def noting(self, name: str) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            self.problems.append(f"{named(name)}: {error}")
        except OSError as error:
            self.problems.append(f"{named(name)}: cannot be read ({error.strerror})")

    def path(self, root: Path, base: Path) -> None:
        stack, real = [root], root.resolve()
        while stack:
            path = stack.pop()
            name = path.relative_to(base).as_posix()
            with self.noting(name):
                if path != root and path.is_symlink() and not _inside(path, real):
                    continue
                if path.is_dir():
                    seen = (p for p in path.iterdir() if not _hidden(p.name))
                    stack += sorted(seen, reverse=True)
                elif path == root or path.is_file():
                    self.take(name, _load(path))

    def take(self, name: str, data: bytes) -> None:
        if len(data) > _limit(name):
            raise InputError(f"larger than {_limit(name) // 1_000_000:,} MB; split it")
        if not data.strip():
            raise InputError("empty")
        if name.lower().endswith(".jsonl"):
            return self.lines(name, data)
        text = decoded(data, self.encoding).replace("\r\n", "\n").replace("\r", "\n")
        return self.add(_document(whole_text(name, "name"), text))

    def lines(self, name: str, data: bytes) -> None:
        encoding = self.encoding
        if data.startswith(WIDE) or _is_wide(encoding):
            data, encoding = decoded(data, encoding).encode(), "utf-8"
        for number, line in enumerate(data.split(b"\n"), 1):
            if line.strip():
                with self.noting(f"{name}:{number}"):
                    self.add(_record(decoded(line, encoding)))

    def add(self, document: Document) -> None:
        if not document.id.strip():
            raise InputError("missing", where="id")
        if not document.text.strip():
            raise InputError("empty")
        if document.id in self.documents:
            raise InputError(f"a second document with the id {shown(document.id)}")
        self.documents[document.id] = document


def _base(paths: Sequence[Path]) -> Path:
    if len(paths) == 1 and paths[0].is_dir():
        return paths[0]
    return Path(os.path.commonpath([p.parent for p in paths]))


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in SKIPPED


def _inside(link: Path, root: Path) -> bool:
    """Tell whether a link is to be read: folders inside are read where they stand."""
    if not link.exists():
        raise InputError("a link that leads nowhere")
    if not link.resolve().is_relative_to(root):
        raise InputError("a link that leads outside the folder is not followed")
    return link.is_file()


def _limit(name: str) -> int:
    return LINES_LIMIT if name.lower().endswith(".jsonl") else LIMIT


def _load(path: Path) -> bytes:
    if not path.exists():
        raise InputError("there is no such file or folder")
    if not path.is_file():
        raise InputError("neither a file nor a folder")
    with path.open("rb") as file:
        return file.read(_limit(path.name) + 1)


def _is_wide(encoding: str) -> bool:
    return codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))


def _known(encoding: str) -> str:
    try:
        "a".encode(encoding)
    except (LookupError, UnicodeError, ValueError):
        raise _no_encoding(encoding) from None
    return encoding


def _no_encoding(name: str) -> InputError:
    return InputError(f"there is no text encoding {shown(name)}; known: utf-8, cp949, ...")


def _document(name: str, text: str) -> Document:
    bare = Document(name, text, media=media_of(name))
    front = _front_matter(text) if bare.media == MARKDOWN else {}
    title = front.pop("title", None)
    own = _first_heading(bare) if title is None else str(title)
    about = {**front, "path": name}
    return Document(name, text, " ".join(own.split())[:TITLE_LIMIT], bare.media, about)


def _first_heading(document: Document) -> str:
    if document.media not in (MARKDOWN, RST):
        return ""
    head = Document(document.id, document.text[:HEAD], media=document.media)
    return next((b.title for b in parse_document(head) if b.kind is Kind.HEADING), "")


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


def _record(line: str) -> Document:
    row = parse_object(line)
    check_keys(row, KEYS)
    name, about = text_field(row, "id"), row.get("metadata")
    return Document(
        name,
        text_field(row, "text"),
        text_field(row, "title", ""),
        media_of(name),
        {} if about is None else scalars(about),
    )
