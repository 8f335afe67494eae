"""Read: files, folders and JSON lines become documents; what cannot be read is a line, not a stop.

What is read is hostile: nothing in it runs, YAML aliases and links out of a folder are not
followed, and no more than a piece of a value goes into a message.
"""

import codecs
import json
import math
import os
import re
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from retrieval.errors import InputError, one_of
from retrieval.ingest.parse import Kind, parse_document
from retrieval.ingest.parse.markdown import FRONT_MATTER
from retrieval.types import Document, Scalar

LIMIT = 50_000_000
"""Bytes of a document's file."""
LINES_LIMIT = 1_000_000_000
"""Bytes of a .jsonl file, which holds many documents."""
HEAD = 20_000
"""Characters that are searched for a heading to serve as title."""
FRONT_LIMIT = 64_000
TITLE_LIMIT = 300
KEYS = ("id", "text", "title", "metadata")
SKIPPED = frozenset({"node_modules", "__pycache__"})

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

MARKDOWN, RST, PLAIN, SOURCE = "text/markdown", "text/x-rst", "text/plain", "text/x-source-"
LANGUAGES = {
    "assembly": "asm s",
    "c": "c h",
    "clojure": "clj cljs edn",
    "cmake": "cmake",
    "cpp": "cc cpp cxx hh hpp hxx ipp cu cuh",
    "csharp": "cs",
    "css": "css scss sass less",
    "dart": "dart",
    "dockerfile": "dockerfile",
    "elixir": "ex exs",
    "erlang": "erl hrl",
    "fortran": "f f90 f95",
    "fsharp": "fs fsx",
    "go": "go",
    "graphql": "graphql gql",
    "groovy": "groovy gradle",
    "haskell": "hs",
    "ini": "ini cfg conf properties",
    "java": "java",
    "javascript": "js mjs cjs jsx",
    "json": "json",
    "julia": "jl",
    "kotlin": "kt kts",
    "lua": "lua",
    "make": "mk makefile",
    "nim": "nim",
    "objective-c": "m mm",
    "ocaml": "ml mli",
    "perl": "pl pm",
    "php": "php",
    "powershell": "ps1 psm1",
    "proto": "proto",
    "python": "py pyi pyw",
    "r": "r",
    "ruby": "rb rake",
    "rust": "rs",
    "scala": "scala sbt",
    "shell": "sh bash zsh fish bat cmd",
    "solidity": "sol",
    "sql": "sql",
    "svelte": "svelte",
    "swift": "swift",
    "terraform": "tf",
    "toml": "toml",
    "typescript": "ts mts cts tsx",
    "verilog": "v sv vhd",
    "vue": "vue",
    "yaml": "yaml yml",
    "zig": "zig",
}
MEDIA = {
    **dict.fromkeys(("md", "markdown", "mdx"), MARKDOWN),
    "rst": RST,
    **{e: SOURCE + name for name, ends in LANGUAGES.items() for e in ends.split()},
}

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60
_short.maxlevel = _short.maxlist = _short.maxdict = 2


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


def media_of(name: str) -> str:
    """Tell the media type by a file's name; what is not known is plain text."""
    path = PurePosixPath(name.lower())
    return MEDIA.get(path.suffix[1:] or path.name, PLAIN)


def shown(value: object) -> str:
    """Phrase a value for a message: escaped, and no more than a piece of it."""
    return _short.repr(value)


def named(name: str) -> str:
    """Return a file's name as it is, or escaped where a terminal could not show it."""
    return name if name.isprintable() and len(name) < 200 else shown(name)


def parse_json(text: str) -> Any:
    """Parse JSON; NaN and Infinity, which JSON does not have, are refused.

    Raises:
        InputError: it is not JSON, or is nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise InputError(f"not JSON ({error.msg}, {place}): {shown(text)}") from None
    except (ValueError, RecursionError):
        raise InputError(f"not JSON that can be used: {shown(text)}") from None


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        InputError: it is not one.
    """
    value = parse_json(text)
    if not isinstance(value, dict):
        raise InputError(f"not a JSON object: {shown(value)}")
    return value


def check_keys(row: Mapping[str, object], known: Sequence[str]) -> None:
    """Refuse keys that mean nothing, naming those that do.

    Raises:
        InputError: there is such a key.
    """
    for key in row:
        if key not in known:
            raise InputError(f"unknown key{one_of(key[:60], known, 'key')}", where=shown(key))


def text_field(row: Mapping[str, object], key: str, default: str | None = None) -> str:
    """Return a field that holds text; without a default it has to be there.

    Raises:
        InputError: it is missing, no text, or holds half a character (a lone surrogate).
    """
    value = row.get(key, default)
    if value is None:
        if default is not None:
            return default
        raise InputError("missing", where=key)
    if not isinstance(value, str):
        raise InputError(f"not text: {shown(value)}", where=key)
    return whole_text(value, key)


def whole_text(text: str, where: str) -> str:
    """Return the text if every character is whole.

    Raises:
        InputError: it holds a lone surrogate, which no encoding can write.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"half a character (lone surrogate) at {error.start}", where=where
        ) from None
    return text


def scalars(value: object, where: str = "metadata") -> dict[str, Scalar]:
    """Return a flat object: text, finite numbers, true, false and null by name.

    Raises:
        InputError: it is no object or holds anything else.
    """
    if not isinstance(value, dict):
        raise InputError(f"not an object: {shown(value)}", where=where)
    for key, held in value.items():
        if not _is_scalar(held):
            raise InputError(f"not a single value: {shown(held)}", where=f"{where}.{shown(key)}")
        whole_text(f"{key}{held}", f"{where}.{shown(key)}")
    return value


def decoded(data: bytes, encoding: str = "utf-8") -> str:
    """Decode text by its byte order mark (dropped), else by `encoding`.

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
        fix = "name its encoding, such as --encoding cp949"
        raise InputError(f"not {chosen} at byte {at} ({data[at]:#04x}); {fix}") from None
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
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "utf-8" if wide else self.encoding
        whole = decoded(data).encode() if wide else data
        for number, line in enumerate(whole.split(b"\n"), 1):
            if line.strip():
                with self.noting(f"{name}:{number}"):
                    self.add(_record(decoded(line, encoding)))

    def add(self, document: Document) -> None:
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


def _known(encoding: str) -> str:
    try:
        b"a".decode(encoding)
    except (LookupError, UnicodeError, ValueError):
        raise InputError(
            f"there is no text encoding {shown(encoding)}; known: utf-8, cp949, ..."
        ) from None
    return encoding


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
    found = FRONT_MATTER.match(text[:FRONT_LIMIT])
    try:
        fields = _yaml(found[1] or "") if found else None
    except Exception:  # a malformed tag raises whatever its constructor happens to raise
        return {}
    if not isinstance(fields, dict):
        return {}
    held = {k: str(v) if isinstance(v, date) else v for k, v in fields.items()}
    return {k: v for k, v in held.items() if _is_scalar(k, v)}


def _yaml(source: str) -> object:
    if any(isinstance(e, yaml.AliasEvent) for e in yaml.parse(source, Loader=yaml.SafeLoader)):
        raise InputError("aliases are not followed: a few lines of them can stand for gigabytes")
    return yaml.safe_load(source)
