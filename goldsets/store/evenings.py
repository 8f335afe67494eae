"""Evenings and who takes part in them."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from sqlite3 import Connection, Row

from goldsets.labelling.types import ROLES, Evening, Member, Role, Settings
from goldsets.store import gold
from retrieval.errors import Forbidden, InputError, NotFound
from retrieval.store import Workspace
from retrieval.store.workspace import now

MAX_NAME = 60


def create(workspace: Workspace, name: str, goldset: str, settings: Settings) -> Evening:
    """Start an evening on a gold set.

    Raises:
        InputError: the name is empty or taken.
        NotFound: there is no such gold set.
    """
    name = _checked(name, "an evening")
    gold.marker(workspace, goldset)
    with workspace.write() as db:
        if db.execute("SELECT 1 FROM evenings WHERE name = ?", [name]).fetchone():
            raise InputError(f"there is an evening {name!r} already; choose another name")
        db.execute(
            "INSERT INTO evenings (name, goldset, settings, created) VALUES (?, ?, ?, ?)",
            [name, goldset, _packed(settings), now()],
        )
        return _evening(_get(db, name))


def named(workspace: Workspace, name: str) -> Evening:
    """Read an evening by its name.

    Raises:
        NotFound: there is none of that name.
    """
    with workspace.read() as db:
        return _evening(_get(db, name))


def every(workspace: Workspace) -> list[Evening]:
    """List all evenings, newest first."""
    with workspace.read() as db:
        return [_evening(r) for r in db.execute("SELECT * FROM evenings ORDER BY id DESC")]


def change(workspace: Workspace, host: Member, settings: Settings) -> None:
    """Change an evening's settings; labels stay, and what follows from them is worked out anew.

    Raises:
        Forbidden: the member is not a host.
    """
    allow(host, "host")
    with workspace.write() as db:
        db.execute(
            "UPDATE evenings SET settings = ? WHERE id = ?", [_packed(settings), host.evening]
        )


def close(workspace: Workspace, host: Member, *, closed: bool = True) -> None:
    """Close an evening, so that nothing more is labelled; or open it again."""
    allow(host, "host")
    with workspace.write() as db:
        moment = now() if closed else None
        db.execute("UPDATE evenings SET closed = ? WHERE id = ?", [moment, host.evening])


def join(
    workspace: Workspace,
    evening: Evening,
    name: str,
    role: Role = "rater",
    *,
    identity: str = "",
    again: bool = False,
) -> Member:
    """Take part in an evening under a name; whoever comes back under it is the same person.

    `identity` is that of a sign-in: a name belongs to the identity that took it first. Without one
    a name that is taken is refused unless `again` says that coming back by name alone is trusted.

    Raises:
        InputError: the name is empty, too long, or somebody else's.
    """
    name = _checked(name, "a rater")
    if role not in ROLES:
        raise InputError(f"a role is one of {', '.join(ROLES)}, not {role!r}")
    with workspace.write() as db:
        row = db.execute(
            "SELECT * FROM members WHERE evening = ? AND name = ?", [evening.id, name]
        ).fetchone()
        if row is not None:
            same = row["identity"] == identity if identity or row["identity"] else again
            if not same:
                raise InputError(f"the name {name!r} is taken tonight; choose another")
            return _member(row)
        done = db.execute(
            "INSERT INTO members (evening, name, role, identity, token, joined)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [evening.id, name, role, identity, secrets.token_urlsafe(24), now()],
        )
        return Member(int(done.lastrowid or 0), evening.id, name, role)


def of_identity(workspace: Workspace, evening: Evening, identity: str) -> Member | None:
    """Return who of a sign-in takes part in an evening, None if nobody does yet."""
    with workspace.read() as db:
        row = db.execute(
            "SELECT * FROM members WHERE evening = ? AND identity = ? AND identity != ''",
            [evening.id, identity],
        ).fetchone()
    return None if row is None else _member(row)


def token(workspace: Workspace, member: Member) -> str:
    """Return the token by which a member's browser is known to the routes."""
    with workspace.read() as db:
        row = db.execute("SELECT token FROM members WHERE id = ?", [member.id]).fetchone()
    return str(row["token"])


def members(workspace: Workspace, evening: Evening) -> list[Member]:
    """List who takes part, in the order they came."""
    with workspace.read() as db:
        rows = db.execute("SELECT * FROM members WHERE evening = ? ORDER BY id", [evening.id])
        return [_member(r) for r in rows]


def by_token(db: Connection, token: str) -> tuple[Evening, Member]:
    """Return whose token it is, and of which evening.

    Raises:
        Forbidden: it is nobody's.
    """
    row = db.execute("SELECT * FROM members WHERE token = ?", [token]).fetchone()
    if row is None:
        raise Forbidden("this link is not known here; join the evening again")
    return of_id(db, row["evening"]), _member(row)


def of_id(db: Connection, evening: int) -> Evening:
    """Read an evening by its number."""
    return _evening(db.execute("SELECT * FROM evenings WHERE id = ?", [evening]).fetchone())


def allow(member: Member, *roles: Role) -> None:
    """Refuse what a member's role does not allow.

    Raises:
        Forbidden: the role is none of those.
    """
    if member.role not in roles:
        raise Forbidden(f"{member.name} is here as {member.role}; this takes a {roles[0]}")


def _checked(name: str, what: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InputError(f"{what} needs a name of 1 to {MAX_NAME} characters, not {name!r}")
    return name


def _get(db: Connection, name: str) -> Row:
    row: Row | None = db.execute("SELECT * FROM evenings WHERE name = ?", [name]).fetchone()
    if row is None:
        known: Sequence[str] = [r["name"] for r in db.execute("SELECT name FROM evenings")]
        raise NotFound("evening", name, known)
    return row


def _packed(settings: Settings) -> str:
    return json.dumps(asdict(settings), ensure_ascii=False)


def _evening(row: Row) -> Evening:
    plain = json.loads(row["settings"])
    settings = Settings(**{**plain, "grades": tuple(plain["grades"])})
    return Evening(row["id"], row["name"], row["goldset"], settings, row["created"], row["closed"])


def _member(row: Row) -> Member:
    return Member(row["id"], row["evening"], row["name"], row["role"])
