"""Texts that models wrote, by who wrote them and of what, so that none is paid for twice."""

import json
from collections.abc import Sequence

from retrieval.store.workspace import Workspace

PAGE = 5_000


def fetch(workspace: Workspace, writer: str, hashes: Sequence[str]) -> dict[str, str]:
    """Return the texts that are kept, by the hash of what they were written of."""
    found: dict[str, str] = {}
    with workspace.read() as db:
        for start in range(0, len(hashes), PAGE):
            rows = db.execute(
                "SELECT hash, text FROM texts"
                " WHERE writer = ? AND hash IN (SELECT value FROM json_each(?))",
                [writer, json.dumps(hashes[start : start + PAGE])],
            )
            found.update((row["hash"], row["text"]) for row in rows)
    return found


def forget(workspace: Workspace, writer: str) -> None:
    """Drop all that somebody wrote."""
    with workspace.write() as db:
        db.execute("DELETE FROM texts WHERE writer = ?", [writer])


def keep(workspace: Workspace, writer: str, of: str, text: str) -> None:
    """Add a text; one that is there already stays as it is."""
    with workspace.write() as db:
        db.execute(
            "INSERT OR IGNORE INTO texts (writer, hash, text) VALUES (?, ?, ?)", [writer, of, text]
        )
