"""Specs, keys and their errors, for every class that a slot takes."""

import dataclasses
import json
from typing import Any, Literal, get_args, get_origin

import pytest

from retrieval.errors import SpecError
from retrieval.ingest.contextualize import Headings
from retrieval.ingest.embed import EmbedQueries
from retrieval.ingest.tokenize import TOKENIZERS, HangulBigrams, Identifiers, Words
from retrieval.pipeline import SLOTS
from retrieval.providers.local import Local
from retrieval.query.assemble import InRankOrder
from retrieval.query.fuse import RRF, Weighted
from retrieval.query.lexical import BM25
from retrieval.stage import Stage, build, field_types, full, short, stages_of
from tests.retrieval.making import Hashed

STAGES = [(slot, c) for slot, classes in SLOTS.items() for c in classes]
STAGES += [("BM25.tokenize", c) for c in TOKENIZERS]
VALUES = {"Synonyms.table": "k8s: kubernetes", "Context.template": "{title}: {text}"}
BESIDE = {"FastEmbed.pooling": {"folder": "x"}}
"""Fields' values where not any would do, and what a field needs beside it."""
FIELDS = [(slot, c, f.name) for slot, c in STAGES for f in dataclasses.fields(c)]


def changed(cls: type[Stage[Any]], field: str) -> tuple[Stage[Any], Stage[Any]]:
    """Return a stage, and one that differs from it in one field."""
    name = f"{cls.__name__}.{field}"
    value, hint = getattr(cls(), field), field_types(cls)[field]
    if name in VALUES:
        other: Any = VALUES[name]
    elif stages_of(cls, field):
        other = next(c() for c in stages_of(cls, field) if not isinstance(value, c))
    elif get_origin(hint) is Literal:
        other = next(choice for choice in get_args(hint) if choice != value)
    elif get_origin(hint) is tuple:
        other = (*value, 0.5)
    elif isinstance(value, bool):
        other = not value
    elif isinstance(value, str):
        other = f"{value}x"
    else:
        other = 3 if value is None else value * 0.5 or 0.5 if hint is float else value + 1
    width = {"width": 8} if field == "model" and hasattr(cls, "widths") else {}  # it is not known
    beside = BESIDE.get(name, {})
    return cls(**beside), cls(**{field: other}, **beside, **width)


def again(stage: Stage[Any], spec: Any, slot: str) -> Stage[Any]:
    classes = SLOTS.get(slot, TOKENIZERS)
    return build(json.loads(json.dumps(spec)), classes, slot)


@pytest.mark.parametrize(("slot", "cls"), STAGES)
def test_default_stages_come_back_from_their_specs(slot: str, cls: type[Stage[Any]]) -> None:
    stage = cls()
    assert again(stage, full(stage), slot) == stage
    assert again(stage, short(stage), slot) == stage
    assert again(stage, cls.__name__, slot) == stage
    assert again(stage, {cls.__name__: None}, slot) == stage


@pytest.mark.parametrize(("slot", "cls", "field"), FIELDS)
def test_changed_stages_come_back_and_have_another_key(
    slot: str, cls: type[Stage[Any]], field: str
) -> None:
    before, stage = changed(cls, field)
    for spec in (full(stage), short(stage)):
        assert again(stage, spec, slot) == stage
        assert again(stage, spec, slot).key("parent") == stage.key("parent")
    assert stage.key("parent") != before.key("parent")


def test_a_full_spec_has_every_field_and_a_short_one_those_that_differ() -> None:
    stage = BM25(k1=0.9, tokenize=Identifiers(stem=False))
    assert short(stage) == {"BM25": {"k1": 0.9, "tokenize": {"Identifiers": {"stem": False}}}}
    assert full(stage) == {
        "BM25": {
            "variant": "Okapi",
            "k1": 0.9,
            "b": 0.75,
            "tokenize": {"Identifiers": {"stop_words": True, "stem": False}},
        }
    }
    assert short(BM25()) == "BM25"
    assert full(Headings()) == "Headings"


def test_a_key_names_the_stage_its_parents_and_its_parameters() -> None:
    keys = {
        RRF().key("a"),
        RRF().key("b"),
        RRF().key("a", "b"),
        RRF().key("b", "a"),
        RRF().key("a", depth=10),
        RRF().key("a", depth=20),
        Weighted().key("a"),
    }
    assert len(keys) == 7


def test_equal_stages_have_equal_keys() -> None:
    assert RRF(k=60) == RRF(k=60.0)
    assert RRF(k=60, weights=(1, 2)).key() == RRF(k=60.0, weights=(1.0, 2.0)).key()
    assert full(BM25(k1=1)) == full(BM25(k1=1.0))


