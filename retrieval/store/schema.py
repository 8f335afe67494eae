"""The pipeline's part of the schema: an append-only list of migrations."""

from typing import TYPE_CHECKING

from retrieval.db import Migration, create

if TYPE_CHECKING:
    from sqlite_utils import Database


def documents_and_versions(db: "Database") -> None:
    """Immutable document rows, and corpora as chains of manifests of them."""
    create(
        db,
        """CREATE TABLE documents (
            id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
            title TEXT NOT NULL, media TEXT NOT NULL, metadata TEXT NOT NULL,
            given BLOB NOT NULL, text TEXT NOT NULL, characters INTEGER NOT NULL)""",
        """CREATE TABLE corpora (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT NOT NULL)""",
        """CREATE TABLE versions (
            id INTEGER PRIMARY KEY, corpus INTEGER NOT NULL REFERENCES corpora(id),
            number INTEGER NOT NULL, parent INTEGER REFERENCES versions(id),
            manifest BLOB NOT NULL, documents INTEGER NOT NULL, characters INTEGER NOT NULL,
            note TEXT NOT NULL, created TEXT NOT NULL,
            UNIQUE (corpus, number))""",
    )


def artifacts_and_vectors(db: "Database") -> None:
    """What stages made, by key, and embeddings by model and text."""
    create(
        db,
        """CREATE TABLE artifacts (
            key TEXT PRIMARY KEY, stage TEXT NOT NULL, files TEXT NOT NULL,
            bytes INTEGER NOT NULL, seconds REAL NOT NULL, created TEXT NOT NULL) WITHOUT ROWID""",
        """CREATE TABLE vectors (
            model TEXT NOT NULL, hash TEXT NOT NULL, vector BLOB NOT NULL,
            PRIMARY KEY (model, hash)) WITHOUT ROWID""",
    )


def calls_and_budgets(db: "Database") -> None:
    """Every paid call with what it used and cost, and the budgets that hold them."""
    create(
        db,
        """CREATE TABLE calls (
            id INTEGER PRIMARY KEY, model TEXT NOT NULL, kind TEXT NOT NULL, job INTEGER,
            state TEXT NOT NULL, begun TEXT NOT NULL, ended TEXT, expected_usd REAL, usd REAL,
            input INTEGER NOT NULL, output INTEGER NOT NULL, cache_write INTEGER NOT NULL,
            cache_read INTEGER NOT NULL, searches INTEGER NOT NULL)""",
        "CREATE INDEX calls_of_a_job ON calls (job, usd, expected_usd)",
        "CREATE INDEX calls_by_time ON calls (begun, usd, expected_usd)",
        "CREATE TABLE budgets (scope TEXT PRIMARY KEY, usd REAL NOT NULL, set_at TEXT NOT NULL)",
    )


def written_texts(db: "Database") -> None:
    """What models wrote, by who wrote it and of what."""
    create(
        db,
        """CREATE TABLE texts (
            writer TEXT NOT NULL, hash TEXT NOT NULL, text TEXT NOT NULL,
            PRIMARY KEY (writer, hash)) WITHOUT ROWID""",
    )


def scores_of_pairs(db: "Database") -> None:
    """What rerankers made of a query and a text, by who judged them."""
    create(
        db,
        """CREATE TABLE scores (
            judge TEXT NOT NULL, pair TEXT NOT NULL, score REAL NOT NULL,
            PRIMARY KEY (judge, pair)) WITHOUT ROWID""",
    )


def errors_of_calls(db: "Database") -> None:
    """Why a call failed, in the sentence that was raised."""
    create(db, "ALTER TABLE calls ADD COLUMN error TEXT NOT NULL DEFAULT ''")


MIGRATIONS: tuple[Migration, ...] = (
    documents_and_versions,
    artifacts_and_vectors,
    calls_and_budgets,
    written_texts,
    scores_of_pairs,
    errors_of_calls,
)
