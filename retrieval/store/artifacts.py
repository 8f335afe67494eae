"""Artefacts: what a stage made, kept as content-addressed `.npy` files under the stage's key.

A file is written under a temporary name, flushed to disk and renamed, and only then named in the
database, so a process killed at any moment leaves either the whole artefact or none.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from retrieval.store.workspace import Workspace, now

Arrays = Mapping[str, NDArray[Any]]


def save(workspace: Workspace, key: str, stage: str, arrays: Arrays, seconds: float) -> None:
    """Keep the arrays under the key; the last of two equal keys wins (they hold the same)."""
    files = {name: _write(workspace, np.ascontiguousarray(a)) for name, a in arrays.items()}
    size = sum(a.nbytes for a in arrays.values())
    with workspace.write() as db:
        db.execute(
            "INSERT OR REPLACE INTO artifacts (key, stage, files, bytes, seconds, created)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [key, stage, json.dumps(files), size, seconds, now()],
        )


def load(workspace: Workspace, key: str) -> Arrays | None:
    """Map the arrays kept under the key; None when there are none, or a file is gone or cut."""
    with workspace.read() as db:
        row = db.execute("SELECT files FROM artifacts WHERE key = ?", [key]).fetchone()
    if row is None:
        return None
    try:
        files = json.loads(row["files"]).items()
        return {name: _open(_path(workspace, content)) for name, content in files}
    except (OSError, ValueError, EOFError):
        return None


def known(workspace: Workspace, keys: Iterable[str]) -> set[str]:
    """Return those of the keys that are kept."""
    return set(seconds(workspace, keys))


def seconds(workspace: Workspace, keys: Iterable[str]) -> dict[str, float]:
    """Return how long it took to make those of the keys that are kept."""
    with workspace.read() as db:
        rows = db.execute(
            "SELECT key, seconds FROM artifacts WHERE key IN (SELECT value FROM json_each(?))",
            [json.dumps(list(keys))],
        )
        return {row["key"]: row["seconds"] for row in rows}


def _open(path: Path) -> NDArray[Any]:
    if path.stat().st_size < 256:  # a memory map of an empty array is an error
        return np.asarray(np.load(path, allow_pickle=False))
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _path(workspace: Workspace, content: str) -> Path:
    return workspace.artifacts / content[:2] / f"{content}.npy"


def _write(workspace: Workspace, array: NDArray[Any]) -> str:
    content = _content(array)
    path = _path(workspace, content)
    if _intact(path, array):
        return content
    path.parent.mkdir(exist_ok=True)
    temporary = workspace.temporary / uuid4().hex
    with temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return content


def _intact(path: Path, array: NDArray[Any]) -> bool:
    try:
        kept = _open(path)
    except (OSError, ValueError, EOFError):
        return False
    return kept.shape == array.shape and kept.dtype == array.dtype


def _content(array: NDArray[Any]) -> str:
    h = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=20)
    h.update(array.reshape(-1).view(np.uint8).data)
    return h.hexdigest()
