"""Queries that were written, what people decided on them, and what of them stands in the gold set.

A draft's row is what its generation made of it, and is written anew when that runs again; reviews
are a log. The gold set's query of a draft is `synthetic-GENERATION-DRAFT`, its judgments are those
of the rater `generation GENERATION`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from sqlite3 import Connection, Row
from typing import Any

from goldsets.generation.types import Action, Alike, Draft, Generation, Measured, Review
from goldsets.store import gold_log
from goldsets.types import Evidence, Query
from retrieval.errors import NotFound
from retrieval.store import Workspace
from retrieval.store.workspace import now

COLUMNS = (
    *("generation", "name", "kind", "persona", "language", "passages", "prompt", "answer"),
    *("query", "text", "evidence", "measured"),
)
KEEP = (
    f"INSERT INTO drafts ({', '.join(COLUMNS)}, created)"
    f" VALUES ({', '.join('?' * (len(COLUMNS) + 1))}) ON CONFLICT (generation, name) DO UPDATE SET "
    + ", ".join(f"{c} = excluded.{c}" for c in COLUMNS[2:])
)
LEFT = (
    "SELECT d.* FROM drafts d JOIN generations n ON n.id = d.generation"
    " JOIN goldsets g ON g.name = n.goldset"
    f" JOIN ({gold_log.HOLDING_QUERIES}) q ON q.goldset = g.id AND q.query = d.gold"
    " WHERE n.goldset = ? AND n.id < ? AND q.who = 'generation ' || n.id ORDER BY d.id"
)
"""Drafts of earlier generations that stand in the gold set as these left them."""
NAMED = re.compile(r"synthetic-(\d+)-\d+")

Wanted = tuple[Query, Sequence[Evidence]] | None
"""What the gold set should hold of a draft; None: nothing."""


def run_of(query: str) -> int | None:
    """Return the generation that a gold set's query is of, by its id; None where of none."""
    found = NAMED.fullmatch(query)
    return int(found[1]) if found else None


def keep(workspace: Workspace, generation: int, drafts: Sequence[Draft]) -> None:
    """Keep what a generation wrote, in place of what it wrote under the same names."""
    with workspace.write() as db:
        db.executemany(KEEP, ([generation, *_columns(d), now()] for d in drafts))


def of(workspace: Workspace, generation: int) -> list[Draft]:
    """Return a generation's drafts in the order they were written."""
    with workspace.read() as db:
        rows = db.execute("SELECT * FROM drafts WHERE generation = ? ORDER BY id", [generation])
        return [_draft(row) for row in rows]


def read(workspace: Workspace, draft: int) -> tuple[int, Draft]:
    """Return the number of a draft's generation, and the draft.

    Raises:
        NotFound: there is none of that number.
    """
    with workspace.read() as db:
        row = _row(db, draft)
    return row["generation"], _draft(row)


def reviews(workspace: Workspace, generation: int) -> list[Review]:
    """Return all that people decided on a generation's drafts, oldest first."""
    with workspace.read() as db:
        rows = db.execute(
            "SELECT r.* FROM reviews r JOIN drafts d ON d.id = r.draft WHERE d.generation = ?"
            " ORDER BY r.id",
            [generation],
        )
        return [_review(row) for row in rows]


def decide(
    workspace: Workspace,
    draft: int,
    action: Action,
    text: str,
    evidence: Sequence[Evidence] | None,
    who: str,
    wanted: Wanted,
    *,
    unreviewed: bool = False,
) -> None:
    """Log what a person decided, and make the gold set hold what follows from it.

    `unreviewed` says that nothing is decided any more, and the generation may change it again.
    """
    with workspace.write(durable=True) as db:
        row = _row(db, draft)
        packed = None if evidence is None else _packed([asdict(e) for e in evidence])
        _log_review(db, draft, action, text, packed, who)
        _put(db, row, wanted, _own(row) if unreviewed else who)


def enter(workspace: Workspace, generation: int, wanted: Mapping[int, Wanted]) -> int:
    """Make the gold set hold what is wanted of drafts that nobody reviewed; return for how many.

    A query that somebody deleted or reworded in the gold set stays as they left it.
    """
    with workspace.write() as db:
        rows = db.execute("SELECT * FROM drafts WHERE generation = ?", [generation]).fetchall()
        own = (row for row in rows if row["id"] in wanted)
        return sum(_put(db, row, wanted[row["id"]], "") for row in own)


