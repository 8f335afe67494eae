"""Embeddings by model and text, so that no text is embedded twice by the same model."""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from retrieval.store.workspace import Workspace
from retrieval.types import Float32

PAGE = 5_000


def fetch(workspace: Workspace, model: str, hashes: Sequence[str]) -> dict[str, Float32]:
    """Return the vectors that are kept, by text hash."""
    found: dict[str, Float32] = {}
    with workspace.read() as db:
        for page in _pages(hashes):
            rows = db.execute(
                "SELECT hash, vector FROM vectors"
                " WHERE model = ? AND hash IN (SELECT value FROM json_each(?))",
                [model, json.dumps(page)],
            )
            found.update((row["hash"], np.frombuffer(row["vector"], np.float32)) for row in rows)
    return found


def known(workspace: Workspace, model: str, hashes: Sequence[str]) -> set[str]:
    """Return those of the text hashes whose vectors are kept, without reading them."""
    with workspace.read() as db:
        return {
            row["hash"]
            for page in _pages(hashes)
            for row in db.execute(
                "SELECT hash FROM vectors"
                " WHERE model = ? AND hash IN (SELECT value FROM json_each(?))",
                [model, json.dumps(page)],
            )
        }


def keep(workspace: Workspace, model: str, vectors: Mapping[str, Float32]) -> None:
    """Add vectors; one that is there already stays as it is."""
    with workspace.write() as db:
        db.executemany(
            "INSERT OR IGNORE INTO vectors (model, hash, vector) VALUES (?, ?, ?)",
            ((model, h, np.asarray(v, np.float32).tobytes()) for h, v in vectors.items()),
        )


def _pages(hashes: Sequence[str]) -> list[Sequence[str]]:
    return [hashes[i : i + PAGE] for i in range(0, len(hashes), PAGE)]