def test_a_raised_revision_changes_the_key_of_all_that_holds_the_stage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stages = [Words(), BM25(tokenize=Words()), EmbedQueries(Hashed())]
    keys = [s.key() for s in stages]
    monkeypatch.setattr(Words, "revision", 2)
    monkeypatch.setattr(Hashed, "revision", 2)
    assert not {s.key() for s in stages} & set(keys)
    assert BM25(tokenize=HangulBigrams()).key() not in keys


def test_another_version_of_a_model_changes_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {Hashed().key(), EmbedQueries(Hashed()).key()}
    monkeypatch.setattr(Hashed, "identity", "hashed-a/2")
    assert not keys & {Hashed().key(), EmbedQueries(Hashed()).key()}


@pytest.mark.parametrize(("slot", "classes"), SLOTS.items())
def test_an_unknown_name_lists_the_valid_ones(
    slot: str, classes: tuple[type[Stage[Any]], ...]
) -> None:
    with pytest.raises(SpecError) as error:
        build("Nothing", classes, slot)
    assert all(c.__name__ in str(error.value) for c in classes)
    assert "'Nothing'" in str(error.value)


def test_a_slip_of_the_keyboard_gets_a_guess() -> None:
    with pytest.raises(SpecError, match="did you mean 'BM25'"):
        build("BM52", SLOTS["first"], "first")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"BM25": {"k2": 1}}, "no field 'k2'.*known: variant, k1, b, tokenize"),
        ({"BM25": {2: 1}}, "no field 2"),
        ({"BM25": {"k1": "1.2"}}, "BM25.k1 takes float, not '1.2'"),
        ({"BM25": {"k1": True}}, "BM25.k1 takes float, not True"),
        ({"BM25": {"k1": None}}, "BM25.k1 takes float, not None"),
        ({"BM25": {"k1": -1}}, "BM25.k1 must be from 0 to 1000, not -1"),
        ({"BM25": {"b": float("nan")}}, "BM25.b must be from 0 to 1, not nan"),
        ({"BM25": {"variant": "Atire"}}, "takes 'Okapi' or 'Plus' or 'L', not 'Atire'"),
        ({"BM25": {"tokenize": "Nori"}}, "no stage 'Nori'.*Words, Identifiers, HangulBigrams"),
        ({"BM25": {"tokenize": {"Words": {"stem": 1}}}}, "Words.stem takes bool, not 1"),
        ({"BM25": ["k1"]}, "takes a name or"),
        ({"BM25": {}, "Dense": {}}, "takes a name or"),
        (["BM25"], "takes a name or"),
        (7, "takes a name or"),
        (None, "takes a name or"),
    ],
)
def test_a_bad_retriever_says_what_is_wrong(spec: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build(spec, SLOTS["first"], "first")


@pytest.mark.parametrize(
    ("slot", "spec", "message"),
    [
        ("chunk", {"FixedTokens": {"size": True}}, "size takes int, not True"),
        ("chunk", {"FixedTokens": {"size": 2.0}}, "size takes int, not 2.0"),
        ("chunk", {"FixedTokens": {"size": 0}}, "size must be from 1"),
        ("chunk", {"FixedTokens": {"size": 9, "overlap": 9}}, "overlap must be .* less than size"),
        ("chunk", {"Recursive": {"overlap": -1}}, "overlap must be"),
        ("chunk", {"BySentence": {"vocabulary": "gpt2"}}, "takes 'o200k' or 'cl100k'"),
        ("fuse", {"RRF": {"k": -1}}, "RRF.k must be"),
        ("fuse", {"RRF": {"weights": "1,2"}}, "weights takes a list"),
        ("fuse", {"RRF": {"weights": [1, "2"]}}, "weights takes float, not '2'"),
        ("fuse", {"Weighted": {"weights": [1, float("inf")]}}, "weights must be numbers"),
        ("fuse", {"Weighted": {"weights": [-1, 2]}}, "weights must be numbers"),
        ("assemble", {"InRankOrder": {"k": 0}}, "InRankOrder.k must be"),
        ("assemble", {"InRankOrder": {"max_tokens": 0}}, "max_tokens must be"),
        ("assemble", {"InRankOrder": {"max_tokens": "9"}}, "takes int or NoneType, not '9'"),
        ("embed", {"Local": {"model": "gpt"}}, "takes 'use-m3' or 'e5-small'"),
    ],
)
def test_a_bad_value_says_what_is_wrong(slot: str, spec: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build(spec, SLOTS[slot], slot)


def test_whole_numbers_are_taken_where_fractions_are_and_nothing_where_it_may_be() -> None:
    assert build({"RRF": {"weights": [1, 2]}}, SLOTS["fuse"], "fuse") == RRF(weights=(1.0, 2.0))
    uncapped = {"InRankOrder": {"max_tokens": None}}
    assert build(uncapped, SLOTS["assemble"], "assemble") == InRankOrder()
    assert build("Local", SLOTS["embed"], "embed") == Local()
