"""The commands `pizza diagnose` and `pizza suggest`: the error analysis without a browser."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldsets.evaluation.words import count, duration, points
from goldsets.terminal import WorkspaceOption, follow, tell
from retrieval.errors import InputError, one_of

if TYPE_CHECKING:
    from goldsets.diagnosis.attribute import Diagnosis, Loss
    from goldsets.diagnosis.suggest import Suggestion
    from goldsets.diagnosis.trail import Trail
    from goldsets.evaluation.sweep import Board
    from retrieval.store import Workspace

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, or the name of a variant of a sweep.")
]
MeasureOption = Annotated[str, typer.Option(help="What counts as found: recall at a depth.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def diagnose(
    run: RunArgument,
    workspace: WorkspaceOption = None,
    measure: MeasureOption = "R@20",
    as_json: JsonOption = False,
) -> None:
    """Say of all evidence that a run lost which box lost it, and whether a replay says so."""
    from goldsets.diagnosis.attribute import diagnose as diagnosed
    from goldsets.diagnosis.outside import lost_outside
    from goldsets.diagnosis.work import board_of
    from goldsets.evaluation.measures import parse_measure
    from goldsets.store import open_workspace, runs

    ws = open_workspace(workspace)
    held = runs.find(ws, run)
    summary: Iterable[str] = ["a run from outside: its boxes cannot be seen"]
    if held.chunks is not None:
        board = board_of(ws, held)
        lost = lost_outside(board, held, parse_measure(measure))
        losses = [_loss(board, loss, {}) for loss in lost]
    else:
        found = diagnosed(_trail(ws, run, measure))
        losses = [_loss(found.trail.board, s, _ranks(found.trail, s)) for s in found.losses]
        summary = _summary(found)
    if as_json:
        typer.echo(json.dumps({"run": run, "measure": measure, "losses": losses}, indent=1))
        return
    for line in summary:
        typer.echo(line)
    for loss in losses:
        sure = {True: "verified", False: "a guess", None: "not replayed: it would cost"}
        typer.echo(f"{loss['query']}  {loss['cause']} ({sure[loss['verified']]}): {loss['detail']}")


def suggest(
    run: RunArgument,
    workspace: WorkspaceOption = None,
    measure: MeasureOption = "R@20",
    verify: Annotated[
        bool, typer.Option("--verify", help="Try each on the tuning half, then on the other.")
    ] = False,
    loop: Annotated[
        bool, typer.Option("--loop", help="Take the best, again and again, and verify the result.")
    ] = False,
    paid: Annotated[
        bool, typer.Option("--paid", help="Also try what asks a vendor, within the budgets.")
    ] = False,
    only: Annotated[str, typer.Option(help="Those alone whose title has these words.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List what would bring lost evidence back; with --verify or --loop, try it."""
    from goldsets.diagnosis import work
    from goldsets.store import open_workspace, trials

    if loop and only:
        raise InputError(
            "--loop chooses among all suggestions; --only goes with --verify, or alone"
        )
    ws = open_workspace(workspace)
    trail = _trail(ws, run, measure)
    scene, base = work.scene_of(trail.board, measure), trail.pipeline
    if loop:
        job = follow(ws, work.start_loop(ws, scene, base).id)
        _say_loop(trials.loop(ws, job) or {}, as_json=as_json)
        return
    found = _only(work.suggested(trail), only)
    if verify:
        wanted = [s for s in found if s.pipeline and (paid or s.free)]
        if not all(s.free for s in wanted):
            tell(work.trial_plan(trail.board, base, wanted))
        if wanted:
            follow(ws, work.start_trials(ws, scene, base, wanted).id)
    rows = work.with_trials(ws, scene, base, found)
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for suggestion, row in zip(found, rows, strict=True):
        typer.echo(
            f"{row['title']}\n    for {count(len(row['helps']), 'query', 'queries')}: {row['why']}"
        )
        if row["trial"]:
            typer.echo(f"    {row['trial']['says']}")
        elif not suggestion.free:
            typer.echo("    asks a vendor: tried with --verify --paid")
    typer.echo(work.wear(ws, trail.board))


def _only(found: "list[Suggestion]", words: str) -> "list[Suggestion]":
    kept = [s for s in found if words.lower() in s.title.lower()]
    if found and not kept:
        titles = [s.title for s in found]
        raise InputError(f"no suggestion has {words!r} in its title{one_of(words, titles)}")
    return kept


def _trail(workspace: "Workspace", run: str, measure: str) -> "Trail":
    from goldsets.diagnosis.trail import trail
    from goldsets.diagnosis.work import board_of
    from goldsets.evaluation.measures import parse_measure
    from goldsets.evaluation.spec import Variant
    from goldsets.outside.source import source_of
    from goldsets.store import runs

    held = runs.find(workspace, run)
    pipeline = Variant(held.variant, source_of(held.spec)).pipeline
    return trail(board_of(workspace, held), pipeline, parse_measure(measure))


def _summary(found: "Diagnosis") -> Iterator[str]:
    from goldsets.diagnosis.causes import ABOUT

    trail = found.trail
    things = len({*trail.board.anchored.thing[trail.relevant].tolist()})
    lost = sum(loss.row >= 0 for loss in found.losses)
    yield f"{lost} of {count(things, 'thing')} to find lost at {trail.measure}"
    for cause, n in found.causes.most_common():
        yield f"{n:6,}  {cause}  {ABOUT[cause]}"


def _ranks(trail: "Trail", loss: "Loss") -> dict[str, int | None]:
    """Return the rank after every box, from 1."""
    from goldsets.evaluation.target import NEVER

    ranks = trail.ranks[:, loss.row].tolist() if loss.row >= 0 else []
    return {
        box: None if rank >= NEVER else rank + 1
        for box, rank in zip(trail.boxes, ranks, strict=bool(ranks))
    }


def _loss(board: "Board", loss: "Loss", ranks: Mapping[str, int | None]) -> dict[str, Any]:
    query = board.gold.queries[loss.query]
    evidence = board.anchored.found[loss.row].evidence if loss.row >= 0 else None
    return {
        "query": query.id,
        "text": query.text,
        "document": evidence.document if evidence else None,
        "start": evidence.start if evidence else None,
        "end": evidence.end if evidence else None,
        "cause": loss.cause,
        "verified": loss.verified,
        "detail": loss.detail,
        "ranks": ranks,
    }


def _say_loop(result: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=1))
        return
    for step in result["steps"]:
        gain = step["gain"]
        typer.echo(
            f"{step['title']}: {points(gain['mean'], signed=True)} points on the tuning half,"
            f" raced against {step['raced'] - 1} others, {duration(step['seconds'])}"
        )
    typer.echo(result["trial"]["says"] if result["trial"] else "Nothing tried helps.")
    if result["unfixed"]:
        typer.echo(f"fixed by nothing tried: {', '.join(result['unfixed'])}")
    tell(result["errors"])
