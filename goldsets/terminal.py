"""What the commands share: where they work, how they wait, and errors in one line."""

import sys
import time
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from retrieval.errors import InputError, PizzaError
from retrieval.store import Workspace

P = ParamSpec("P")

WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", envvar="PIZZA_WORKSPACE", help="The folder to work in."),
]


def plainly(command: Callable[P, None]) -> Callable[P, None]:
    """Turn an error that was raised on purpose into one line and exit code 2."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except PizzaError as e:
            typer.echo(f"pizza: {e}", err=True)
            raise typer.Exit(2) from e

    return run


def follow(workspace: Workspace, job: int) -> int:
    """Print a job's progress until it is over; pause it on Ctrl+C."""
    from goldsets import jobs

    shown = ""
    try:
        while not (now := jobs.get(workspace, job)).over:
            line = f"{now.units_done}/{now.units}  {now.step} {now.done:,}/{now.total:,}"
            if line != shown and sys.stderr.isatty():
                typer.echo(f"\r\033[K{line}", nl=False, err=True)
            shown = line
            time.sleep(0.1)
    except KeyboardInterrupt:
        jobs.ask(workspace, job, "pause")
        raise PizzaError("paused; the same command goes on from here") from None
    if sys.stderr.isatty():
        typer.echo("\r\033[K", nl=False, err=True)
    if now.state != "done":
        fix = "the same command goes on from here" if now.state != "failed" else now.error
        raise PizzaError(f"the work was {now.state}: {fix}")
    return job


def options_of(given: Iterable[str] | None) -> dict[str, str]:
    """Read options for a format, each `KEY=VALUE`.

    Raises:
        InputError: one is not.
    """
    return dict(map(_pair, given or ()))


def _pair(option: str) -> tuple[str, str]:
    key, equals, value = option.partition("=")
    if not equals or key == "strict":
        raise InputError(f"--option takes KEY=VALUE, not {option!r}")
    return key, value


def tell(lines: Iterable[str]) -> None:
    """Write lines to standard error, the first twenty of them."""
    every = list(lines)
    for line in every[:20]:
        typer.echo(line, err=True)
    if len(every) > 20:
        typer.echo(f"... and {len(every) - 20:,} more", err=True)
