import json
from pathlib import Path
from typing import Any

import pytest

from goldsets.formats import squad
from goldsets.formats.base import Report
from goldsets.types import Evidence, Query
from retrieval.errors import InputError
from retrieval.types import Span

FIRST, SECOND = "Cats sleep. Dogs sleep. 😀", "Birds fly."


def asked(name: str, *answers: tuple[Any, Any], **more: Any) -> dict[str, Any]:
    rows = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": name, "question": "Who?", "answers": rows, **more}


def article(title: str, *paragraphs: tuple[str, list[Any]]) -> dict[str, Any]:
    return {"title": title, "paragraphs": [{"context": c, "qas": q} for c, q in paragraphs]}


def file(path: Path, *articles: Any) -> Path:
    (path / "dev.json").write_text(json.dumps({"version": "v2.0", "data": articles}))
    return path / "dev.json"


def test_articles_and_answers(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        article(
            "Animals",
            (FIRST, [asked("1", ("Dogs", 12), ("Dogs", 12), ("Dogs sleep", 12))]),
            ("", []),
            (SECOND, [asked("2", ("Birds", 0)), asked("3", is_impossible=True)]),
        ),
        article("Animals", ("x", [])),
    )
    report = Report(strict=True)
    got = squad.read(path, report)
    first, second = got.documents
    assert (first.id, second.id) == ("Animals", "Animals (2)")
    assert first.text == f"{FIRST}\n\n\n\n{SECOND}"
    assert first.given == (Span(0, 25), Span(29, 39))
    assert got.queries == (
        Query("1", "Who?", "en", needs="any", origin="imported"),
        Query("2", "Who?", "en", origin="imported"),
        Query("3", "Who?", "en", ("no-answer",), origin="imported"),
    )
    assert got.evidence == {
        "1": (
            Evidence.of("Animals", first.text, 12, 16),
            Evidence.of("Animals", first.text, 12, 22),
        ),
        "2": (Evidence.of("Animals", first.text, 29, 34),),
    }
    assert squad.read(tmp_path, Report()) == got


def test_the_language(tmp_path: Path) -> None:
    path = file(
        tmp_path, article("세종", ("세종대왕은 한글을 만들었다. (King)", [asked("1", ("한글", 6))]))
    )
    assert squad.read(path, Report()).queries[0].language == "ko"
    assert squad.read(path, Report(), language="de").queries[0].language == "de"


def test_a_wrong_offset_is_put_right_within_the_paragraph(tmp_path: Path) -> None:
    qas = [asked("1", ("sleep", 15)), asked("2", ("Birds", 0), ("Cats", 3))]
    report = Report()
    got = squad.read(file(tmp_path, article("A", (FIRST, qas), (SECOND, []))), report)
    assert [(e.start, e.exact) for e in got.evidence["1"]] == [(17, "sleep")]
    assert [(e.start, e.exact) for e in got.evidence["2"]] == [(0, "Cats")]
    where = "dev.json: data[0].paragraphs[0].qas"
    assert report.moved == [f"{where}[0].answers[0]", f"{where}[1].answers[1]"]
    assert report.problems == [f"{where}[1].answers[0]: text: not in the paragraph: 'Birds'"]
    assert report.kinds == {"answer": 1}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (asked("2"), "answers: there is none that can be used"),
        (asked("2", ("Birds", 0)), "answers[0]: text: not in the paragraph: 'Birds'"),
        (asked("2", ("", 0)), "answers[0]: text: not in the paragraph: ''"),
        (asked("2", ("Cats", "0")), "answers[0]: answer_start: not a whole number: '0'"),
        (asked("2", ("Cats", -1)), "answers[0]: answer_start: not from 0"),
        (asked("2", (None, 0)), "answers[0]: text: missing"),
        (asked("2", answers="x"), "answers: not a list: 'x'"),
        (asked("2", ("Cats", 0), question=None), "question: missing"),
        (asked("1", ("Cats", 0)), "id: seen before: '1'"),
    ],
)
def test_a_bad_question(tmp_path: Path, question: Any, said: str) -> None:
    path = file(tmp_path, article("A", (FIRST, [asked("1", ("Cats", 0)), question])))
    report = Report()
    got = squad.read(path, report)
    assert [q.id for q in got.queries] == ["1"]
    assert report.kinds["query"] == 1
    assert report.problems[0].startswith("dev.json: data[0].paragraphs[0].qas[1]")
    assert said in report.problems[0]
    with pytest.raises(InputError) as stop:
        squad.read(path, Report(strict=True))
    assert str(stop.value) == report.problems[0]


def test_bad_articles_and_paragraphs(tmp_path: Path) -> None:
    broken = {"title": "B", "paragraphs": [{"context": 1}, {"context": SECOND, "qas": []}]}
    report = Report()
    got = squad.read(file(tmp_path, {"title": "A"}, broken, {"title": 3, "paragraphs": []}), report)
    assert [(d.id, d.text) for d in got.documents] == [("B", SECOND)]
    assert report.problems == [
        "dev.json: data[0]: paragraphs: missing",
        "dev.json: data[1].paragraphs[0]: context: not text: 1",
        "dev.json: data[2]: title: not text: 3",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", r"dev\.json: not an object: \[\]"),
        ("{}", r"dev\.json: data: missing"),
        ('{"data": [1]}', r"dev\.json: data\[0\]: not of type dict: 1"),
        ("{", r"dev\.json: not JSON"),
        ("[" * 100_000, r"dev\.json: not JSON"),
    ],
)
def test_what_is_not_squad(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "dev.json").write_text(text)
    with pytest.raises(InputError, match=said):
        squad.read(tmp_path, Report())


def test_which_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"needs one \.json file, has none"):
        squad.read(tmp_path, Report())
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match=r"has a\.json, b\.json; name the file"):
        squad.read(tmp_path, Report())
    with pytest.raises(InputError, match="there is no such file"):
        squad.read(tmp_path / "c.json", Report())
