"""The whole road on real documentation, English and Korean, with a model server and without."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.evidence import Status, anchor
from goldsets.generation import work
from goldsets.generation.review import decide, table
from goldsets.generation.spec import generation_of
from goldsets.store import generations, gold, open_workspace
from goldsets.types import REVIEWED, STAND_IN, SYNTHETIC
from retrieval.ingest.read import read_paths
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from tests.goldsets.generation.author import Author, words
from tests.goldsets.generation.conftest import MODEL, QUICK, answering, no_error

pytestmark = pytest.mark.data

FAULTS = ("refusal", "broken", "leak", "misquote", "refers", "beside")
APPLICATION = "The documentation of FastAPI, searched by developers who build web APIs with it."
PAGES = ("tutorial/path-params.md", "tutorial/body.md", "tutorial/cors.md", "async.md",
         "tutorial/query-params.md", "tutorial/testing.md", "tutorial/middleware.md",
         "deployment/docker.md", "deployment/https.md", "python-types.md", "advanced/events.md",
         "tutorial/handling-errors.md", "tutorial/background-tasks.md")  # fmt: skip


class Reader(Author):
    """An author for texts that nobody wrote for it: the fault follows from the passage."""

    def judge(self, sent: str, text: str) -> str:
        return json.dumps({"reason": "it reads well", "yes": fault(text) != "unworthy"})

    def write(self, text: str) -> str:
        kind, name = fault(text), mark(text)
        query, quote = f"{' '.join(words(name))} {name}", text[:200]
        if kind == "refusal":
            return "I cannot do that."
        if kind == "broken":
            return '{"query": "'
        if kind == "leak":
            query = " ".join(re.findall(r"\w+", text)[:12])
        if kind == "misquote":
            quote = "No page of these documents has ever said such a thing, in any language."
        if kind == "refers":
            query = f"what does this document say of {name}"
        if kind == "beside":
            query = f"{' '.join(words(name))} else{name}"
        return json.dumps({"query": query, "quotes": [quote]}, ensure_ascii=False)

    def check(self, query: str, texts: Sequence[str]) -> str:
        yes = any(mark(text) in query.split() for text in texts)
        return json.dumps({"reason": "so", "yes": yes, "quote": ""})


def mark(text: str) -> str:
    return f"x{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def fault(text: str) -> str:
    """One of the faults for half of the passages, none for the others."""
    return (*FAULTS, "unworthy", *[""] * 7)[int(mark(text)[1:], 16) % 14]


@pytest.fixture
def docs(pizza_data: Path, tmp_path: Path) -> Workspace:
    root = pizza_data / "docs-fastapi" / "docs"
    workspace = open_workspace(tmp_path / "docs")
    read = read_paths([root])
    held = [d for d in read.documents if d.id.split("docs/", 1)[1] in PAGES]
    assert len(held) > 20, "both languages"
    corpora.write(workspace, "docs", held)
    return workspace


def evidence_is_exact(workspace: Workspace, name: str) -> bool:
    held = gold.read(workspace, name)
    return set(anchor(held, corpora.read(workspace, "docs")).statuses) == {Status.EXACT}


def test_with_a_model_server_the_counts_are_those_of_its_faults(docs: Workspace) -> None:
    spec = {"application": APPLICATION, "judge": MODEL, "writer": MODEL, "sample": 80}
    kinds = {"question": 2, "keywords": 1}
    author = Reader()
    with answering(author):
        begun = work.begin(docs, generation_of({**spec, "kinds": kinds}), "docs", "made")
        work.run(docs, begun.id, Runtime(docs, retry=QUICK), no_error)
    t = table(docs, begun.id)
    passages = {s.id: s.passage for s in generations.sample(docs, begun.id)}
    assert len(passages) == 80
    assert {p.block for p in passages.values()} >= {"text", "code"}
    wanted = Counter(fault(p.text) for p in passages.values())
    counts = t.sieved.counts
    assert counts["malformed"] == wanted["refusal"] + wanted["broken"]
    assert counts["misquoted"] == wanted["misquote"]
    assert counts["refers to the document"] == wanted["refers"]
    assert counts["copies the passage"] == wanted["leak"]
    assert counts["not answered"] == wanted["beside"]
    assert (counts["duplicate"], counts["not specific"]) == (0, 0)
    held = gold.read(docs, "made")
    assert len(held.queries) == wanted[""]
    assert evidence_is_exact(docs, "made")
    assert {q.origin for q in held.queries} == {SYNTHETIC}


def test_the_stand_in_walks_the_same_road_in_both_languages_and_a_sweep_names_it(
    docs: Workspace,
) -> None:
    spec = {"application": APPLICATION, "judge": "Offline", "writer": "Offline", "sample": 80}
    begun = work.begin(docs, generation_of(spec), "docs", "made")
    rt = Runtime(docs)
    work.run(docs, begun.id, rt, no_error)
    t = table(docs, begun.id)
    assert evidence_is_exact(docs, "made")
    held = gold.read(docs, "made")
    assert len(held.queries) >= 20
    assert {q.origin for q in held.queries} == {STAND_IN}
    assert {q.language for q in held.queries} >= {"en", "ko"}
    kept = next(d for d in t.drafts if d.gold)
    decide(docs, kept.id, "keep", "Ann")
    wanted = sweep_of({"base": {"first": ["BM25"]}, "measures": ["R@5"]})
    result = sweep(wanted, gold.read(docs, "made"), corpora.read(docs, "docs"), rt)
    origins = result["goldset"]["origins"]
    assert origins == {STAND_IN: len(held.queries) - 1, STAND_IN + REVIEWED: 1}
    assert result["variants"][0]["measures"]["R@5"]["mean"] > 0.5  # it repeats the headings
