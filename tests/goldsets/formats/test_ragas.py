"""ragas: what is written comes back, and what is not ours says what it lacks."""

import json
from pathlib import Path
from typing import Any

import pytest

from goldsets.formats import ragas
from goldsets.formats.base import Report
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError

TEXT = "가나다 🍕 nine:coins\nand more"


def gold() -> GoldSet:
    queries = (
        Query("q\n1", "무엇?\n둘째 줄 🍕", "ko", ("a", "b"), "any", "logged"),
        Query("q2", "nothing", tags=("no-answer",)),
        Query("q3", "two"),
    )
    evidence = {
        "q\n1": (Evidence.of("a:1-2", TEXT, 0, 5, 2), Evidence.of("a:1-2", TEXT, 6, 16, 0)),
        "q3": (Evidence.of("b", TEXT, 3, 9, 3, "x"), Evidence.of("b", TEXT, 9, 12, 3, "y")),
    }
    return GoldSet("gold", "corpus", queries, evidence)


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    held, path = gold(), tmp_path / "gold.jsonl"
    assert ragas.write(held, path) == {"queries": 3, "judgments": 4}
    got = ragas.read(path, Report(strict=True))
    assert got.queries == held.queries
    assert dict(got.evidence) == dict(held.evidence)
    row = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    assert row["user_input"] == held.queries[0].text
    assert row["reference_contexts"] == [TEXT[0:5], TEXT[6:16]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"reference_context_ids": []}, "not one document:start-end for each context"),
        ({"reference_context_ids": ["x", "y"]}, "not document:start-end"),
        ({"reference_context_grades": ["3", "3"]}, "cannot hold"),
        ({"user_input": 3}, "user_input"),
        ({"needs": "some"}, "needs"),
        ({"reference_contexts": "text"}, "reference_contexts"),
    ],
)
def test_a_sample_of_no_use_says_why(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    ragas.write(gold(), tmp_path / "gold.jsonl")
    rows = (tmp_path / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    row = {**json.loads(rows[0]), **change}
    (tmp_path / "gold.jsonl").write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(InputError, match=says):
        ragas.read(tmp_path / "gold.jsonl", Report(strict=True))


def test_a_sample_of_ragas_own_is_a_query(tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text('{"user_input": "what?"}\n', encoding="utf-8")
    got = ragas.read(tmp_path / "gold.jsonl", Report(strict=True))
    assert [(q.text, q.origin) for q in got.queries] == [("what?", "imported")]
