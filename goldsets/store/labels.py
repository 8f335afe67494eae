"""Items and labels: what there is to judge, and what raters made of it.

Labels are a log: the newest row of a rater for an item holds, an `undo` row means none does. What
follows from an item's labels is written to the gold set's own log in the same transaction.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sqlite3 import Connection, Row

from goldsets.labelling.decide import decide, evidence_of
from goldsets.labelling.types import Evening, Item, Kind, Label, Member, Source, check_label
from goldsets.store import evenings, gold_log
from goldsets.types import Evidence
from retrieval.errors import Forbidden, InputError, NotFound
from retrieval.store import Workspace, corpora
from retrieval.store.workspace import now
from retrieval.types import Span


@dataclass(frozen=True)
class Passage:
    """A stretch of a document that somebody should read for a query."""

    query: str
    document: str
    start: int
    end: int
    source: Source = "pool"


@dataclass(frozen=True)
class Saved:
    """What the log holds of a label; `again` when the same one had been saved before."""

    id: int
    item: int
    again: bool


def add(
    workspace: Workspace, evening: Evening, corpus: str, version: int, passages: Iterable[Passage]
) -> int:
    """Put passages of a corpus version into the queue; return how many are new to it."""
    with workspace.write() as db:
        return len(enter(db, evening, corpus, version, passages))


def enter(
    db: Connection, evening: Evening, corpus: str, version: int, passages: Iterable[Passage]
) -> list[int]:
    """Enter passages into the queue; return the ids of the new items.

    Raises:
        NotFound: a document is not in that version.
    """
    rows = corpora.rows(db, corpus, version)
    new = []
    for p in passages:
        if p.document not in rows:
            raise NotFound(f"document of corpus {corpus!r}", p.document)
        done = db.execute(
            'INSERT OR IGNORE INTO items (evening, query, document, start, "end", source, created)'
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [evening.id, p.query, rows[p.document], p.start, p.end, p.source, now()],
        )
        if done.rowcount:
            new.append(int(done.lastrowid or 0))
    return new


def items(workspace: Workspace, evening: Evening) -> list[Item]:
    """List an evening's items in the order they came."""
    with workspace.read() as db:
        rows = db.execute(f"{ITEMS} WHERE i.evening = ? ORDER BY i.id", [evening.id])
        return [_item(r) for r in rows]


def labels(workspace: Workspace, evening: Evening) -> list[Label]:
    """List the labels that hold, oldest first."""
    with workspace.read() as db:
        return holding(db, "item IN (SELECT id FROM items WHERE evening = ?)", evening.id)


def text_of(workspace: Workspace, item: Item) -> str:
    """Return the text of an item's document as it was when the passage was chosen."""
    with workspace.read() as db:
        row = db.execute("SELECT text FROM documents WHERE id = ?", [item.content]).fetchone()
    return str(row["text"])


def pace(workspace: Workspace, evening: Evening, minutes: int = 10) -> float:
    """Return the judgments a minute over the last minutes in which there were any."""
    since = datetime.now(UTC) - timedelta(minutes=minutes)
    with workspace.read() as db:
        row = db.execute(
            "SELECT count(*) AS n, min(l.created) AS first FROM labels l JOIN items i"
            " ON i.id = l.item WHERE i.evening = ? AND l.action IN ('grade', 'cannot_tell')"
            " AND l.created >= ?",
            [evening.id, since.isoformat(timespec="milliseconds")],
        ).fetchone()
    if not row["n"]:
        return 0.0
    spent = (datetime.now(UTC) - datetime.fromisoformat(row["first"])).total_seconds() / 60
    return float(row["n"] / max(spent, 1.0))


def adjudicate(
    workspace: Workspace,
    host: Member,
    item: int,
    grade: int | None,
    spans: Sequence[Span],
    key: str,
    note: str = "",
) -> Saved:
    """Decide a disagreement; a grade of None takes the host's earlier decision back.

    Raises:
        Forbidden: the member is not a host of that evening.
    """
    evenings.allow(host, "host")
    with workspace.write(durable=True) as db:
        known = same(db, host.id, key)
        if known is not None:
            return known
        found, evening = item_of(db, item)
        if evening.id != host.evening:
            raise Forbidden("that item is of another evening")
        action = "undo" if grade is None else "grade"
        said = (action, grade, spans, note, None)
        return log(db, evening, host, found, key, *said, "adjudication")


def settle_all(workspace: Workspace, evening: Evening) -> None:
    """Work out anew what follows from every item's labels (after the settings changed)."""
    with workspace.write() as db:
        for row in db.execute("SELECT id FROM items WHERE evening = ?", [evening.id]).fetchall():
            item, own = item_of(db, row["id"])
            _settle(db, own, item)


