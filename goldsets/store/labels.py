"""Items, leases and labels: who has what, and what they made of it.

Labels are a log: the newest row of a rater for an item holds, an `undo` row means none does. What
follows from an item's labels is written to the gold set's own log in the same transaction.
"""

import json
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sqlite3 import Connection, Row

from goldsets.labelling.decide import decide, evidence_of
from goldsets.labelling.queue import AT_IT, Place, State, choose
from goldsets.labelling.types import Evening, Item, Kind, Label, Member, Source, check_label
from goldsets.store import evenings, gold
from goldsets.types import Evidence
from retrieval.errors import Forbidden, InputError, NotFound
from retrieval.store import Workspace, corpora
from retrieval.store.workspace import now
from retrieval.types import Span

LEASE_SECONDS = 600.0
CLOCK_SLACK = 5.0
"""A lease given later than this from now was given before the clock was set back: it has lapsed."""


@dataclass(frozen=True)
class Passage:
    """A stretch of a document that somebody should read for a query."""

    query: str
    document: str
    start: int
    end: int
    source: Source = "pool"


@dataclass(frozen=True)
class Leased:
    """An item in somebody's hands: `token` is what saves to it, `text` is the document's."""

    token: str
    item: Item
    wording: str
    title: str
    media: str
    text: str
    label: Label | None


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
        return len(_add(db, evening, corpus, version, passages))


def _add(
    db: Connection, evening: Evening, corpus: str, version: int, passages: Iterable[Passage]
) -> list[int]:
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
        return _held(db, "item IN (SELECT id FROM items WHERE evening = ?)", evening.id)


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


def lease(
    workspace: Workspace,
    token: str,
    tab: str,
    number: int = 5,
    at: str = "",
    clock: float | None = None,
    seconds: float = LEASE_SECONDS,
) -> list[Leased]:
    """Give a member's tab its items: those it holds still, then the next ones, `number` in all.

    Raises:
        Forbidden: the token is nobody's, or that of an onlooker.
        InputError: the evening is closed.
    """
    moment = time.time() if clock is None else clock
    with workspace.write() as db:
        evening, member = _open_to(db, token)
        mine = _mine(db, member, tab, moment)
        if len(mine) < number:
            places = _places(db, evening, member, moment)
            wanted = number - len(mine)
            raters = evening.settings.raters
            for item in choose(places, member.id, raters, wanted, at):
                since = moment + 1e-6 * len(mine)  # keeps their order
                mine.append(_lease(db, item, member, tab, since, seconds))
        db.executemany(
            "UPDATE leases SET until = ? WHERE token = ?", [(moment + seconds, t) for t in mine]
        )
        return [_leased(db, t) for t in mine]


def held(workspace: Workspace, token: str) -> Leased:
    """Return the item that a lease is for.

    Raises:
        Forbidden: there is no such lease.
    """
    with workspace.read() as db:
        if db.execute("SELECT 1 FROM leases WHERE token = ?", [token]).fetchone() is None:
            raise Forbidden("this item is not in your hands; reload the page")
        return _leased(db, token)


def release(workspace: Workspace, token: str, tab: str) -> None:
    """Give back what a tab holds; it is closing."""
    with workspace.write() as db:
        _, member = evenings.by_token(db, token)
        db.execute("UPDATE leases SET until = 0 WHERE member = ? AND tab = ?", [member.id, tab])


def save(
    workspace: Workspace,
    token: str,
    key: str,
    action: str,
    grade: int | None,
    spans: Sequence[Span],
    note: str = "",
    seconds: float | None = None,
    clock: float | None = None,
) -> Saved:
    """Log what a rater made of the item they hold; on disk when this returns.

    `token` is the lease's, `key` tells a repetition of the same request, which changes nothing. A
    lease that has run out meanwhile does not lose the label: one more opinion than wanted is kept.

    Raises:
        Forbidden: there is no such lease.
        InputError: the label cannot be (see `check_label`), or the evening is closed.
    """
    moment = time.time() if clock is None else clock
    with workspace.write(durable=True) as db:
        row = db.execute("SELECT item, member FROM leases WHERE token = ?", [token]).fetchone()
        if row is None:
            raise Forbidden("this item is not in your hands; reload the page")
        known = _same(db, row["member"], key)
        if known is not None:
            return known
        item, evening = _item_of(db, row["item"])
        member = _member(db, row["member"])
        return _log(
            db, evening, member, item, key, action, grade, spans, note, seconds, "label", moment
        )


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
        known = _same(db, host.id, key)
        if known is not None:
            return known
        found, evening = _item_of(db, item)
        if evening.id != host.evening:
            raise Forbidden("that item is of another evening")
        action = "undo" if grade is None else "grade"
        return _log(
            db, evening, host, found, key, action, grade, spans, note, None, "adjudication", 0.0
        )


