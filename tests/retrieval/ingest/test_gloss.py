"""Descriptions of code by a chat model through the real SDK against a server on this machine."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from retrieval.errors import SpecError
from retrieval.ingest.chunk import ByBlock
from retrieval.ingest.llm_context import Gloss, LLMContext, is_code
from retrieval.ingest.parse import Blocks
from retrieval.pipeline import Pipeline
from retrieval.query.dense import Dense
from retrieval.query.lexical import BM25
from retrieval.query.regex import Regex
from retrieval.runtime import Runtime
from retrieval.stage import full, short
from retrieval.store import Workspace, ledger
from retrieval.types import Chunks, Corpus, Document, Queries
from tests.retrieval.making import Hashed
from tests.retrieval.providers.stub import KEY, Vendors

SOURCE = (
    "def bake(m):\n    return m\n\n\nclass Oven:\n    def on(self):\n        return 1\n\n"
    "    def off(self):\n        return 0\n"
)
GUIDE = "# Ovens\n\nHeat them well.\n\n## Code\n\n```python\noven = Oven()\noven.on()\n```\n"
CORPUS = Corpus(
    (
        Document("oven.py", SOURCE, media="text/x-source-python"),
        Document("guide.md", GUIDE, "Guide", "text/markdown"),
    )
)
CHUNK = ByBlock(size=18)
SAYS = "Warms what is cold."


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendors]:
    with Vendors() as server:
        server.says = lambda _: SAYS
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


def glossed(stage: Gloss, rt: Runtime) -> Chunks:
    return Pipeline(chunk=CHUNK, contextualize=stage).ingest(CORPUS, rt).chunks.value


def beside(chunks: Chunks) -> list[tuple[str, str]]:
    """Return the first line of each chunk and its context."""
    own = (chunks.text(CORPUS, i).strip().splitlines()[0] for i in range(len(chunks)))
    return [(line, chunks.context(i)) for i, line in enumerate(own)]


WRITTEN = [
    ("def bake(m):", SAYS),
    ("class Oven:", SAYS),
    ("def on(self):", f"{SAYS}\nOven.on"),
    ("def off(self):", f"{SAYS}\nOven.off"),
    ("# Ovens", ""),
    ("## Code", SAYS),
]


def test_code_is_described_and_prose_is_left_alone(vendors: Vendors, workspace: Workspace) -> None:
    bare = Pipeline(chunk=CHUNK).ingest(CORPUS, Runtime()).chunks.value
    chunks = glossed(Gloss(), Runtime(workspace))
    assert beside(chunks) == WRITTEN
    assert chunks.start.tolist() == bare.start.tolist()
    assert chunks.end.tolist() == bare.end.tolist()
    assert chunks.context_only is None
    asked = [r.body["messages"][0]["content"] for r in vendors.requests]
    assert all(len(blocks) == 1 and "cache_control" not in blocks[0] for blocks in asked)
    texts = sorted(blocks[0]["text"] for blocks in asked)
    assert len(texts) == 5
    assert sum(t.startswith("Here is a piece of code from oven.py Oven.on\n") for t in texts) == 1
    assert sum("from Guide\n<code>\n## Code\n\n```python\noven = Oven()" in t for t in texts) == 1
    assert not any("Heat them well" in t for t in texts)
    assert all("system" not in r.body for r in vendors.requests)


def test_a_glossary_is_sent_with_every_chunk(vendors: Vendors, workspace: Workspace) -> None:
    glossed(Gloss(glossary="oven: where pizza is baked"), Runtime(workspace))
    glossed(LLMContext(glossary="oven: where pizza is baked"), Runtime(workspace))  # type: ignore[arg-type]
    assert len(vendors.requests) == 5 + 6
    for request in vendors.requests:
        assert "<glossary>\noven: where pizza is baked\n</glossary>" in request.body["system"]


def test_no_description_is_paid_for_twice(vendors: Vendors, workspace: Workspace) -> None:
    glossed(Gloss(), Runtime(workspace))
    assert len(ledger.calls(workspace)) == len(vendors.requests) == 5
    glossed(Gloss(), Runtime(workspace))
    moved = replace(CORPUS.documents[0], text=f"import os\n\n\n{SOURCE}")
    rt, pipeline = Runtime(workspace), Pipeline(chunk=CHUNK, contextualize=Gloss())
    pipeline.ingest(Corpus((moved,)), rt).chunks.value.context(0)
    assert len(vendors.requests) == 6  # for the import


def found(pipeline: Pipeline, query: str, rt: Runtime) -> set[str]:
    index = pipeline.ingest(CORPUS, rt)
    ids = pipeline.search(index, Queries((query,)), rt).value.ids[0].tolist()
    lines = beside(index.chunks.value)
    return {lines[i][0] for i in ids if i >= 0}


def test_beside_the_code_or_in_its_place(
    vendors: Vendors, workspace: Workspace, asked: list[str]
) -> None:
    rt = Runtime(workspace)
    beside_ = Pipeline(chunk=CHUNK, contextualize=Gloss(), embed=Hashed())
    instead = replace(beside_, contextualize=Gloss(instead=True))
    code = {line for line, says in WRITTEN if says}
    assert found(beside_, "cold", rt) == found(instead, "cold", rt) == code
    assert found(beside_, "self", rt) == {"def on(self):", "def off(self):"}
    assert found(instead, "self", rt) == set()
    assert found(instead, "heat", rt) == {"# Ovens"}
    assert found(instead, "off", rt) == {"def off(self):"}  # its symbol stands in the context
    assert found(replace(instead, first=(Regex("return 0"),)), "x", rt) == {"def off(self):"}
    assert found(replace(instead, first=(Dense(),)), "x", rt)
    passages = {text.removeprefix("passage: ") for text in asked if text.startswith("passage")}
    assert passages == {SAYS, f"{SAYS}\nOven.on", f"{SAYS}\nOven.off", "# Ovens\n\nHeat them well."}


def test_what_is_in_place_of_the_code_comes_back_from_arrays(
    vendors: Vendors, workspace: Workspace
) -> None:
    first = glossed(Gloss(instead=True), Runtime(workspace))
    again = glossed(Gloss(instead=True), Runtime(workspace))
    for chunks in (first, again):
        assert chunks.context_only is not None
        assert chunks.context_only.tolist() == [True, True, True, True, False, True]
        assert beside(chunks) == WRITTEN
    bare = Pipeline(chunk=CHUNK).ingest(CORPUS, Runtime()).chunks.value
    assert "context_only" not in bare.arrays()


@pytest.mark.parametrize("instead", [False, True])
def test_the_plan_counts_code_alone(vendors: Vendors, workspace: Workspace, instead: bool) -> None:
    stage, rt = Gloss(instead=instead), Runtime(workspace)
    index = Pipeline(chunk=CHUNK).ingest(CORPUS, rt)
    parts = (CORPUS, index.structure.value, index.chunks.value)
    planned = stage.outlay(*parts, rt)
    assert (planned.calls, planned.texts, planned.kept_texts) == (5, 5, 0)
    chunks, expected = stage.awaited(*parts)
    assert expected == [100, 100, 100, 100, 0, 100]
    assert (chunks.indexed(CORPUS, 0) == "") is instead
    assert chunks.indexed(CORPUS, 4)
    assert vendors.requests == []
    glossed(stage, rt)
    after = stage.outlay(*parts, rt)
    assert (after.calls, after.kept_texts) == (0, 5)
    assert after.kept_usd == pytest.approx(planned.usd)


def test_code_is_a_chunk_of_which_half_is() -> None:
    text = "prose\n\n```\n12345\n```\n"  # 7 characters of prose and a break, 13 of code
    corpus = Corpus((Document("d", text, media="text/markdown"),))
    structure = Blocks().apply(corpus, Runtime())
    spans = [(0, 20), (0, 14), (0, 13), (0, 5), (9, 12)]
    chunks = Chunks.of_spans([spans])
    assert is_code(corpus, structure, chunks).tolist() == [True, True, False, False, True]
    assert is_code(
        Corpus(()), Blocks().apply(Corpus(()), Runtime()), Chunks.of_spans([])
    ).shape == (0,)


def test_prompt_model_and_place_are_part_of_the_key() -> None:
    stages = [Gloss(), Gloss(instead=True), Gloss(prompt="{chunk}?"), Gloss(glossary="a: b")]
    assert len({s.key("x") for s in stages}) == 4
    with pytest.raises(SpecError, match=r"Gloss.prompt needs \{chunk\}"):
        Gloss(prompt="What is this?")


def test_a_glossary_left_empty_changes_no_key() -> None:
    stage = LLMContext()
    spec = full(stage)
    assert isinstance(spec, dict)
    assert list(spec["LLMContext"]) == ["model", "prompt", "max_tokens"]
    before = "900d5b27ea76f68d4bc4760502e64d0fcef65dbd09c8670b509430adc5d13e1b"
    assert stage.key("parent") == before
    assert short(LLMContext(glossary="x")) == {"LLMContext": {"glossary": "x"}}
    assert "glossary" in str(full(LLMContext(glossary="x")))


def test_lexical_and_dense_see_the_same_of_every_chunk(
    vendors: Vendors, workspace: Workspace
) -> None:
    index = Pipeline(chunk=CHUNK, contextualize=Gloss(instead=True)).ingest(
        CORPUS, Runtime(workspace)
    )
    chunks, rt = index.chunks.value, Runtime()
    bm25 = BM25()
    for i in range(len(chunks)):
        for word in bm25.tokenize.tokens(chunks.text(CORPUS, i)):
            asked = rt.given(Queries((word,)), word)
            hits = bm25.search(index, asked, 10, rt).value.ids[0].tolist()
            seen = bm25.tokenize.tokens(chunks.indexed(CORPUS, i))
            assert (i in hits) is (word in seen)
