import csv
import json
from pathlib import Path
from typing import Any

import pytest

from goldsets.formats import chunking_eval
from goldsets.formats.base import Report
from goldsets.types import Evidence, Query
from retrieval.errors import InputError
from retrieval.types import Document

TEXT = "a 한글 😀\r\n b, twice: 한글\n"


def ref(content: str, start: object, end: int = 0) -> dict[str, object]:
    return {"content": content, "start_index": start, "end_index": end}


def folder(path: Path, *rows: tuple[Any, ...]) -> Path:
    (path / "corpora").mkdir(exist_ok=True)
    (path / "corpora" / "one.md").write_bytes(TEXT.encode())
    (path / "corpora" / "two.md").write_bytes(b"two")
    with (path / "questions_df.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["question", "references", "corpus_id"])
        for question, references, corpus in rows:
            held = references if isinstance(references, str) else json.dumps(references)
            table.writerow([question, held, corpus])
    return path


def test_spans_of_texts_as_they_lie(tmp_path: Path) -> None:
    folder(
        tmp_path,
        ("Line\nbreak?", [ref("한글", 2, 4), ref("b, twice", 9, 17)], "one"),
        ("What?", [ref("two", 0, 3)], "two"),
    )
    report = Report(strict=True)
    got = chunking_eval.read(tmp_path, report)
    assert got.documents == (Document("one", TEXT), Document("two", "two"))
    assert got.queries == (
        Query("q0001", "Line\nbreak?", "en", ("one",), "all", "imported"),
        Query("q0002", "What?", "en", ("two",), "all", "imported"),
    )
    assert got.evidence == {
        "q0001": (Evidence.of("one", TEXT, 2, 4), Evidence.of("one", TEXT, 9, 17)),
        "q0002": (Evidence.of("two", "two", 0, 3),),
    }
    assert list(report.lines()) == []


def test_a_wrong_offset_is_put_right(tmp_path: Path) -> None:
    folder(tmp_path, ("q", [ref("한글", 17, 19)], "one"))
    report = Report(strict=True)
    got = chunking_eval.read(tmp_path, report)
    assert got.evidence["q0001"] == (Evidence.of("one", TEXT, 19, 21),)
    assert list(report.lines()) == [
        "1 quote was not at the offset, but found by the text; first:"
        " questions_df.csv:2: references[0]"
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("q", [ref("nope", 0, 4)], "one"), "references[0].content: not in the text: 'nope'"),
        (("q", [ref("", 0, 0)], "one"), "references[0].content: not in the text: ''"),
        (("q", [ref("two", "0", 3)], "two"), "references[0].start_index: not a whole number: '0'"),
        (("q", [{"content": "two"}], "two"), "references[0].start_index: missing"),
        (("q", ["two"], "two"), "references[0]: not of type dict: 'two'"),
        (
            ("q", [ref("two", 0, 3)], "tow"),
            "corpus_id: there is no text 'tow'; did you mean 'two'?",
        ),
        (("q", "[", "two"), "references: not JSON"),
        (("q", "", "two"), "references: not JSON"),
        (("q", "__import__('os')", "two"), "references: not JSON"),
        ((" ", [ref("two", 0, 3)], "two"), "a query needs an id and a text"),
    ],
)
def test_a_bad_row(tmp_path: Path, row: tuple[Any, ...], said: str) -> None:
    folder(tmp_path, ("a\nb", [ref("two", 0, 3)], "two"), row, ("q", [ref("two", 0)], "two"))
    report = Report()
    got = chunking_eval.read(tmp_path, report)
    assert [q.id for q in got.queries] == ["q0001", "q0003"]
    (shown,) = report.problems
    assert shown.startswith("questions_df.csv:4: ")
    assert said in shown
    with pytest.raises(InputError, match=r"questions_df\.csv:4: "):
        chunking_eval.read(tmp_path, Report(strict=True))


def test_missing_files_and_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no corpora/\*\.md"):
        chunking_eval.read(tmp_path, Report())
    folder(tmp_path)
    (tmp_path / "questions_df.csv").write_text("question,corpus_id\n")
    with pytest.raises(InputError, match=r"questions_df\.csv:1: there is no column 'references'"):
        chunking_eval.read(tmp_path, Report())
    (tmp_path / "questions_df.csv").write_text(
        "question,references,corpus_id\nq," + "x" * 200_000 + ",two\n"
    )
    with pytest.raises(InputError, match=r"questions_df\.csv:2: not CSV"):
        chunking_eval.read(tmp_path, Report())
    (tmp_path / "questions_df.csv").unlink()
    with pytest.raises(InputError, match=r"there is no file questions_df\.csv"):
        chunking_eval.read(tmp_path, Report())


@pytest.mark.data
def test_the_set_as_it_lies(pizza_data: Path) -> None:
    report = Report(strict=True)
    got = chunking_eval.read(pizza_data / "chunking-eval", report)
    assert list(report.lines()) == []
    lengths = {d.id: len(d.text) for d in got.documents}
    assert lengths == {
        "chatlogs": 40_000,
        "finance": 737_905,
        "pubmed": 500_000,
        "state_of_the_union": 48_051,
        "wikitexts": 118_372,
    }
    assert len(got.queries) == 472
    assert sum(len(e) for e in got.evidence.values()) == 790
    texts = {d.id: d.text for d in got.documents}
    assert all(
        texts[e.document][e.start : e.end] == e.exact for es in got.evidence.values() for e in es
    )
