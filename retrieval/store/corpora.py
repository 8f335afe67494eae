"""Corpora: chains of immutable versions, each a manifest of document rows.

Writing a version adds only the rows that are new; a fork is one manifest.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row

import numpy as np

from retrieval.errors import InputError, NotFound
from retrieval.store.workspace import Workspace, now
from retrieval.types import Corpus, Document, Span


@dataclass(frozen=True)
class Version:
    """What is known of a corpus version without reading its documents."""

    corpus: str
    number: int
    documents: int
    characters: int
    note: str
    created: str


@dataclass(frozen=True)
class Written:
    """What a write changed, as document names; `number` is the version that now holds."""

    number: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: int
    absent: tuple[str, ...]
    """In the corpus, not in what was written: kept, or removed where `prune` was asked for."""


def write(
    workspace: Workspace,
    name: str,
    documents: Iterable[Document],
    *,
    prune: bool = False,
    note: str = "",
) -> Written:
    """Make the documents part of the corpus `name`, as a new version if anything differs.

    A document with a known id replaces it in place; others follow in the order given. With
    `prune`, documents that were not given are left out of the new version.

    Raises:
        InputError: a document id occurs twice, or the name is empty.
    """
    new = _by_name(documents)
    _check_name(name)
    with workspace.write() as db:
        head = _head(db, name)
        old = {} if head is None else _rows(db, head["manifest"])
        _insert(db, new)
        ids = _ids(db, new)
        kept = {n: row["id"] for n, row in old.items() if n in new or not prune}
        manifest = {**kept, **ids}
        number = _append(db, name, head, list(manifest.values()), note)
    hashes = {n: row["hash"] for n, row in old.items()}
    return Written(
        number,
        added=tuple(n for n in new if n not in hashes),
        changed=tuple(n for n, d in new.items() if hashes.get(n, d.hash) != d.hash),
        unchanged=sum(hashes.get(n) == d.hash for n, d in new.items()),
        absent=tuple(n for n in hashes if n not in new),
    )


def fork(workspace: Workspace, name: str, new: str, *, number: int | None = None) -> None:
    """Start a corpus `new` from a version of another; no document is copied.

    Raises:
        NotFound: there is no such corpus or version.
        InputError: `new` exists already, or is empty.
    """
    _check_name(new)
    with workspace.write() as db:
        source = _version(db, name, number)
        if _head(db, new) is not None:
            raise InputError(f"there is a corpus {new!r} already; choose another name")
        db.execute("INSERT INTO corpora (name, created) VALUES (?, ?)", [new, now()])
        db.execute(
            "INSERT INTO versions"
            " (corpus, number, parent, manifest, documents, characters, note, created)"
            " SELECT (SELECT id FROM corpora WHERE name = ?), 1, id, manifest, documents,"
            " characters, ?, ? FROM versions WHERE id = ?",
            [new, f"fork of {name} v{source['number']}", now(), source["id"]],
        )


def read(workspace: Workspace, name: str, number: int | None = None) -> Corpus:
    """Read a version with its documents, the newest by default.

    Raises:
        NotFound: there is no such corpus or version.
    """
    with workspace.read() as db:
        version = _version(db, name, number)
        rows = db.execute(
            "SELECT id, name, title, media, metadata, given, text FROM documents"
            " WHERE id IN (SELECT value FROM json_each(?))",
            [_json(version["manifest"])],
        )
        found = {row["id"]: _document(row) for row in rows}
    order = np.frombuffer(version["manifest"], np.int32).tolist()
    return Corpus(tuple(found[i] for i in order), name, version["number"])


def rows(db: Connection, name: str, number: int | None = None) -> dict[str, int]:
    """Return the row of each document of a version, by the document's id.

    Raises:
        NotFound: there is no such corpus or version.
    """
    held = _rows(db, _version(db, name, number)["manifest"])
    return {document: int(row["id"]) for document, row in held.items()}


def versions(workspace: Workspace, name: str | None = None) -> list[Version]:
    """List versions, newest first: of one corpus, or of all."""
    with workspace.read() as db:
        rows = db.execute(
            "SELECT c.name, v.number, v.documents, v.characters, v.note, v.created"
            " FROM versions v JOIN corpora c ON c.id = v.corpus"
            " WHERE ? IS NULL OR c.name = ? ORDER BY v.id DESC",
            [name, name],
        )
        return [Version(*row) for row in rows]


def last_with(
    workspace: Workspace, name: str, document: str, says: Callable[[str], bool]
) -> tuple[int, Document] | None:
    """Return the newest version in which a document's text is as wanted, and the document then."""
    with workspace.read() as db:
        texts = db.execute("SELECT id FROM documents WHERE name = ?", [document])
        ids = {row["id"] for row in texts.fetchall()}
        versions = db.execute(
            "SELECT v.number, v.manifest FROM versions v JOIN corpora c ON c.id = v.corpus"
            " WHERE c.name = ? ORDER BY v.number DESC",
            [name],
        )
        for version in versions:
            for i in ids.intersection(np.frombuffer(version["manifest"], np.int32).tolist()):
                ids.remove(i)  # an older version with the same text tells nothing new
                row = db.execute("SELECT * FROM documents WHERE id = ?", [i]).fetchone()
                if says(row["text"]):
                    return version["number"], _document(row)
    return None


