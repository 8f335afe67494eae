"""Suggestions name the cure of each planted fault, and verification accepts cures alone."""

from dataclasses import replace

import numpy as np
import pytest

from goldsets.diagnosis import changes
from goldsets.diagnosis.attribute import diagnose
from goldsets.diagnosis.causes import Cause
from goldsets.diagnosis.improve import improve
from goldsets.diagnosis.rules import RULES
from goldsets.diagnosis.suggest import BY_HAND, Suggestion, suggestions
from goldsets.diagnosis.trail import trail
from goldsets.diagnosis.verify import Badge, scored, tried
from goldsets.diagnosis.work import of_tuning
from goldsets.evaluation.sweep import Board
from retrieval.ingest.llm_context import LLMContext
from retrieval.providers.local import Local
from retrieval.query.dense import Dense
from retrieval.runtime import Runtime
from tests.goldsets.diagnosis import families, planted
from tests.goldsets.diagnosis.families import FAMILIES, PLACEBOS, Family
from tests.goldsets.diagnosis.planted import BOTH, MEASURE, PLANTED, WORDS
from tests.retrieval.providers.stub import Vendors

MISSES = {Cause.LEXICAL_MISS, Cause.SEMANTIC_MISS, Cause.BOTH_MISS}
UNSURE = 23
"""A fault that a replay did not confirm."""
CURABLE = [(at, p) for at, p in enumerate(PLANTED) if p.cause in {*RULES} - MISSES and at != UNSURE]
NAMES = [family.place.__name__ for family in FAMILIES]


@pytest.fixture(autouse=True)
def without_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what loads a model, which takes seconds: these faults are of words."""
    monkeypatch.setattr(changes, "models", list)
    monkeypatch.setattr(changes, "installed", lambda _: False)


def suggested(board: Board, pipeline: changes.Pipeline) -> list[Suggestion]:
    return suggestions(diagnose(trail(board, pipeline, MEASURE)))


def test_there_is_a_rule_for_every_cause_but_those_for_people() -> None:
    assert {*RULES, *BY_HAND, Cause.NO_ANSWER} == set(Cause)


@pytest.mark.parametrize(("at", "fault"), CURABLE, ids=[f"{p.cause} {at}" for at, p in CURABLE])
def test_a_cure_of_the_planted_fault_is_suggested(at: int, fault: planted.Planted) -> None:
    one = Board(planted.gold(), planted.corpus(), Runtime()).only(np.array([at]))
    found = suggested(one, fault.pipeline)
    assert all(s.causes == (fault.cause,) and s.helps == (f"q{at}",) for s in found)
    cures = [s for s in found if s.pipeline and scored(one, s.pipeline, MEASURE).values[0] == 1]
    assert cures


@pytest.mark.parametrize("cause", BY_HAND)
def test_what_no_pipeline_mends_is_left_to_people(cause: Cause) -> None:
    at = next(at for at, p in enumerate(PLANTED) if p.cause is cause)
    one = Board(planted.gold(), planted.corpus(), Runtime()).only(np.array([at]))
    (found,) = suggested(one, PLANTED[at].pipeline)
    assert (found.title, found.pipeline, found.free) == (BY_HAND[cause], None, True)


@pytest.mark.parametrize("family", FAMILIES, ids=NAMES)
def test_a_cure_is_suggested_verified_and_found_by_the_loop(family: Family) -> None:
    board = families.board(family)
    found = suggestions(of_tuning(trail(board, family.pipeline, MEASURE)))
    (cure,) = (s for s in found if s.title.startswith(family.cure))
    assert cure.pipeline
    trial = tried(board, family.pipeline, cure.pipeline, MEASURE)
    assert trial.badge is Badge.VERIFIED
    assert len(trial.fixes) > 0.8 * families.COPIES
    assert not trial.breaks
    improved = improve(board, family.pipeline, MEASURE)
    assert improved.trial is not None
    assert improved.trial.badge is Badge.VERIFIED
    assert len(improved.steps) <= 3


@pytest.mark.parametrize("family", FAMILIES, ids=NAMES)
def test_a_placebo_is_not_verified(family: Family) -> None:
    board = families.board(family)
    for placebo in PLACEBOS:
        trial = tried(board, family.pipeline, placebo(family.pipeline), MEASURE)
        assert trial.badge is not Badge.VERIFIED


def test_a_filter_is_proposed_of_few_values_in_many_documents_alone() -> None:
    (family,) = (f for f in FAMILIES if "kind" in f.cure)
    board = families.board(family)
    few = board.only(np.arange(changes.SEEN - 1))
    assert any("kind" in s.title for s in suggested(board, family.pipeline))
    assert not any("kind" in s.title for s in suggested(few, family.pipeline))


def test_vendors_are_proposed_where_they_can_be_asked(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = next(at for at, p in enumerate(PLANTED) if p.cause is Cause.BOTH_MISS)
    one = Board(planted.gold(), planted.corpus(), Runtime()).only(np.array([at]))
    paid = [s.title for s in suggested(one, BOTH) if not s.free]
    for what in ("Put a context that", "Search for other words", "Search for an answer that"):
        assert any(title.startswith(what) for title in paid), what
    for name in ("GEMINI", "ANTHROPIC", "OPENAI", "CO", "VOYAGE"):
        monkeypatch.delenv(f"{name}_API_KEY")
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert all(s.free for s in suggested(one, BOTH))
    assert vendors.requests == []


def test_the_loop_asks_no_vendor(vendors: Vendors) -> None:
    family = FAMILIES[NAMES.index("titled")]
    board = families.board(family)
    assert not all(s.free for s in suggested(board, family.pipeline))
    assert improve(board, family.pipeline, MEASURE).trial
    assert vendors.requests == []
    written = replace(WORDS, contextualize=LLMContext())
    assert not Suggestion("", "", (), (), written).free
    assert Suggestion("", "", (), (), replace(WORDS, first=(Dense(),), embed=Local())).free
