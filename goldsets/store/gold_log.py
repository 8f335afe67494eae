"""The logs of a gold set, within a transaction: the rows that hold, and new ones.

A later row of a query holds in place of an earlier one; a judgment holds until another replaces it,
and one without a grade withdraws what it replaces.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row

from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError, NotFound
from retrieval.store.workspace import now

INSERT_JUDGMENT = (
    'INSERT INTO judgments (goldset, query, document, start, "end", exact, prefix, suffix, grade,'
    " part, rater, created, replaces) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

TIPS = (
    "WITH RECURSIVE chain (first, last) AS ("
    " SELECT id, id FROM judgments WHERE id IN (SELECT value FROM json_each(?))"
    " UNION ALL SELECT first, j.id FROM chain JOIN judgments j ON j.replaces = chain.last)"
    " SELECT c.first, j.* FROM (SELECT first, max(last) AS tip FROM chain GROUP BY first) c"
    " JOIN judgments j ON j.id = c.tip"
)
"""The last row of the chain of replacements that each judgment begins."""

HOLDING_QUERIES = (
    "SELECT q.*, n.first FROM queries q JOIN"
    " (SELECT max(id) AS last, min(id) AS first FROM queries GROUP BY goldset, query) n"
    " ON q.id = n.last WHERE NOT q.deleted"
)
HOLDING_JUDGMENTS = (
    "SELECT j.* FROM judgments j LEFT JOIN judgments later ON later.replaces = j.id"
    " WHERE later.id IS NULL AND j.grade IS NOT NULL"
)


@dataclass(frozen=True)
class Judgment:
    """A row of the log that still holds: evidence, by whom and when."""

    id: int
    query: str
    evidence: Evidence
    rater: str
    created: str


def match(
    db: Connection,
    name: str,
    query: str,
    mine: Sequence[int],
    wanted: Sequence[Evidence],
    who: str,
) -> list[int]:
    """Make the judgments `mine` of a query say what is wanted; return the ids of the new rows.

    What is not wanted is withdrawn, what is wanted and does not hold is logged. A judgment that
    somebody else has replaced (re-anchored, say) or withdrawn stays as they left it.
    """
    goldset = get(db, name)["id"]
    tips = {row["first"]: row for row in db.execute(TIPS, [json.dumps(list(mine))])}
    held: dict[Evidence, Row] = {}
    for row in _rows_of(db, mine):
        tip = tips[row["id"]]
        if row["grade"] is not None and (tip["grade"] is not None or tip["rater"] != who):
            held[judgment_of(row).evidence] = tip
    new = []
    for evidence, tip in held.items():
        if evidence not in wanted and tip["grade"] is not None:
            last = judgment_of(tip)
            new.append(log_judgment(db, goldset, query, last.evidence, who, last.id, held=False))
    for evidence in dict.fromkeys(wanted):
        if evidence not in held:
            new.append(log_judgment(db, goldset, query, evidence, who, None))
    return new


def wording(db: Connection, name: str, query: str) -> str:
    """Return the newest words of a query, be it deleted since."""
    row = db.execute(
        "SELECT text FROM queries WHERE goldset = ? AND query = ? ORDER BY id DESC LIMIT 1",
        [get(db, name)["id"], query],
    ).fetchone()
    return "" if row is None else str(row["text"])


def match_judgments(db: Connection, goldset: int, gold: GoldSet, who: str) -> None:
    """Make all judgments say what a gold set says: log what is new, withdraw what is not in it."""
    wanted = {(q, e) for q, evidence in gold.evidence.items() for e in evidence}
    held: set[tuple[str, Evidence]] = set()
    for row in judgment_rows(db, goldset):
        judgment = judgment_of(row)
        pair = (judgment.query, judgment.evidence)
        if pair in wanted and pair not in held:
            held.add(pair)
        else:
            log_judgment(db, goldset, *pair, who, judgment.id, held=False)
    rows = (
        _values(goldset, query.id, evidence, evidence.grade, who, None)
        for query in gold.queries
        for evidence in dict.fromkeys(gold.of(query))
        if (query.id, evidence) not in held
    )
    db.executemany(INSERT_JUDGMENT, rows)


def log_judgment(
    db: Connection,
    goldset: int,
    query: str,
    evidence: Evidence,
    rater: str,
    replaces: int | None,
    *,
    held: bool = True,
) -> int:
    """Log a judgment, or that one no longer holds; return the row's id.

    Raises:
        InputError: the one to replace is not of that query, or has been replaced already.
    """
    if replaces is not None:
        _check_replaceable(db, goldset, query, replaces)
    grade = evidence.grade if held else None
    values = _values(goldset, query, evidence, grade, rater, replaces)
    return int(db.execute(INSERT_JUDGMENT, values).lastrowid or 0)


def _check_replaceable(db: Connection, goldset: int, query: str, judgment: int) -> None:
    row = db.execute(
        "SELECT later.id AS later FROM judgments j LEFT JOIN judgments later"
        " ON later.replaces = j.id WHERE j.id = ? AND j.goldset = ? AND j.query = ?",
        [judgment, goldset, query],
    ).fetchone()
    if row is None:
        raise InputError(f"query {query!r} has no judgment {judgment} to replace")
    if row["later"] is not None:
        raise InputError(f"judgment {judgment} has been replaced already; reload to see by what")


def _values(
    goldset: int, query: str, e: Evidence, grade: int | None, rater: str, replaces: int | None
) -> Sequence[object]:
    position = (e.document, e.start, e.end, e.exact, e.prefix, e.suffix)
    return (goldset, query, *position, grade, e.part, rater, now(), replaces)


def log_queries(
    db: Connection, goldset: int, queries: Iterable[Query], who: str, *, deleted: bool = False
) -> None:
    """Log queries as they are from now on."""
    db.executemany(
        "INSERT INTO queries"
        " (goldset, query, text, language, tags, needs, origin, deleted, who, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((goldset, *_fields(q), deleted, who, now()) for q in queries),
    )


def _fields(q: Query) -> tuple[str, ...]:
    tags = json.dumps(q.tags, ensure_ascii=False)
    return (q.id, q.text, q.language, tags, q.needs, q.origin)


def find(db: Connection, name: str) -> Row | None:
    """Return the row of a gold set, if there is one."""
    row: Row | None = db.execute("SELECT * FROM goldsets WHERE name = ?", [name]).fetchone()
    return row


def get(db: Connection, name: str) -> Row:
    """Return the row of a gold set.

    Raises:
        NotFound: there is none of that name.
    """
    row = find(db, name)
    if row is None:
        known = [r["name"] for r in db.execute("SELECT name FROM goldsets ORDER BY name")]
        raise NotFound("gold set", name, known)
    return row


def start(db: Connection, name: str, corpus: str) -> Row:
    """Enter an empty gold set and return its row."""
    db.execute(
        "INSERT INTO goldsets (name, corpus, created) VALUES (?, ?, ?)", [name, corpus, now()]
    )
    return get(db, name)


def _rows_of(db: Connection, judgments: Sequence[int]) -> list[Row]:
    sql = "SELECT * FROM judgments WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
    return db.execute(sql, [json.dumps(list(judgments))]).fetchall()


def holds(db: Connection, goldset: int, query: str) -> bool:
    """Tell whether a gold set has a query now."""
    sql = "SELECT deleted FROM queries WHERE goldset = ? AND query = ? ORDER BY id DESC LIMIT 1"
    row = db.execute(sql, [goldset, query]).fetchone()
    return row is not None and not row["deleted"]


def known_ids(db: Connection, goldset: int) -> set[str]:
    """Return the ids of all queries there are and ever were."""
    return {r[0] for r in db.execute("SELECT query FROM queries WHERE goldset = ?", [goldset])}


def query_rows(db: Connection, goldset: int) -> list[Row]:
    """Return the queries that hold, in the order in which they first came."""
    sql = f"SELECT * FROM ({HOLDING_QUERIES}) WHERE goldset = ? ORDER BY first"
    return db.execute(sql, [goldset]).fetchall()


def judgment_rows(db: Connection, goldset: int) -> list[Row]:
    """Return the judgments that hold, oldest first."""
    sql = f"SELECT * FROM ({HOLDING_JUDGMENTS}) WHERE goldset = ? ORDER BY id"
    return db.execute(sql, [goldset]).fetchall()


def query_of(row: Row) -> Query:
    """Read a row of the queries."""
    return Query(
        row["query"],
        row["text"],
        row["language"],
        tuple(json.loads(row["tags"])),
        row["needs"],
        row["origin"],
    )


def judgment_of(row: Row) -> Judgment:
    """Read a row of the judgments that has a grade."""
    position = (row["document"], row["start"], row["end"])
    quote = (row["exact"], row["prefix"], row["suffix"])
    evidence = Evidence(*position, *quote, row["grade"], row["part"])
    return Judgment(row["id"], row["query"], evidence, row["rater"], row["created"])
