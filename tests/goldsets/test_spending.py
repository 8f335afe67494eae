"""What was spent, in words and as a table."""

import csv
import io
from datetime import timedelta

import pytest

from goldsets import jobs, spending
from goldsets.spending import Held, added_up, as_csv, held, in_flight, job_name, paid
from retrieval.cost import Usage
from retrieval.store import Workspace, ledger
from retrieval.store.ledger import Line


def call(workspace: Workspace, usd: float | None, job: int | None = None) -> int:
    row = ledger.enter(workspace, "v/m", "chat", job, Usage(10), usd)
    ledger.close(workspace, row, "done", Usage(10, 2), usd)
    return row


def test_unknown_prices_are_said_and_never_nothing() -> None:
    def line(usd: float, unknown: int) -> Line:
        return Line("m", 9, 0, 0, unknown, usd, Usage())

    assert paid(line(0.43, 0)) == "$0.43"
    assert paid(line(0.43, 1)) == "$0.43 and 1 call of unknown price"
    assert paid(line(0.0, 2)) == "2 calls of unknown price"
    assert paid(line(0.0, 0)) == "$0"


def test_what_is_used_of_each_budget(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [h.said for h in held(workspace)] == [
        "Today $0 (no budget)",
        "Any job $0 (no budget)",
        "Ever $0 (no budget)",
    ]
    for job, usd in ((1, 0.2), (1, 0.3), (2, 0.4), (None, 3.0)):
        call(workspace, usd, job)
    with workspace.write() as db:
        db.execute("UPDATE calls SET begun = '2020-01-01T00:00:00.000+00:00' WHERE job = 2")
    ledger.set_budget(workspace, "day", 7)
    ledger.set_budget(workspace, "job", 1)
    day, job, ever = held(workspace)
    assert (day.said, day.share) == ("Today $3.50 of $7.00", 0.5)
    assert (job.spent, job.share) == (0.5, 0.5)
    assert job.said == "Job 1 $0.50 of $1.00"
    assert (ever.said, ever.share) == ("Ever $3.90 (no budget)", 0)


def test_the_share_of_a_budget_is_at_most_all_of_it() -> None:
    assert Held("day", "Today", 5.0, 2.0).share == 1
    assert Held("day", "Today", 0.0, 0.0).share == 1


def test_jobs_are_named(workspace: Workspace) -> None:
    with workspace.write() as db:
        db.execute(
            "INSERT INTO jobs (key, kind, spec, state, wanted, units, created)"
            """ VALUES ('k', 'sweep', '{"goldset": "handbook"}', 'done', 'run', 1, '2026-01-01')"""
        )
    assert jobs.get(workspace, 1).kind == "sweep"
    assert [job_name(workspace, job) for job in (1, 2, None)] == [
        *("sweep 1 on handbook", "job 2", "outside jobs")
    ]


def test_a_period_begins_with_its_first_day() -> None:
    assert spending.since(None) == ""
    assert spending.since(1) == spending.today().date().isoformat()
    assert spending.since(7) == (spending.today() - timedelta(days=6)).date().isoformat()


def test_lines_add_up(workspace: Workspace) -> None:
    for job, usd in ((1, 0.5), (2, None), (None, 0.25)):
        call(workspace, usd, job)
    total = added_up(ledger.lines(workspace, "job"))
    assert (total.calls, total.unknown, total.usd) == (3, 1, 0.75)
    assert total.usage == Usage(30, 6)
    assert added_up([]).usage == Usage()


def test_calls_of_processes_that_are_gone_are_told_from_those_in_flight(
    workspace: Workspace,
) -> None:
    for _ in range(2):
        ledger.enter(workspace, "v/m", "chat", None, Usage(1), 0.1)
    call(workspace, 0.1)
    with workspace.write() as db:
        db.execute("UPDATE calls SET begun = '2020-01-01T00:00:00.000+00:00' WHERE id = 1")
    flying, gone = in_flight(workspace)
    assert ([c.id for c in flying], [c.id for c in gone]) == ([2], [1])


def test_calls_as_csv_read_back(workspace: Workspace) -> None:
    call(workspace, 0.5, 3)
    call(workspace, None)
    row = ledger.enter(workspace, 'v/"odd", name', "chat", None, Usage(1), 0.1)
    ledger.close(workspace, row, "failed", Usage(), 0.0, "V refused (400): no,\nnever")
    odd, unknown, known = csv.DictReader(io.StringIO(as_csv(ledger.calls(workspace))))
    assert (known["usd"], known["job"], known["input"], known["output"]) == ("0.5", "3", "10", "2")
    assert (unknown["usd"], unknown["job"], unknown["expected_usd"]) == ("", "", "")
    assert (odd["model"], odd["error"]) == ('v/"odd", name', "V refused (400): no,\nnever")
    assert list(known) == [
        *("id", "begun", "ended", "model", "kind", "job", "state", "input", "output"),
        *("cache_write", "cache_read", "searches", "expected_usd", "usd", "error"),
    ]
