import json
from pathlib import Path

import pytest

from goldsets.bring import bring, evidence_lines, send
from goldsets.evaluation.spec import sweep_of
from goldsets.evidence import anchor
from goldsets.formats.registry import WRITERS
from goldsets.launch import plan_of, sweep_plan
from goldsets.store import gold, open_workspace
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError, NotFound
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus, Span
from tests.goldsets.making import SAMPLE_TEXTS, sample_corpus, sample_gold

BEIR = {
    "corpus.jsonl": [{"_id": "a", "title": "", "text": "dough"}, {"_id": "b", "text": "oven"}],
    "queries.jsonl": [{"_id": "1", "text": "what rests?"}, {"_id": "2", "text": "what is hot?"}],
}


def beir(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    for name, rows in BEIR.items():
        (folder / name).write_text("\n".join(map(json.dumps, rows)))
    lines = ["query-id\tcorpus-id\tscore", "1\ta\t1", "2\tb\t2", "2\tmissing\t1"]
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines))
    return folder


def test_a_benchmark_brings_its_corpus(tmp_path: Path) -> None:
    ws = open_workspace(tmp_path / "workspace")
    lines = bring(ws, "beir", beir(tmp_path / "beir"), "set", "texts", False, {})
    assert lines[:2] == [
        "corpus texts v1: 2 documents",
        "gold set set: 2 queries, 2 judgments",
    ]
    assert "1 judgment left out" in lines
    assert any("missing" in line and "test.tsv:4" in line for line in lines)
    held = gold.read(ws, "set")
    assert (held.corpus, [q.id for q in held.queries]) == ("texts", ["1", "2"])
    assert [e.exact for e in held.evidence["2"]] == ["oven"]
    again = bring(ws, "beir", tmp_path / "beir", "set", "texts", False, {})
    assert again == lines


def test_strict_stops_at_the_first_bad_line_and_changes_nothing(tmp_path: Path) -> None:
    ws = open_workspace(tmp_path / "workspace")
    with pytest.raises(InputError, match=r"test\.tsv:4"):
        bring(ws, "beir", beir(tmp_path / "beir"), "set", "texts", True, {})
    assert gold.summaries(ws) == []
    assert corpora.newest(ws) == []


def test_an_import_takes_no_query_away_unasked(tmp_path: Path) -> None:
    ws, folder = open_workspace(tmp_path / "workspace"), beir(tmp_path / "beir")
    bring(ws, "beir", folder, "set", "texts", False, {})
    before = gold.read(ws, "set")
    other = tmp_path / "other.jsonl"
    other.write_text('{"id": "3", "query": "what rises?", "evidence": []}\n')
    with pytest.raises(InputError, match=r"set has 2 queries that it would lose: .* --prune"):
        bring(ws, "pizza", other, "set", "texts", False, {})
    other.write_text("{}\n")
    with pytest.raises(InputError, match=r"no query that can be used; .*other\.jsonl:1: "):
        bring(ws, "pizza", other, "set", "texts", False, {}, prune=True)
    assert gold.read(ws, "set") == before
    (folder / "queries.jsonl").write_text(json.dumps(BEIR["queries.jsonl"][0]))
    bring(ws, "beir", folder, "set", "texts", False, {}, prune=True)
    assert [q.id for q in gold.read(ws, "set").queries] == ["1"]


def test_what_is_unknown_is_refused_with_what_is_known(
    workspace: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="did you mean 'beir'"):
        bring(workspace, "bier", tmp_path, "x", "x", False, {})
    with pytest.raises(InputError, match=r"no option 'topics_by'.*known: split"):
        bring(workspace, "beir", beir(tmp_path / "b"), "x", "x", False, {"topics_by": "num"})
    with pytest.raises(InputError, match="no file or folder"):
        bring(workspace, "beir", tmp_path / "nothing", "x", "x", False, {})
    with pytest.raises(InputError, match="known: pizza, beir, trec"):
        send(workspace, "csv", "gold", tmp_path / "out")
    with pytest.raises(NotFound, match="did you mean 'gold'"):
        send(workspace, "pizza", "golf", tmp_path / "out")


