"""The outer loop's part of the schema: an append-only list of migrations."""

from typing import TYPE_CHECKING

from retrieval.db import Migration, create

if TYPE_CHECKING:
    from sqlite_utils import Database


def gold(db: "Database") -> None:
    """Gold sets; queries and judgments as logs in which nothing is overwritten."""
    create(
        db,
        """CREATE TABLE goldsets (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, corpus TEXT NOT NULL,
            created TEXT NOT NULL)""",
        """CREATE TABLE queries (
            id INTEGER PRIMARY KEY, goldset INTEGER NOT NULL REFERENCES goldsets(id),
            query TEXT NOT NULL, text TEXT NOT NULL, language TEXT NOT NULL, tags TEXT NOT NULL,
            needs TEXT NOT NULL, origin TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0,
            who TEXT NOT NULL, created TEXT NOT NULL)""",
        "CREATE INDEX queries_by_name ON queries (goldset, query, id)",
        """CREATE TABLE judgments (
            id INTEGER PRIMARY KEY, goldset INTEGER NOT NULL REFERENCES goldsets(id),
            query TEXT NOT NULL, document TEXT NOT NULL, start INTEGER NOT NULL,
            "end" INTEGER NOT NULL, exact TEXT NOT NULL, prefix TEXT NOT NULL, suffix TEXT NOT NULL,
            grade INTEGER, part TEXT NOT NULL, rater TEXT NOT NULL, created TEXT NOT NULL,
            replaces INTEGER UNIQUE REFERENCES judgments(id))""",
        "CREATE INDEX judgments_by_query ON judgments (goldset, query)",
    )


def runs_and_jobs(db: "Database") -> None:
    """Runs with their rankings, sweeps, and the ledger of long work."""
    create(
        db,
        """CREATE TABLE runs (
            id TEXT PRIMARY KEY, variant TEXT NOT NULL, spec TEXT NOT NULL, goldset TEXT NOT NULL,
            gold_version TEXT NOT NULL, corpus TEXT NOT NULL, corpus_version INTEGER NOT NULL,
            queries TEXT NOT NULL, ranking BLOB NOT NULL, stages TEXT NOT NULL,
            created TEXT NOT NULL) WITHOUT ROWID""",
        """CREATE TABLE sweeps (
            id INTEGER PRIMARY KEY, job INTEGER NOT NULL UNIQUE REFERENCES jobs(id),
            goldset TEXT NOT NULL, result TEXT NOT NULL, created TEXT NOT NULL)""",
        """CREATE TABLE jobs (
            id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
            spec TEXT NOT NULL, state TEXT NOT NULL, wanted TEXT NOT NULL, pid INTEGER,
            heartbeat REAL, step TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0,
            total INTEGER NOT NULL DEFAULT 0, units_done INTEGER NOT NULL DEFAULT 0,
            units INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
            created TEXT NOT NULL, started TEXT, finished TEXT)""",
        """CREATE TABLE job_errors (
            job INTEGER NOT NULL REFERENCES jobs(id), unit TEXT NOT NULL, error TEXT NOT NULL,
            created TEXT NOT NULL, PRIMARY KEY (job, unit)) WITHOUT ROWID""",
    )


def evenings(db: "Database") -> None:
    """Pizza nights: who labels what, leases on items, and labels as a log."""
    create(
        db,
        """CREATE TABLE evenings (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, goldset TEXT NOT NULL,
            settings TEXT NOT NULL, created TEXT NOT NULL, closed TEXT)""",
        """CREATE TABLE members (
            id INTEGER PRIMARY KEY, evening INTEGER NOT NULL REFERENCES evenings(id),
            name TEXT NOT NULL, role TEXT NOT NULL, identity TEXT NOT NULL DEFAULT '',
            token TEXT NOT NULL UNIQUE, joined TEXT NOT NULL, UNIQUE (evening, name))""",
        """CREATE TABLE items (
            id INTEGER PRIMARY KEY, evening INTEGER NOT NULL REFERENCES evenings(id),
            query TEXT NOT NULL, document INTEGER NOT NULL REFERENCES documents(id),
            start INTEGER NOT NULL, "end" INTEGER NOT NULL, source TEXT NOT NULL,
            created TEXT NOT NULL, UNIQUE (evening, query, document, start, "end"))""",
        """CREATE TABLE leases (
            token TEXT PRIMARY KEY, item INTEGER NOT NULL REFERENCES items(id),
            member INTEGER NOT NULL REFERENCES members(id), tab TEXT NOT NULL,
            since REAL NOT NULL, until REAL NOT NULL,
            UNIQUE (item, member)) WITHOUT ROWID""",
        "CREATE INDEX leases_by_member ON leases (member)",
        """CREATE TABLE labels (
            id INTEGER PRIMARY KEY, item INTEGER NOT NULL REFERENCES items(id),
            member INTEGER NOT NULL REFERENCES members(id), key TEXT NOT NULL,
            kind TEXT NOT NULL, action TEXT NOT NULL, grade INTEGER, spans TEXT NOT NULL,
            note TEXT NOT NULL, seconds REAL, created TEXT NOT NULL,
            UNIQUE (member, key))""",
        "CREATE INDEX labels_by_item ON labels (item, member, kind, id)",
        """CREATE TABLE settled (
            item INTEGER NOT NULL REFERENCES items(id),
            judgment INTEGER NOT NULL UNIQUE REFERENCES judgments(id))""",
        "CREATE INDEX settled_by_item ON settled (item)",
    )


