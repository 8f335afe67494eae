"""One SQLite database a workspace: write-ahead log, short connections, immediate transactions.

Several processes may use a database at once. Reads take a connection each (they are cheap and a
Streamlit script runs in a new thread every time); writes go through `transaction`, which takes the
write lock at its start, so that two read-modify-write cycles cannot both begin.
"""

import atexit
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import InputError

if TYPE_CHECKING:
    from sqlite_utils import Database

BUSY_SECONDS = 30.0

Migration = Callable[["Database"], None]


def open_connection(path: Path) -> sqlite3.Connection:
    """Open a connection in autocommit mode whose rows are addressed by name.

    Raises:
        InputError: the file is not a database, or cannot be opened.
    """
    try:
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    except sqlite3.OperationalError as e:
        raise InputError(f"cannot be opened ({e})", where=str(path)) from e
    connection.row_factory = sqlite3.Row
    try:
        _write_ahead(connection)
    except sqlite3.DatabaseError as e:
        connection.close()
        raise InputError(f"not a workspace database ({e})", where=str(path)) from e
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Choose the write-ahead log; SQLite itself does not wait for another that is choosing it."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as e:
            if e.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.005)
        else:
            return


@contextmanager
def connect(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a connection for a `with` block."""
    connection = open_connection(path)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Run a block under the write lock; commit at its end, roll back on an exception."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def keep_log(path: Path) -> None:
    """Keep one idle connection to a database for the life of this process.

    Without it every short connection is the last to close, and SQLite then folds the whole log into
    the file: 10 ms a write instead of 0.5.
    """
    if path not in _idle:
        _idle[path] = sqlite3.connect(path, check_same_thread=False)
        _idle[path].execute("SELECT 1 FROM sqlite_master").fetchone()


_idle: dict[Path, sqlite3.Connection] = {}


@atexit.register
def _close_idle() -> None:
    for connection in _idle.values():
        connection.close()


def create(db: "Database", *statements: str) -> None:
    """Run a migration's statements in its transaction."""
    for statement in statements:
        db.conn.execute(statement)


def migrate(path: Path, migrations: Sequence[Migration], name: str) -> None:
    """Bring the part of the schema called `name` up to date; a no-op when it is.

    `migrations` is append-only: a function's name is its identity, and none is changed or removed
    once it has been released. Importing sqlite-utils is put off until there is something to do.
    """
    with connect(path) as connection:
        keep_log(path)
        if _applied(connection, name) >= {m.__name__ for m in migrations}:
            return
        from sqlite_utils import Database, Migrations

        chain = Migrations(name)
        for migration in migrations:
            chain()(migration)
        with transaction(connection):
            chain.apply(Database(connection, recursive_triggers=False, execute_plugins=False))


def _applied(connection: sqlite3.Connection, name: str) -> set[str]:
    rows = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlite_migrations'"
    )
    if rows.fetchone() is None:
        return set()
    applied = connection.execute(
        "SELECT name FROM _sqlite_migrations WHERE migration_set = ?", [name]
    )
    return {row["name"] for row in applied}