def test_gold_goes_out_and_comes_back_equal(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "gold.jsonl"
    assert send(workspace, "pizza", "gold", out) == ({"queries": 6, "judgments": 6}, [])
    bring(workspace, "pizza", out, "copy", "corpus", True, {})
    assert set(gold.read(workspace, "copy").queries) == set(sample_gold().queries)
    assert gold.read(workspace, "copy").version == gold.read(workspace, "gold").version


@pytest.mark.parametrize("format_", WRITERS)
def test_what_is_counted_on_the_way_out_is_counted_on_the_way_in(
    workspace: Workspace, tmp_path: Path, format_: str
) -> None:
    counts, lost = send(workspace, format_, "gold", tmp_path / "out")
    brings = "documents" in counts
    corpus = "new" if brings else "corpus"
    lines = bring(workspace, format_, tmp_path / "out", "copy", corpus, True, {})
    said = [f"gold set copy: {counts['queries']} queries, {counts['judgments']} judgments"]
    if brings:
        said = [f"corpus new v1: {counts['documents']} documents", *said]
    assert lines == said
    assert any("no place for the span of 6 judgments" in line for line in lost) == brings


def test_gold_that_brings_no_corpus_needs_one(tmp_path: Path, workspace: Workspace) -> None:
    out = tmp_path / "gold.jsonl"
    send(workspace, "pizza", "gold", out)
    with pytest.raises(NotFound, match="no corpus 'missing'"):
        bring(workspace, "pizza", out, "copy", "missing", True, {})
    assert [s.name for s in gold.summaries(workspace)] == ["gold"]


def test_a_quote_written_by_hand_needs_no_offsets(workspace: Workspace, tmp_path: Path) -> None:
    quote, document = SAMPLE_TEXTS[1][5:20], sample_corpus().documents[1].id
    row = {"id": "1", "query": "x", "evidence": [{"document": document, "exact": quote}]}
    (tmp_path / "hand.jsonl").write_text(json.dumps(row))
    bring(workspace, "pizza", tmp_path / "hand.jsonl", "hand", "corpus", True, {})
    (found,) = anchor(gold.read(workspace, "hand"), corpora.read(workspace, "corpus")).found
    assert found.span == Span(5, 20)


def test_what_is_said_twice_is_kept_once_and_counted_so(
    workspace: Workspace, tmp_path: Path
) -> None:
    said = {"document": sample_corpus().documents[1].id, "exact": SAMPLE_TEXTS[1][5:20]}
    row = {"id": "1", "query": "x", "evidence": [said, said]}
    (tmp_path / "hand.jsonl").write_text(json.dumps(row))
    lines = bring(workspace, "pizza", tmp_path / "hand.jsonl", "hand", "corpus", True, {})
    assert lines[0] == "gold set hand: 1 query, 1 judgment"
    assert gold.read(workspace, "hand").judgments == 1


def test_moved_evidence_is_counted_and_what_is_gone_is_named() -> None:
    corpus = sample_corpus()
    texts = ["New. " + SAMPLE_TEXTS[0], *SAMPLE_TEXTS[1:4]]
    documents = [type(d)(d.id, text) for d, text in zip(corpus.documents, texts, strict=False)]
    now = type(corpus)(tuple(documents), "corpus", 2)
    assert list(evidence_lines(sample_gold(), now)) == [
        "1 piece of evidence moved and found again by quote",
        "not found in corpus: q5: d4",
    ]


def test_a_document_that_went_is_named_once_for_what_answers_in_it() -> None:
    rows = [
        Evidence("d1", at, at + 4, SAMPLE_TEXTS[0][at : at + 4], grade=grade)
        for at, grade in ((0, 3), (5, 2), (10, 0))
    ]
    gone = GoldSet("gold", "corpus", (Query("q", "x"),), {"q": tuple(rows)})
    assert list(evidence_lines(gone, Corpus((), "corpus", 2))) == [
        "not found in corpus: q: d1",
        "1 passage that does not answer: edited or gone",
    ]


def test_edited_evidence_is_named() -> None:
    corpus = sample_corpus()
    texts = [SAMPLE_TEXTS[0].replace("rests a night", "sleeps for a night"), *SAMPLE_TEXTS[1:]]
    documents = [type(d)(d.id, text) for d, text in zip(corpus.documents, texts, strict=True)]
    now = type(corpus)(tuple(documents), "corpus", 2)
    assert list(evidence_lines(sample_gold(), now)) == [
        "edited in corpus, counted once confirmed: q0: d0"
    ]


def test_the_plan_in_words(workspace: Workspace) -> None:
    spec = sweep_of({"base": {"chunk": "Given"}, "grid": {"first": [["BM25"], ["Dense"]]}})
    plan_of(workspace, spec, "gold")  # makes the chunks, to count the texts
    plan = plan_of(workspace, spec, "gold")
    first, second, third = sweep_plan(workspace, spec, "gold")
    assert first == f"2 variants from {plan.stages} distinct stages"
    assert second.endswith(f"{plan.to_make} stages to make")
    assert third.startswith("11 texts to embed with use-m3/")
    assert third.endswith("at no cost (on this machine)")
