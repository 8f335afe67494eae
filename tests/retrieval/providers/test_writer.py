"""Texts that a chat model writes for a stage, through the real SDK against a local server."""

from typing import Any

import pytest

from retrieval.errors import BadAnswer
from retrieval.providers.anthropic import Claude
from retrieval.providers.chat import Prompt
from retrieval.providers.openai import OpenAIChat
from retrieval.providers.remote import count_tokens
from retrieval.providers.writer import Asked, Writer
from retrieval.runtime import Runtime
from retrieval.store import Workspace, ledger
from tests.retrieval.providers.stub import Vendors

GROUPS: list[list[Asked]] = [
    [("a", Prompt("ask a", "the document")), ("b", Prompt("ask b", "the document"))],
    [("c", Prompt("ask c")), ("a", Prompt("ask a"))],
]


def short(text: str) -> None:
    if len(text) > 20:
        raise BadAnswer("Anthropic", "wrote too much")


WRITER = Writer(Claude(), "task", "Tasks", 100, short)


def bend(vendors: Vendors, *texts: str) -> None:
    """Have the next answers say this."""
    left = list(texts)

    def said(body: dict[str, Any]) -> dict[str, Any]:
        if not left:
            return body
        return {**body, "content": [{"type": "text", "text": left.pop(0)}]}

    vendors.bend = said


def test_each_text_is_asked_for_once_and_kept(vendors: Vendors, quick: Runtime) -> None:
    found = WRITER.write(GROUPS[:1], quick)
    assert set(found) == {"a", "b"}
    assert WRITER.write(GROUPS, quick).keys() == {"a", "b", "c"}
    assert len(vendors.requests) == 3
    other = Writer(Claude(), "another task", "Tasks", 100)
    assert other.kept(["a", "b", "c"], quick) == {}


def test_what_cannot_be_used_is_asked_for_once_more(vendors: Vendors, quick: Runtime) -> None:
    bend(vendors, "far too much was written")
    found = WRITER.write([[("a", Prompt("ask"))]], quick)
    assert found["a"].startswith("context ")
    assert len(vendors.requests) == 2


def test_what_is_broken_twice_is_an_error_and_is_paid_but_not_kept(
    vendors: Vendors, quick: Runtime, workspace: Workspace
) -> None:
    bend(vendors, *["far too much was written"] * 2)
    with pytest.raises(BadAnswer, match=r"^Anthropic wrote too much"):
        WRITER.write([[("a", Prompt("ask"))]], quick)
    assert WRITER.kept(["a"], quick) == {}
    assert [c.state for c in ledger.calls(workspace)] == ["done", "done"]


def test_the_plan_is_what_is_then_asked(vendors: Vendors, quick: Runtime) -> None:
    planned = WRITER.outlay(GROUPS[:1], quick)
    assert (planned.calls, planned.texts, planned.kept_texts) == (2, 2, 0)
    document, asked, written = 2, 4, 200  # the document is paid twice: written, then read
    assert planned.tokens == 2 * document + asked + written
    capped = [[("a", Prompt("ask a", max_tokens=7))]]
    assert WRITER.outlay(capped, quick).tokens == 2 + 7
    WRITER.write(GROUPS[:1], quick)
    after = WRITER.outlay(GROUPS, quick)
    assert (after.calls, after.kept_texts) == (1, 3)
    assert Writer(OpenAIChat(), "task", "", 9).outlay(GROUPS, quick).usd is None  # own address


@pytest.mark.parametrize(
    ("model", "least"),
    [("claude-haiku-4-5", 4_096), ("claude-sonnet-4-5-20250929", 1_024), ("unknown", 4_096)],
)
def test_a_short_document_is_planned_as_input_a_long_one_as_read_from_the_cache(
    model: str, least: int
) -> None:
    writer = Writer(Claude(model), "task", "Tasks", 100)
    for document, cached in ((" the" * (least - 1), False), (" the" * least, True)):
        n = count_tokens(document)
        found = writer._usage([Prompt("ask", document)] * 3)
        assert (n, found.tokens) == (least - (not cached), 3 * (n + 1 + 100))
        assert (found.input, found.cache_write, found.cache_read) == (
            (3, n, 2 * n) if cached else (3 + 3 * n, 0, 0)
        )
