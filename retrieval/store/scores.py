"""Scores of a query and a text by who judged them, so that no pair is judged twice."""

import json
from collections.abc import Mapping, Sequence

from retrieval.store.workspace import Workspace

PAGE = 5_000


def fetch(workspace: Workspace, judge: str, pairs: Sequence[str]) -> dict[str, float]:
    """Return the scores that are kept, by the hash of their pair."""
    found: dict[str, float] = {}
    with workspace.read() as db:
        for start in range(0, len(pairs), PAGE):
            rows = db.execute(
                "SELECT pair, score FROM scores"
                " WHERE judge = ? AND pair IN (SELECT value FROM json_each(?))",
                [judge, json.dumps(pairs[start : start + PAGE])],
            )
            found.update((row["pair"], row["score"]) for row in rows)
    return found


def keep(workspace: Workspace, judge: str, scores: Mapping[str, float]) -> None:
    """Add scores; one that is there already stays as it is."""
    with workspace.write() as db:
        db.executemany(
            "INSERT OR IGNORE INTO scores (judge, pair, score) VALUES (?, ?, ?)",
            ((judge, pair, score) for pair, score in scores.items()),
        )
