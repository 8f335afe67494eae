"""The spec of a generation: what it takes, what it refuses, and that it parses back."""

from pathlib import Path

import pytest

from goldsets.generation.spec import KINDS, Thresholds, generation_of, read_generation
from retrieval.errors import InputError, SpecError
from retrieval.ingest.chunk import FixedTokens
from tests.goldsets.generation.conftest import SPEC

FULL = {
    **SPEC,
    "writer": "Offline",
    "chunk": {"FixedTokens": {"size": 50}},
    "criteria": {"mine": "It is about dough."},
    "kinds": {kind: i for i, kind in enumerate(KINDS)},
    "languages": {"passage": 2, "ko": 1},
    "personas": ["a cook"],
    "examples": ["dough too wet"],
    "typos": 0.25,
    "contrast": "distinct",
    "thresholds": {"run": 4, "cosine": 0.9},
    "seed": 7,
}


def test_a_spec_parses_back() -> None:
    spec = generation_of(FULL)
    assert generation_of(spec.plain()) == spec
    assert isinstance(spec.chunk, FixedTokens)
    assert spec.thresholds == Thresholds(run=4, cosine=0.9)
    assert spec.personas == ("a cook",)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"application": ""}, "needs application"),
        ({"judge": None}, "needs judge"),
        ({"writer": {"GPT": {}}}, "OpenAIChat"),
        ({"smaple": 3}, "did you mean 'sample'"),
        ({"sample": 0}, "from 1 to 20,000"),
        ({"sample": True}, "whole number"),
        ({"kinds": {"riddle": 1}}, "no 'riddle'"),
        ({"kinds": {"question": 0}}, "above 0"),
        ({"kinds": {"question": -1}}, "kinds.question"),
        ({"kinds": ["question"]}, "mapping"),
        ({"criteria": {}}, "1 to 50"),
        ({"criteria": {"a": " "}}, "criteria.a"),
        ({"criteria": {"a": "x" * 5_000}}, "4,000"),
        ({"personas": "a cook"}, "list"),
        ({"examples": [3]}, "examples"),
        ({"typos": 1.5}, "typos"),
        ({"contrast": "loud"}, "plain"),
        ({"thresholds": {"runs": 3}}, "did you mean 'run'"),
        ({"thresholds": {"run": 1}}, "thresholds.run"),
        ({"thresholds": {"rare": "all"}}, "thresholds.rare"),
        ({"thresholds": 3}, "mapping"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        generation_of({**FULL, **wrong})


def test_a_file_is_read_and_one_that_cannot_be_is_named(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("application: a\njudge: Offline\nwriter: Offline\n")
    assert read_generation(path).sample == 200
    path.write_text("application: [")
    with pytest.raises(InputError, match=r"spec\.yaml: is not YAML"):
        read_generation(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_generation(tmp_path / "none.yaml")
    path.write_text("- a list")
    with pytest.raises(SpecError, match="mapping"):
        read_generation(path)
