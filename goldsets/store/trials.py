"""Changes that were tried, and how often the held-out half was looked at for them."""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

from retrieval.store import Workspace
from retrieval.store.workspace import now


@dataclass(frozen=True)
class Scene:
    """On what changes are tried: a gold set and a corpus as they are, by a measure."""

    goldset: str
    gold_version: str
    corpus: str
    corpus_version: int
    measure: str


SCENE = "goldset = ? AND gold_version = ? AND corpus = ? AND corpus_version = ? AND measure = ?"


def keep(
    workspace: Workspace,
    scene: Scene,
    base: Mapping[str, Any],
    changed: Mapping[str, Any],
    held_out: int,
    result: Mapping[str, Any],
) -> None:
    """Keep what came of a change; `held_out` is how many held-out queries were looked at.

    The same change tried again on the same scene is the same look.
    """
    with workspace.write() as db:
        db.execute(
            "INSERT OR REPLACE INTO trials (goldset, gold_version, corpus, corpus_version,"
            " measure, base, changed, held_out, result, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *astuple(scene),
                _plain(base),
                _plain(changed),
                held_out,
                json.dumps(result, ensure_ascii=False),
                now(),
            ],
        )


def of_base(workspace: Workspace, scene: Scene, base: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List what came of changes to a pipeline, in the order they were tried."""
    with workspace.read() as db:
        rows = db.execute(
            f"SELECT changed, result FROM trials WHERE {SCENE} AND base = ? ORDER BY id",
            [*astuple(scene), _plain(base)],
        )
        return [{"changed": json.loads(r["changed"]), **json.loads(r["result"])} for r in rows]


def looks(workspace: Workspace, goldset: str, held_out: int) -> float:
    """Count the looks at a gold set's held-out half, in looks at the `held_out` queries of now.

    A look at half as many queries, before others were added, counts half.
    """
    with workspace.read() as db:
        seen = db.execute(
            "SELECT held_out FROM trials WHERE goldset = ? AND held_out > 0", [goldset]
        )
        return float(sum(min(1.0, row["held_out"] / max(held_out, 1)) for row in seen))


def keep_loop(workspace: Workspace, job: int, goldset: str, result: Mapping[str, Any]) -> None:
    """Keep what a loop came to, in place of an earlier result of the same job."""
    with workspace.write() as db:
        db.execute(
            "INSERT OR REPLACE INTO loops (job, goldset, result, created) VALUES (?, ?, ?, ?)",
            [job, goldset, json.dumps(result, ensure_ascii=False), now()],
        )


def loop(workspace: Workspace, job: int) -> dict[str, Any] | None:
    """Read what a loop came to, None while it has not ended."""
    with workspace.read() as db:
        row = db.execute("SELECT result FROM loops WHERE job = ?", [job]).fetchone()
    return None if row is None else dict(json.loads(row["result"]))


def _plain(spec: Mapping[str, Any]) -> str:
    return json.dumps(spec, sort_keys=True, ensure_ascii=False)
