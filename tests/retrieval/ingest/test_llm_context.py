"""Contexts by a chat model through the real SDK against a server on this machine."""

from collections.abc import Iterator

import pytest

from retrieval.errors import Cancelled, Refused, SpecError
from retrieval.ingest.llm_context import LLMContext
from retrieval.ingest.parse import Blocks
from retrieval.providers.anthropic import Claude
from retrieval.providers.openai import OpenAIChat
from retrieval.runtime import Runtime, silent
from retrieval.store import Workspace, ledger
from retrieval.types import Chunks
from tests.retrieval.making import corpus_of
from tests.retrieval.providers.stub import KEY, Vendors

CORPUS = corpus_of("dough rests\n", "", "cheese melts slowly {now}")
STRUCTURE = Blocks().apply(CORPUS, Runtime())
CHUNKS = Chunks.of_spans([[(0, 5), (6, 11), (11, 12)], [], [(0, 6), (7, 12), (13, 25), (0, 6)]])


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendors]:
    with Vendors() as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


def made(rt: Runtime, stage: LLMContext | None = None, chunks: Chunks = CHUNKS) -> list[str]:
    found = (stage or LLMContext()).apply(CORPUS, STRUCTURE, chunks, rt)
    return [found.context(i) for i in range(len(found))]


def asked(vendors: Vendors) -> list[tuple[str, str]]:
    """The document and the question of each call, in the order they came."""
    blocks = [r.body["messages"][0]["content"] for r in vendors.requests]
    return [(document["text"], ask["text"]) for document, ask in blocks]


def test_each_chunk_is_asked_for_once_behind_its_whole_document(
    vendors: Vendors, workspace: Workspace
) -> None:
    found = made(Runtime(workspace))
    assert [bool(text) for text in found] == [True, True, False, True, True, True, True]
    assert found[3] == found[6]  # the same chunk of the same document
    assert len(set(found) - {""}) == 5
    first = [ask for document, ask in asked(vendors) if "dough" in document]
    assert ["<chunk>\ndough\n" in ask for ask in first] == [True, False]
    assert ["<chunk>\nrests\n" in ask for ask in first] == [False, True]
    assert all(
        d.startswith("<document>\n") and d.endswith("\n</document>") for d, _ in asked(vendors)
    )
    assert sum("slowly {now}" in ask for _, ask in asked(vendors)) == 1


def test_the_cache_stays_warm_within_a_document(vendors: Vendors, workspace: Workspace) -> None:
    made(Runtime(workspace))
    calls = ledger.calls(workspace)
    assert len(calls) == 5
    assert sum(c.usage.cache_write > 0 for c in calls) == 2  # once a document
    assert sum(c.usage.cache_read > 0 for c in calls) == 3


def test_no_context_is_paid_for_twice(vendors: Vendors, workspace: Workspace) -> None:
    before = made(Runtime(workspace))
    vendors.requests.clear()
    assert made(Runtime(workspace)) == before
    assert vendors.requests == []
    fewer = Chunks.of_spans([[(6, 11)], [], [(13, 18), (13, 25)]])
    made(Runtime(workspace), chunks=fewer)
    assert len(vendors.requests) == 1  # for the one chunk that is new


def test_work_that_is_cut_off_resumes(vendors: Vendors, workspace: Workspace) -> None:
    def stop(step: str, done: int, total: int) -> None:
        if step.startswith("Contexts") and done >= 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        made(Runtime(workspace, progress=stop))
    before = len(vendors.requests)
    assert before < 5
    made(Runtime(workspace, progress=silent))
    assert len(vendors.requests) == 5


def test_prompt_model_and_length_are_part_of_the_key(
    vendors: Vendors, workspace: Workspace
) -> None:
    stages = [
        LLMContext(),
        LLMContext(prompt="What is {chunk} about?"),
        LLMContext(max_tokens=50),
        LLMContext(model=Claude("claude-haiku-4-5-20251001")),
        LLMContext(model=OpenAIChat()),
    ]
    assert len({s.key("x") for s in stages}) == 5
    for stage in stages[:4]:
        vendors.requests.clear()
        made(Runtime(workspace), stage)
        assert len(vendors.requests) == 5
    with pytest.raises(SpecError, match=r"needs \{chunk\}"):
        LLMContext(prompt="What is this?")
    with pytest.raises(SpecError, match="at least 1"):
        LLMContext(max_tokens=0)


def test_a_refusal_ends_the_work(vendors: Vendors, workspace: Workspace) -> None:
    vendors.for_ever = "401"
    with pytest.raises(Refused, match=r"^Anthropic refused \(401\)"):
        made(Runtime(workspace))
    assert len(vendors.requests) <= Claude.vendor.at_once


def test_the_plan_counts_calls_and_the_cache_and_calls_nobody(
    vendors: Vendors, workspace: Workspace
) -> None:
    stage = LLMContext()
    before = stage.outlay(CORPUS, STRUCTURE, CHUNKS, Runtime(workspace))
    assert vendors.requests == []
    assert (before.calls, before.texts, before.kept_texts) == (5, 5, 0)
    assert before.usd is not None
    made(Runtime(workspace))
    after = stage.outlay(CORPUS, STRUCTURE, CHUNKS, Runtime(workspace))
    assert (after.calls, after.usd, after.kept_texts) == (0, 0, 5)
    assert after.kept_usd == pytest.approx(before.usd)
    uncached = LLMContext(model=OpenAIChat()).outlay(CORPUS, STRUCTURE, CHUNKS, Runtime(workspace))
    assert uncached.tokens == before.tokens


def test_no_chunks_need_no_calls(vendors: Vendors, workspace: Workspace) -> None:
    assert made(Runtime(workspace), chunks=Chunks.of_spans([[], [], []])) == []
    assert vendors.requests == []
    assert ledger.spent(workspace).calls == 0
