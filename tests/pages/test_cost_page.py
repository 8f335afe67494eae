"""The Cost page: sums, budgets, errors, and what is not known."""

from goldsets.store import open_workspace
from retrieval.cost import Usage
from retrieval.store import Workspace, ledger


def spend(workspace: Workspace, model: str, usd: float | None, job: int | None = None) -> int:
    row = ledger.enter(workspace, model, "chat", job, Usage(1_000), usd)
    ledger.close(workspace, row, "done", Usage(1_000, 20, 30, 4_000, 1), usd)
    return row


def filled(path) -> Workspace:
    workspace = open_workspace(path)
    spend(workspace, "v/dear", 0.5, 1)
    spend(workspace, "v/cheap", 0.25)
    spend(workspace, "own@host/m", None, 2)
    failed = ledger.enter(workspace, "v/cheap", "chat", 1, Usage(1), 0.1)
    ledger.close(workspace, failed, "failed", Usage(), 0.0, "V refused (400): <b>no</b>")
    ledger.enter(workspace, "v/dear", "chat", 2, Usage(100, 50), 0.125)
    with workspace.write() as db:
        db.execute("UPDATE calls SET begun = '2020-01-01T00:00:00.000+00:00' WHERE id = 2")
    return workspace


def quiet(test) -> str:
    return " ".join(h.proto.body for h in test.get("html"))


def test_sums_are_those_of_the_ledger_and_the_unknown_stands_apart(opened, tmp_path):
    filled(tmp_path)
    test = opened("pages/cost.py", tmp_path)
    shown = {m.label: m.value for m in test.metric}
    assert shown == {"Spent": "$0.88", "Calls": "5", "Tokens in": "15,190", "Tokens out": "110"}
    assert "1 call of unknown price is in no sum" in quiet(test)
    assert "prices.json" in quiet(test)
    assert "1 call in flight" in quiet(test)
    table = test.dataframe[0].value.set_index("Model")
    assert list(table.index) == ["v/dear", "v/cheap", "own@host/m"]
    assert table["Spent"].to_dict() == {
        **{"v/dear": "$0.62", "v/cheap": "$0.25", "own@host/m": "1 call of unknown price"}
    }
    assert table.loc["v/dear", "Cache read"] == 4_000
    assert table["Failed"].to_dict() == {"v/dear": 0, "v/cheap": 1, "own@host/m": 0}


def test_why_calls_failed_is_listed(opened, tmp_path):
    filled(tmp_path)
    test = opened("pages/cost.py", tmp_path)
    assert list(test.dataframe[1].value["Why"]) == ["V refused (400): <b>no</b>"]


def test_a_period_leaves_out_what_was_before(opened, tmp_path):
    filled(tmp_path)
    test = opened("pages/cost.py", tmp_path, period="7", by="Job")
    assert test.metric[0].value == "$0.62"
    table = test.dataframe[0].value
    assert list(table["Job"]) == ["job 1", "job 2"]
    assert list(table["Spent"]) == ["$0.50", "$0.12 and 1 call of unknown price"]


def test_budgets_are_set_and_lifted(opened, tmp_path):
    workspace = filled(tmp_path)
    ledger.set_budget(workspace, "workspace", 9)
    test = opened("pages/cost.py", tmp_path)
    day, job, ever = test.number_input
    assert (day.value, job.value, ever.value) == (None, None, 9)
    day.set_value(5.0)
    ever.set_value(None)
    next(b for b in test.button if b.label == "Set budgets").click().run()
    assert not test.exception
    assert ledger.budgets(workspace) == {"day": 5.0}
    assert "Today $0.62 of $5.00" in quiet(test)
    assert "width:12%" in quiet(test)  # 0.625 of 5
    assert "Job 1 $0.50 (no budget)" in quiet(test)


def test_nothing_spent_says_what_to_do_and_budgets_can_be_set(opened, tmp_path):
    test = opened("pages/cost.py", tmp_path)
    assert "No vendor has been called yet" in " ".join(m.value for m in test.markdown)
    assert not test.metric
    test.number_input[0].set_value(1.0)
    next(b for b in test.button if b.label == "Set budgets").click().run()
    assert ledger.budgets(open_workspace(tmp_path)) == {"day": 1.0}


def test_a_time_without_calls_is_said(opened, tmp_path):
    workspace = open_workspace(tmp_path)
    spend(workspace, "v/m", 0.5)
    with workspace.write() as db:
        db.execute("UPDATE calls SET begun = '2020-01-01T00:00:00.000+00:00'")
    test = opened("pages/cost.py", tmp_path, period="1")
    assert [i.value for i in test.info] == ["No call was made in this time."]
    assert test.metric[0].value == "$0"


def test_where_all_prices_are_unknown_nothing_is_shown_as_free(opened, tmp_path):
    spend(open_workspace(tmp_path), "own@host/m", None)
    test = opened("pages/cost.py", tmp_path)
    assert test.metric[0].value == "unknown"
    assert list(test.dataframe[0].value["Spent"]) == ["1 call of unknown price"]
