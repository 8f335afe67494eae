"""The Providers page, against a server on this machine."""

from goldsets.store import open_workspace
from retrieval.cost import FILE
from retrieval.store import ledger
from tests.retrieval.providers.stub import KEY


def everything(test) -> str:
    """Return all that the page shows."""
    shown = [h.proto.body for h in test.get("html")]
    for kind in ("markdown", "success", "error", "caption", "code", "info", "warning"):
        shown += [e.value for e in getattr(test, kind)]
    return " ".join([*shown, *(t.value.to_csv() for t in test.dataframe)])


def press(test, name: str):
    next(b for b in test.button if b.key == f"check-{name}").click().run()
    assert not test.exception
    return test


def test_keys_are_named_and_never_shown(opened, vendors, tmp_path, monkeypatch):
    monkeypatch.delenv("CO_API_KEY")
    monkeypatch.setenv(
        "OPENAI_BASE_URL", vendors.url.replace("//", f"//me:{KEY}@") + f"/v1?k={KEY}"
    )
    test = opened("pages/providers.py", tmp_path)
    shown = everything(test)
    assert "Key in <code>VOYAGE_API_KEY</code>, from the environment" in shown
    assert "No key: set <code>CO_API_KEY</code> or <code>COHERE_API_KEY</code>" in shown
    assert f"At <code>{vendors.url}/v1</code>, by <code>OPENAI_BASE_URL</code>" in shown
    assert KEY not in shown
    assert KEY[:8] not in shown


def test_a_check_is_one_call_in_the_ledger(opened, vendors, tmp_path):
    test = press(opened("pages/providers.py", tmp_path), "Voyage")
    assert [s.value for s in test.success] == [test.success[0].value]
    assert "gave a vector of 1,024 numbers" in test.success[0].value
    test.selectbox(key="model-Voyage").set_value("rerank-2.5 · rerank").run()
    press(test, "Voyage")
    assert "gave a text the score" in test.success[0].value
    assert len(vendors.requests) == 2
    models = [c.model for c in ledger.calls(open_workspace(tmp_path))]
    assert models == ["voyage/rerank-2.5", "voyage/voyage-3.5-lite"]


def test_an_error_is_one_sentence_and_stays_with_its_vendor(opened, vendors, tmp_path):
    vendors.play("401")
    test = press(opened("pages/providers.py", tmp_path), "Anthropic")
    (error,) = test.error
    assert error.value.startswith("Anthropic refused \\(401\\)")
    assert KEY not in error.value
    press(test, "Anthropic")
    assert not test.error
    assert "wrote 'context" in test.success[0].value


def test_a_budget_holds_a_check(opened, vendors, tmp_path):
    ledger.set_budget(open_workspace(tmp_path), "day", 0)
    test = press(opened("pages/providers.py", tmp_path), "Cohere")
    assert "would pass the budget" in test.error[0].value
    assert vendors.requests == []


def test_a_model_of_ones_own_server_is_typed(opened, vendors, tmp_path):
    test = opened("pages/providers.py", tmp_path)
    name = "OpenAI, or a server that speaks its API"
    press(test, name)
    assert "OpenAI needs a model" in test.error[0].value
    test.text_input(key=f"name-{name}").set_value("tiny").run()
    press(test, name)
    assert "tiny gave a vector of 8 numbers" in test.success[0].value
    assert vendors.requests[0].body["model"] == "tiny"


def test_prices_show_what_is_unverified_and_what_is_ones_own(opened, vendors, tmp_path):
    workspace = open_workspace(tmp_path)
    (workspace.path / FILE).write_text('{"openai@localhost:11434/*": {"input": 0}}')
    test = opened("pages/providers.py", tmp_path)
    table = test.dataframe[0].value.set_index("Model")
    assert table.loc["cohere/rerank-v3.5", "Source"] == "unverified"
    assert table.loc["openai@localhost:11434/*", "Source"] == "yours, in prices.json"
    assert str(workspace.path / FILE) in everything(test)
    (workspace.path / FILE).write_text("{")
    test.run()
    (error,) = test.error
    assert "is not JSON" in error.value
    assert "cohere/rerank-v3.5" in set(test.dataframe[0].value["Model"])


def test_a_model_of_fastembed_is_typed_and_not_downloaded(opened, vendors, tmp_path, monkeypatch):
    monkeypatch.setenv("FASTEMBED_CACHE_PATH", str(tmp_path / "none"))
    test = opened("pages/providers.py", tmp_path)
    name = "fastembed, on this machine"
    test.text_input(key=f"name-{name}").set_value("BAAI/bge-small-en-v1.5").run()
    press(test, name)
    assert "is not on this machine" in test.error[0].value
