import json
from pathlib import Path
from typing import Any

import pytest

from goldsets.formats import contextual_retrieval
from goldsets.formats.base import Report
from goldsets.types import Evidence, Query
from retrieval.errors import InputError
from retrieval.types import Document, Span

PIECES = ["// licence\n", "fn a() {}\n", "// licence\n", "fn 한글() {}\n"]
TEXT = "".join(PIECES)


def chunked(name: str, uuid: str, pieces: list[str], text: str = "") -> dict[str, Any]:
    chunks = [
        {"chunk_id": f"{name}_{i}", "original_index": i, "content": c} for i, c in enumerate(pieces)
    ]
    content = text or "".join(pieces)
    return {"doc_id": name, "original_uuid": uuid, "content": content, "chunks": chunks}


def asked(text: str, *golden: Any) -> dict[str, Any]:
    return {"query": text, "golden_chunk_uuids": golden, "meta": {"repo_name": "o/r"}}


def folder(path: Path, documents: list[Any], queries: list[Any], paths: str = "") -> Path:
    (path / "codebase_chunks.json").write_text(json.dumps(documents))
    lines = "\n".join(json.dumps(q) for q in queries)
    (path / "evaluation_set.jsonl").write_text(lines)
    if paths:
        (path / "paths.csv").write_text(f"original_uuid,repo_name,relative_path\n{paths}\n")
    return path


def test_chunks_are_given_and_gold(tmp_path: Path) -> None:
    queries = [asked("What?", ["u1", 1]), asked("What?", ["u1", 2], ["u2", 0], ["u1", 2])]
    documents = [chunked("d1", "u1", PIECES), chunked("d2", "u2", ["x"])]
    report = Report(strict=True)
    got = contextual_retrieval.read(
        folder(tmp_path, documents, queries, "u1,o/r,/src/main.rs"), report
    )
    assert got.documents == (
        Document(
            "d1",
            TEXT,
            "o/r/src/main.rs",
            "text/x-source-rust",
            {"path": "src/main.rs", "repo": "o/r"},
            (Span(0, 11), Span(11, 21), Span(21, 32), Span(32, 43)),
        ),
        Document("d2", "x", given=(Span(0, 1),)),
    )
    assert [TEXT[s.start : s.end] for s in got.documents[0].given] == PIECES
    assert got.queries == (
        Query("q0001", "What?", "en", ("o/r",), "all", "imported"),
        Query("q0002", "What?", "en", ("o/r",), "all", "imported"),
    )
    assert got.evidence == {
        "q0001": (Evidence.of("d1", TEXT, 11, 21),),
        "q0002": (Evidence.of("d1", TEXT, 21, 32), Evidence.of("d2", "x", 0, 1)),
    }


def test_chunks_that_overlap(tmp_path: Path) -> None:
    documents = [chunked("d1", "u1", ["abc", "bcd", "def"], "abcdef")]
    got = contextual_retrieval.read(folder(tmp_path, documents, []), Report(strict=True))
    assert got.documents[0].given == (Span(0, 3), Span(1, 4), Span(3, 6))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (asked("x", ["u1", 9]), "golden_chunk_uuids: there is no such chunk: ('u1', 9)"),
        (asked("x", ["u1"]), "golden_chunk_uuids: not a [uuid, index] pair: ['u1']"),
        (asked("x", [["u1"], 1]), "golden_chunk_uuids: not a [uuid, index] pair: "),
        (asked("x"), "golden_chunk_uuids: empty"),
        (asked("x", "u1"), "golden_chunk_uuids[0]: not of type list: 'u1'"),
        (asked(" ", ["u1", 0]), "a query needs an id and a text"),
        ({"query": "x"}, "golden_chunk_uuids: missing"),
        ([], "not a JSON object"),
    ],
)
def test_a_bad_query(tmp_path: Path, query: Any, said: str) -> None:
    good = asked("good", ["u1", 0])
    folder(tmp_path, [chunked("d1", "u1", PIECES)], [query, good])
    report = Report()
    got = contextual_retrieval.read(tmp_path, report)
    assert [q.text for q in got.queries] == ["good"]
    assert report.kinds == {"query": 1}
    assert report.problems[0].startswith("evaluation_set.jsonl:1: ")
    assert said in report.problems[0]


def test_bad_documents(tmp_path: Path) -> None:
    bad = [
        chunked("d2", "u2", ["abc", "not there"], "abc"),
        chunked("d3", "u3", [""], "abc"),
        chunked("d1", "u4", ["x"]),
        {"doc_id": "d5"},
    ]
    folder(tmp_path, [chunked("d1", "u1", PIECES), *bad], [])
    report = Report()
    assert len(contextual_retrieval.read(tmp_path, report).documents) == 1
    assert report.problems == [
        "codebase_chunks.json: [1]: chunks[1].content: not in the document: 'not there'",
        "codebase_chunks.json: [2]: chunks[0].content: not in the document: ''",
        "codebase_chunks.json: [3]: doc_id: seen before: 'd1'",
        "codebase_chunks.json: [4]: content: missing",
    ]


def test_missing_files_and_wrong_shapes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file codebase_chunks\.json in"):
        contextual_retrieval.read(tmp_path, Report())
    for text, said in (("{}", "not a list"), ("[1]", "not of type dict"), ("[", "not JSON")):
        (tmp_path / "codebase_chunks.json").write_text(text)
        with pytest.raises(InputError, match=rf"^codebase_chunks\.json: .*{said}"):
            contextual_retrieval.read(tmp_path, Report())
    folder(tmp_path, [], [])
    (tmp_path / "paths.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"paths\.csv:1: there is no column 'original_uuid'"):
        contextual_retrieval.read(tmp_path, Report())


@pytest.mark.data
def test_the_set_as_it_lies(pizza_data: Path) -> None:
    report = Report(strict=True)
    got = contextual_retrieval.read(pizza_data / "anthropic-contextual", report)
    assert list(report.lines()) == []
    assert (len(got.documents), len(got.queries)) == (90, 158)
    assert sum(len(d.given) for d in got.documents) == 737
    assert sum(len(d.text) for d in got.documents) == 497_299
    assert all(
        [s.end for s in d.given] == [*[s.start for s in d.given][1:], len(d.text)]
        for d in got.documents
    )
    documents = {d.id: d for d in got.documents}
    for found in got.evidence.values():
        for e in found:
            assert Span(e.start, e.end) in documents[e.document].given
            assert documents[e.document].text[e.start : e.end] == e.exact
    assert len({q.tags for q in got.queries}) == 9
    assert all(d.title.endswith(str(d.metadata["path"])) for d in got.documents)
    assert not any(d.media == "text/plain" for d in got.documents)
