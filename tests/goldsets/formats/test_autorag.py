from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goldsets.formats import autorag
from goldsets.formats.base import Report, whole
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError
from retrieval.types import Corpus, Document

ABOUT = {
    "page": 1,
    "at": datetime(2024, 6, 5, 20, 59),
    "none": None,
    "path": ["x"],
    "nan": float("nan"),
}
PAGES = [
    {"doc_id": "a - 1", "contents": "한글 쪽", "metadata": ABOUT},
    {"doc_id": "b", "contents": "two", "metadata": ABOUT},
    {"doc_id": "c", "contents": "three", "metadata": ABOUT},
    {"doc_id": "e", "contents": "", "metadata": ABOUT},
]


def asked(qid: str, gt: Any, query: str = "무엇?") -> dict[str, Any]:
    return {"qid": qid, "query": query, "retrieval_gt": gt, "generation_gt": ["x"]}


def table(path: Path, name: str, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path / name)


def folder(path: Path, *queries: dict[str, Any]) -> Path:
    table(path, "pages.parquet", PAGES)
    table(path, "asked.parquet", list(queries))
    return path


def test_pages_and_groups(tmp_path: Path) -> None:
    folder(
        tmp_path,
        asked("one", [["b"]]),
        asked("any", [["a - 1", "b", "b"]]),
        asked("both", [["b", "c"], ["a - 1"]]),
    )
    report = Report(strict=True)
    got = autorag.read(tmp_path, report, language="ko")
    about = {"page": 1, "at": "2024-06-05T20:59:00"}
    assert got.documents[0] == Document("a - 1", "한글 쪽", metadata=about)
    assert got.queries == (
        Query("one", "무엇?", "ko", origin="imported"),
        Query("any", "무엇?", "ko", needs="any", origin="imported"),
        Query("both", "무엇?", "ko", origin="imported"),
    )
    first, second, third = (Evidence("a - 1", 0, 4, "한글 쪽"), Evidence("b", 0, 3, "two"), "three")
    assert got.evidence == {
        "one": (second,),
        "any": (first, second),
        "both": (
            Evidence("b", 0, 3, "two", part="1"),
            Evidence("c", 0, 5, third, part="1"),
            Evidence("a - 1", 0, 4, "한글 쪽", part="2"),
        ),
    }
    assert list(report.lines()) == []


@pytest.mark.parametrize(("gt", "needs"), [("b", "all"), (["b", "c"], "any")])
def test_flat_ids_are_one_group(tmp_path: Path, gt: Any, needs: str) -> None:
    got = autorag.read(folder(tmp_path, asked("q", gt)), Report(strict=True))
    assert got.queries[0].needs == needs
    assert {e.part for e in got.evidence["q"]} == {""}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (asked("q", [["x" * 9999]]), "retrieval_gt: there is no such document: 'xxx"),
        (asked("q", [["e"]]), "document: 'e' has no text"),
        (asked("q", []), "retrieval_gt: not lists of ids: []"),
        (asked("q", [[]]), "retrieval_gt: not lists of ids: [[]]"),
        (asked("q", [["b"]], " "), "a query needs an id and a text"),
        (asked("good", [["b"]]), "qid: seen before: 'good'"),
    ],
)
def test_a_bad_query(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    folder(tmp_path, asked("good", [["b"]]), row)
    report = Report()
    got = autorag.read(tmp_path, report)
    assert [q.id for q in got.queries] == ["good"]
    (shown,) = report.problems
    assert shown.startswith("asked.parquet: row 2: ")
    assert said in shown
    assert len(shown) < 300


def test_several_files(tmp_path: Path) -> None:
    folder(tmp_path, asked("1", [["b"]]), asked("2", [["b"]]))
    table(tmp_path, "another.parquet", [asked("3", [["b"]])])
    table(tmp_path, "other.parquet", [{"x": 1}])
    report = Report()
    assert len(autorag.read(tmp_path, report).queries) == 2
    assert report.notes == ["qa: took asked.parquet, the largest; not another.parquet"]
    got = autorag.read(tmp_path, Report(), qa="another.parquet")
    assert [q.id for q in got.queries] == ["3"]
    with pytest.raises(InputError, match=r"other\.parquet: there is no column 'qid'"):
        autorag.read(tmp_path, Report(), qa="other.parquet")


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.parquet file with the columns doc_id, contents"):
        autorag.read(tmp_path, Report())
    (tmp_path / "x.parquet").write_bytes(b"PAR1" + b"x" * 100 + b"PAR1")
    with pytest.raises(InputError, match=r"^x\.parquet: not parquet that can be read"):
        autorag.read(tmp_path, Report())


@pytest.mark.data
def test_korean_pages(pizza_data: Path) -> None:
    report = Report(strict=True)
    got = autorag.read(pizza_data / "autorag-ko", report)
    assert report.notes == ["qa: took qa_v4.parquet, the largest; not qa_sample.parquet"]
    assert (len(got.documents), len(got.queries)) == (720, 114)
    assert {len(e) for e in got.evidence.values()} == {1}
    assert sorted(len(d.text) for d in got.documents)[::719] == [7, 2484]


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    written = (
        Document("a - 1", "한글 쪽 🍕", metadata={"page": 1, "at": "2024"}),
        Document("b", "two\nlines", metadata={"page": "two"}),
        Document("c", "three"),
    )
    asked_ = (
        Query("one", "무엇?\n둘째 줄", origin="imported"),
        Query("any", "which", needs="any", origin="imported"),
        Query("both", "both", origin="imported"),
    )
    evidence = {
        "one": (whole(written[1]),),
        "any": (whole(written[0]), whole(written[1])),
        "both": (whole(written[1], part="1"), whole(written[2], part="2")),
    }
    held = GoldSet("gold", "corpus", (*asked_, Query("none", "no answer")), evidence)
    counts = autorag.write(held, Corpus(written, "corpus", 1), tmp_path)
    assert counts == {"documents": 3, "queries": 3, "judgments": 5, "without evidence": 1}
    got = autorag.read(tmp_path, Report(strict=True))
    assert (got.queries, dict(got.evidence)) == (asked_, evidence)
    assert [d.text for d in got.documents] == [d.text for d in written]
    assert [dict(d.metadata) for d in got.documents] == [
        {"page": "1", "at": "2024"},  # of two types in one corpus: text
        {"page": "two"},
        {},
    ]


def test_evidence_becomes_its_document(tmp_path: Path) -> None:
    documents = (Document("a", "first second third"), Document("b", "other"))
    spans = tuple(Evidence.of("a", documents[0].text, *s) for s in ((0, 5), (6, 12)))
    zero = Evidence.of("b", "other", 0, 5, 0)
    held = GoldSet("gold", "corpus", (Query("q", "what"),), {"q": (*spans, zero)})
    autorag.write(held, Corpus(documents, "corpus", 1), tmp_path)
    got = autorag.read(tmp_path, Report(strict=True))
    assert got.evidence["q"] == (whole(documents[0]),)
