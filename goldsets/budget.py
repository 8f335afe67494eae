"""The command `pizza budget`: what vendors were paid, and how much they may be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from goldsets.evaluation.words import count
from retrieval.cost import money
from retrieval.errors import InputError
from retrieval.store import Workspace, ledger

Dollars = str | None


def budget(
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", envvar="PIZZA_WORKSPACE", help="The folder to work in."),
    ] = None,
    job: Annotated[Dollars, typer.Option(help="Dollars that each job may spend, or none.")] = None,
    day: Annotated[Dollars, typer.Option(help="Dollars for each day (UTC), or none.")] = None,
    ever: Annotated[Dollars, typer.Option(help="Dollars for the workspace, or none.")] = None,
) -> None:
    """Set what vendors may be paid; say what they were."""
    from goldsets.store import open_workspace

    ws = open_workspace(workspace)
    wanted: list[tuple[ledger.Scope, Dollars]] = [("job", job), ("day", day), ("workspace", ever)]
    amounts = [(scope, _dollars(given)) for scope, given in wanted if given is not None]
    for scope, usd in amounts:
        ledger.set_budget(ws, scope, usd)
    for line in spending(ws):
        typer.echo(line)


def spending(workspace: Workspace) -> Iterator[str]:
    """Phrase what was spent and the budgets, a line a fact."""
    held = ledger.budgets(workspace)
    words: list[tuple[ledger.Scope, str]] = [("day", "today"), ("workspace", "ever")]
    for scope, when in words:
        spent = ledger.spent(workspace, scope)
        unknown = f" and {count(spent.unknown, 'call')} of unknown price" if spent.unknown else ""
        limit = f", of {money(held[scope])}" if scope in held else ", no budget"
        calls, tokens = count(spent.calls, "call"), count(spent.tokens, "token")
        yield f"{when}: {money(spent.usd)}{unknown}{limit} ({calls}, {tokens})"
    yield f"each job: {money(held['job']) if 'job' in held else 'no budget'}"


def _dollars(given: str) -> float | None:
    if given.strip().lower() == "none":
        return None
    try:
        return float(given.lstrip("$"))
    except ValueError:
        raise InputError(f"{given!r} is no amount of dollars; give a number, or none") from None