def left(workspace: Workspace, generation: Generation) -> list[int]:
    """Return the generation of each query that earlier ones left unreviewed in the gold set."""
    with workspace.read() as db:
        rows = db.execute(LEFT, [generation.goldset, generation.id]).fetchall()
    return [row["generation"] for row in rows]


def drop_left(workspace: Workspace, generation: Generation, who: str) -> int:
    """Drop what earlier generations left unreviewed, as `who` decides; return how many those were.

    Each is a decision of its own, which can be taken back.
    """
    with workspace.write(durable=True) as db:
        rows = db.execute(LEFT, [generation.goldset, generation.id]).fetchall()
        for row in rows:
            _log_review(db, row["id"], "drop", row["text"], row["evidence"], who)
            _put(db, row, None, who)
    return len(rows)


def _log_review(
    db: Connection, draft: int, action: Action, text: str, evidence: str | None, who: str
) -> None:
    db.execute(
        "INSERT INTO reviews (draft, action, text, evidence, who, created)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [draft, action, text, evidence, who, now()],
    )


def _own(draft: Row) -> str:
    return f"generation {draft['generation']}"


def _put(db: Connection, draft: Row, wanted: Wanted, who: str) -> bool:
    """Put one draft's query into its gold set, or take it out; tell whether anything changed.

    Without `who` somebody's own change is left as it is.
    """
    goldset = db.execute(
        "SELECT g.id FROM generations n JOIN goldsets g ON g.name = n.goldset WHERE n.id = ?",
        [draft["generation"]],
    ).fetchone()["id"]
    own = _own(draft)
    name = draft["gold"] or f"synthetic-{draft['generation']}-{draft['id']}"
    last = db.execute(
        "SELECT * FROM queries WHERE goldset = ? AND query = ? ORDER BY id DESC LIMIT 1",
        [goldset, name],
    ).fetchone()
    if not who and last is not None and last["who"] != own:
        return False
    if wanted is None:
        if last is None or last["deleted"]:
            return False
        gold_log.log_queries(db, goldset, [gold_log.query_of(last)], who or own, deleted=True)
        return True
    query, evidence = replace(wanted[0], id=name), wanted[1]
    if last is None or last["deleted"] or gold_log.query_of(last) != query:
        gold_log.log_queries(db, goldset, [query], who or own)
    db.execute("UPDATE drafts SET gold = ? WHERE id = ?", [name, draft["id"]])
    _judge(db, goldset, name, evidence, own)
    return True


def _judge(db: Connection, goldset: int, query: str, wanted: Sequence[Evidence], own: str) -> None:
    """Make the judgments that are a generation's own say what is wanted; others stay."""
    rows = db.execute(
        f"SELECT * FROM ({gold_log.HOLDING_JUDGMENTS}) WHERE goldset = ? AND query = ?"
        " AND rater = ?",
        [goldset, query, own],
    )
    mine = [gold_log.judgment_of(row) for row in rows.fetchall()]
    for judgment in mine:
        if judgment.evidence not in wanted:
            gold_log.log_judgment(
                db, goldset, query, judgment.evidence, own, judgment.id, held=False
            )
    known = {j.evidence for j in mine}
    for evidence in dict.fromkeys(wanted):
        if evidence not in known:
            gold_log.log_judgment(db, goldset, query, evidence, own, None)


def _row(db: Connection, draft: int) -> Row:
    row: Row | None = db.execute("SELECT * FROM drafts WHERE id = ?", [draft]).fetchone()
    if row is None:
        raise NotFound("draft", draft)
    return row


def _columns(d: Draft) -> Sequence[object]:
    evidence, measured = _packed([asdict(e) for e in d.evidence]), _packed(asdict(d.measured))
    about = (d.name, d.kind, d.persona, d.language, _packed(d.passages), d.prompt, d.answer)
    return (*about, d.query, d.text, evidence, measured)


def _draft(row: Row) -> Draft:
    plain = {f.name: row[f.name] for f in fields(Draft) if f.name in row.keys()}  # noqa: SIM118
    measured: dict[str, Any] = json.loads(row["measured"])
    measured["alike"] = tuple(Alike(**a) for a in measured["alike"])
    read = {
        "passages": tuple(json.loads(row["passages"])),
        "evidence": _evidence(row["evidence"]),
        "measured": Measured(**measured),
    }
    return Draft(**{**plain, **read})


def _review(row: Row) -> Review:
    evidence = None if row["evidence"] is None else _evidence(row["evidence"])
    return Review(row["draft"], row["action"], row["text"], evidence, row["who"], row["created"])


def _evidence(packed: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(**e) for e in json.loads(packed))


def _packed(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