def add_found(
    workspace: Workspace, token: str, tab: str, corpus: str, version: int, passage: Passage
) -> Leased:
    """Put what a rater found by searching into the queue, into their own hands first.

    Raises:
        Forbidden: the token is nobody's, or that of an onlooker.
        InputError: the evening is closed, or there is no such query or passage.
    """
    moment = time.time()
    with workspace.write() as db:
        evening, member = _open_to(db, token)
        if not gold.holds(db, evening.goldset, passage.query):
            raise InputError(f"there is no query {passage.query!r} in gold set {evening.goldset!r}")
        new = _add(db, evening, corpus, version, [passage])
        content = corpora.rows(db, corpus, version)[passage.document]
        item = new[0] if new else _find_item(db, evening, passage, content)
        held = db.execute(
            "SELECT token FROM leases WHERE item = ? AND member = ?", [item, member.id]
        ).fetchone()
        own = held["token"] if held else _lease(db, item, member, tab, moment, LEASE_SECONDS)
        return _leased(db, own)


def settle_all(workspace: Workspace, evening: Evening) -> None:
    """Work out anew what follows from every item's labels (after the settings changed)."""
    with workspace.write() as db:
        for row in db.execute("SELECT id FROM items WHERE evening = ?", [evening.id]).fetchall():
            item, own = _item_of(db, row["id"])
            _settle(db, own, item)


