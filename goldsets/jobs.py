"""The ledger of long work: what is asked for, how far it is, and who is at it.

A job's key is unique, so starting the same work twice joins it. A worker claims a job, shows a
heartbeat, and looks at each step whether it is still wanted; whoever finds that another has claimed
its job steps back. All of it is rows: a page, the command line and a worker share nothing else.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any, Literal

from retrieval.errors import Cancelled, NotFound, Paused
from retrieval.store import Workspace
from retrieval.store.workspace import now
from retrieval.types import digest

State = Literal["queued", "running", "paused", "cancelled", "failed", "done", "interrupted"]
Wish = Literal["run", "pause", "cancel"]

STALE_SECONDS = 15.0
HEARTBEAT_SECONDS = 2.0
REPORT_SECONDS = 0.2
OVER: frozenset[State] = frozenset({"paused", "cancelled", "failed", "done", "interrupted"})


@dataclass(frozen=True)
class Job:
    """A row of the ledger; `interrupted` is a running job whose worker is gone."""

    id: int
    kind: str
    spec: dict[str, Any]
    state: State
    wanted: Wish
    step: str
    done: int
    total: int
    units_done: int
    units: int
    error: str
    created: str
    finished: str | None

    @property
    def over(self) -> bool:
        """Tell whether nobody is at it and nobody is about to be."""
        return self.state in OVER


def start(workspace: Workspace, kind: str, spec: dict[str, Any], units: int) -> Job:
    """Ask for work and see to a worker; the same work asked for again is joined or resumed."""
    key = digest(kind, json.dumps(spec, sort_keys=True, ensure_ascii=False))
    with workspace.write() as db:
        db.execute(
            "INSERT OR IGNORE INTO jobs (key, kind, spec, state, wanted, units, created)"
            " VALUES (?, ?, ?, 'done', 'run', ?, ?)",
            [key, kind, json.dumps(spec, ensure_ascii=False), units, now()],
        )
        id_ = int(db.execute("SELECT id FROM jobs WHERE key = ?", [key]).fetchone()["id"])
    return resume(workspace, id_)


def resume(workspace: Workspace, job: int) -> Job:
    """Put a job that is over back into the queue with a new worker.

    One that somebody is at goes on; a pause or cancel it has not come to yet is taken back.
    """
    with workspace.write() as db:
        if not _read(db, job).over:
            db.execute("UPDATE jobs SET wanted = 'run' WHERE id = ?", [job])
            return _read(db, job)
        db.execute(
            "UPDATE jobs SET state = 'queued', wanted = 'run', error = '', step = '', done = 0,"
            " total = 0, units_done = 0, pid = NULL, heartbeat = ?, finished = NULL WHERE id = ?",
            [time.time(), job],
        )
        db.execute("DELETE FROM job_errors WHERE job = ?", [job])
    spawn(workspace, job)
    return get(workspace, job)


def ask(workspace: Workspace, job: int, wish: Wish) -> None:
    """Ask the worker to pause or cancel; an unfinished job that nobody is at changes at once."""
    with workspace.write() as db:
        held = _read(db, job).state
        db.execute("UPDATE jobs SET wanted = ? WHERE id = ?", [wish, job])
        if held in ("interrupted", "paused") and wish != "run":
            state: State = "paused" if wish == "pause" else "cancelled"
            db.execute("UPDATE jobs SET state = ? WHERE id = ?", [state, job])


def get(workspace: Workspace, job: int) -> Job:
    """Read a job.

    Raises:
        NotFound: there is none of that id.
    """
    with workspace.read() as db:
        return _read(db, job)


def recent(workspace: Workspace, kind: str, limit: int = 20) -> list[Job]:
    """List jobs, newest first."""
    with workspace.read() as db:
        rows = db.execute(
            "SELECT * FROM jobs WHERE kind = ? ORDER BY id DESC LIMIT ?", [kind, limit]
        )
        return [_job(row) for row in rows]


def at_work(workspace: Workspace) -> list[Job]:
    """List the jobs that are not over, newest first."""
    with workspace.read() as db:
        rows = db.execute(
            "SELECT * FROM jobs WHERE state IN ('queued', 'running') ORDER BY id DESC"
        ).fetchall()
    return [job for job in map(_job, rows) if not job.over]


def errors(workspace: Workspace, job: int) -> dict[str, str]:
    """Return the units that failed, with their errors."""
    with workspace.read() as db:
        rows = db.execute("SELECT unit, error FROM job_errors WHERE job = ? ORDER BY unit", [job])
        return {row["unit"]: row["error"] for row in rows}


def spawn(workspace: Workspace, job: int) -> None:
    """Start a worker process for a job; it outlives this one."""
    log = workspace.path / "logs"
    log.mkdir(exist_ok=True)
    with (log / f"job-{job}.log").open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-m", "goldsets.worker", str(workspace.path), str(job)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()  # reap it when it ends


class Claim:
    """A worker's hold on a job: progress, wishes and heartbeat go through it."""

    def __init__(self, workspace: Workspace, job: int) -> None:
        self.workspace, self.id, self.pid = workspace, job, os.getpid()
        self._last = 0.0
        self._ended = threading.Event()

    def take(self) -> bool:
        """Claim the job; False when somebody else is at it or it is not wanted any more."""
        with self.workspace.write() as db:
            taken = db.execute(
                "UPDATE jobs SET state = 'running', pid = ?, heartbeat = ?, started = ?"
                " WHERE id = ? AND state = 'queued'",
                [self.pid, time.time(), now(), self.id],
            )
            return taken.rowcount == 1

    def progress(self, step: str, done: int, total: int) -> None:
        """Report a step, now and then; raise what is wished for instead of going on."""
        moment = time.monotonic()
        if moment - self._last < REPORT_SECONDS:
            return
        self._last = moment
        self._update("step = ?, done = ?, total = ?", step, done, total)

    def unit(self, done: int, name: str, error: str) -> None:
        """Report that a unit is finished, with its error if it failed."""
        if error:
            with self.workspace.write() as db:
                db.execute(
                    "INSERT OR REPLACE INTO job_errors (job, unit, error, created)"
                    " VALUES (?, ?, ?, ?)",
                    [self.id, name, error, now()],
                )
        self._update("units_done = ?", done)

    def finish(self, state: State, error: str = "") -> None:
        """Leave the job in its last state."""
        self._ended.set()
        with self.workspace.write() as db:
            db.execute(
                "UPDATE jobs SET state = ?, error = ?, finished = ? WHERE id = ? AND pid = ?",
                [state, error, now(), self.id, self.pid],
            )

    def keep_beating(self) -> None:
        """Show a heartbeat from a thread until the job is finished."""
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            with self.workspace.write() as db:
                db.execute(
                    "UPDATE jobs SET heartbeat = ? WHERE id = ? AND pid = ?",
                    [time.time(), self.id, self.pid],
                )

    def _update(self, assignments: str, *values: object) -> None:
        with self.workspace.write() as db:
            db.execute(
                f"UPDATE jobs SET {assignments}, heartbeat = ? WHERE id = ? AND pid = ?",
                [*values, time.time(), self.id, self.pid],
            )
            row = db.execute("SELECT wanted, pid FROM jobs WHERE id = ?", [self.id]).fetchone()
        if row is None or row["pid"] != self.pid or row["wanted"] == "cancel":
            raise Cancelled("the job was cancelled or taken over")
        if row["wanted"] == "pause":
            raise Paused("the job was paused; everything finished is kept")


def _read(db: Connection, job: int) -> Job:
    row = db.execute("SELECT * FROM jobs WHERE id = ?", [job]).fetchone()
    if row is None:
        raise NotFound("job", job)
    return _job(row)


def _job(row: Row) -> Job:
    state: State = row["state"]
    if state in ("running", "queued") and _abandoned(row):
        state = "interrupted"
    names: Iterable[str] = ("step", "done", "total", "units_done", "units", "error", "created")
    rest = {name: row[name] for name in (*names, "finished")}
    return Job(row["id"], row["kind"], json.loads(row["spec"]), state, row["wanted"], **rest)


def _abandoned(row: Row) -> bool:
    if row["heartbeat"] is not None and time.time() - row["heartbeat"] > STALE_SECONDS:
        return True
    return row["pid"] is not None and not _alive(row["pid"])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
