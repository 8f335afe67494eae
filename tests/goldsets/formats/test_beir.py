import json
from pathlib import Path

import pytest

from goldsets.formats import beir
from goldsets.formats.base import Report
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError
from retrieval.types import Corpus, Document

DOCUMENTS = [
    {"_id": "d1", "title": "제목", "text": "본문 😀\n\ttext"},
    {"_id": "d2", "text": "two", "metadata": {"year": 2020}},
    {"_id": 3, "title": "", "text": ""},
]
QUERIES = [
    {"_id": "q1", "text": "무엇?", "metadata": {"url": "x"}},
    {"_id": "q2", "text": "tab\tand\nbreak"},
    {"_id": "q3", "text": "not judged"},
]
QRELS = ["query-id\tcorpus-id\tscore", "q2\td1\t2", "q2\td2\t0", "q1\td2\t1"]


def folder(path: Path, *extra: str, split: str = "test") -> Path:
    for name, rows in (("corpus", DOCUMENTS), ("queries", QUERIES)):
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        (path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (path / "qrels").mkdir(exist_ok=True)
    (path / "qrels" / f"{split}.tsv").write_text("\r\n".join([*QRELS, *extra]), encoding="utf-8")
    return path


def test_documents_queries_judgments(tmp_path: Path) -> None:
    report = Report(strict=True)
    got = beir.read(folder(tmp_path), report, language="ko")
    assert got.documents == (
        Document("d1", "본문 😀\n\ttext", "제목"),
        Document("d2", "two", metadata={"year": 2020}),
        Document("3", ""),
    )
    assert got.queries == (
        Query("q1", "무엇?", "ko", origin="imported"),
        Query("q2", "tab\tand\nbreak", "ko", origin="imported"),
    )
    assert got.evidence == {
        "q1": (Evidence("d2", 0, 3, "two", grade=1),),
        "q2": (
            Evidence("d1", 0, 10, "본문 😀\n\ttext", grade=2),
            Evidence("d2", 0, 3, "two", grade=0),
        ),
    }


def test_the_split_or_the_file(tmp_path: Path) -> None:
    folder(tmp_path, split="dev")
    with pytest.raises(InputError, match=r"no file qrels/test\.tsv; known: dev"):
        beir.read(tmp_path, Report())
    by_split = beir.read(tmp_path, Report(), split="dev")
    assert len(by_split.queries) == 2
    assert beir.read(tmp_path, Report(), qrels="qrels/dev.tsv") == by_split
    assert beir.read(tmp_path, Report(), qrels=tmp_path / "qrels" / "dev.tsv") == by_split


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("q1\td1\tx", "score: not a whole number: 'x'"),
        ("q1\td1\t-1", "score: not from 0 to 100: '-1'"),
        ("q1\td9\t1", "document: there is no such document: 'd9'"),
        ("q9\td1\t1", "query: there is no such query: 'q9'"),
        ("q1\td2\t1", "document: seen before: 'd2'"),
        ("q1\t3\t1", "document: '3' has no text"),
        ("q1 d1 1", "not 3 columns with tabs between, but 1: 'q1 d1 1'"),
        ("q1\t0\td1\t1", "but 4"),
        ("x" * 100_000, "but 1: 'xxxx"),
    ],
)
def test_a_bad_judgment(tmp_path: Path, line: str, said: str) -> None:
    report = Report()
    got = beir.read(folder(tmp_path, line), report)
    assert sum(len(e) for e in got.evidence.values()) == 3
    (shown,) = report.problems
    assert shown.startswith("qrels/test.tsv:5: ")
    assert said in shown
    assert len(shown) < 300
    with pytest.raises(InputError, match=r"qrels/test\.tsv:5"):
        beir.read(tmp_path, Report(strict=True))


def test_bad_documents_and_queries(tmp_path: Path) -> None:
    folder(tmp_path)
    with (tmp_path / "corpus.jsonl").open("ab") as file:
        file.write(b'\n{"_id": "d1", "text": "again"}\n\n{"_id": "d4"}\n{"_id": "\xff"}\n{}\n')
    with (tmp_path / "queries.jsonl").open("a") as file:
        file.write('\n{"_id": "q4", "text": " "}\n{"_id": true, "text": "x"}\n')
    report = Report()
    beir.read(tmp_path, report)
    assert report.kinds == {"document": 4, "query": 2}
    assert report.problems == [
        "corpus.jsonl:4: _id: seen before: 'd1'",
        "corpus.jsonl:6: text: missing",
        "corpus.jsonl:7: not utf-8 at byte 9 (0xff); save it as UTF-8",
        "corpus.jsonl:8: _id: missing",
        "queries.jsonl:4: a query needs an id and a text, not 'q4', ' '",
        "queries.jsonl:5: _id: not text: True",
    ]


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file corpus\.jsonl in "):
        beir.read(tmp_path, Report())
    with pytest.raises(InputError, match="there is no folder"):
        beir.read(tmp_path / "nope", Report())


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    got = beir.read(folder(tmp_path), Report())
    corpus = Corpus(got.documents)
    gold = GoldSet("g", "c", got.queries, got.evidence)
    counts = beir.write(gold, corpus, tmp_path / "out")
    assert counts == {"documents": 3, "queries": 2, "judgments": 3}
    assert beir.read(tmp_path / "out", Report(strict=True)) == got


def test_the_best_grade_of_a_document(tmp_path: Path) -> None:
    text = "abcdef"
    evidence = (
        Evidence.of("a\tb", text, 0, 2, 1),
        Evidence.of("a\tb", text, 2, 4, 3),
        Evidence.of("gone", text, 0, 2),
    )
    gold = GoldSet("g", "c", (Query("q\n1", "x"), Query("q2", "y")), {"q\n1": evidence})
    counts = beir.write(gold, Corpus((Document("a\tb", text),)), tmp_path)
    gone = {"without evidence": 1, "without a document": 1}
    assert counts == {"documents": 1, "queries": 1, "judgments": 1, **gone}
    assert (tmp_path / "qrels" / "test.tsv").read_text() == (
        "query-id\tcorpus-id\tscore\nq%0A1\ta%09b\t3\n"
    )
    got = beir.read(tmp_path, Report(strict=True))
    assert got.evidence == {"q%0A1": (Evidence("a%09b", 0, 6, text),)}
