"""Trials as long work: asked for by name and spec, done by the worker, kept in the workspace."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from goldsets import jobs
from goldsets.diagnosis.attribute import Diagnosis, diagnose
from goldsets.diagnosis.improve import Improvement, improve
from goldsets.diagnosis.suggest import Suggestion, suggestions
from goldsets.diagnosis.trail import Trail
from goldsets.diagnosis.verify import WORN_OUT, Trial, halves, phrase, tried, tuning_half
from goldsets.evaluation.measures import DEFAULT_MEASURES, parse_measure
from goldsets.evaluation.plan import plan
from goldsets.evaluation.run import Run
from goldsets.evaluation.spec import SweepSpec, Variant
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.words import count
from goldsets.launch import embedding_plan, lacking
from goldsets.store import gold, trials
from goldsets.store.trials import Scene
from retrieval.errors import PizzaError, Stopped
from retrieval.pipeline import Pipeline, full_spec, pipeline_of
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora

AS_IT_WAS = "as it was"
"""The name of the pipeline that changes are tried against."""

OnUnit = Callable[[int, str, str], None]


def scene_of(board: Board, measure: str) -> Scene:
    """Name what changes are tried on."""
    g, c = board.gold, board.corpus
    return Scene(g.name, g.version, c.name, c.version, measure)


def board_of(workspace: Workspace, run: Run) -> Board:
    """Lay the newest gold out on the corpus version that a run was made on."""
    corpus = corpora.read(workspace, run.corpus, run.corpus_version)
    return Board(gold.read(workspace, run.goldset), corpus, Runtime(workspace))


def of_tuning(trail: Trail) -> Diagnosis:
    """Diagnose the tuning half, from which changes come: the other half is not asked."""
    return diagnose(trail.only(np.flatnonzero(tuning_half(trail.board.gold))))


def suggested(trail: Trail) -> list[Suggestion]:
    """List what could help, from what the tuning half lost."""
    return suggestions(of_tuning(trail))


def with_trials(
    workspace: Workspace, scene: Scene, base: Pipeline, found: Sequence[Suggestion]
) -> list[dict[str, Any]]:
    """Return suggestions as JSON, each with what came of it as `trial`, None if untried."""
    done = {_key(t["changed"]): t for t in trials.of_base(workspace, scene, full_spec(base))}
    rows = map(plain, found)
    return [{**p, "trial": p["pipeline"] and done.get(_key(p["pipeline"]))} for p in rows]


def other_trials(
    workspace: Workspace, scene: Scene, base: Pipeline, found: Sequence[Suggestion]
) -> list[dict[str, Any]]:
    """List what came of changes to a pipeline that are not among these suggestions."""
    listed = {_key(full_spec(s.pipeline)) for s in found if s.pipeline}
    every = trials.of_base(workspace, scene, full_spec(base))
    return [t for t in every if _key(t["changed"]) not in listed]


def _key(spec: Mapping[str, Any]) -> str:
    return json.dumps(spec, sort_keys=True, ensure_ascii=False)


def wear(workspace: Workspace, board: Board) -> str:
    """Say how often the held-out half was looked at, and whether that was too often."""
    held_out = int((~tuning_half(board.gold)).sum())
    looks = trials.looks(workspace, board.gold.name, held_out)
    said = f"The {held_out} held-out queries were looked at {count(round(looks), 'time')}"
    if looks < WORN_OUT:
        return f"{said}; about {WORN_OUT - looks:.0f} more before they are worn out."
    chance = looks / 40
    return (
        f"{said} and are worn out: about {chance:.1f} changes that do nothing would have come out"
        " verified by now. Add queries that no change has seen."
    )


def trial_plan(board: Board, base: Pipeline, changes: Sequence[Suggestion]) -> list[str]:
    """Phrase what trying changes takes at most: calls, tokens and money, and what is missing here.

    It counts both halves of the queries, of which the second is asked only where a change helps.
    """
    changed = [Variant(s.title, s.pipeline) for s in changes if s.pipeline]
    variants = (Variant(AS_IT_WAS, base), *changed)
    p = plan(SweepSpec(variants, DEFAULT_MEASURES, AS_IT_WAS), board.gold, board.corpus, board.rt)
    return [*embedding_plan(p), *lacking(p)]


def start_trials(
    workspace: Workspace, scene: Scene, base: Pipeline, changes: Sequence[Suggestion]
) -> jobs.Job:
    """Ask for changes to be tried; those that are for people are left out."""
    asked = [plain(s) for s in changes if s.pipeline]
    spec = {"scene": asdict(scene), "base": full_spec(base), "changes": asked}
    return jobs.start(workspace, "try", spec, len(asked))


def start_loop(workspace: Workspace, scene: Scene, base: Pipeline) -> jobs.Job:
    """Ask for a pipeline to be improved step by step."""
    spec = {"scene": asdict(scene), "base": full_spec(base)}
    return jobs.start(workspace, "improve", spec, 1)


def try_changes(workspace: Workspace, spec: Mapping[str, Any], rt: Runtime, on: OnUnit) -> None:
    """Try the changes of a job one by one; one that fails stops no other."""
    scene, board, base = _opened(workspace, spec, rt)
    for done, change in enumerate(spec["changes"], 1):
        error = ""
        try:
            _keep(workspace, scene, board, base, change)
        except Stopped:
            raise
        except PizzaError as e:
            error = str(e)
        on(done, change["title"], error)


def _keep(
    workspace: Workspace, scene: Scene, board: Board, base: Pipeline, change: Mapping[str, Any]
) -> None:
    changed = pipeline_of(change["pipeline"])
    trial = tried(board, base, changed, parse_measure(scene.measure))
    result = {**change, **as_json(trial)}
    looked = len(halves(board)[1].gold.queries) if trial.held_out else 0
    trials.keep(workspace, scene, full_spec(base), full_spec(changed), looked, result)


def run_loop(workspace: Workspace, job: int, spec: Mapping[str, Any], rt: Runtime) -> None:
    """Improve the pipeline of a job, and keep the way and the result."""
    scene, board, base = _opened(workspace, spec, rt)
    found = improve(board, base, parse_measure(scene.measure))
    if found.trial:
        looked = len(halves(board)[1].gold.queries) if found.trial.held_out else 0
        result = {"title": f"{len(found.steps)} steps", "helps": [], **as_json(found.trial)}
        trials.keep(workspace, scene, full_spec(base), full_spec(found.best), looked, result)
    trials.keep_loop(workspace, job, scene.goldset, loop_json(found))


def _opened(
    workspace: Workspace, spec: Mapping[str, Any], rt: Runtime
) -> tuple[Scene, Board, Pipeline]:
    scene = Scene(**spec["scene"])
    corpus = corpora.read(workspace, scene.corpus, scene.corpus_version)
    held = gold.read(workspace, scene.goldset)
    if held.version != scene.gold_version:
        raise PizzaError(f"gold set {scene.goldset!r} has changed since; start again")
    return scene, Board(held, corpus, rt), pipeline_of(spec["base"])


def plain(suggestion: Suggestion) -> dict[str, Any]:
    """Return a suggestion as JSON, its pipeline as a full spec."""
    spec = full_spec(suggestion.pipeline) if suggestion.pipeline else None
    return {**asdict(suggestion), "pipeline": spec}


def as_json(trial: Trial) -> dict[str, Any]:
    """Return a trial as JSON, with its sentence."""
    return {**asdict(trial), "says": phrase(trial)}


def loop_json(found: Improvement) -> dict[str, Any]:
    """Return what a loop came to as JSON."""
    steps = [
        {**plain(s.suggestion), "gain": asdict(s.gain), "raced": s.raced, "seconds": s.seconds}
        for s in found.steps
    ]
    return {
        "base": full_spec(found.base),
        "best": full_spec(found.best),
        "steps": steps,
        "trial": as_json(found.trial) if found.trial else None,
        "unfixed": list(found.unfixed),
        "errors": list(found.errors),
    }