def log(
    db: Connection,
    evening: Evening,
    member: Member,
    item: Item,
    key: str,
    action: str,
    grade: int | None,
    spans: Sequence[Span],
    note: str,
    seconds: float | None,
    kind: Kind,
) -> Saved:
    """Log a label and what follows from it.

    Raises:
        InputError: the label cannot be, or the evening is closed.
    """
    check_open(evening)
    if not 8 <= len(key) <= 64:
        raise InputError("key must have 8 to 64 characters")
    check_label(action, grade, spans, note, len(evening.settings.grades))
    _check_spans(db, item, spans)
    done = db.execute(
        "INSERT INTO labels (item, member, key, kind, action, grade, spans, note, seconds, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [item.id, member.id, key, kind, action, grade, _packed(spans), note, seconds, now()],
    )
    _settle(db, evening, item)
    return Saved(int(done.lastrowid or 0), item.id, again=False)


def _check_spans(db: Connection, item: Item, spans: Sequence[Span]) -> None:
    row = db.execute("SELECT characters FROM documents WHERE id = ?", [item.content]).fetchone()
    for span in spans:
        if not 0 <= span.start < span.end <= row["characters"]:
            raise InputError(
                f"a span must lie within the {row['characters']:,} characters of"
                f" {item.document!r}, not {span.start} to {span.end}"
            )


def _settle(db: Connection, evening: Evening, item: Item) -> None:
    """Make the gold set's log say what the item's labels say."""
    held = holding(db, "item = ?", item.id)
    decision = decide(held, evening.settings)
    wanted: tuple[Evidence, ...] = ()
    if decision is not None:
        row = db.execute("SELECT text FROM documents WHERE id = ?", [item.content]).fetchone()
        wanted = evidence_of(decision, item, row["text"], evening.settings)
    mine = [r["judgment"] for r in db.execute(SETTLED, [item.id])]
    new = gold_log.match(db, evening.goldset, item.query, mine, wanted, f"night:{evening.name}")
    db.executemany(
        "INSERT INTO settled (item, judgment) VALUES (?, ?)", [(item.id, j) for j in new]
    )


def same(db: Connection, member: int, key: str) -> Saved | None:
    """Return what an earlier request with this key saved, if there was one."""
    row = db.execute(
        "SELECT id, item FROM labels WHERE member = ? AND key = ?", [member, key]
    ).fetchone()
    return None if row is None else Saved(row["id"], row["item"], again=True)


def check_open(evening: Evening) -> None:
    """Raise InputError if an evening is closed."""
    if evening.closed:
        raise InputError(f"{evening.name!r} is closed; ask its host to open it again")


def find(db: Connection, evening: Evening, p: Passage, content: int) -> int:
    """Return the id of the item that a passage is; `content` is its document's row."""
    row = db.execute(
        "SELECT id FROM items WHERE evening = ? AND query = ? AND document = ? AND start = ?"
        ' AND "end" = ?',
        [evening.id, p.query, content, p.start, p.end],
    ).fetchone()
    return int(row["id"])


def item_of(db: Connection, item: int) -> tuple[Item, Evening]:
    """Read an item and its evening.

    Raises:
        NotFound: there is none of that id.
    """
    row = db.execute(f"{ITEMS} WHERE i.id = ?", [item]).fetchone()
    if row is None:
        raise NotFound("item", item)
    return _item(row), evenings.of_id(db, row["evening"])


def member_of(db: Connection, member: int) -> Member:
    """Read a member."""
    row = db.execute("SELECT * FROM members WHERE id = ?", [member]).fetchone()
    return Member(row["id"], row["evening"], row["name"], row["role"])


def holding(db: Connection, which: str, value: int) -> list[Label]:
    """Return the labels that hold of those where `which` (SQL with one `?`) is true, in order."""
    rows = db.execute(
        "SELECT * FROM labels WHERE id IN (SELECT max(id) FROM labels"
        f" WHERE {which} GROUP BY item, member, kind) AND action != 'undo' ORDER BY id",
        [value],
    )
    return [_label(r) for r in rows]


ITEMS = "SELECT i.*, d.name FROM items i JOIN documents d ON d.id = i.document"
SETTLED = "SELECT judgment FROM settled WHERE item = ?"


def _item(row: Row) -> Item:
    place = (row["name"], row["document"], row["start"], row["end"])
    return Item(row["id"], row["query"], *place, row["source"])


def _label(row: Row) -> Label:
    spans = tuple(Span(a, b) for a, b in json.loads(row["spans"]))
    return Label(
        row["id"],
        row["item"],
        row["member"],
        row["action"],
        row["grade"],
        spans,
        row["kind"],
        row["note"],
    )


def _packed(spans: Sequence[Span]) -> str:
    return json.dumps([[s.start, s.end] for s in spans])
