"""Trials as jobs: kept, counted as looks, and found again."""

import json

import pytest
from typer.testing import CliRunner

from goldsets import cli, sample
from goldsets.diagnosis import work
from goldsets.diagnosis.trail import trail
from goldsets.diagnosis.verify import tuning_half
from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.run import Run
from goldsets.evaluation.sweep import Board
from goldsets.store import gold, open_workspace, runs, trials
from retrieval.errors import PizzaError
from retrieval.pipeline import full_spec, pipeline_of
from retrieval.runtime import Runtime
from retrieval.store import corpora

pytestmark = pytest.mark.slow

POOR = pipeline_of({"chunk": {"FixedTokens": {"size": 60}}, "first": ["BM25"]})


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    made = open_workspace(tmp_path_factory.mktemp("trials"))
    sample.load(made)
    return made


@pytest.fixture(scope="module")
def board(workspace):
    held = gold.read(workspace, sample.NAME)
    return Board(held, corpora.read(workspace, held.corpus), Runtime(workspace))


def some(board: Board):
    found = work.suggested(trail(board, POOR, parse_measure("R@5")))
    wanted = ("Identifiers", "headings", "k1 0.9")
    return [s for s in found if any(w in s.title for w in wanted)]


def test_suggestions_come_from_the_tuning_half_alone(board: Board) -> None:
    tuning = {
        q.id for q, here in zip(board.gold.queries, tuning_half(board.gold), strict=True) if here
    }
    found = some(board)
    assert found
    assert all(set(s.helps) <= tuning for s in found)


def test_changes_are_tried_and_every_look_is_counted_once(workspace, board: Board) -> None:
    scene, found = work.scene_of(board, "R@5"), some(board)
    spec = {
        "scene": vars(scene),
        "base": full_spec(POOR),
        "changes": [work.plain(s) for s in found],
    }
    told: list[tuple[int, str, str]] = []
    for _ in range(2):
        work.try_changes(workspace, spec, Runtime(workspace), lambda *a: told.append(a))
    assert [error for *_, error in told] == [""] * (2 * len(found))
    rows = work.with_trials(workspace, scene, POOR, found)
    assert all(row["trial"]["says"].startswith(row["trial"]["badge"]) for row in rows)
    looked = [row for row in rows if row["trial"]["held_out"]]
    held_out = int((~tuning_half(board.gold)).sum())
    assert trials.looks(workspace, board.gold.name, held_out) == len(looked)
    assert trials.looks(workspace, board.gold.name, 2 * held_out) == len(looked) / 2
    for row in rows:
        seen = row["trial"]["tuning"]["mean"] > 0
        assert seen == (row["trial"]["held_out"] is not None)


def test_a_change_that_cannot_run_stops_no_other(workspace, board: Board) -> None:
    scene = work.scene_of(board, "R@10")
    broken = {**work.plain(some(board)[0]), "title": "broken", "pipeline": {"chunk": "Nothing"}}
    fine = work.plain(some(board)[0])
    told: list[tuple[int, str, str]] = []
    spec = {"scene": vars(scene), "base": full_spec(POOR), "changes": [broken, fine]}
    work.try_changes(workspace, spec, Runtime(workspace), lambda *a: told.append(a))
    assert "Nothing" in told[0][2]
    assert told[1][2] == ""


def test_trials_of_a_gold_set_that_has_changed_are_refused(workspace, board: Board) -> None:
    scene = {**vars(work.scene_of(board, "R@5")), "gold_version": "another"}
    spec = {"scene": scene, "base": full_spec(POOR), "changes": []}
    with pytest.raises(PizzaError, match="has changed"):
        work.try_changes(workspace, spec, Runtime(workspace), lambda *a: None)


def test_the_commands_say_the_same(workspace, board: Board) -> None:
    index = POOR.ingest(board.corpus, board.rt)
    ranking = POOR.search(index, board.queries, board.rt)
    ids = tuple(q.id for q in board.gold.queries)
    runs.keep(
        workspace,
        Run(
            "0123abcd",
            "poor",
            full_spec(POOR),
            board.gold.name,
            board.gold.version,
            board.corpus.name,
            board.corpus.version,
            index.chunks.key,
            ids,
            ranking.value,
            {},
        ),
    )
    run = CliRunner().invoke
    where = ["--workspace", str(workspace.path), "--measure", "R@5"]
    plain = run(cli.app, ["diagnose", "poor", *where])
    told = json.loads(run(cli.app, ["diagnose", "0123", "--json", *where]).stdout)
    assert plain.exit_code == 0
    assert f"{sum(bool(loss['document']) for loss in told['losses'])} of " in plain.stdout
    assert {loss["cause"] for loss in told["losses"]} <= set(plain.stdout.split())
    listed = json.loads(run(cli.app, ["suggest", "poor", "--json", *where]).stdout)
    assert {s["title"] for s in listed} >= {s.title for s in some(board)}
    only = run(cli.app, ["suggest", "poor", "--json", "--only", "HEADINGS", *where])
    assert [s["title"] for s in json.loads(only.stdout)] == [
        "Put title and headings beside each chunk"
    ]
    none = run(cli.app, ["suggest", "poor", "--only", "no such words", *where])
    assert (none.exit_code, "known: " in none.stderr) == (2, True)
    both = run(cli.app, ["suggest", "poor", "--only", "headings", "--loop", *where])
    assert (both.exit_code, "--loop chooses" in both.stderr) == (2, True)
    missing = run(cli.app, ["diagnose", "nobody", *where])
    assert missing.exit_code == 2
    assert "nobody" in missing.stderr