def newest(workspace: Workspace) -> list[Version]:
    """List the newest version of every corpus, by name."""
    heads: dict[str, Version] = {}
    for version in versions(workspace):
        heads.setdefault(version.corpus, version)
    return sorted(heads.values(), key=lambda v: v.corpus)


def _check_name(name: str) -> None:
    if not name.strip():
        raise InputError("a corpus needs a name")


def _by_name(documents: Iterable[Document]) -> dict[str, Document]:
    new: dict[str, Document] = {}
    for document in documents:
        if document.id in new:
            raise InputError(f"two documents have the id {document.id!r}; ids must be unique")
        new[document.id] = document
    return new


def _head(db: Connection, name: str) -> Row | None:
    row: Row | None = db.execute(
        "SELECT v.* FROM versions v JOIN corpora c ON c.id = v.corpus WHERE c.name = ?"
        " ORDER BY v.number DESC LIMIT 1",
        [name],
    ).fetchone()
    return row


def _version(db: Connection, name: str, number: int | None) -> Row:
    row: Row | None = db.execute(
        "SELECT v.* FROM versions v JOIN corpora c ON c.id = v.corpus"
        " WHERE c.name = ? AND (? IS NULL OR v.number = ?) ORDER BY v.number DESC LIMIT 1",
        [name, number, number],
    ).fetchone()
    if row is not None:
        return row
    names = [r["name"] for r in db.execute("SELECT name FROM corpora ORDER BY name")]
    if name in names:
        raise NotFound(f"version of corpus {name!r}", number, _numbers(db, name))
    raise NotFound("corpus", name, names)


def _numbers(db: Connection, name: str) -> list[str]:
    rows = db.execute(
        "SELECT v.number FROM versions v JOIN corpora c ON c.id = v.corpus WHERE c.name = ?"
        " ORDER BY v.number DESC",
        [name],
    )
    return [str(row["number"]) for row in rows]


def _rows(db: Connection, manifest: bytes) -> dict[str, Row]:
    rows = db.execute(
        "SELECT id, name, hash FROM documents WHERE id IN (SELECT value FROM json_each(?))",
        [_json(manifest)],
    )
    by_id = {row["id"]: row for row in rows}
    order = np.frombuffer(manifest, np.int32).tolist()
    return {by_id[i]["name"]: by_id[i] for i in order}


def _insert(db: Connection, documents: dict[str, Document]) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO documents"
        " (hash, name, title, media, metadata, given, text, characters)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (_row(d) for d in documents.values()),
    )


def _row(d: Document) -> tuple[object, ...]:
    metadata = json.dumps(dict(d.metadata), sort_keys=True, ensure_ascii=False)
    given = np.array([(s.start, s.end) for s in d.given], np.int32).tobytes()
    return d.hash, d.id, d.title, d.media, metadata, given, d.text, len(d.text)


def _ids(db: Connection, documents: dict[str, Document]) -> dict[str, int]:
    hashes = json.dumps([d.hash for d in documents.values()])
    rows = db.execute(
        "SELECT id, name FROM documents WHERE hash IN (SELECT value FROM json_each(?))", [hashes]
    )
    found = {row["name"]: row["id"] for row in rows}
    return {name: found[name] for name in documents}


def _append(db: Connection, name: str, head: Row | None, manifest: Sequence[int], note: str) -> int:
    packed = np.array(manifest, np.int32).tobytes()
    if head is not None and head["manifest"] == packed:
        return int(head["number"])
    db.execute("INSERT OR IGNORE INTO corpora (name, created) VALUES (?, ?)", [name, now()])
    number = 1 if head is None else int(head["number"]) + 1
    above = None if head is None else head["id"]
    db.execute(
        "INSERT INTO versions"
        " (corpus, number, parent, manifest, note, created, documents, characters)"
        " SELECT (SELECT id FROM corpora WHERE name = ?), ?, ?, ?, ?, ?,"
        " count(*), coalesce(sum(characters), 0)"
        " FROM documents WHERE id IN (SELECT value FROM json_each(?))",
        [name, number, above, packed, note, now(), _json(packed)],
    )
    return number


def _document(row: Row) -> Document:
    spans = np.frombuffer(row["given"], np.int32).reshape(-1, 2).tolist()
    return Document(
        id=row["name"],
        text=row["text"],
        title=row["title"],
        media=row["media"],
        metadata=json.loads(row["metadata"]),
        given=tuple(Span(start, end) for start, end in spans),
    )


def _json(manifest: bytes) -> str:
    return json.dumps(np.frombuffer(manifest, np.int32).tolist())
