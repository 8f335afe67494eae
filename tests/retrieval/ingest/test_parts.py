"""Documents that are longer than a model reads: cut, sent with their chunks, planned, paid."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.cost import Usage, cost, price_of
from retrieval.errors import SpecError
from retrieval.ingest.chunk import FixedTokens
from retrieval.ingest.llm_context import LLMContext
from retrieval.ingest.parse import Blocks
from retrieval.ingest.parts import parts
from retrieval.ingest.tokens import CountTokens, count_tokens
from retrieval.providers.anthropic import Claude
from retrieval.providers.cohere import CohereChat
from retrieval.providers.gemini import GeminiChat
from retrieval.providers.openai import OpenAIChat
from retrieval.runtime import Runtime
from retrieval.stage import full
from retrieval.store import Workspace, ledger
from retrieval.types import Chunks, Corpus, Document
from tests.retrieval.providers.stub import KEY, Vendors

WINDOW = 120
HANDBOOK = "# Handbook\n\n" + "\n\n".join(
    f"## Chapter {i}\n\n" + " ".join(f"Rule {i}.{j} is about dough and ovens." for j in range(7))
    for i in range(6)
)


def corpus(*texts: str) -> Corpus:
    return Corpus(tuple(Document(f"{i}.md", t, media="text/markdown") for i, t in enumerate(texts)))


def cut(text: str, window: int = WINDOW) -> list[tuple[int, str]]:
    one = corpus(text)
    return parts(one.documents[0], lambda: Blocks().apply(one, Runtime()).of(0), window)


def chunks_of(one: Corpus, size: int = 20) -> Chunks:
    rt = Runtime()
    structure, tokens = Blocks().apply(one, rt), CountTokens().apply(one, rt)
    return FixedTokens(size).apply(one, structure, tokens, rt)


def test_what_fits_is_read_as_it_is() -> None:
    assert cut("") == [(0, "")]
    assert cut(" \n\t" * 900) == [(0, " \n\t" * 900)]
    assert cut(HANDBOOK, 1_000) == [(0, HANDBOOK)]
    assert cut(HANDBOOK, count_tokens(HANDBOOK)) == [(0, HANDBOOK)]
    assert len(cut(HANDBOOK, count_tokens(HANDBOOK) - 1)) == 2


def test_a_long_one_is_cut_where_chapters_start_into_parts_of_about_one_length() -> None:
    found = cut(HANDBOOK, 200)
    assert len(found) == -(-count_tokens(HANDBOOK) // 200) == 3
    assert [text.split("\n\n")[1] for _, text in found] == [
        "# Handbook",
        "## Chapter 2",
        "## Chapter 4",
    ]
    assert found[1][1].startswith("[A part of 0.md > Handbook > Chapter 2]\n\n## Chapter 2\n\nRule")
    assert HANDBOOK[found[1][0] :].startswith("## Chapter 2")


CODE = "```python\nx = 1\n" + "y = x + 1\n" * 30 + "```"
TABLE = "| a | b |\n|---|---|\n| 1 | 2 |"
PROSE = ("words " * 9, "a longer line of words " * 20, "한국어 문장이다. " * 15, "🍕" * 40)
lines = st.sampled_from(["# One", "## Two", "### Three", "", "\n" * 60, CODE, TABLE, *PROSE])


@given(st.lists(lines, max_size=25).map("\n\n".join), st.sampled_from([20, 60, WINDOW, 500]))
def test_parts_have_all_of_a_text_in_order_and_none_is_longer_than_the_window(
    text: str, window: int
) -> None:
    found = cut(text, window)
    if len(found) == 1 and found[0][1] == text:
        return
    bodies = [body.partition("\n\n")[2] for _, body in found]
    at = 0
    for (start, _), body in zip(found, bodies, strict=True):
        assert text.startswith(body, start)
        assert not text[at:start].strip()
        at = start + len(body)
    assert not text[at:].strip()
    assert all(count_tokens(body) <= window + 2 for body in bodies)  # a token may be cut in two


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendors]:
    with Vendors() as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


def sent(vendors: Vendors) -> list[tuple[str, str]]:
    """The document and the question of each call, in the order they came."""
    blocks = [r.body["messages"][0]["content"] for r in vendors.requests]
    return [(document["text"], ask["text"]) for document, ask in blocks]


def test_a_chunk_is_sent_with_its_part_and_the_cache_stays_warm_within_it(
    vendors: Vendors, workspace: Workspace
) -> None:
    one = corpus(HANDBOOK, "short, and read whole")
    chunks, structure = chunks_of(one), Blocks().apply(one, Runtime())
    stage = LLMContext(window=WINDOW)
    stage.contexts(one, structure, chunks, Runtime(workspace))
    calls = sent(vendors)
    assert len(calls) == len(chunks)
    documents = {document for document, _ in calls}
    read = {f"<document>\n{text}\n</document>" for _, text in cut(HANDBOOK)}
    assert documents == read | {"<document>\nshort, and read whole\n</document>"}
    for i in range(len(chunks) - 1):
        middle = (chunks.start[i] + chunks.end[i]) // 2
        own = [text for start, text in cut(HANDBOOK) if start <= middle][-1]
        text = chunks.text(one, i)
        assert any(own in document and text in ask for document, ask in calls)
        assert text[: len(text) // 3] in own or text[-len(text) // 3 :] in own
    used = [c.usage for c in ledger.calls(workspace, 500)]
    assert sum(u.cache_write > 0 for u in used) == len(documents)
    assert sum(u.cache_read > 0 for u in used) == len(calls) - len(documents)


def test_the_plan_is_of_what_is_sent(vendors: Vendors, workspace: Workspace) -> None:
    one = corpus(HANDBOOK, "short, and read whole")
    chunks, structure = chunks_of(one), Blocks().apply(one, Runtime())
    stage = LLMContext(window=WINDOW)
    planned = stage.outlay(one, structure, chunks, Runtime(workspace))
    assert vendors.requests == []
    stage.contexts(one, structure, chunks, Runtime(workspace))
    calls, used = sent(vendors), Usage()
    for document, ask in calls:  # too short for a prompt cache
        used += Usage(count_tokens(document) + count_tokens(ask), 100)
    assert (planned.calls, planned.tokens) == (len(calls), used.tokens)
    assert planned.usd == pytest.approx(cost(used, price_of("anthropic/claude-haiku-4-5")))
    after = stage.outlay(one, structure, chunks, Runtime(workspace))
    assert (after.calls, after.kept_tokens, after.kept_usd) == (0, planned.tokens, planned.usd)


def test_what_another_window_leaves_as_it_was_is_not_asked_for_again(
    vendors: Vendors, workspace: Workspace
) -> None:
    one = corpus(HANDBOOK, "short, and read whole")
    chunks, structure = chunks_of(one), Blocks().apply(one, Runtime())
    LLMContext().contexts(one, structure, chunks, Runtime(workspace))
    vendors.requests.clear()
    for window in (count_tokens(HANDBOOK), 10_000):
        LLMContext(window=window).contexts(one, structure, chunks, Runtime(workspace))
    assert vendors.requests == []
    LLMContext(window=WINDOW).contexts(one, structure, chunks, Runtime(workspace))
    assert not any("short, and" in document for document, _ in sent(vendors))
    assert len(vendors.requests) == len(chunks) - 1
    assert LLMContext(window=WINDOW).key("x") != LLMContext().key("x")
    assert "window" not in str(full(LLMContext()))


def test_the_window_is_the_models_own_unless_one_is_given(
    vendors: Vendors, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = {m.model: m.reads for m in (Claude(), OpenAIChat(), GeminiChat(), CohereChat())}
    assert list(reads.values()) == [200_000, 1_047_576, 1_048_576, 256_000]
    assert OpenAIChat("gpt-4o-mini").reads == OpenAIChat("llama3").reads == 128_000
    monkeypatch.setattr("retrieval.providers.chat.READS", {"claude-": 2 * WINDOW})
    one = corpus(HANDBOOK)
    stage, structure = LLMContext(), Blocks().apply(one, Runtime())
    stage.contexts(one, structure, chunks_of(one), Runtime(workspace))
    assert len({document for document, _ in sent(vendors)}) == len(cut(HANDBOOK))
    with pytest.raises(SpecError, match=r"LLMContext\.window must be at least 1, or nothing"):
        LLMContext(window=0)


@pytest.mark.parametrize("documents", [5, 1])
def test_contexts_cost_what_their_authors_say(documents: int, workspace: Workspace) -> None:
    """Anthropic, "Introducing Contextual Retrieval" (2024): $1.02 a million document tokens.

    Of 800-token chunks, 8,000-token documents, 50 tokens of instructions, 100 of context, by Claude
    3 Haiku; theirs counts a read of the cache by each of the ten calls, where the first only writes
    it. One document of five times the length, read in parts of 8,000, costs the same.
    """
    paragraphs = (f"## {i}\n\n{' dough' * 397}" for i in range(100))  # of 400 tokens
    every = ["\n\n".join(p) for p in zip(*[paragraphs] * (100 // documents), strict=True)]
    one = corpus(*every)
    spans = [[(i * len(t) // n, (i + 1) * len(t) // n) for i in range(n)]
             for t in every for n in [50 // documents]]  # fmt: skip
    tokens = sum(map(count_tokens, every))
    assert tokens == pytest.approx(40_000, rel=0.01)
    stage = LLMContext(Claude("claude-3-haiku-20240307"), window=8_100)
    assert count_tokens(stage.prompt) == pytest.approx(60, abs=15)
    structure = Blocks().apply(one, Runtime())
    planned = stage.outlay(one, structure, Chunks.of_spans(spans), Runtime(workspace))
    assert planned.calls == 50
    assert planned.usd is not None
    assert planned.usd / tokens * 1e6 == pytest.approx(1.02, rel=0.04)
