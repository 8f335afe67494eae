"""A workspace: one folder that holds a database and the artefacts of the stages."""

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection
from threading import Lock

from retrieval.db import connect, migrate, transaction
from retrieval.errors import InputError
from retrieval.store.schema import MIGRATIONS

LEFTOVER_SECONDS = 3600.0

_turns: dict[Path, Lock] = {}


@dataclass(frozen=True)
class Workspace:
    """The folder everything is kept in; cheap to make, safe to share between processes."""

    path: Path

    @classmethod
    def open(cls, path: Path | str | None = None) -> "Workspace":
        """Open the folder, making it if needed: `path`, else PIZZA_WORKSPACE, else `./workspace`.

        Raises:
            InputError: the path is a file, cannot be written, or holds a foreign database.
        """
        chosen = Path(path or os.environ.get("PIZZA_WORKSPACE") or "workspace").resolve()
        workspace, is_new = cls(chosen), not chosen.exists()
        try:
            workspace.temporary.mkdir(parents=True, exist_ok=True)
            if is_new:  # in a repository it is no part of the commit
                (chosen / ".gitignore").write_text("*\n", encoding="utf-8")
        except OSError as e:
            raise InputError(
                f"cannot be used as a workspace ({e.strerror})", where=str(chosen)
            ) from e
        migrate(workspace.database, MIGRATIONS, "retrieval")
        workspace._sweep_leftovers()
        return workspace

    @property
    def database(self) -> Path:
        """Return the path of the SQLite file."""
        return self.path / "workspace.db"

    @property
    def artifacts(self) -> Path:
        """Return the folder of content-addressed arrays."""
        return self.path / "artifacts"

    @property
    def temporary(self) -> Path:
        """Return the folder where files are written before they are renamed into place."""
        return self.artifacts / "tmp"

    def read(self) -> AbstractContextManager[Connection]:
        """Open a connection for reading."""
        return connect(self.database)

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """Open a connection and hold the write lock for the block, all or nothing.

        What is written survives the death of the process; with `durable` that of the machine too.
        Threads of this process take turns; only other processes are waited for by looking again.
        """
        with _turns.setdefault(self.database, Lock()), connect(self.database) as connection:
            if durable:
                connection.execute("PRAGMA synchronous = FULL")
            with transaction(connection):
                yield connection

    def _sweep_leftovers(self) -> None:
        old = time.time() - LEFTOVER_SECONDS
        for file in self.temporary.iterdir():
            try:
                if file.stat().st_mtime < old:
                    file.unlink()
            except FileNotFoundError:
                continue


def now() -> str:
    """Return the time as UTC ISO 8601 with milliseconds, which sorts as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
