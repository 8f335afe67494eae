"""The command `pizza check`: a gate for continuous integration."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldsets.terminal import WorkspaceOption, tell
from retrieval.errors import InputError

if TYPE_CHECKING:
    from goldsets.reporting.gate import Checked


def check(
    gate: Annotated[Path, typer.Argument(help="YAML with documents, goldset, pipeline, rules.")],
    workspace: WorkspaceOption = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write all of it here.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write a summary for a pull request here.")
    ] = None,
    accept: Annotated[
        bool,
        typer.Option("--accept", help="Take what is found as the new baseline; judge nothing."),
    ] = False,
) -> None:
    """Judge a checkout's retrieval by rules: exit 0 pass, 1 fail, 2 error, 3 cannot tell."""
    from goldsets.reporting import gate as gates
    from goldsets.reporting import gate_said

    asked = gates.read_gate(gate)
    if accept:
        typer.echo(_accept(gates.check(asked, workspace, accepting=True)))
        return
    checked = gates.check(asked, workspace)
    found = gate_said.as_json(checked)
    gate_said.keep(checked, found, workspace)
    for line in gate_said.as_text(checked):
        typer.echo(line)
    if as_json:
        _write(as_json, json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    if junit:
        _write(junit, gate_said.as_junit(checked))
    if markdown:
        _write(markdown, gate_said.as_markdown(checked))
    if checked.exit_code:
        raise typer.Exit(checked.exit_code)


def _accept(checked: "Checked") -> str:
    from goldsets.evaluation.words import count
    from goldsets.reporting.baseline import write_baseline

    path = checked.gate.baseline
    if not isinstance(path, Path):
        raise InputError("--accept writes a file; name one: baseline: baseline.jsonl")
    about = {"pipeline": dict(checked.run.spec), "gold": checked.gold.version}
    number = write_baseline(path, checked.gold, checked.values, about)
    tell(checked.notes)
    return f"{path.name}: {count(number, 'query', 'queries')}; commit it with what made it"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as e:
        raise InputError(f"cannot be written ({e.strerror})", where=str(path)) from e
