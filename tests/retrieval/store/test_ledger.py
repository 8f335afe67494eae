from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retrieval.cost import Usage
from retrieval.db import connect, migrate
from retrieval.errors import InputError, OverBudget
from retrieval.store import Workspace, ledger
from retrieval.store.ledger import Spent
from retrieval.store.schema import MIGRATIONS


def enter(workspace: Workspace, usd: float | None = 0.01, job: int | None = 1) -> int:
    return ledger.enter(workspace, "v/m", "embed", job, Usage(input=10), usd)


def test_a_call_is_entered_and_then_closed_with_what_it_came_to(workspace: Workspace) -> None:
    first = enter(workspace)
    assert ledger.calls(workspace)[0].state == "open"
    assert ledger.spent(workspace) == Spent(1, 10, 0.01, 0)  # as is expected of it
    ledger.close(workspace, first, "done", Usage(7, 1, 2, 3, 4), 0.02)
    (call,) = ledger.calls(workspace)
    assert (call.model, call.kind, call.job, call.state) == ("v/m", "embed", 1, "done")
    assert (call.usage, call.usd, call.expected_usd) == (Usage(7, 1, 2, 3, 4), 0.02, 0.01)
    assert call.begun <= str(call.ended)
    assert ledger.spent(workspace) == Spent(1, 13, 0.02, 0)


def test_unknown_prices_are_counted_apart(workspace: Workspace) -> None:
    ledger.close(workspace, enter(workspace, None), "done", Usage(5), None)
    ledger.close(workspace, enter(workspace), "done", Usage(5), 0.5)
    assert ledger.spent(workspace) == Spent(2, 10, 0.5, 1)


def test_what_is_spent_by_a_job_a_day_and_ever(workspace: Workspace) -> None:
    for job, usd in ((1, 0.1), (1, 0.2), (2, 0.4), (None, 0.8)):
        enter(workspace, usd, job)
    with workspace.write() as db:
        db.execute("UPDATE calls SET begun = '2020-01-01T00:00:00.000+00:00' WHERE job = 2")
    assert ledger.spent(workspace, "job", 1).usd == pytest.approx(0.3)
    assert ledger.spent(workspace, "day").usd == pytest.approx(1.1)
    assert ledger.spent(workspace, "workspace").usd == pytest.approx(1.5)


def test_budgets_are_set_and_lifted(workspace: Workspace) -> None:
    ledger.set_budget(workspace, "day", 5)
    ledger.set_budget(workspace, "day", 6)
    ledger.set_budget(workspace, "job", 1)
    assert ledger.budgets(workspace) == {"day": 6, "job": 1}
    ledger.set_budget(workspace, "job", None)
    assert ledger.budgets(workspace) == {"day": 6}
    for scope, usd in (("week", 1), ("day", -1), ("day", float("nan"))):
        with pytest.raises(InputError, match="no budget can be"):
            ledger.set_budget(workspace, scope, usd)  # type: ignore[arg-type]


@pytest.mark.parametrize("scope", ledger.SCOPES)
def test_no_call_is_made_beyond_a_budget(workspace: Workspace, scope: ledger.Scope) -> None:
    ledger.set_budget(workspace, scope, 0.025)
    first, _ = enter(workspace), enter(workspace)
    with pytest.raises(OverBudget, match=r"\$0.01 would pass .* \$0.025 .* \$0.02 is spent"):
        enter(workspace)
    ledger.close(workspace, first, "done", Usage(1), 0.001)  # cheaper than was expected
    enter(workspace)


def test_a_jobs_budget_is_each_jobs_own(workspace: Workspace) -> None:
    ledger.set_budget(workspace, "job", 0.01)
    enter(workspace, job=1)
    enter(workspace, job=2)
    enter(workspace, job=None)
    enter(workspace, job=None)  # what belongs to no job is held by the others alone
    with pytest.raises(OverBudget):
        enter(workspace, job=2)


def test_a_budget_refuses_what_has_no_known_price(workspace: Workspace) -> None:
    ledger.set_budget(workspace, "day", 100)
    with pytest.raises(OverBudget, match=r"the price of v/m is not known.*prices.json"):
        enter(workspace, None)
    ledger.set_budget(workspace, "day", None)
    enter(workspace, None)


