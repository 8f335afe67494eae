"""Read: files, folders and JSON lines become documents; what cannot be read is a line, not a stop.

What is read is hostile: nothing in it runs, YAML aliases and links out of a folder are not
followed, and no more than a piece of a value goes into a message.
"""

import codecs
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from retrieval.errors import InputError
from retrieval.ingest import archive
from retrieval.ingest.about import described
from retrieval.ingest.convert.sandbox import Sandbox
from retrieval.ingest.fields import (
    check_keys,
    named,
    parse_object,
    scalars,
    shown,
    text_field,
    whole_text,
)
from retrieval.ingest.media import (
    CONVERTED,
    DOCX,
    ENDS,
    PDF,
    XLSX,
    ZIP,
    is_known,
    media_of,
)
from retrieval.ingest.text import decoded, known
from retrieval.types import Document

__all__ = ["Read", "decoded", "media_of", "read_paths", "read_uploads"]

LIMIT = 50_000_000
"""Bytes of a document's file."""
LINES_LIMIT = 1_000_000_000
"""Bytes of a .jsonl file, which holds many documents."""
ARCHIVE_LIMIT = 200_000_000
"""Bytes of an archive; what it may unpack to is said in `archive`."""
KEYS = ("id", "text", "title", "metadata")
SKIPPED = frozenset({"node_modules", "__pycache__", "__MACOSX"})

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
    with Sandbox() as sandbox:
        reading = _Reading(known(encoding), sandbox)
        for path in given:
            reading.path(path, _base(given))
    return reading.read()


def read_uploads(files: Iterable[tuple[str, bytes]], *, encoding: str = "utf-8") -> Read:
    """Read files that came as `(name, bytes)`; a document's id is the name.

    Raises:
        InputError: there is no such encoding.
    """
    with Sandbox() as sandbox:
        reading = _Reading(known(encoding), sandbox)
        for name, data in files:
            with reading.noting(name):
                reading.take(name, data)
    return reading.read()


@dataclass(frozen=True)
class _Outer:
    """How deep archives and mails lie in one another, and what they may still unpack."""

    depth: int = 0
    allowance: archive.Allowance = field(default_factory=archive.Allowance)

    def below(self) -> "_Outer":
        """Go one deeper.

        Raises:
            InputError: that is too deep.
        """
        if self.depth >= archive.DEPTH:
            raise InputError(f"archives in archives, more than {archive.DEPTH} deep; unpack it")
        return replace(self, depth=self.depth + 1)


class _Reading:
    """Collects documents by id, and the lines for what is left out."""

    def __init__(self, encoding: str, sandbox: Sandbox) -> None:
        self.encoding = encoding
        self.sandbox = sandbox
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

    def take(self, name: str, data: bytes, outer: _Outer | None = None) -> None:
        """Take a file in; `outer` is what it was packed in or attached to."""
        if len(data) > _limit(name):
            raise InputError(f"larger than {_limit(name) // 1_000_000:,} MB; split it")
        if not data.strip():
            raise InputError("empty")
        media = _medium(name, data)
        if name.lower().endswith(".jsonl"):
            self.lines(name, data)
        elif media == ZIP:
            self.archive(name, data, outer or _Outer())
        elif media in CONVERTED:
            self.converted(whole_text(name, "name"), media, data, outer or _Outer())
        else:
            text = decoded(data, self.encoding).replace("\r\n", "\n").replace("\r", "\n")
            self.add(described(Document(whole_text(name, "name"), text, media=media)))

    def converted(self, name: str, media: str, data: bytes, outer: _Outer) -> None:
        """Take a file in whose text has to be made, then what was attached to it."""
        made = self.sandbox.convert(media, data, self.encoding)
        held = Document(name, made.text, made.title, media, made.metadata)
        with self.noting(name):
            self.add(described(held))
        for own, content in made.members:
            with self.noting(f"{name}/{own}"):
                outer.allowance.take(len(content))
                self.take(f"{name}/{own}", content, outer.below())

    def archive(self, name: str, data: bytes, outer: _Outer) -> None:
        """Take an archive's files in, in its own order."""
        opened, below = archive.opened(data), outer.below()
        for member in opened.infolist():
            if outer.allowance.spent:
                return
            if member.is_dir() or archive.is_hidden(member, _hidden):
                continue
            with self.noting(f"{name}/{member.filename}"):
                inside = f"{name}/{archive.path_of(member)}"
                content = archive.unpacked(opened, member, _limit(inside))
                below.allowance.take(len(content))
                self.take(inside, content, below)

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
    if name.lower().endswith(".jsonl"):
        return LINES_LIMIT
    return ARCHIVE_LIMIT if media_of(name) == ZIP else LIMIT


def _medium(name: str, data: bytes) -> str:
    """Tell a file's media type by its name, and hold its first bytes against it.

    Raises:
        InputError: the bytes are plainly of another kind.
    """
    told, found = media_of(name), _sniffed(data)
    if found in (None, told):
        return told
    if is_known(name) or found == ZIP:
        raise InputError(f"holds a {ENDS[found]} file; name it so to have it read")
    return found


def _sniffed(data: bytes) -> str | None:
    if data[:1024].lstrip().startswith(b"%PDF-"):
        return PDF
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return None
    inside = archive.names(data)
    if not inside:
        return None
    if "word/document.xml" in inside:
        return DOCX
    return XLSX if "xl/workbook.xml" in inside else ZIP


def _load(path: Path) -> bytes:
    if not path.exists():
        raise InputError("there is no such file or folder")
    if not path.is_file():
        raise InputError("neither a file nor a folder")
    with path.open("rb") as file:
        return file.read(_limit(path.name) + 1)


def _is_wide(encoding: str) -> bool:
    return codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))


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