def trials(db: "Database") -> None:
    """Changes that were tried, each once on the same queries; and what loops came to."""
    create(
        db,
        """CREATE TABLE trials (
            id INTEGER PRIMARY KEY, goldset TEXT NOT NULL, gold_version TEXT NOT NULL,
            corpus TEXT NOT NULL, corpus_version INTEGER NOT NULL, measure TEXT NOT NULL,
            base TEXT NOT NULL, changed TEXT NOT NULL, held_out INTEGER NOT NULL,
            result TEXT NOT NULL, created TEXT NOT NULL,
            UNIQUE (goldset, gold_version, corpus, corpus_version, measure, base, changed))""",
        """CREATE TABLE loops (
            job INTEGER PRIMARY KEY REFERENCES jobs(id), goldset TEXT NOT NULL,
            result TEXT NOT NULL, created TEXT NOT NULL)""",
    )


def runs_from_outside(db: "Database") -> None:
    """Runs that bring chunks of their own, and say where they were imported from."""
    create(
        db,
        "ALTER TABLE runs ADD COLUMN chunks BLOB",
        "ALTER TABLE runs ADD COLUMN imported TEXT NOT NULL DEFAULT ''",
    )


def generation(db: "Database") -> None:
    """Generative benchmarking: passages and labels, verdicts by versions of prompts, queries."""
    create(
        db,
        """CREATE TABLE generations (
            id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, spec TEXT NOT NULL,
            corpus TEXT NOT NULL, corpus_version INTEGER NOT NULL, goldset TEXT NOT NULL,
            real TEXT NOT NULL, created TEXT NOT NULL)""",
        """CREATE TABLE passages (
            id INTEGER PRIMARY KEY, corpus TEXT NOT NULL, key TEXT NOT NULL,
            document TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
            text TEXT NOT NULL, title TEXT NOT NULL, path TEXT NOT NULL, block TEXT NOT NULL,
            created TEXT NOT NULL, UNIQUE (corpus, key))""",
        """CREATE TABLE sampled (
            generation INTEGER NOT NULL REFERENCES generations(id), place INTEGER NOT NULL,
            passage INTEGER NOT NULL REFERENCES passages(id),
            PRIMARY KEY (generation, place), UNIQUE (generation, passage)) WITHOUT ROWID""",
        """CREATE TABLE worth (
            id INTEGER PRIMARY KEY, passage INTEGER NOT NULL REFERENCES passages(id),
            worth INTEGER, who TEXT NOT NULL, created TEXT NOT NULL)""",
        "CREATE INDEX worth_by_passage ON worth (passage, who, id)",
        """CREATE TABLE prompts (
            key TEXT PRIMARY KEY, task TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
            model TEXT NOT NULL, created TEXT NOT NULL) WITHOUT ROWID""",
        """CREATE TABLE verdicts (
            passage INTEGER NOT NULL REFERENCES passages(id),
            prompt TEXT NOT NULL REFERENCES prompts(key), yes INTEGER, reason TEXT NOT NULL,
            created TEXT NOT NULL, PRIMARY KEY (passage, prompt)) WITHOUT ROWID""",
        """CREATE TABLE drafts (
            id INTEGER PRIMARY KEY, generation INTEGER NOT NULL REFERENCES generations(id),
            name TEXT NOT NULL, kind TEXT NOT NULL, persona TEXT NOT NULL,
            language TEXT NOT NULL, passages TEXT NOT NULL, prompt TEXT NOT NULL,
            answer TEXT NOT NULL, query TEXT NOT NULL, text TEXT NOT NULL, evidence TEXT NOT NULL,
            measured TEXT NOT NULL, gold TEXT NOT NULL DEFAULT '', created TEXT NOT NULL,
            UNIQUE (generation, name))""",
        """CREATE TABLE reviews (
            id INTEGER PRIMARY KEY, draft INTEGER NOT NULL REFERENCES drafts(id),
            action TEXT NOT NULL, text TEXT NOT NULL, evidence TEXT, who TEXT NOT NULL,
            created TEXT NOT NULL)""",
        "CREATE INDEX reviews_by_draft ON reviews (draft, id)",
    )


def dial(db: "Database") -> None:
    """The thresholds that a generation's drafts were last filtered by, where not its spec's."""
    create(db, "ALTER TABLE generations ADD COLUMN thresholds TEXT")


def checks(db: "Database") -> None:
    """What gates came to, one check a row, for the dashboard."""
    create(
        db,
        """CREATE TABLE checks (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, revision TEXT NOT NULL,
            branch TEXT NOT NULL, result TEXT NOT NULL, created TEXT NOT NULL,
            UNIQUE (name, revision, created))""",
    )


def looks(db: "Database") -> None:
    """Looks at how wordings of a judge's criteria do on held-out passages."""
    create(
        db,
        """CREATE TABLE looks (
            id INTEGER PRIMARY KEY, corpus TEXT NOT NULL, goldset TEXT NOT NULL,
            key TEXT NOT NULL, wordings TEXT NOT NULL, passages INTEGER NOT NULL,
            who TEXT NOT NULL, created TEXT NOT NULL, UNIQUE (corpus, goldset, key))""",
    )


MIGRATIONS: tuple[Migration, ...] = (
    *(gold, runs_and_jobs, evenings, trials, runs_from_outside, generation, dial, checks),
    looks,
)