def test_many_at_once_pass_no_budget(workspace: Workspace) -> None:
    ledger.set_budget(workspace, "workspace", 0.305)

    def calls(_: int) -> int:
        made = 0
        for _ in range(10):
            try:
                row = enter(workspace)
            except OverBudget:
                continue
            ledger.close(workspace, row, "done", Usage(1), 0.01)
            made += 1
        return made

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(calls, range(8))) == 30
    assert ledger.spent(workspace).usd == pytest.approx(0.3)


def spend(
    workspace: Workspace, model: str, job: int | None, day: str, usd: float | None, state: str
) -> None:
    """Enter a call of a day, as if it had been made then."""
    row = ledger.enter(workspace, model, "chat", job, Usage(100, 10), usd)
    if state != "open":
        used = Usage(7, 1, 2, 3, 4) if state == "done" else Usage()
        paid = usd if state == "done" else 0.0
        error = "" if state == "done" else "V refused (400): no"
        ledger.close(workspace, row, state, used, paid, error)  # type: ignore[arg-type]
    with workspace.write() as db:
        begun = f"{day}T12:00:00.000+00:00"
        db.execute("UPDATE calls SET begun = ? WHERE id = ?", [begun, row])


MADE = [
    ("v/a", 1, "2026-11-20", 0.25, "done"),
    ("v/a", 1, "2026-11-21", 0.25, "failed"),
    ("v/b", 2, "2026-11-21", 0.50, "done"),
    ("v/b", None, "2026-11-22", 0.125, "open"),
    ("v/c", 2, "2026-11-22", None, "done"),
    ("v/c", None, "2026-11-22", None, "open"),
]


@pytest.mark.parametrize("since", ["", "2026-11-21", "2026-11-23"])
@pytest.mark.parametrize(("by", "place"), [("model", 0), ("job", 1), ("day", 2)])
def test_lines_add_up_to_what_a_loop_over_the_calls_finds(
    workspace: Workspace, by: ledger.By, place: int, since: str
) -> None:
    for made in MADE:
        spend(workspace, *made)
    wanted: dict[object, list[float]] = {}
    for made in [m for m in MADE if m[2] >= since]:
        usd, state = made[3], made[4]
        row = wanted.setdefault(made[place], [0, 0, 0, 0, 0.0, 0])
        known = 0.0 if state == "failed" else usd
        row[0] += 1
        row[1] += state == "open"
        row[2] += state == "failed"
        row[3] += known is None
        row[4] += known or 0.0
        row[5] += {"done": 17 - 4, "open": 110, "failed": 0}[state]
    found = ledger.lines(workspace, by, since)
    assert {
        line.name: [line.calls, line.open, line.failed, line.unknown, line.usd, line.usage.tokens]
        for line in found
    } == wanted
    assert [line.usd for line in found] == sorted((line.usd for line in found), reverse=True)


def test_calls_are_listed_by_state_and_day(workspace: Workspace) -> None:
    for made in MADE:
        spend(workspace, *made)
    assert [c.model for c in ledger.calls(workspace, -1, since="2026-11-22")] == ["v/c"] * 2 + [
        "v/b"
    ]
    assert [c.id for c in ledger.calls(workspace, -1, "open")] == [6, 4]
    (failed,) = ledger.calls(workspace, -1, "failed")
    assert failed.error == "V refused (400): no"
    assert len(ledger.calls(workspace, 2)) == 2


def test_a_ledger_of_before_is_read(tmp_path: Path) -> None:
    old = [m for m in MIGRATIONS if m.__name__ != "errors_of_calls"]
    migrate(tmp_path / "workspace.db", old, "retrieval")
    with connect(tmp_path / "workspace.db") as db:
        db.execute(
            "INSERT INTO calls (model, kind, state, begun, input, output, cache_write, cache_read,"
            " searches) VALUES ('v/m', 'chat', 'failed', '2026-01-01', 1, 2, 3, 4, 5)"
        )
    (call,) = ledger.calls(Workspace.open(tmp_path))
    assert (call.error, call.usage) == ("", Usage(1, 2, 3, 4, 5))
