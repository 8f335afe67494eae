import json
from pathlib import Path

import pytest

from goldsets.formats import own
from goldsets.formats.base import Imported, Report
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError

SAMPLE = Path(__file__).parents[3] / "goldsets" / "sample" / "gold.jsonl"
TEXT = "아메리카노 두 잔 ☕😀 and\ttabs\nlines"
SPAN = {"document": "d", "start": 0, "end": 2, "exact": "ab"}


def gold() -> GoldSet:
    queries = (
        Query("q2", "탭\t과 줄\n바꿈 😀\u2028?", "ko", ("a", "b"), "any", "generated"),
        Query("q1", 'plain "quotes" \\ and \x00'),
    )
    evidence = {
        "q2": (
            Evidence.of("e", TEXT, 3, 9, grade=0),
            Evidence.of("d", TEXT, 8, 12, 1, "b"),
            Evidence.of("d", TEXT, 0, 5, 2, "a"),
        )
    }
    return GoldSet("g", "c", queries, evidence)


def read(path: Path, *lines: object, strict: bool = False) -> tuple[Imported, Report]:
    rows = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("\n".join(rows), encoding="utf-8")
    report = Report(strict)
    return own.read(path, report), report


def test_what_is_written_is_read_back_equal(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    assert own.write(gold(), path) == {"queries": 2, "judgments": 3}
    report = Report()
    got = own.read(path, report)
    assert list(report.lines()) == []
    assert got.documents == ()
    assert got.queries == gold().queries[::-1]
    assert set(got.evidence["q2"]) == set(gold().evidence["q2"])
    again = GoldSet("g", "c", got.queries, got.evidence)
    assert again.version == GoldSet("g", "c", gold().queries[::-1], gold().evidence).version
    first = path.read_bytes()
    own.write(again, path)
    assert path.read_bytes() == first


def test_lines_are_made_for_diffs(tmp_path: Path) -> None:
    own.write(gold(), tmp_path / "g.jsonl")
    text = (tmp_path / "g.jsonl").read_bytes().decode()
    assert text.count("\n") == 2
    assert text.endswith("\n")
    assert "바꿈 😀" in text
    first, second = (json.loads(line) for line in text.split("\n")[:2])
    assert list(first) == ["id", "query", "needs", "evidence"]
    assert list(second) == [*own.KEYS]
    assert [e.get("part") for e in second["evidence"]] == [None, "a", "b"]
    assert list(second["evidence"][1]) == [*own.EVIDENCE]


def test_the_sample_is_in_this_format(tmp_path: Path) -> None:
    report = Report(strict=True)
    got = own.read(SAMPLE, report)
    own.write(GoldSet("sample", "sample", got.queries, got.evidence), tmp_path / "g.jsonl")
    assert (tmp_path / "g.jsonl").read_text("utf-8") == SAMPLE.read_text("utf-8")


def test_what_may_be_left_out(tmp_path: Path) -> None:
    got, report = read(tmp_path / "g", {"id": "1", "query": "x", "evidence": [SPAN]})
    assert report.problems == []
    assert got.queries == (Query("1", "x"),)
    assert got.evidence == {"1": (Evidence("d", 0, 2, "ab"),)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": ""}, "a query needs an id"),
        ({"query": None}, "query: missing"),
        ({"evidence": None}, "evidence: missing"),
        ({"evidence": {}}, "evidence: not a list"),
        ({"evidence": ["x"]}, "evidence[0]: not of type dict: 'x'"),
        ({"evidnce": []}, "'evidnce': unknown key; did you mean 'evidence'? known: id, query"),
        ({"x" * 5000: 1}, "unknown key; known: id"),
        ({"tags": "x"}, "tags: not a list: 'x'"),
        ({"tags": [1]}, "tags[0]: not of type str: 1"),
        ({"tags": ["\ud800"]}, "tags: half a character"),
        ({"needs": "some"}, "needs: cannot be 'some'; known: all, any"),
        ({"language": 3}, "language: not text: 3"),
        ({"evidence": [SPAN, {**SPAN, "end": 3}]}, "evidence[1].exact: has 2 characters, from"),
        ({"evidence": [{**SPAN, "exact": None}]}, "evidence[0].exact: missing"),
        ({"evidence": [{**SPAN, "start": "0"}]}, "evidence[0].start: not a whole number: '0'"),
        ({"evidence": [{**SPAN, "start": True}]}, "evidence[0].start: not a whole number: True"),
        ({"evidence": [{**SPAN, "start": -1}]}, "evidence[0].start: not from 0 to"),
        ({"evidence": [{**SPAN, "end": 10**400}]}, "evidence[0].end: not from 0 to"),
        ({"evidence": [{**SPAN, "grade": 101}]}, "evidence[0]: grade must be from 0 to 100"),
        ({"evidence": [{**SPAN, "start": 2, "exact": ""}]}, "evidence[0]: start and end must be"),
        ({"evidence": [{**SPAN, "rank": 1}]}, "evidence[0].'rank': unknown key"),
        ({"query": "x\ud800"}, "query: half a character"),
        ({"id": "good"}, "id: seen before: 'good'"),
    ],
)
def test_a_bad_line(tmp_path: Path, change: dict[str, object], said: str) -> None:
    good = {"id": "good", "query": "x", "evidence": [SPAN]}
    bad = {**good, "id": "bad", **change}
    got, report = read(tmp_path / "g.jsonl", good, bad, {**good, "id": "last"})
    assert [q.id for q in got.queries] == ["good", "last"]
    (shown,) = report.problems
    assert shown.startswith("g.jsonl:2: ")
    assert said in shown
    assert len(shown) < 600
    assert report.kinds == {"query": 1}
    with pytest.raises(InputError, match=r"g\.jsonl:2: "):
        read(tmp_path / "g.jsonl", good, bad, strict=True)


@pytest.mark.parametrize(
    "line", ["{", "[]", "null", "[" * 100_000, '{"id": NaN}', "\0", "x" * 9999]
)
def test_a_line_that_is_no_object(tmp_path: Path, line: str) -> None:
    _, report = read(tmp_path / "g.jsonl", line)
    assert len(report.problems) == 1
    assert len(report.problems[0]) < 300


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name the file in it"):
        own.read(tmp_path, Report())
