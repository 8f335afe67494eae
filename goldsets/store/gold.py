"""Gold sets: queries and judgments as append-only logs; the gold is what no later row replaces."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row

from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError, NotFound
from retrieval.store import Workspace
from retrieval.store.workspace import now


@dataclass(frozen=True)
class Summary:
    """What is known of a gold set without reading it."""

    name: str
    corpus: str
    queries: int
    judgments: int
    created: str


@dataclass(frozen=True)
class Judgment:
    """A row of the log that still holds: evidence, by whom and when."""

    id: int
    query: str
    evidence: Evidence
    rater: str
    created: str


def create(workspace: Workspace, name: str, corpus: str) -> None:
    """Start an empty gold set on a corpus.

    Raises:
        InputError: the name is empty or taken.
    """
    if not name.strip():
        raise InputError("a gold set needs a name")
    with workspace.write() as db:
        if _find(db, name) is not None:
            raise InputError(f"there is a gold set {name!r} already; choose another name")
        _start(db, name, corpus)


def read(workspace: Workspace, name: str) -> GoldSet:
    """Read a gold set as it stands.

    Raises:
        NotFound: there is none of that name.
    """
    return read_judged(workspace, name)[0]


def read_judged(workspace: Workspace, name: str) -> tuple[GoldSet, tuple[Judgment, ...]]:
    """Read a gold set with the judgments behind its evidence, query by query in the same order.

    Raises:
        NotFound: there is none of that name.
    """
    with workspace.read() as db:
        row = _get(db, name)
        queries = tuple(_query(r) for r in _query_rows(db, row["id"]))
        judged: dict[str, list[Judgment]] = {q.id: [] for q in queries}
        for judgment in map(_judgment, _judgment_rows(db, row["id"])):
            if judgment.query in judged:
                judged[judgment.query].append(judgment)
    evidence = {q: tuple(j.evidence for j in own) for q, own in judged.items() if own}
    every = tuple(j for own in judged.values() for j in own)
    return GoldSet(name, row["corpus"], queries, evidence), every


def summaries(workspace: Workspace) -> list[Summary]:
    """List all gold sets by name."""
    with workspace.read() as db:
        rows = db.execute(
            "SELECT g.name, g.corpus,"
            f" (SELECT count(*) FROM ({HOLDING_QUERIES}) WHERE goldset = g.id) AS queries,"
            f" (SELECT count(*) FROM ({HOLDING_JUDGMENTS}) j JOIN ({HOLDING_QUERIES}) q"
            " ON q.goldset = j.goldset AND q.query = j.query WHERE j.goldset = g.id) AS judgments,"
            " g.created FROM goldsets g ORDER BY g.name"
        )
        return [Summary(*row) for row in rows]


def marker(workspace: Workspace, name: str) -> tuple[str, int, int]:
    """Return a value that changes whenever the gold set does, without reading it."""
    with workspace.read() as db:
        found = _get(db, name)
        goldset = found["id"]
        row = db.execute(
            "SELECT (SELECT coalesce(max(id), 0) FROM queries WHERE goldset = ?),"
            " (SELECT coalesce(max(id), 0) FROM judgments WHERE goldset = ?)",
            [goldset, goldset],
        ).fetchone()
    return found["corpus"], row[0], row[1]


def judgments(workspace: Workspace, name: str, query: str) -> list[Judgment]:
    """List the judgments of a query that hold, oldest first."""
    with workspace.read() as db:
        rows = _judgment_rows(db, _get(db, name)["id"])
        return [_judgment(r) for r in rows if r["query"] == query]


def put_query(workspace: Workspace, name: str, query: Query, who: str) -> None:
    """Add a query, or a new wording of one that is there."""
    with workspace.write() as db:
        _log_queries(db, _get(db, name)["id"], [query], who)


def put_queries(workspace: Workspace, name: str, queries: Sequence[Query], who: str) -> None:
    """Add new queries, all of them or none.

    Raises:
        InputError: the log knows an id already (a deleted query would come back with its
            judgments), or an id is there twice.
    """
    with workspace.write() as db:
        goldset = _get(db, name)["id"]
        known = _known_ids(db, goldset)
        for query in queries:
            if query.id in known:
                raise InputError(f"the id {query.id!r} is taken; nothing was added, try again")
            known.add(query.id)
        _log_queries(db, goldset, queries, who)


def known_ids(workspace: Workspace, name: str) -> set[str]:
    """Return the ids of all queries there are and ever were: those a new query must not have."""
    with workspace.read() as db:
        return _known_ids(db, _get(db, name)["id"])


def delete_query(workspace: Workspace, name: str, query: str, who: str) -> None:
    """Take a query out of the gold set; the log keeps it and its judgments."""
    with workspace.write() as db:
        gold = _get(db, name)["id"]
        rows = {r["query"]: r for r in _query_rows(db, gold)}
        if query not in rows:
            raise NotFound(f"query of gold set {name!r}", query, rows)
        _log_queries(db, gold, [_query(rows[query])], who, deleted=True)


def judge(
    workspace: Workspace,
    name: str,
    query: str,
    evidence: Evidence,
    rater: str,
    *,
    replaces: int | None = None,
) -> int:
    """Log a judgment, in place of an earlier one if `replaces` is given; return its id.

    Raises:
        NotFound: there is no such query.
        InputError: the one to replace has been replaced already (somebody was quicker).
    """
    with workspace.write() as db:
        gold = _get(db, name)["id"]
        if not _holds(db, gold, query):
            known = [r["query"] for r in _query_rows(db, gold)]
            raise NotFound(f"query of gold set {name!r}", query, known)
        return _log_judgment(db, gold, query, evidence, rater, replaces)


def replace_all(
    workspace: Workspace, name: str, evidence: Mapping[int, Evidence], rater: str
) -> int:
    """Log evidence in place of judgments, by their ids, all at once; return for how many.

    One that somebody has replaced or withdrawn meanwhile is left as they left it.
    """
    with workspace.write() as db:
        gold = _get(db, name)["id"]
        held = [row for row in _judgment_rows(db, gold) if row["id"] in evidence]
        for row in held:
            _log_judgment(db, gold, row["query"], evidence[row["id"]], rater, row["id"])
    return len(held)


def withdraw(workspace: Workspace, name: str, judgment: int, rater: str) -> int:
    """Log that a judgment no longer holds; return the id of the row that says so.

    Raises:
        InputError: it has been replaced or withdrawn already (somebody was quicker).
    """
    with workspace.write() as db:
        gold = _get(db, name)["id"]
        row = next((r for r in _judgment_rows(db, gold) if r["id"] == judgment), None)
        if row is None:
            raise InputError(f"judgment {judgment} has been replaced or withdrawn already")
        old = _judgment(row)
        return _log_judgment(db, gold, old.query, old.evidence, rater, judgment, held=False)


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
    goldset = _get(db, name)["id"]
    tips = {row["first"]: row for row in db.execute(TIPS, [json.dumps(list(mine))])}
    held: dict[Evidence, Row] = {}
    for row in _rows_of(db, mine):
        tip = tips[row["id"]]
        if row["grade"] is not None and (tip["grade"] is not None or tip["rater"] != who):
            held[_judgment(row).evidence] = tip
    new = []
    for evidence, tip in held.items():
        if evidence not in wanted and tip["grade"] is not None:
            last = _judgment(tip)
            new.append(_log_judgment(db, goldset, query, last.evidence, who, last.id, held=False))
    for evidence in dict.fromkeys(wanted):
        if evidence not in held:
            new.append(_log_judgment(db, goldset, query, evidence, who, None))
    return new


def holds(db: Connection, name: str, query: str) -> bool:
    """Tell whether a gold set has a query now."""
    return _holds(db, _get(db, name)["id"], query)


def wording(db: Connection, name: str, query: str) -> str:
    """Return the newest words of a query, be it deleted since."""
    row = db.execute(
        "SELECT text FROM queries WHERE goldset = ? AND query = ? ORDER BY id DESC LIMIT 1",
        [_get(db, name)["id"], query],
    ).fetchone()
    return "" if row is None else str(row["text"])


def write(workspace: Workspace, gold: GoldSet, who: str) -> None:
    """Make the stored gold set equal to `gold`: log what is new, withdraw what is not in it."""
    with workspace.write() as db:
        row = _find(db, gold.name) or _start(db, gold.name, gold.corpus)
        if row["corpus"] != gold.corpus:
            db.execute("UPDATE goldsets SET corpus = ? WHERE id = ?", [gold.corpus, row["id"]])
        known = {r["query"]: _query(r) for r in _query_rows(db, row["id"])}
        wanted = {q.id: q for q in gold.queries}
        new = [q for q in gold.queries if known.get(q.id) != q]
        _log_queries(db, row["id"], new, who)
        gone = [q for q in known.values() if q.id not in wanted]
        _log_queries(db, row["id"], gone, who, deleted=True)
        _match_judgments(db, row["id"], gold, who)


def _match_judgments(db: Connection, goldset: int, gold: GoldSet, who: str) -> None:
    wanted = {(q, e) for q, evidence in gold.evidence.items() for e in evidence}
    held: set[tuple[str, Evidence]] = set()
    for row in _judgment_rows(db, goldset):
        judgment = _judgment(row)
        pair = (judgment.query, judgment.evidence)
        if pair in wanted and pair not in held:
            held.add(pair)
        else:
            _log_judgment(db, goldset, *pair, who, judgment.id, held=False)
    rows = (
        _values(goldset, query.id, evidence, evidence.grade, who, None)
        for query in gold.queries
        for evidence in dict.fromkeys(gold.of(query))
        if (query.id, evidence) not in held
    )
    db.executemany(INSERT_JUDGMENT, rows)


INSERT_JUDGMENT = (
    'INSERT INTO judgments (goldset, query, document, start, "end", exact, prefix, suffix, grade,'
    " part, rater, created, replaces) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _log_judgment(
    db: Connection,
    goldset: int,
    query: str,
    evidence: Evidence,
    rater: str,
    replaces: int | None,
    *,
    held: bool = True,
) -> int:
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


def _log_queries(
    db: Connection, goldset: int, queries: Iterable[Query], who: str, *, deleted: bool = False
) -> None:
    db.executemany(
        "INSERT INTO queries"
        " (goldset, query, text, language, tags, needs, origin, deleted, who, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((goldset, *_fields(q), deleted, who, now()) for q in queries),
    )


def _fields(q: Query) -> tuple[str, ...]:
    tags = json.dumps(q.tags, ensure_ascii=False)
    return (q.id, q.text, q.language, tags, q.needs, q.origin)


def _find(db: Connection, name: str) -> Row | None:
    row: Row | None = db.execute("SELECT * FROM goldsets WHERE name = ?", [name]).fetchone()
    return row


def _get(db: Connection, name: str) -> Row:
    row = _find(db, name)
    if row is None:
        known = [r["name"] for r in db.execute("SELECT name FROM goldsets ORDER BY name")]
        raise NotFound("gold set", name, known)
    return row


def _start(db: Connection, name: str, corpus: str) -> Row:
    db.execute(
        "INSERT INTO goldsets (name, corpus, created) VALUES (?, ?, ?)", [name, corpus, now()]
    )
    return _get(db, name)


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


def _rows_of(db: Connection, judgments: Sequence[int]) -> list[Row]:
    sql = "SELECT * FROM judgments WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
    return db.execute(sql, [json.dumps(list(judgments))]).fetchall()


def _holds(db: Connection, goldset: int, query: str) -> bool:
    sql = "SELECT deleted FROM queries WHERE goldset = ? AND query = ? ORDER BY id DESC LIMIT 1"
    row = db.execute(sql, [goldset, query]).fetchone()
    return row is not None and not row["deleted"]


def _known_ids(db: Connection, goldset: int) -> set[str]:
    return {r[0] for r in db.execute("SELECT query FROM queries WHERE goldset = ?", [goldset])}


def _query_rows(db: Connection, goldset: int) -> list[Row]:
    sql = f"SELECT * FROM ({HOLDING_QUERIES}) WHERE goldset = ? ORDER BY first"
    return db.execute(sql, [goldset]).fetchall()


def _judgment_rows(db: Connection, goldset: int) -> list[Row]:
    sql = f"SELECT * FROM ({HOLDING_JUDGMENTS}) WHERE goldset = ? ORDER BY id"
    return db.execute(sql, [goldset]).fetchall()


def _query(row: Row) -> Query:
    return Query(
        row["query"],
        row["text"],
        row["language"],
        tuple(json.loads(row["tags"])),
        row["needs"],
        row["origin"],
    )


def _judgment(row: Row) -> Judgment:
    position = (row["document"], row["start"], row["end"])
    quote = (row["exact"], row["prefix"], row["suffix"])
    evidence = Evidence(*position, *quote, row["grade"], row["part"])
    return Judgment(row["id"], row["query"], evidence, row["rater"], row["created"])
