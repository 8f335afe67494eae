from dataclasses import replace

import numpy as np
import pytest

from goldsets.evaluation.slices import DIMENSIONS, slices
from goldsets.evidence import anchor
from goldsets.types import Evidence, GoldSet, Query
from retrieval.types import Corpus, Document

CORPUS = Corpus(
    (
        Document("guide", "Turn the key.", media="text/markdown"),
        Document("code", "def turn_key(): ...", media="text/x-python"),
    )
)
QUERIES = (
    Query("a", "turn_key returns what", "en", ("how", "code"), "any"),
    Query("b", "열쇠를 어떻게 돌리나요 그리고 언제", "ko", ("how",)),
    Query("c", "how do I turn the key", origin="logged"),
    Query("d", "lost key"),
)
EVIDENCE = {
    "a": (Evidence.of("code", "def turn_key(): ...", 0, 12),),
    "b": (
        Evidence.of("guide", "Turn the key.", 0, 4),
        Evidence.of("code", "def turn_key(): ...", 0, 3),
    ),
    "c": (
        Evidence.of("guide", "Turn the key.", 0, 8),
        Evidence.of("code", "def turn_key(): ...", 0, 3, grade=0),
        Evidence("gone", 0, 3, "xyz"),
    ),
}
GOLD = GoldSet("g", "c", QUERIES, EVIDENCE)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("tag", {"how": "ab", "not said": "cd", "code": "a"}),
        (
            "kind",
            {
                "without exact names": "bcd",
                "a few words": "ad",
                "a sentence": "bc",
                "with exact names": "a",
            },
        ),
        ("language", {"not said": "cd", "en": "a", "ko": "b"}),
        ("document type", {"text/markdown": "bc", "text/x-python": "ab"}),
        ("needs", {"all of its evidence": "bcd", "any of its evidence": "a"}),
        ("origin", {"written": "abd", "logged": "c"}),
    ],
)
def test_slices(by: str, expected: dict[str, str]) -> None:
    found = slices(anchor(GOLD, CORPUS), CORPUS, by)
    ids = np.array([q.id for q in QUERIES])
    assert {name: "".join(ids[mask]) for name, mask in found.items()} == expected
    assert list(found) == list(expected)


def test_every_dimension_is_tested_here_and_takes_no_queries() -> None:
    assert DIMENSIONS == ("tag", "kind", "language", "document type", "needs", "origin")
    for by in DIMENSIONS:
        assert slices(anchor(replace(GOLD, queries=(), evidence={}), CORPUS), CORPUS, by) == {}
