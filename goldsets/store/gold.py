"""Gold sets: queries and judgments as append-only logs; the gold is what no later row replaces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from goldsets.store import gold_log
from goldsets.store.gold_log import HOLDING_JUDGMENTS, HOLDING_QUERIES, Judgment
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError, NotFound
from retrieval.store import Workspace


@dataclass(frozen=True)
class Summary:
    """What is known of a gold set without reading it."""

    name: str
    corpus: str
    queries: int
    judgments: int
    created: str


def create(workspace: Workspace, name: str, corpus: str) -> None:
    """Start an empty gold set on a corpus.

    Raises:
        InputError: the name is empty or taken.
    """
    if not name.strip():
        raise InputError("a gold set needs a name")
    with workspace.write() as db:
        if gold_log.find(db, name) is not None:
            raise InputError(f"there is a gold set {name!r} already; choose another name")
        gold_log.start(db, name, corpus)


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
        row = gold_log.get(db, name)
        queries = tuple(gold_log.query_of(r) for r in gold_log.query_rows(db, row["id"]))
        judged: dict[str, list[Judgment]] = {q.id: [] for q in queries}
        for judgment in map(gold_log.judgment_of, gold_log.judgment_rows(db, row["id"])):
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
        found = gold_log.get(db, name)
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
        rows = gold_log.judgment_rows(db, gold_log.get(db, name)["id"])
        return [gold_log.judgment_of(r) for r in rows if r["query"] == query]


def put_query(workspace: Workspace, name: str, query: Query, who: str) -> None:
    """Add a query, or a new wording of one that is there."""
    with workspace.write() as db:
        gold_log.log_queries(db, gold_log.get(db, name)["id"], [query], who)


def put_queries(workspace: Workspace, name: str, queries: Sequence[Query], who: str) -> None:
    """Add new queries, all of them or none.

    Raises:
        InputError: the log knows an id already (a deleted query would come back with its
            judgments), or an id is there twice.
    """
    with workspace.write() as db:
        goldset = gold_log.get(db, name)["id"]
        known = gold_log.known_ids(db, goldset)
        for query in queries:
            if query.id in known:
                raise InputError(f"the id {query.id!r} is taken; nothing was added, try again")
            known.add(query.id)
        gold_log.log_queries(db, goldset, queries, who)


def known_ids(workspace: Workspace, name: str) -> set[str]:
    """Return the ids of all queries there are and ever were: those a new query must not have."""
    with workspace.read() as db:
        return gold_log.known_ids(db, gold_log.get(db, name)["id"])


def delete_query(workspace: Workspace, name: str, query: str, who: str) -> None:
    """Take a query out of the gold set; the log keeps it and its judgments."""
    with workspace.write() as db:
        gold = gold_log.get(db, name)["id"]
        rows = {r["query"]: r for r in gold_log.query_rows(db, gold)}
        if query not in rows:
            raise NotFound(f"query of gold set {name!r}", query, rows)
        gold_log.log_queries(db, gold, [gold_log.query_of(rows[query])], who, deleted=True)


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
        gold = gold_log.get(db, name)["id"]
        if not gold_log.holds(db, gold, query):
            known = [r["query"] for r in gold_log.query_rows(db, gold)]
            raise NotFound(f"query of gold set {name!r}", query, known)
        return gold_log.log_judgment(db, gold, query, evidence, rater, replaces)


def replace_all(
    workspace: Workspace, name: str, evidence: Mapping[int, Evidence], rater: str
) -> int:
    """Log evidence in place of judgments, by their ids, all at once; return for how many.

    One that somebody has replaced or withdrawn meanwhile is left as they left it.
    """
    with workspace.write() as db:
        gold = gold_log.get(db, name)["id"]
        held = [row for row in gold_log.judgment_rows(db, gold) if row["id"] in evidence]
        for row in held:
            gold_log.log_judgment(db, gold, row["query"], evidence[row["id"]], rater, row["id"])
    return len(held)


def withdraw(workspace: Workspace, name: str, judgment: int, rater: str) -> int:
    """Log that a judgment no longer holds; return the id of the row that says so.

    Raises:
        InputError: it has been replaced or withdrawn already (somebody was quicker).
    """
    with workspace.write() as db:
        gold = gold_log.get(db, name)["id"]
        row = next((r for r in gold_log.judgment_rows(db, gold) if r["id"] == judgment), None)
        if row is None:
            raise InputError(f"judgment {judgment} has been replaced or withdrawn already")
        old = gold_log.judgment_of(row)
        return gold_log.log_judgment(db, gold, old.query, old.evidence, rater, judgment, held=False)


def write(workspace: Workspace, gold: GoldSet, who: str) -> None:
    """Make the stored gold set equal to `gold`: log what is new, withdraw what is not in it."""
    with workspace.write() as db:
        row = gold_log.find(db, gold.name) or gold_log.start(db, gold.name, gold.corpus)
        if row["corpus"] != gold.corpus:
            db.execute("UPDATE goldsets SET corpus = ? WHERE id = ?", [gold.corpus, row["id"]])
        known = {r["query"]: gold_log.query_of(r) for r in gold_log.query_rows(db, row["id"])}
        wanted = {q.id: q for q in gold.queries}
        new = [q for q in gold.queries if known.get(q.id) != q]
        gold_log.log_queries(db, row["id"], new, who)
        gone = [q for q in known.values() if q.id not in wanted]
        gold_log.log_queries(db, row["id"], gone, who, deleted=True)
        gold_log.match_judgments(db, row["id"], gold, who)
