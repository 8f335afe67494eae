"""Leases: which items are in whose hands, and what they do with them.

A lease gives an item to a member's tab for some minutes; its token is what the tab saves with.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from goldsets.labelling.queue import AT_IT, Place, State, choose, to_go
from goldsets.labelling.types import Evening, Item, Label, Member
from goldsets.store import evenings, gold_log, labels
from goldsets.store.labels import Passage, Saved
from retrieval.errors import Forbidden, InputError
from retrieval.store import Workspace, corpora
from retrieval.types import Span

LEASE_SECONDS = 600.0
CLOCK_SLACK = 5.0
"""A lease given later than this from now was given before the clock was set back: it has lapsed."""


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


def left(workspace: Workspace, token: str, clock: float | None = None) -> int:
    """Count the items that a member still has to judge, those in hand among them.

    Raises:
        Forbidden: the token is nobody's, or that of an onlooker.
        InputError: the evening is closed.
    """
    with workspace.read() as db:
        evening, member = _open_to(db, token)
        places = _places(db, evening, member, time.time() if clock is None else clock)
    return to_go(places, member.id, evening.settings.raters)


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
        known = labels.same(db, row["member"], key)
        if known is not None:
            return known
        item, evening = labels.item_of(db, row["item"])
        member = labels.member_of(db, row["member"])
        said = (action, grade, spans, note, seconds)
        saved = labels.log(db, evening, member, item, key, *said, "label")
        until = moment + LEASE_SECONDS if action == "undo" else 0.0
        db.execute(
            "UPDATE leases SET since = ?, until = ? WHERE item = ? AND member = ?",
            [moment, until, item.id, member.id],
        )
        return saved


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
        goldset = gold_log.get(db, evening.goldset)["id"]
        if not gold_log.holds(db, goldset, passage.query):
            raise InputError(f"there is no query {passage.query!r} in gold set {evening.goldset!r}")
        new = labels.enter(db, evening, corpus, version, [passage])
        content = corpora.rows(db, corpus, version)[passage.document]
        item = new[0] if new else labels.find(db, evening, passage, content)
        held = db.execute(
            "SELECT token FROM leases WHERE item = ? AND member = ?", [item, member.id]
        ).fetchone()
        own = held["token"] if held else _lease(db, item, member, tab, moment, LEASE_SECONDS)
        return _leased(db, own)


def _open_to(db: Connection, token: str) -> tuple[Evening, Member]:
    evening, member = evenings.by_token(db, token)
    evenings.allow(member, "rater", "host")
    labels.check_open(evening)
    return evening, member


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
    item, evening = labels.item_of(db, row["item"])
    document = db.execute(
        "SELECT title, media, text FROM documents WHERE id = ?", [item.content]
    ).fetchone()
    held = [x for x in labels.holding(db, "item = ?", item.id) if x.rater == row["member"]]
    label = next((x for x in held if x.kind == "label"), None)
    wording = gold_log.wording(db, evening.goldset, item.query)
    about = (document["title"], document["media"], document["text"])
    return Leased(token, item, wording, *about, label)


LIVE = "until > ? AND since <= ?"
LEASES = (
    "SELECT l.item, l.member FROM leases l JOIN items i ON i.id = l.item"
    f" WHERE i.evening = ? AND {LIVE}"
)
STATES = (
    "SELECT item, member, action FROM labels WHERE id IN (SELECT max(l.id) FROM labels l"
    " JOIN items i ON i.id = l.item WHERE i.evening = ? AND l.kind = 'label'"
    " GROUP BY l.item, l.member)"
)
