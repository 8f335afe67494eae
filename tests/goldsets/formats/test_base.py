import pytest

from goldsets.formats.base import SHOWN, Qrel, Report, find_quote, inside, judged, language_of
from goldsets.types import Query
from retrieval.errors import InputError
from retrieval.types import Document


def test_a_summary_counts_and_lists() -> None:
    report = Report()
    report.note("a warning")
    report.moved += ["x:1", "x:2"]
    for i in range(SHOWN + 5):
        report.skip("query", f"bad {i}", where=f"x:{i}")
    report.skip("judgment", "bad", where="y:1: score")
    lines = list(report.lines())
    assert lines[0] == "a warning"
    assert lines[1].startswith("2 quotes were not at the offset")
    assert lines[2:4] == ["25 queries left out", "1 judgment left out"]
    assert lines[4] == "x:0: bad 0"
    assert lines[-1] == "... and 6 more"


def test_problems_are_short() -> None:
    report = Report()
    report.skip("query", "x" * 10_000, where="y" * 10_000)
    assert len(report.problems[0]) < 1000


def test_what_is_skipped_names_every_place_once() -> None:
    def fail(report: Report) -> None:
        with report.skipping("query", "f:1"), report.skipping("answer", "f:1: b"), inside("c"):
            raise InputError("bad", where="d")

    report = Report()
    fail(report)
    assert report.problems == ["f:1: b: c.d: bad"]
    assert report.kinds == {"answer": 1}
    with pytest.raises(InputError) as stop:
        fail(Report(strict=True))
    assert str(stop.value) == "f:1: b: c.d: bad"


@pytest.mark.parametrize(
    ("near", "place"), [(0, 0), (1, 0), (3, 0), (4, 6), (6, 6), (8, 6), (100, 12)]
)
def test_the_nearest_quote(near: int, place: int) -> None:
    assert find_quote("abc---abc---abc", "abc", near) == place
    assert find_quote("abc---abc---abc", "abd", near) == -1
    assert find_quote("abc---abc---abc", "", near) == -1


def test_judgments_of_documents() -> None:
    documents = {d.id: d for d in (Document("d", "text"), Document("empty", ""))}
    queries = {q: Query(q, q) for q in ("1", "2", "3")}
    lines = [
        ("1", "d", "2"),
        ("1", "d", "1"),
        ("1", "nope", "1"),
        ("nope", "d", "1"),
        ("2", "empty", "1"),
        ("1", "d", "x"),
        ("1", "d", "-1"),
        ("1", "d", "101"),
        ("1", "d", "1.5"),
        ("1", "d", "９"),
    ]
    report = Report()
    rows = (Qrel(f"f:{i}", *line) for i, line in enumerate(lines))
    got = judged(documents, queries, rows, report)
    assert [q.id for q in got.queries] == ["1", "2"]
    assert {q: [(e.start, e.end, e.grade) for e in es] for q, es in got.evidence.items()} == {
        "1": [(0, 4, 2)]
    }
    assert report.problems == [
        "f:1: document: seen before: 'd'",
        "f:2: document: there is no such document: 'nope'",
        "f:3: query: there is no such query: 'nope'",
        "f:4: document: 'empty' has no text to point at",
        "f:5: score: not a whole number: 'x'",
        "f:6: score: not from 0 to 100: '-1'",
        "f:7: score: not from 0 to 100: '101'",
        "f:8: score: not a whole number: '1.5'",
        "f:9: score: not a whole number: '９'",
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("reset password", "en"),
        ("비밀번호 재설정", "ko"),
        ("Kubernetes 설치 방법", "ko"),
        ("ChatGPT 사용", "ko"),
        ("how to type 한글 on a mac", "en"),
        ("ピザ を 焼く", ""),
        ("404 ?!", ""),
        ("", ""),
    ],
)
def test_a_language_is_guessed_by_the_letters_of_words(text: str, language: str) -> None:
    assert language_of([text]) == language
