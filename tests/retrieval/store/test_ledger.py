from concurrent.futures import ThreadPoolExecutor

import pytest

from retrieval.cost import Usage
from retrieval.errors import InputError, OverBudget
from retrieval.store import Workspace, ledger
from retrieval.store.ledger import Spent


def enter(workspace: Workspace, usd: float | None = 0.01, job: int | None = 1) -> int:
    return ledger.enter(workspace, "v/m", "embed", job, Usage(input=10), usd)


def test_a_call_is_entered_and_then_closed_with_what_it_came_to(workspace: Workspace) -> None:
    first = enter(workspace)
    assert ledger.calls(workspace)[0].state == "open"
    assert ledger.spent(workspace) == Spent(1, 10, 0.01, 0)  # as is expected of it
    ledger.close(workspace, first, "done", Usage(7, 1, 2, 3, 4), 0.02)
    (call,) = ledger.calls(workspace)
    assert (call.model, call.kind, call.job, call.state) == ("v/m", "embed", 1, "done")
    assert (call.usage, call.usd) == (Usage(7, 1, 2, 3, 4), 0.02)
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
