"""Runs in and out: our own come back as they were, and lines that are broken are counted."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import pytest

from goldsets.bring import send
from goldsets.diagnosis.verify import tuning_half
from goldsets.evaluation.measures import DEFAULT_MEASURES, Measure, parse_measure
from goldsets.evaluation.pair import laid
from goldsets.evaluation.run import Run
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import Board, sweep
from goldsets.formats import run_trec
from goldsets.formats.base import whole
from goldsets.formats.names import encoded
from goldsets.formats.registry import RUN_READERS, import_path, import_run
from goldsets.formats.run_base import in_order
from goldsets.outside.bring import bring_run, scores, send_run
from goldsets.outside.placing import How
from goldsets.store import gold as gold_store
from goldsets.store import open_workspace, runs
from goldsets.types import GoldSet, Query
from retrieval.errors import InputError, NotFound
from retrieval.hits import Hit
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Candidates, Chunks, Corpus, Document, Float64
from tests.goldsets.making import corpus_of, sample_corpus, sample_gold
from tests.goldsets.processes import furnished

MEASURES = [*DEFAULT_MEASURES, *map(parse_measure, ("P@3", "Success@1", "EvidenceRecall@20tok"))]
SPEC = {
    "grid": {"chunk": ["Given", {"FixedTokens": {"size": 10}}], "first": ["BM25"]},
    "measures": ["R@5", "RR@10"],
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return furnished(tmp_path / "workspace")


ASKED = tuple(Query(f"q{i}", f"query {i}") for i in range(10))


def swept(workspace: Workspace, spec: Any = SPEC) -> list[Run]:
    gold = gold_store.read(workspace, "gold")
    corpus = corpora.read(workspace, gold.corpus)
    result = sweep(sweep_of(spec), gold, corpus, Runtime(workspace))
    assert result["errors"] == {}
    return runs.read(workspace, [row["run"] for row in result["variants"]])


def values(workspace: Workspace, run: Run, measures: Sequence[Measure] = MEASURES) -> Float64:
    gold = gold_store.read(workspace, run.goldset)
    board = Board(gold, corpora.read(workspace, run.corpus), Runtime(workspace))
    return board.values(laid(board, run).index, run.aligned(gold)[0], measures)


@pytest.mark.parametrize("format_", RUN_READERS)
@pytest.mark.parametrize("which", [0, 1], ids=["whole documents", "chunks"])
def test_our_own_run_comes_back_with_equal_values(
    workspace: Workspace, tmp_path: Path, format_: str, which: int
) -> None:
    own, path = swept(workspace)[which], tmp_path / "x.run"
    hits = int((own.candidates.ids >= 0).sum())
    sent = send_run(workspace, format_, own.variant, path)
    assert sent["hits"] == hits > 5
    run, told = bring_run(workspace, format_, path, "gold", "again")
    assert run.counts["position"] == run.counts["hits"] == hits
    assert (run.imported, run.spec) == (f"{format_} x.run", {"run": {"name": "again"}})
    assert told[0] == f"run again ({run.id}): 6 queries"
    np.testing.assert_array_equal(values(workspace, run), values(workspace, own))
    assert len(list(scores(workspace, run))) == len(DEFAULT_MEASURES)
    (kept,) = runs.read(workspace, [run.id])
    np.testing.assert_array_equal(values(workspace, kept), values(workspace, own))


@pytest.mark.parametrize("format_", RUN_READERS)
def test_what_is_nowhere_goes_out_and_comes_back(
    workspace: Workspace, tmp_path: Path, format_: str
) -> None:
    path, again = tmp_path / "a.jsonl", tmp_path / "b"
    hits = [{"text": "a world that is not ours"}, {"document": "d0"}, {"id": "c"}]
    path.write_text(json.dumps({"id": "q0", "hits": hits}))
    bring_run(workspace, "jsonl", path, "gold", "theirs")
    send_run(workspace, format_, "theirs", again)
    run, _ = bring_run(workspace, format_, again, "gold", "again")
    assert (run.counts["nowhere"], run.counts["position"]) == (2, 1)
    assert values(workspace, run)[3, 0] == 1 / 2  # RR@10


def test_a_trec_run_of_documents_has_the_values_of_trec_eval(tmp_path: Path) -> None:
    """Ties and all: scores in single precision, of equal ones the later name first."""
    rng = np.random.default_rng(3)
    corpus = corpus_of(*(f"text {i} " + "x" * int(rng.integers(0, 40)) for i in range(60)))
    gold = judged_documents(corpus, rng)
    lines, path = [], tmp_path / "x.run"
    for query in gold.queries[1:]:
        names = [f"d{i}" for i in rng.permutation(70)[:40]]  # some are not in the corpus
        for rank, name in enumerate(names, 1):
            score = round(float(rng.normal()), 1) + float(rng.integers(0, 2)) * 1e-9
            lines.append(f"{query.id} Q0 {name} {rank} {score!r} tag")
    path.write_text("\n".join(rng.permutation(lines)) + "\n")
    workspace = open_workspace(tmp_path / "workspace")
    corpora.write(workspace, "corpus", corpus.documents)
    gold_store.write(workspace, gold, "test")
    run, told = bring_run(workspace, "trec", path, "gold", "theirs", strict=True)
    assert any(line.startswith("ranks and scores disagree in 9 queries") for line in told)
    assert any(line.startswith("1 query not in the file: counted as finding 0") for line in told)
    assert run.counts["nowhere"] > 0
    names_ = ("nDCG@10", "AP@40", "RR@10", "P@5", "R@10", "Success@5")
    measures = [ir_measures.parse_measure(n) for n in names_]
    qrels = {q.id: {e.document: e.grade for e in gold.of(q)} for q in gold.queries if gold.of(q)}
    theirs = list(ir_measures.read_trec_run(str(path)))
    expected = np.zeros((len(names_), len(gold.queries)))
    number = {str(m): i for i, m in enumerate(measures)}
    for metric in ir_measures.iter_calc(measures, qrels, theirs):
        expected[number[str(metric.measure)], int(metric.query_id[1:])] = metric.value
    board = Board(gold, corpus, Runtime(workspace))
    found = board.values(
        laid(board, run).index, run.aligned(gold)[0], [parse_measure(n) for n in names_]
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def judged_documents(
    corpus: Corpus, rng: np.random.Generator, queries: tuple[Query, ...] = ASKED
) -> GoldSet:
    evidence = {}
    for query in queries:
        rows = rng.choice(len(corpus), 8, replace=False)
        grades = rng.integers(0, 4, 8)
        grades[0] = 1
        evidence[query.id] = tuple(
            whole(corpus.documents[int(r)], int(g)) for r, g in zip(rows, grades, strict=True)
        )
    return GoldSet("gold", "corpus", queries, evidence)


IR = ["nDCG@10", "nDCG@40", "AP@40", "AP(rel=2)@40", "RR@10", "RR(rel=2)@10", "P@5", "R@10"]
IR += ["R(rel=2)@20", "Success@1", "Success@5", "Judged@10"]


def test_what_is_exported_has_the_same_values_under_ir_measures(tmp_path: Path) -> None:
    """Ties, grades, what is not judged, ids in Hangul; all queries, and either half of them."""
    rng = np.random.default_rng(7)
    words = [f"낱말{i}" for i in range(12)]
    texts = [" ".join(rng.choice(words, 4)) for _ in range(40)]
    corpus = Corpus(tuple(Document(f"문서 {i}🍕", texts[i % 25]) for i in range(40)), "corpus", 1)
    queries = tuple(Query(f"물음 {i}", " ".join(rng.choice(words, 2))) for i in range(30))
    judged = judged_documents(corpus, rng, queries)
    workspace = open_workspace(tmp_path / "workspace")
    corpora.write(workspace, "corpus", corpus.documents)
    gold_store.write(workspace, judged, "test")
    (own,) = swept(workspace, {"base": {"chunk": "Given"}, "measures": ["nDCG@10"]})
    scores = own.candidates.scores[own.candidates.ids >= 0]
    assert len(set(scores.tolist())) < len(scores) / 2, "there are ties"
    send_run(workspace, "trec", own.id, tmp_path / "own.run")
    send(workspace, "trec", "gold", tmp_path / "gold")
    qrels = list(ir_measures.read_trec_qrels(str(tmp_path / "gold" / "qrels.txt")))
    run = list(ir_measures.read_trec_run(str(tmp_path / "own.run")))
    measures = [ir_measures.parse_measure(name) for name in IR]
    rows = {encoded(q.id): i for i, q in enumerate(judged.queries)}
    expected = np.full((len(IR), len(rows)), np.nan)
    for m in ir_measures.iter_calc(measures, qrels, run):
        expected[measures.index(m.measure), rows[m.query_id]] = m.value
    ours = values(workspace, own, [parse_measure(name) for name in IR])
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-9)
    for half in (tuning := tuning_half(judged), ~tuning):
        some = {encoded(q.id) for q, own_half in zip(judged.queries, half, strict=True) if own_half}
        theirs = ir_measures.calc_aggregate(
            measures,
            [q for q in qrels if q.query_id in some],
            [r for r in run if r.query_id in some],
        )
        means = ours[:, half].mean(axis=1)
        np.testing.assert_allclose(means, [theirs[m] for m in measures], rtol=0, atol=1e-9)


CHUNKS = """{"id": "c1", "document": "d0", "start": 6, "end": 31}
{"id": "c2", "text": "A stone or a steel stores heat."}
{"id": "c1", "document": "d1"}
{"id": "c3", "document": "d1", "start": 9}
{"id": "c4", "score": 2}
not json
"""


def test_a_table_says_where_chunks_stand(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "chunks.jsonl").write_text(CHUNKS)
    path = tmp_path / "x.run"
    path.write_text("q0 Q0 c1 1 9 t\nq0 Q0 c2 2 8 t\nq0 Q0 c3 3 7 t\nq0 Q0 d2:0-8 4 6 t\n")
    options = {"chunks": "chunks.jsonl"}
    run, told = bring_run(workspace, "trec", path, "gold", "t", options=options)
    ways = {how: run.counts[how] for how in How}
    assert ways == {"position": 2, "quote": 1, "alike": 0, "nowhere": 1}
    assert "4 chunks left out" in told
    assert any("chunks.jsonl:3: id: seen before: 'c1'" in line for line in told)
    assert any("chunks.jsonl:4: end: start and end go together" in line for line in told)
    assert any("chunks.jsonl:5: document: missing, as is text" in line for line in told)
    with pytest.raises(InputError, match=r"chunks.jsonl:3: id: seen before"):
        bring_run(workspace, "trec", path, "gold", "t", options=options, strict=True)


def test_a_part_and_a_document_of_one_name_are_refused_by_trec(tmp_path: Path) -> None:
    texts = {"a b": "one two", "a b:0-3": "three"}
    corpus = Corpus(tuple(Document(name, text) for name, text in texts.items()), "corpus", 1)
    chunks = Chunks.of_spans([[(0, 3)], [(0, 5)]])
    ranking = Candidates(np.array([[0, 1]], np.int32), np.array([[2.0, 1.0]]))
    run = Run("id", "v", {}, "gold", "v", "corpus", 1, "k", ("q",), ranking, {})
    with pytest.raises(InputError, match="'a%20b:0-3' is a document"):
        run_trec.write(run, chunks, corpus, tmp_path / "x.run")


def test_names_with_white_space_go_through_trec(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w")
    documents = sample_corpus().documents
    spaced = [replace(d, id=f"a file {d.id}:0-3") for d in documents]
    corpora.write(workspace, "corpus", spaced)
    gold = sample_gold()
    queries = tuple(replace(q, id=f"the {q.id}") for q in gold.queries)
    evidence = {
        f"the {q}": tuple(replace(e, document=f"a file {e.document}:0-3") for e in own)
        for q, own in gold.evidence.items()
    }
    gold_store.write(workspace, GoldSet("gold", "corpus", queries, evidence), "test")
    for own in swept(workspace):
        send_run(workspace, "trec", own.id, tmp_path / "x.run")
        run, _ = bring_run(workspace, "trec", tmp_path / "x.run", "gold", "again")
        np.testing.assert_array_equal(values(workspace, run), values(workspace, own))


BROKEN_TREC = [
    ("q0 Q0 d1 1", "not 6 columns (query, Q0, document, rank, score, tag), but 4"),
    ("q0 Q0 d1 1 high t", "score: not a finite number: 'high'"),
    ("q0 Q0 d1 1 nan t", "score: not a finite number: 'nan'"),
    ("q0 Q0 d1 1 inf t", "score: not a finite number: 'inf'"),
    ("q0 Q0 d1 1 1e999 t", "score: not a finite number: '1e999'"),
]
BROKEN_JSONL = [
    ("{", "not JSON"),
    ("[]", "not a JSON object"),
    ('{"hits": []}', "id: missing, as is query"),
    ('{"id": 5, "hits": []}', "id: not text: 5"),
    ('{"id": "q1"}', "hits: missing"),
    ('{"id": "q1", "hits": {}}', "hits: not a list"),
    ('{"id": "q1", "hits": [{"document": "d1", "score": NaN}]}', "not JSON that can be used"),
]


@pytest.mark.parametrize(
    ("format_", "line", "says"),
    [*(("trec", *b) for b in BROKEN_TREC), *(("jsonl", *b) for b in BROKEN_JSONL)],
)
def test_a_broken_line_is_counted_or_ends_a_strict_import(
    workspace: Workspace, tmp_path: Path, format_: str, line: str, says: str
) -> None:
    good = {"trec": "q0 Q0 d0 1 2 t", "jsonl": '{"id": "q0", "hits": [{"document": "d0"}]}'}
    path = tmp_path / "x"
    path.write_text(f"{good[format_]}\n{line}\n\n")
    run, told = bring_run(workspace, format_, path, "gold", "theirs")
    assert "1 line left out" in told
    assert any(f"x:2: {says}" in said for said in told)
    assert run.counts["hits"] == 1
    with pytest.raises(InputError) as caught:
        bring_run(workspace, format_, path, "gold", "theirs", strict=True)
    assert str(caught.value).startswith(f"x:2: {says}")


def test_a_hit_that_cannot_be_read_keeps_its_rank(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    hits = [7, {"document": "d1", "start": -1, "end": 5}, {"document": "d0"}]
    path.write_text(json.dumps({"query": "how  long does\ndough rest", "hits": hits}))
    run, told = bring_run(workspace, "jsonl", path, "gold", "theirs")
    assert (run.counts["nowhere"], run.counts["position"]) == (2, 1)
    assert values(workspace, run)[3, 0] == 1 / 3
    assert "2 hits left out" in told
    assert any("x.jsonl:1: hits[1]: start: not a whole number" in line for line in told)
    with pytest.raises(InputError, match=r"x.jsonl:1: hits\[0\]: a hit is an object, not 7"):
        bring_run(workspace, "jsonl", path, "gold", "theirs", strict=True)


def rows_of(tmp_path: Path, *lines: Any) -> tuple[list[tuple[Hit, ...]], list[str]]:
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    rows, report = import_run("jsonl", path, sample_corpus())
    return in_order(rows, sample_gold(), report), list(report.lines())


def test_queries_are_known_by_id_or_words(tmp_path: Path) -> None:
    a, b, c = ([{"document": f"d{i}"}] for i in range(3))
    found, told = rows_of(
        tmp_path,
        {"id": "q2", "hits": a},
        {"query": " what  to drink", "hits": b},
        {"id": "theirs-7", "query": "치즈 물기", "hits": c},
        {"id": "q9", "hits": a},
        {"query": "never asked", "hits": a},
        {"id": "q2", "hits": c},
    )
    assert [[h.document for h in hits] for hits in found] == [[], [], ["d0"], [], ["d2"], ["d1"]]
    assert told == [
        "2 queries not in gold set gold, left out",
        "3 queries not in the file: counted as finding 0",
        "1 query left out",
        "x.jsonl:6: id: seen before: 'q2'",
    ]


def test_words_that_two_queries_share_answer_both(tmp_path: Path) -> None:
    gold = GoldSet("g", "c", (Query("a", "same"), Query("b", "same")))
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"query": "same", "hits": [{"document": "d0"}]}))
    rows, report = import_run("jsonl", path, sample_corpus())
    assert [len(hits) for hits in in_order(rows, gold, report)] == [1, 1]


@pytest.mark.parametrize("text", ["", '{"id": "other", "hits": []}'])
def test_a_run_over_other_queries_is_refused(
    workspace: Workspace, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match="no query of gold set 'gold' is in the file"):
        bring_run(workspace, "jsonl", path, "gold", "theirs")
    assert runs.imports(workspace, "gold", 1) == {}


def test_what_is_not_there_is_said(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("q0 Q0 d0 1 1 t")
    with pytest.raises(InputError, match=r"no format 'csv'.* known: trec, jsonl"):
        bring_run(workspace, "csv", path, "gold", "t")
    with pytest.raises(InputError, match="no file or folder"):
        bring_run(workspace, "trec", tmp_path / "y", "gold", "t")
    with pytest.raises(InputError, match="is a folder"):
        bring_run(workspace, "trec", tmp_path, "gold", "t")
    with pytest.raises(InputError, match="has no option 'chunk'; did you mean 'chunks'"):
        bring_run(workspace, "trec", path, "gold", "t", options={"chunk": "x"})
    with pytest.raises(InputError, match="there is no such file"):
        bring_run(workspace, "trec", path, "gold", "t", options={"chunks": "none.jsonl"})
    with pytest.raises(NotFound, match="gold set 'silver'"):
        bring_run(workspace, "trec", path, "silver", "t")
    with pytest.raises(NotFound, match="version"):
        bring_run(workspace, "trec", path, "gold", "t", version=7)
    with pytest.raises(InputError, match="a run needs a name"):
        bring_run(workspace, "trec", path, "gold", " ")
    with pytest.raises(NotFound, match="run 'x'"):
        send_run(workspace, "trec", "x", path)


def test_the_same_file_under_two_names_is_two_runs(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("q0 Q0 d0 1 1 t")
    one, _ = bring_run(workspace, "trec", path, "gold", "a")
    other, _ = bring_run(workspace, "trec", path, "gold", "b")
    again, _ = bring_run(workspace, "trec", path, "gold", "a")
    assert one.id == again.id != other.id
    assert runs.imports(workspace, "gold", 1) == {one.id: "a", other.id: "b"}


@pytest.mark.data
def test_cranfield_goes_out_and_comes_back(pizza_data: Path, tmp_path: Path) -> None:
    """225 queries over 1,400 abstracts, against ir-measures on the file itself."""
    read, _ = import_path("trec", pizza_data / "cranfield", topics_by="position")
    workspace = open_workspace(tmp_path / "w")
    corpora.write(workspace, "gold", read.documents)
    gold = GoldSet("gold", "gold", read.queries, read.evidence)
    gold_store.write(workspace, gold, "test")
    (own,) = swept(workspace, {"base": {"chunk": "Given"}, "measures": ["nDCG@10"]})
    path = tmp_path / "bm25.run"
    send_run(workspace, "trec", own.id, path)
    run, told = bring_run(workspace, "trec", path, "gold", "bm25")
    print(told)
    np.testing.assert_allclose(values(workspace, run), values(workspace, own), atol=1e-12)
    qrels = {q.id: {e.document: e.grade for e in gold.of(q)} for q in gold.queries}
    measure = ir_measures.parse_measure("nDCG@10")
    theirs = ir_measures.calc_aggregate(
        [measure], qrels, list(ir_measures.read_trec_run(str(path)))
    )
    ours = float(np.nanmean(values(workspace, run)[2]))
    print(ours, theirs)
    assert theirs[measure] == pytest.approx(ours, abs=1e-9)
