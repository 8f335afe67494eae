"""The ledger of paid calls and the budgets that hold them.

A call is entered before it is made, with what it is expected to cost, in the same transaction that
looks at the budgets: calls in flight count, so however many threads and processes call at once, a
budget is passed by no more than calls cost above what was expected of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from sqlite3 import Connection, Row
from typing import Literal, get_args

from retrieval.cost import Usage, money
from retrieval.errors import InputError, OverBudget
from retrieval.store.workspace import Workspace, now

Scope = Literal["job", "day", "workspace"]
State = Literal["open", "done", "failed"]
By = Literal["model", "job", "day"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
_GROUPS: Mapping[By, str] = {"model": "model", "job": "job", "day": "substr(begun, 1, 10)"}
_WITHIN: Mapping[str, str] = {
    "job": "job IS :job",
    "day": "begun >= :day",
    "workspace": "1",
}
_SPENT = """SELECT count(*) AS calls,
    coalesce(sum(coalesce(usd, expected_usd)), 0.0) AS usd,
    coalesce(sum(usd IS NULL AND expected_usd IS NULL), 0) AS unknown,
    coalesce(sum(input + output + cache_write + cache_read), 0) AS tokens FROM calls WHERE """


@dataclass(frozen=True)
class Spent:
    """What calls came to: dollars of known price, and how many calls have none.

    Calls in flight, and failed ones that a vendor may charge, count as was expected of them.
    """

    calls: int
    tokens: int
    usd: float
    unknown: int


@dataclass(frozen=True)
class Line:
    """What the calls of one model, job or day (UTC) came to; `name` is None for no job.

    `usd` is of the calls whose price is known; `unknown` counts the others.
    """

    name: str | int | None
    calls: int
    open: int
    failed: int
    unknown: int
    usd: float
    usage: Usage


@dataclass(frozen=True)
class Call:
    """A row of the ledger; `usd` and `expected_usd` are None where the price is not known."""

    id: int
    model: str
    kind: str
    job: int | None
    state: State
    begun: str
    ended: str | None
    usage: Usage
    expected_usd: float | None
    usd: float | None
    error: str


def enter(
    workspace: Workspace,
    model: str,
    kind: str,
    job: int | None,
    expected: Usage,
    usd: float | None,
) -> int:
    """Enter a call of `vendor/model` that is about to be made; return its row.

    Raises:
        OverBudget: it would pass a budget, or a budget holds and its price is not known.
    """
    with workspace.write() as db:
        _check(db, model, job, usd)
        return _insert(db, model, kind, job, expected, usd)


def close(
    workspace: Workspace, call: int, state: State, usage: Usage, usd: float | None, error: str = ""
) -> None:
    """Write what a call used and cost; a failed one that may be charged keeps what was expected."""
    counted = [usage.input, usage.output, usage.cache_write, usage.cache_read, usage.searches]
    with workspace.write() as db:
        db.execute(
            "UPDATE calls SET state = ?, usd = ?, error = ?, ended = ?, input = ?, output = ?,"
            " cache_write = ?, cache_read = ?, searches = ? WHERE id = ?",
            [state, usd, error, now(), *counted, call],
        )


def spent(workspace: Workspace, scope: Scope = "workspace", job: int | None = None) -> Spent:
    """Add up the calls of a job, of today (UTC), or of all time."""
    with workspace.read() as db:
        row = _spent(db, scope, job)
    return Spent(row["calls"], row["tokens"], row["usd"], row["unknown"])


def lines(workspace: Workspace, by: By, since: str = "") -> list[Line]:
    """Add up the calls begun since a day (`2026-11-22`), the most expensive first."""
    with workspace.read() as db:
        rows = db.execute(
            f"""SELECT {_GROUPS[by]} AS name, count(*) AS calls,
                sum(state = 'open') AS open, sum(state = 'failed') AS failed,
                sum(coalesce(usd, expected_usd) IS NULL) AS unknown,
                coalesce(sum(coalesce(usd, expected_usd)), 0.0) AS usd,
                sum(input) AS input, sum(output) AS output, sum(cache_write) AS cache_write,
                sum(cache_read) AS cache_read, sum(searches) AS searches
            FROM calls WHERE begun >= ? GROUP BY 1 ORDER BY 6 DESC, calls DESC, name""",
            [since],
        ).fetchall()
    names = ("name", "calls", "open", "failed", "unknown", "usd")
    return [Line(usage=_usage(row), **{name: row[name] for name in names}) for row in rows]


def calls(
    workspace: Workspace, limit: int = 100, state: State | None = None, since: str = ""
) -> list[Call]:
    """List calls, newest first; those in a state, those begun since a day. Limit -1 is all."""
    with workspace.read() as db:
        rows = db.execute(
            "SELECT * FROM calls WHERE begun >= ? AND state = coalesce(?, state)"
            " ORDER BY id DESC LIMIT ?",
            [since, state, limit],
        ).fetchall()
    return [_call(row) for row in rows]


def set_budget(workspace: Workspace, scope: Scope, usd: float | None) -> None:
    """Hold the money of each job, each day or the whole workspace; None lifts the budget.

    Raises:
        InputError: an unknown scope or an amount below 0.
    """
    if scope not in SCOPES or (usd is not None and not 0 <= usd < float("inf")):
        raise InputError(f"no budget can be {usd!r} dollars for {scope!r}; scopes: {SCOPES}")
    with workspace.write() as db:
        db.execute("DELETE FROM budgets WHERE scope = ?", [scope])
        if usd is not None:
            db.execute(
                "INSERT INTO budgets (scope, usd, set_at) VALUES (?, ?, ?)", [scope, usd, now()]
            )


def budgets(workspace: Workspace) -> dict[str, float]:
    """Return the budgets that hold, in dollars by scope."""
    with workspace.read() as db:
        return _budgets(db)


def _budgets(db: Connection) -> dict[str, float]:
    return {row["scope"]: row["usd"] for row in db.execute("SELECT scope, usd FROM budgets")}


def _check(db: Connection, model: str, job: int | None, usd: float | None) -> None:
    for scope, limit in _budgets(db).items():
        if usd is None:
            raise OverBudget(
                f"the price of {model} is not known, so the budget of {money(limit)} a {scope}"
                " cannot hold it; give its price in prices.json or lift the budget"
            )
        if scope == "job" and job is None:
            continue
        before = _spent(db, scope, job)["usd"]
        if before + usd > limit:
            raise OverBudget(
                f"a call of {model} for about {money(usd)} would pass the budget of"
                f" {money(limit)} {_of(scope)}, of which {money(before)} is spent; raise it with"
                " pizza budget, and start again: what is paid for is kept"
            )


def _of(scope: str) -> str:
    return {"job": "a job", "day": "a day"}.get(scope, "for the workspace")


def _spent(db: Connection, scope: str, job: int | None) -> Row:
    today = datetime.now(UTC).date().isoformat()
    row: Row = db.execute(_SPENT + _WITHIN[scope], {"job": job, "day": today}).fetchone()
    return row


def _insert(
    db: Connection, model: str, kind: str, job: int | None, expected: Usage, usd: float | None
) -> int:
    entered = db.execute(
        "INSERT INTO calls (model, kind, job, state, begun, expected_usd,"
        " input, output, cache_write, cache_read, searches)"
        " VALUES (?, ?, ?, 'open', ?, ?, ?, ?, ?, ?, ?)",
        [
            *(model, kind, job, now(), usd),
            *(expected.input, expected.output, expected.cache_write, expected.cache_read),
            expected.searches,
        ],
    )
    return int(entered.lastrowid or 0)


def _call(row: Row) -> Call:
    return Call(usage=_usage(row), **{name: row[name] for name in _ABOUT})


def _usage(row: Row) -> Usage:
    return Usage(*(row[name] for name in _USED))


_USED = tuple(f.name for f in fields(Usage))
_ABOUT = tuple(f.name for f in fields(Call) if f.name != "usage")
