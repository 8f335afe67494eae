"""Runs with their rankings, and the results of sweeps."""

import json
from collections.abc import Sequence
from sqlite3 import Row
from typing import Any

from goldsets.evaluation.run import Run, packed, unpacked
from retrieval.errors import NotFound
from retrieval.store import Workspace
from retrieval.store.workspace import now
from retrieval.types import Candidates, Chunks


def keep(workspace: Workspace, run: Run) -> None:
    """Keep a run; an equal one that is there already is replaced."""
    stages = {"chunking": run.chunking, "seconds": dict(run.seconds), "counts": dict(run.counts)}
    with workspace.write() as db:
        db.execute(
            "INSERT OR REPLACE INTO runs (id, variant, spec, goldset, gold_version, corpus,"
            " corpus_version, queries, ranking, stages, created, chunks, imported)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                run.id,
                run.variant,
                json.dumps(run.spec),
                run.goldset,
                run.gold_version,
                run.corpus,
                run.corpus_version,
                json.dumps(run.queries, ensure_ascii=False),
                packed(run.candidates),
                json.dumps(stages),
                now(),
                None if run.chunks is None else packed(run.chunks),
                run.imported,
            ],
        )


def read(workspace: Workspace, ids: Sequence[str]) -> list[Run]:
    """Read runs, in the order asked for.

    Raises:
        NotFound: one is not in the workspace.
    """
    with workspace.read() as db:
        rows = db.execute(
            "SELECT * FROM runs WHERE id IN (SELECT value FROM json_each(?))", [json.dumps(ids)]
        )
        found = {row["id"]: _run(row) for row in rows}
    for run in ids:
        if run not in found:
            raise NotFound("run", run, ["see the Sweep page"])
    return [found[run] for run in ids]


def find(workspace: Workspace, named: str) -> Run:
    """Read the newest run that an id, the beginning of one, or a variant's name means.

    Raises:
        NotFound: there is no such run; the message lists the newest.
    """
    with workspace.read() as db:
        rows = db.execute("SELECT id, variant FROM runs ORDER BY created DESC, id").fetchall()
    for row in rows:
        if named and (row["variant"] == named or row["id"].startswith(named)):
            return read(workspace, [row["id"]])[0]
    raise NotFound("run", named, [f"{r['id']} ({r['variant']})" for r in rows[:10]])


def imports(workspace: Workspace, goldset: str, corpus_version: int) -> dict[str, str]:
    """Return the imported runs over a gold set and a version of its corpus: `id -> name`.

    Of those that have one name the last is returned.
    """
    with workspace.read() as db:
        rows = db.execute(
            "SELECT id, variant, max(created) FROM runs WHERE imported != '' AND goldset = ?"
            " AND corpus_version = ? GROUP BY variant ORDER BY variant",
            [goldset, corpus_version],
        )
        return {row["id"]: row["variant"] for row in rows}


def imported(workspace: Workspace, goldset: str, name: str) -> Run:
    """Read the last run that was imported under a name for a gold set.

    Raises:
        NotFound: there is none.
    """
    with workspace.read() as db:
        rows = db.execute(
            "SELECT * FROM runs WHERE imported != '' AND goldset = ? ORDER BY created DESC",
            [goldset],
        ).fetchall()
    known = {row["variant"]: row for row in reversed(rows)}
    if name not in known:
        raise NotFound("imported run", name, known)
    return _run(known[name])


def keep_sweep(workspace: Workspace, job: int, goldset: str, result: dict[str, Any]) -> None:
    """Keep the result of a sweep's job, in place of an earlier one of the same job."""
    with workspace.write() as db:
        db.execute(
            "INSERT INTO sweeps (job, goldset, result, created) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (job) DO UPDATE SET result = excluded.result, created = excluded.created",
            [job, goldset, json.dumps(result, ensure_ascii=False), now()],
        )


def sweeps(workspace: Workspace, goldset: str | None = None) -> list[dict[str, Any]]:
    """List the results of finished sweeps, newest first, each with its `job`."""
    with workspace.read() as db:
        rows = db.execute(
            "SELECT job, result, created FROM sweeps WHERE ? IS NULL OR goldset = ?"
            " ORDER BY created DESC",
            [goldset, goldset],
        )
        return [{"job": r["job"], "created": r["created"], **json.loads(r["result"])} for r in rows]


def listed(workspace: Workspace) -> tuple[tuple[int, str], ...]:
    """List the finished sweeps by job and time, newest first: what `sweeps` reads."""
    with workspace.read() as db:
        rows = db.execute("SELECT job, created FROM sweeps ORDER BY created DESC")
        return tuple((int(row["job"]), str(row["created"])) for row in rows)


def sweep(workspace: Workspace, job: int) -> dict[str, Any] | None:
    """Read the result of one sweep, None while there is none."""
    with workspace.read() as db:
        row = db.execute("SELECT result FROM sweeps WHERE job = ?", [job]).fetchone()
    return None if row is None else dict(json.loads(row["result"]))


def _run(row: Row) -> Run:
    stages = json.loads(row["stages"])
    return Run(
        row["id"],
        row["variant"],
        json.loads(row["spec"]),
        row["goldset"],
        row["gold_version"],
        row["corpus"],
        row["corpus_version"],
        stages["chunking"],
        tuple(json.loads(row["queries"])),
        unpacked(row["ranking"], Candidates),
        stages["seconds"],
        None if row["chunks"] is None else unpacked(row["chunks"], Chunks),
        stages.get("counts", {}),
        row["imported"],
    )
