"""The plan: nobody is asked for it, nothing beyond it is asked, and what is kept is kept."""

import json

import pytest

from goldsets.generation import work
from goldsets.generation.plan import Plan, plan
from goldsets.generation.spec import generation_of
from goldsets.store import generations
from retrieval.cost import money
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora, ledger
from tests.goldsets.generation.author import PLANTS, Author
from tests.goldsets.generation.conftest import SPEC, Walked
from tests.retrieval.providers.stub import Vendors

pytestmark = pytest.mark.slow

ALL = sum(PLANTS.values())


def steps(p: Plan) -> dict[str, tuple[int, int]]:
    """The calls to come and the answers kept, by step."""
    return {step: (o.calls, o.kept_texts) for (step, _), o in p.outlays.items()}


def planned(workspace: Workspace, **fields: object) -> Plan:
    return work.plan_of(workspace, generation_of({**SPEC, **fields}), "planted", "made")


def test_before_it_starts_the_plan_says_the_most_there_can_be(
    desk: Workspace, vendors: Vendors, author: Author
) -> None:
    p = planned(desk)
    assert author.asked == {}
    assert p.passages == ALL
    assert steps(p) == {
        "Judge passages": (3 * ALL, 0),
        "Write queries": (ALL, 0),
        "Check queries": (4 * ALL, 0),
    }
    said = "\n".join(p.lines())
    assert "unknown price" in said
    assert f"{3 * ALL} calls" in said
    assert "at the most" in said


def test_prices_are_those_of_the_tokens(desk: Workspace, vendors: Vendors) -> None:
    prices = {f"openai@{vendors.url[7:]}/*": {"input": 1.0, "output": 1.0}}
    (desk.path / "prices.json").write_text(json.dumps(prices))
    p = planned(desk)
    for outlay in p.outlays.values():
        assert outlay.usd == pytest.approx(outlay.tokens / 1e6)
    total = sum(o.tokens for o in p.outlays.values()) / 1e6
    assert f"about {money(total)} in all" in p.lines()


def test_afterwards_all_is_kept_and_nothing_is_to_come(walked: Walked) -> None:
    before = walked.author.asked.total()
    p = planned(walked.workspace)
    assert walked.author.asked.total() == before
    made = [c for c in ledger.calls(walked.workspace, -1) if c.state == "done"]
    assert p.calls == 0
    again = sum(n - 1 for n in walked.author.asked.values())
    assert sum(o.kept_texts for o in p.outlays.values()) == len(made) - again
    assert "at the most" not in "\n".join(p.lines())


def test_a_reworded_criterion_is_all_there_is_to_judge(walked: Walked) -> None:
    criteria = {**generation_of(SPEC).criteria, "asked": "Somebody asks for it."}
    assert steps(planned(walked.workspace, criteria=criteria))["Judge passages"] == (ALL, 2 * ALL)


def test_a_smaller_sample_asks_nothing_new(walked: Walked) -> None:
    corpus = corpora.read(walked.workspace, "planted")
    rt = Runtime(walked.workspace)
    few = generation_of({**SPEC, "sample": 10})
    p = plan(few, corpus, [], rt)
    assert steps(p)["Judge passages"] == (0, 30)
    assert p.calls == 0


def test_the_stand_in_costs_nothing_and_says_so(desk: Workspace) -> None:
    p = planned(desk, judge="Offline", writer="Offline")
    assert p.outlays == {}
    assert p.calls == 0
    assert any("offline stand-in" in line for line in p.lines())
    assert generations.recent(desk) == []  # a plan enters nothing


def test_a_missing_key_is_said_with_its_fix(
    desk: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert "OPENAI_API_KEY" in "\n".join(planned(desk).lines())
