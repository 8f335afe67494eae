"""Each vendor's chat through its real SDK against a server on this machine."""

import pytest

from retrieval.cost import Usage
from retrieval.errors import BadAnswer, MissingKey, OverBudget, SpecError
from retrieval.providers.anthropic import Claude
from retrieval.providers.base import together
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.cohere import CohereChat
from retrieval.providers.gemini import GeminiChat
from retrieval.providers.openai import OpenAIChat
from retrieval.runtime import Runtime
from retrieval.store import Workspace, ledger
from tests.retrieval.providers.conftest import QUICK
from tests.retrieval.providers.stub import Vendors

CHATS: list[tuple[ChatModel, Usage]] = [
    (Claude(), Usage(input=4, output=3, cache_write=2)),
    (CohereChat(), Usage(input=5, output=3)),
    (GeminiChat(), Usage(input=10, output=5, cache_read=4)),
    (OpenAIChat(), Usage(input=3, output=3, cache_read=2)),
]
each = pytest.mark.parametrize(("chat", "used"), CHATS, ids=lambda c: type(c).__name__)
PROMPT = Prompt("say what is there", document="the document", system="be short", max_tokens=50)


@each
def test_a_model_writes_and_its_usage_is_kept(
    vendors: Vendors, quick: Runtime, workspace: Workspace, chat: ChatModel, used: Usage
) -> None:
    text = chat.write(PROMPT, quick)
    assert text
    assert text == text.strip()
    (call,) = ledger.calls(workspace)
    assert (call.model, call.kind, call.usage) == (chat.name, "chat", used)
    assert (call.usd is None) == isinstance(chat, OpenAIChat)  # at an address of one's own
    asked = str(vendors.requests[0].body)
    assert all(part in asked for part in ("the document", "say what", "be short", "50"))
    assert "temperature" not in asked


@each
def test_many_threads_may_call_first(
    vendors: Vendors,
    quick: Runtime,
    chat: ChatModel,
    used: Usage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask(i: int, rt: Runtime) -> None:
        assert chat.write(Prompt(f"say {i}"), rt)

    for _ in range(3):
        monkeypatch.setenv(chat.vendor.url, f"{chat.vendor.base}/")  # no client was made for it yet
        together(ask, 8, 4, quick)
    assert len(vendors.requests) == 24


@each
def test_a_temperature_is_sent_when_it_is_given(
    vendors: Vendors, quick: Runtime, chat: ChatModel, used: Usage
) -> None:
    type(chat)(temperature=0.0).write(Prompt("hello"), quick)
    assert "'temperature': 0" in str(vendors.requests[0].body)


@each
def test_no_text_is_no_answer(
    vendors: Vendors, quick: Runtime, chat: ChatModel, used: Usage
) -> None:
    def emptied(body: object) -> object:
        if isinstance(body, dict):
            return {
                k: " " if k in ("text",) or v == "gpt says hi" else emptied(v)
                for k, v in body.items()
            }
        return [emptied(v) for v in body] if isinstance(body, list) else body

    vendors.bend = emptied  # type: ignore[assignment]
    with pytest.raises(BadAnswer, match=f"^{chat.vendor.name} gave no text"):
        chat.write(Prompt("hello"), quick)


@each
def test_a_missing_key_is_named(
    vendors: Vendors, quick: Runtime, chat: ChatModel, used: Usage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*chat.vendor.keys, chat.vendor.url):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MissingKey, match=f"^{chat.vendor.name} needs a key; set"):
        chat.write(Prompt("hello"), quick)


def test_a_document_is_marked_for_the_cache_and_read_from_it(
    vendors: Vendors, quick: Runtime, workspace: Workspace
) -> None:
    for ask in ("first", "second"):
        Claude().write(Prompt(ask, document="a long document"), quick)
    blocks = vendors.requests[0].body["messages"][0]["content"]
    assert [b.get("cache_control") for b in blocks] == [{"type": "ephemeral"}, None]
    second, first = ledger.calls(workspace)
    assert (first.usage.cache_write, first.usage.cache_read) == (3, 0)
    assert (second.usage.cache_write, second.usage.cache_read) == (0, 3)
    assert second.usd is not None
    assert first.usd is not None
    assert second.usd < first.usd


def test_a_budget_stops_calls_before_they_are_made(vendors: Vendors, workspace: Workspace) -> None:
    ledger.set_budget(workspace, "job", 0.001)  # Claude: $5 a million tokens that may be written
    rt = Runtime(workspace, retry=QUICK, job=3)
    with pytest.raises(OverBudget, match=r"pass the budget of \$0.001 a job"):
        Claude().write(Prompt("hello", max_tokens=1_000), rt)
    assert vendors.requests == []
    Claude().write(Prompt("hello", max_tokens=100), rt)
    assert ledger.spent(workspace, "job", 3).usd < 0.001


def test_a_model_needs_a_name() -> None:
    with pytest.raises(SpecError, match="Claude needs the name of a model"):
        Claude("")