def _log(
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
    moment: float,
) -> Saved:
    _check_open(evening)
    if not 8 <= len(key) <= 64:
        raise InputError("key must have 8 to 64 characters")
    check_label(action, grade, spans, note, len(evening.settings.grades))
    _check_spans(db, item, spans)
    done = db.execute(
        "INSERT INTO labels (item, member, key, kind, action, grade, spans, note, seconds, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [item.id, member.id, key, kind, action, grade, _packed(spans), note, seconds, now()],
    )
    if kind == "label":
        until = moment + LEASE_SECONDS if action == "undo" else 0.0
        db.execute(
            "UPDATE leases SET since = ?, until = ? WHERE item = ? AND member = ?",
            [moment, until, item.id, member.id],
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
    held = _held(db, "item = ?", item.id)
    decision = decide(held, evening.settings)
    wanted: tuple[Evidence, ...] = ()
    if decision is not None:
        row = db.execute("SELECT text FROM documents WHERE id = ?", [item.content]).fetchone()
        wanted = evidence_of(decision, item, row["text"], evening.settings)
    mine = [r["judgment"] for r in db.execute(SETTLED, [item.id])]
    new = gold.match(db, evening.goldset, item.query, mine, wanted, f"night:{evening.name}")
    db.executemany(
        "INSERT INTO settled (item, judgment) VALUES (?, ?)", [(item.id, j) for j in new]
    )


def _same(db: Connection, member: int, key: str) -> Saved | None:
    row = db.execute(
        "SELECT id, item FROM labels WHERE member = ? AND key = ?", [member, key]
    ).fetchone()
    return None if row is None else Saved(row["id"], row["item"], again=True)


def _open_to(db: Connection, token: str) -> tuple[Evening, Member]:
    evening, member = evenings.by_token(db, token)
    evenings.allow(member, "rater", "host")
    _check_open(evening)
    return evening, member


def _check_open(evening: Evening) -> None:
    if evening.closed:
        raise InputError(f"{evening.name!r} is closed; ask its host to open it again")


def _mine(db: Connection, member: Member, tab: str, moment: float) -> list[str]:
    rows = db.execute(
        f"SELECT token FROM leases WHERE member = ? AND tab = ? AND {LIVE} ORDER BY since, item",
        [member.id, tab, moment, moment + CLOCK_SLACK],
    )
    return [r["token"] for r in rows]


def _lease(
    db: Connection, item: int, member: Member, tab: str, moment: float, seconds: float
) -> str:
    token = secrets.token_urlsafe(18)
    db.execute(
        "INSERT INTO leases (token, item, member, tab, since, until) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (item, member) DO UPDATE SET"
        " tab = excluded.tab, since = excluded.since, until = excluded.until",
        [token, item, member.id, tab, moment, moment + seconds],
    )
    row = db.execute(
        "SELECT token FROM leases WHERE item = ? AND member = ?", [item, member.id]
    ).fetchone()
    return str(row["token"])


def _places(db: Connection, evening: Evening, member: Member, moment: float) -> list[Place]:
    states = db.execute(STATES, [evening.id])
    at_it: dict[int, set[int]] = {}
    mine: dict[int, State] = {}
    for item, who, action in map(tuple, states):
        if action in AT_IT:
            at_it.setdefault(item, set()).add(who)
        if who == member.id:
            mine[item] = action
    for item, who in map(tuple, db.execute(LEASES, [evening.id, moment, moment + CLOCK_SLACK])):
        at_it.setdefault(item, set()).add(who)
        if who == member.id:
            mine[item] = "held"
    rows = db.execute("SELECT id, query FROM items WHERE evening = ? ORDER BY id", [evening.id])
    nobody: frozenset[int] = frozenset()
    return [
        Place(item, query, frozenset(at_it[item]) if item in at_it else nobody, mine.get(item, ""))
        for item, query in map(tuple, rows)
    ]


def _leased(db: Connection, token: str) -> Leased:
    row = db.execute("SELECT item, member FROM leases WHERE token = ?", [token]).fetchone()
    item, evening = _item_of(db, row["item"])
    document = db.execute(
        "SELECT title, media, text FROM documents WHERE id = ?", [item.content]
    ).fetchone()
    held = [x for x in _held(db, "item = ?", item.id) if x.rater == row["member"]]
    label = next((x for x in held if x.kind == "label"), None)
    wording = gold.wording(db, evening.goldset, item.query)
    about = (document["title"], document["media"], document["text"])
    return Leased(token, item, wording, *about, label)


def _find_item(db: Connection, evening: Evening, p: Passage, content: int) -> int:
    row = db.execute(
        "SELECT id FROM items WHERE evening = ? AND query = ? AND document = ? AND start = ?"
        ' AND "end" = ?',
        [evening.id, p.query, content, p.start, p.end],
    ).fetchone()
    return int(row["id"])


def _item_of(db: Connection, item: int) -> tuple[Item, Evening]:
    row = db.execute(f"{ITEMS} WHERE i.id = ?", [item]).fetchone()
    if row is None:
        raise NotFound("item", item)
    return _item(row), evenings.of_id(db, row["evening"])


def _member(db: Connection, member: int) -> Member:
    row = db.execute("SELECT * FROM members WHERE id = ?", [member]).fetchone()
    return Member(row["id"], row["evening"], row["name"], row["role"])


def _held(db: Connection, which: str, value: int) -> list[Label]:
    rows = db.execute(
        "SELECT * FROM labels WHERE id IN (SELECT max(id) FROM labels"
        f" WHERE {which} GROUP BY item, member, kind) AND action != 'undo' ORDER BY id",
        [value],
    )
    return [_label(r) for r in rows]


ITEMS = "SELECT i.*, d.name FROM items i JOIN documents d ON d.id = i.document"
LIVE = "until > ? AND since <= ?"
LEASES = (
    "SELECT l.item, l.member FROM leases l JOIN items i ON i.id = l.item"
    f" WHERE i.evening = ? AND {LIVE}"
)
SETTLED = "SELECT judgment FROM settled WHERE item = ?"
STATES = (
    "SELECT item, member, action FROM labels WHERE id IN (SELECT max(l.id) FROM labels l"
    " JOIN items i ON i.id = l.item WHERE i.evening = ? AND l.kind = 'label'"
    " GROUP BY l.item, l.member)"
)


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
