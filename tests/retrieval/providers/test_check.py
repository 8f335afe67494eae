"""One tiny call tells whether a model answers."""

import time
from pathlib import Path
from typing import Any

import pytest

from retrieval.errors import (
    BadAnswer,
    MissingKey,
    MissingModel,
    OverBudget,
    RateLimited,
    Refused,
    SpecError,
    Unavailable,
)
from retrieval.prices import PRICES
from retrieval.providers import check as module
from retrieval.providers.check import PROVIDERS, check, kind, known, made
from retrieval.providers.cohere import CohereRerank
from retrieval.providers.fastembed import CrossEncoder, FastEmbed
from retrieval.providers.local import Local
from retrieval.providers.openai import OpenAI, OpenAIChat
from retrieval.providers.voyage import Voyage
from retrieval.retry import Retry
from retrieval.runtime import Runtime
from retrieval.stage import Stage
from retrieval.store import Workspace, ledger
from tests.retrieval.providers import tiny
from tests.retrieval.providers.stub import KEY, Vendors

DEFAULTS = [cls() for provider in PROVIDERS if provider.vendor for cls in provider.stages]


@pytest.mark.parametrize("model", DEFAULTS, ids=lambda m: type(m).__name__)
def test_each_vendors_model_answers_by_one_call_that_the_ledger_keeps(
    vendors: Vendors, workspace: Workspace, model: Any
) -> None:
    said = check(model, Runtime(workspace))
    begins = {"embed": "gave a vector of", "rerank": "gave a text the score 1.00", "chat": "wrote"}
    assert said.startswith(begins[kind(type(model))])
    assert said.endswith(" s")
    if kind(type(model)) == "embed":
        assert f" {model.dimensions:,} numbers, in " in said
    assert len(vendors.requests) == 1
    (call,) = ledger.calls(workspace)
    assert (call.kind, call.state, call.job) == (kind(type(model)), "done", None)
    assert call.model == f"{model.vendor.source}/{model.model}"


def test_a_model_of_ones_own_server_says_how_long_its_vectors_are(
    vendors: Vendors, workspace: Workspace
) -> None:
    assert check(made(OpenAI, " tiny "), Runtime(workspace)).startswith(
        "gave a vector of 8 numbers"
    )
    assert vendors.requests[0].body["model"] == "tiny"
    assert "dimensions" not in vendors.requests[0].body
    assert check(made(OpenAIChat, "llama"), Runtime(workspace)).startswith("wrote 'gpt says hi'")
    with pytest.raises(SpecError, match="needs a model"):
        made(OpenAI, " ")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("401", Refused),
        ("404", Refused),
        ("429 after 60", RateLimited),
        ("503", Unavailable),
        ("drop", Unavailable),
        ("html", BadAnswer),
        ("hang", Unavailable),
    ],
)
def test_a_fault_is_said_at_once_and_holds_no_key(
    vendors: Vendors,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    error: type[Exception],
) -> None:
    check(Voyage(), Runtime(workspace))  # imports
    vendors.requests.clear()
    monkeypatch.setattr(module, "ONCE", Retry(1, deadline_seconds=0.4, timeout_seconds=0.4))
    vendors.for_ever, vendors.hang_seconds = fault, 1.0
    begun = time.monotonic()
    with pytest.raises(error, match=r"^Voyage .") as caught:
        check(Voyage(), Runtime(workspace))
    assert time.monotonic() - begun < 2
    assert KEY not in str(caught.value)
    assert len(vendors.requests) == 1
    assert ledger.calls(workspace, 1)[0].error == str(caught.value)


def test_a_vector_of_another_length_than_is_known_is_an_error(
    vendors: Vendors, workspace: Workspace
) -> None:
    vendors.bend = lambda body: {
        **body,
        "data": [{"object": "embedding", "index": 0, "embedding": [1.0, 2.0]}],
    }
    with pytest.raises(BadAnswer, match=r"shape \(1, 2\) for 1 texts"):
        check(Voyage(), Runtime(workspace))


def test_a_check_is_held_by_budgets(vendors: Vendors, workspace: Workspace) -> None:
    ledger.set_budget(workspace, "day", 0)
    with pytest.raises(OverBudget, match="would pass the budget of"):
        check(CohereRerank(), Runtime(workspace))
    assert vendors.requests == []


def test_without_a_key_nothing_is_sent(
    vendors: Vendors, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VOYAGE_API_KEY")
    with pytest.raises(MissingKey):
        check(Voyage(), Runtime(workspace))
    assert vendors.requests == []
    assert ledger.calls(workspace) == []


def test_a_model_on_this_machine_is_asked_without_the_ledger(workspace: Workspace) -> None:
    assert check(Local(), Runtime(workspace)).startswith("gave a vector of 512 numbers, in ")
    assert ledger.calls(workspace) == []


@pytest.mark.parametrize("model", [FastEmbed(), CrossEncoder()])
def test_a_model_that_would_be_downloaded_is_not(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Any
) -> None:
    monkeypatch.setenv("FASTEMBED_CACHE_PATH", str(tmp_path))
    with pytest.raises(MissingModel, match=f"{model.model} is not on this machine .looked in"):
        check(model, Runtime(workspace))


def test_a_model_in_a_folder_is_asked(workspace: Workspace, tmp_path: Path) -> None:
    own = FastEmbed("ours", str(tiny.embedder(tmp_path / "e")), pooling="mean")
    assert check(own, Runtime(workspace)).startswith("gave a vector of 6 numbers, in ")
    judge = CrossEncoder(model="ours", folder=str(tiny.cross_encoder(tmp_path / "c")))
    assert check(judge, Runtime(workspace)).startswith("gave a text the score ")


def test_what_is_no_model_cannot_be_checked(workspace: Workspace) -> None:
    with pytest.raises(SpecError, match="no model that can be checked"):
        check(Stage(), Runtime(workspace))


def test_every_model_that_has_a_price_is_known_once() -> None:
    names = [
        f"{p.vendor.id}/{model}"
        for p in PROVIDERS
        if p.vendor
        for c in p.stages
        for model in known(c)
    ]
    assert len(names) == len(set(names))
    assert set(PRICES) <= set(names)
    for provider in PROVIDERS:
        for cls in provider.stages:
            assert cls().label in known(cls)  # type: ignore[call-arg]
