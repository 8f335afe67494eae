"""What leaves the app: `pizza check`, `import-check`, `report` and `export pipeline`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldsets.terminal import WorkspaceOption, tell
from retrieval.errors import InputError

if TYPE_CHECKING:
    from goldsets.reporting.gate import Checked
    from retrieval.store import Workspace


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


def import_check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="What pizza check --json wrote.")
    ],
    workspace: WorkspaceOption = None,
) -> None:
    """Bring checks that were made elsewhere, in CI say, into a workspace for its dashboard."""
    from goldsets.reporting.history import bring_check
    from goldsets.store import open_workspace

    ws = open_workspace(workspace)
    for path in files:
        brought = bring_check(ws, path)
        at = f"{brought.revision[:10]} {brought.created[:16]}".strip()
        typer.echo(f"{brought.name} {at}: {brought.result['outcome']}")


def report(
    run: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="Ids or variants' names, the baseline first."),
    ] = None,
    workspace: WorkspaceOption = None,
    sweep: Annotated[
        int | None, typer.Option(help="A sweep's number; the newest if no run is named.")
    ] = None,
    measure: Annotated[
        list[str] | None, typer.Option(help="The measures, the one that decides first.")
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="html, md, pdf, csv or json.")] = "",
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("report.html"),
    question: Annotated[str, typer.Option(help="What the report answers, in your words.")] = "",
    language: Annotated[str, typer.Option(help="en or ko.")] = "en",
    seed: Annotated[int, typer.Option(help="Of the queries that are drawn to be read.")] = 0,
    names: Annotated[
        bool, typer.Option("--names", help="Name who judged, not only count.")
    ] = False,
    verify: Annotated[
        Path | None, typer.Option(help="Work the numbers of this report out again; write none.")
    ] = None,
) -> None:
    """Write what was found, for a colleague who was not there; or verify such a report."""
    from goldsets.reporting import facts as gathering
    from goldsets.reporting.report import rendered
    from goldsets.store import open_workspace
    from retrieval.store.workspace import now

    ws = open_workspace(workspace)
    if verify:
        _verify(ws, verify)
        return
    asked = gathering.asked_of(
        ws, run or (), sweep, measure or (), question=question, names=names, seed=seed
    )
    found = gathering.facts(ws, asked, now())
    form = format_ or out.suffix.removeprefix(".") or "html"
    _write(out, rendered(found, form, language))
    typer.echo(
        f"{out}: {len(found['variants']):,} pipelines, {found['goldset']['queries']:,} queries"
    )


def export_pipeline(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id, or the name of a variant of a sweep.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write: .yaml, .json or .py.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Write a run's pipeline as its spec, or as a Python program that searches a folder with it."""
    from goldsets.reporting.snippet import FORMS, as_python, as_spec
    from goldsets.store import open_workspace, runs
    from retrieval.errors import one_of

    held = runs.find(open_workspace(workspace), run)
    if out.suffix not in FORMS:
        raise InputError(
            f"cannot be {out.suffix or 'without an ending'}{one_of(out.suffix, FORMS)}"
        )
    _write(out, as_python(held) if out.suffix == ".py" else as_spec(held, out.suffix))
    typer.echo(f"{out}: {held.variant}")


def _verify(workspace: "Workspace", path: Path) -> None:
    from goldsets.evaluation.words import count
    from goldsets.reporting.report import altered, read_report
    from goldsets.reporting.verify import verify

    found = read_report(path)
    different = [*verify(workspace, found), *altered(path, found)]
    if different:
        tell(different)
        typer.echo(f"{path.name}: {count(len(different), 'number')} differ")
        raise typer.Exit(1)
    typer.echo(f"{path.name}: every number is as it was")


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


def _write(path: Path, content: str | bytes) -> None:
    try:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    except OSError as e:
        raise InputError(f"cannot be written ({e.strerror})", where=str(path)) from e
