import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from retrieval.db import connect, create, migrate, transaction
from retrieval.errors import InputError
from retrieval.store import Workspace
from tests.retrieval.processes import at_once, open_fresh_workspaces

if TYPE_CHECKING:
    from sqlite_utils import Database


def first(db: "Database") -> None:
    create(db, "CREATE TABLE dough (grams INTEGER)", "INSERT INTO dough VALUES (250)")


def second(db: "Database") -> None:
    create(db, "ALTER TABLE dough ADD COLUMN hours INTEGER")


def broken(db: "Database") -> None:
    create(db, "CREATE TABLE half (made INTEGER)", "CREATE TABLE dough (again INTEGER)")


def insert_and_fail(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO dough VALUES (1)")
    raise KeyError


def rows(path: Path) -> list[tuple[object, ...]]:
    with connect(path) as db:
        return [tuple(r) for r in db.execute("SELECT * FROM dough")]


def test_migrations_run_once_each_and_new_ones_follow(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    migrate(path, [first], "kitchen")
    migrate(path, [first], "kitchen")
    assert rows(path) == [(250,)]
    migrate(path, [first, second], "kitchen")
    migrate(path, [first, second], "kitchen")
    assert rows(path) == [(250, None)]


def test_equal_names_in_two_parts_of_the_schema_are_two_migrations(tmp_path: Path) -> None:
    def first(db: "Database") -> None:
        create(db, "CREATE TABLE guests (name TEXT)")

    path = tmp_path / "test.db"
    migrate(path, [first], "evening")
    migrate(path, [globals()["first"]], "kitchen")
    assert rows(path) == [(250,)]


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    migrate(path, [first], "kitchen")
    with pytest.raises(sqlite3.OperationalError):
        migrate(path, [first, second, broken], "kitchen")
    assert rows(path) == [(250,)]
    with connect(path) as db:
        names = {r["name"] for r in db.execute("SELECT name FROM sqlite_master")}
    assert "half" not in names


def test_two_processes_may_open_fresh_workspaces_at_once(tmp_path: Path) -> None:
    at_once(open_fresh_workspaces, tmp_path)
    for i in range(30):
        with Workspace(tmp_path / f"workspace-{i}").read() as db:
            assert db.execute("SELECT count(*) FROM versions").fetchone()[0] == 0


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    migrate(path, [first], "kitchen")
    with connect(path) as db, pytest.raises(KeyError), transaction(db):
        insert_and_fail(db)
    assert rows(path) == [(250,)]
    with connect(path) as db, transaction(db):
        db.execute("INSERT INTO dough VALUES (1)")
    assert rows(path) == [(250,), (1,)]


def test_a_transaction_holds_the_write_lock_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    migrate(path, [first], "kitchen")
    with connect(path) as one, connect(path) as other, transaction(one):
        other.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(sqlite3.OperationalError, match="locked"), transaction(other):
            pass
        assert other.execute("SELECT count(*) FROM dough").fetchone()[0] == 1  # readers go on


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    path.write_text("flour, water, salt " * 100)
    with pytest.raises(InputError, match=r"workspace\.db: not a workspace database"):
        Workspace.open(tmp_path)


def test_a_folder_in_place_of_the_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "workspace.db").mkdir()
    with pytest.raises(InputError, match=r"workspace\.db: cannot be opened"):
        Workspace.open(tmp_path)
