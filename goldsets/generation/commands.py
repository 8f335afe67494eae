"""The command `pizza generate`: a benchmark from documents, without a browser."""

from pathlib import Path
from typing import Annotated

import typer

from goldsets.terminal import WorkspaceOption, follow


def generate(
    spec: Annotated[Path, typer.Argument(help="YAML with application, judge, writer, ...")],
    corpus: Annotated[str, typer.Option(help="The corpus whose passages are asked about.")],
    goldset: Annotated[str, typer.Option(help="The gold set to add to; started if there is none.")],
    workspace: WorkspaceOption = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what it would do, and stop.")] = False,
) -> None:
    """Write queries for passages that are worth one, filter them, add them to a gold set."""
    from goldsets import jobs
    from goldsets.generation import work
    from goldsets.generation.spec import read_generation
    from goldsets.store import open_workspace

    ws, parsed = open_workspace(workspace), read_generation(spec)
    if plan:
        for line in work.plan_of(ws, parsed, corpus, goldset).lines():
            typer.echo(line)
        return
    job = follow(ws, work.start(ws, parsed, corpus, goldset).id)
    for line in work.outcome(ws, jobs.get(ws, job).spec["generation"]):
        typer.echo(line)
