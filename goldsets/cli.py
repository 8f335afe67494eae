"""The command line: documents and gold in, sweeps run, gold out.

Exit codes: 0 done, 2 an error that one sentence on standard error explains; 1 where a command
judges (`probe`) and finds a fault.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from goldsets.budget import budget
from goldsets.diagnosis.commands import diagnose, suggest
from goldsets.generation.commands import generate
from goldsets.outside.commands import export_run, import_run, probe
from goldsets.reporting.commands import check, export_pipeline, import_check, report
from goldsets.terminal import WorkspaceOption, follow, options_of, plainly, tell
from retrieval.errors import InputError

app = typer.Typer(
    help="Pizza Night: which retrieval pipeline finds the right passage, and how sure is that?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
export = typer.Typer(help="Write what is in the workspace to files.", no_args_is_help=True)
app.add_typer(export, name="export")


@app.command()
@plainly
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    corpus: Annotated[str, typer.Option(help="The corpus they belong to.")],
    workspace: WorkspaceOption = None,
    encoding: Annotated[str, typer.Option(help="Of files that are not UTF-8.")] = "utf-8",
    prune: Annotated[bool, typer.Option(help="Leave out documents that are not given.")] = False,
    strict: Annotated[
        bool, typer.Option(help="Stop at the first file that cannot be used.")
    ] = False,
) -> None:
    """Read files or folders into a corpus; a second time only what changed makes a new version."""
    from goldsets.store import open_workspace
    from retrieval.ingest.read import read_paths
    from retrieval.store import corpora

    read = read_paths(paths, encoding=encoding)
    if read.problems and strict:
        raise InputError(f"{read.problems[0]} (without --strict the rest would go in)")
    if not read.documents:
        raise InputError("; ".join(read.problems[:3]) or "no document was found")
    written = corpora.write(open_workspace(workspace), corpus, read.documents, prune=prune)
    typer.echo(
        f"{corpus} v{written.number}: {len(written.added):,} added,"
        f" {len(written.changed):,} changed, {written.unchanged:,} unchanged"
    )
    if written.absent:
        fate = "removed" if prune else "kept (--prune leaves them out)"
        typer.echo(f"{len(written.absent):,} not among what was given, {fate}")
    tell(read.problems)


@app.command("import")
@plainly
def import_(
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="One of docs/formats.md.")],
    path: Annotated[Path, typer.Argument(help="The file or folder.")],
    name: Annotated[str, typer.Option(help="Of the gold set, and of the corpus it brings.")],
    workspace: WorkspaceOption = None,
    corpus: Annotated[str, typer.Option(help="The corpus of gold that brings none.")] = "",
    option: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE for the format, e.g. topics_by=position.")
    ] = None,
    strict: Annotated[
        bool, typer.Option(help="Stop at the first line that cannot be used.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Take out queries that the file does not have.")
    ] = False,
) -> None:
    """Bring in a benchmark or a gold set: documents, queries and judged evidence."""
    from goldsets.bring import bring
    from goldsets.store import open_workspace

    ws, options = open_workspace(workspace), options_of(option)
    lines = bring(ws, format_, path, name, corpus or name, strict, options, prune)
    for line in lines:
        typer.echo(line)


@export.command("goldset")
@plainly
def export_goldset(
    name: Annotated[str, typer.Argument(help="The gold set.")],
    out: Annotated[Path, typer.Option(help="The file (pizza, ragas) or folder (others) to write.")],
    format_: Annotated[
        str, typer.Option("--format", help="pizza, beir, trec, autorag or ragas.")
    ] = "pizza",
    workspace: WorkspaceOption = None,
) -> None:
    """Write a gold set in one of the formats, and count what was written."""
    from goldsets.bring import send
    from goldsets.evaluation.words import mixture
    from goldsets.store import gold, open_workspace

    ws = open_workspace(workspace)
    counts, lost = send(ws, format_, name, out)
    typer.echo(f"{out}: " + ", ".join(f"{n:,} {what}" for what, n in counts.items()))
    made = mixture(gold.read(ws, name).origins)
    tell(filter(None, [*lost, made]))


@app.command("sweep")
@plainly
def sweep_(
    spec: Annotated[Path, typer.Argument(help="YAML with base, grid, measures, baseline.")],
    goldset: Annotated[str, typer.Option(help="The gold set to compare on.")],
    workspace: WorkspaceOption = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what it would do, and stop.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the result as JSON.")] = None,
    version: Annotated[
        int | None, typer.Option(help="Of the corpus; the newest if left out.")
    ] = None,
) -> None:
    """Run every variant of a sweep in a worker process and compare them."""
    from goldsets.evaluation.spec import read_sweep
    from goldsets.launch import start_sweep, sweep_plan
    from goldsets.store import open_workspace, runs

    ws, parsed = open_workspace(workspace), read_sweep(spec)
    if plan:
        for line in sweep_plan(ws, parsed, goldset, version):
            typer.echo(line)
        return
    job = follow(ws, start_sweep(ws, parsed, goldset, version).id)
    result = runs.sweep(ws, job) or {}
    _print_leaderboard(result)
    if out:
        _save(result, out)
    if result["errors"]:
        raise typer.Exit(2)


@app.command()
@plainly
def serve(
    workspace: WorkspaceOption = None,
    port: Annotated[int, typer.Option(help="Where to listen.")] = 8501,
    share: Annotated[
        bool, typer.Option("--share", help="Let the network in: by a passphrase, or --sign-in.")
    ] = False,
    host: Annotated[
        list[str] | None, typer.Option(help="A further name this machine is reached by.")
    ] = None,
    sign_in: Annotated[
        bool, typer.Option("--sign-in", help="Share by signing in (OIDC), without a passphrase.")
    ] = False,
    host_email: Annotated[
        list[str] | None, typer.Option(help="Who is a host when they sign in; once for each.")
    ] = None,
    secrets_file: Annotated[
        Path | None,
        typer.Option("--secrets", help="The secrets.toml of --sign-in, if in no usual place."),
    ] = None,
) -> None:
    """Open the app on this machine; with --share the network comes in by a passphrase or sign-in.

    The passphrase comes from PIZZA_PASSPHRASE, or is asked for; it is kept nowhere. Hosts come in
    by the code that is printed. --sign-in asks the identity provider that stands in
    Streamlit's secrets instead; hosts are those with a --host-email.
    """
    from goldsets import serve as server

    if (sign_in and not share) or ((host_email or secrets_file) and not sign_in):
        raise InputError("--sign-in goes with --share; --host-email and --secrets with --sign-in")
    extra = {} if workspace is None else {"PIZZA_WORKSPACE": str(workspace.resolve())}
    way, names = None, [*server.names_here(), *(host or [])] if share else []
    if sign_in:
        way = server.by_sign_in(host_email or [], secrets_file, port, names)
    elif share:
        passphrase = os.environ.get("PIZZA_PASSPHRASE", "")
        if not passphrase and sys.stdin.isatty():
            passphrase = typer.prompt("Passphrase for tonight", hide_input=True)
        way = server.by_passphrase(passphrase, port, names)
    if way:
        extra |= way.environment
        typer.echo(way.said)
        sys.stdout.flush()
    server.run(server.command(port, way), extra)


@app.command()
@plainly
def sample(workspace: WorkspaceOption = None) -> None:
    """Load the sample: the language reference this Python carries, and its gold set."""
    from goldsets.bring import evidence_lines
    from goldsets.sample import NAME, load
    from goldsets.store import gold, open_workspace

    ws = open_workspace(workspace)
    corpus = load(ws)
    goldset = gold.read(ws, NAME)
    typer.echo(f"{NAME}: {len(corpus):,} documents, {len(goldset.queries):,} queries")
    tell(evidence_lines(goldset, corpus))


app.command()(plainly(budget))
app.command()(plainly(generate))
app.command()(plainly(diagnose))
app.command()(plainly(suggest))
app.command("import-run")(plainly(import_run))
export.command("run")(plainly(export_run))
export.command("pipeline")(plainly(export_pipeline))
app.command()(plainly(probe))
app.command()(plainly(check))
app.command("import-check")(plainly(import_check))
app.command()(plainly(report))


def _save(result: dict[str, Any], out: Path) -> None:
    text = json.dumps(result, ensure_ascii=False, indent=1)
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as e:
        raise InputError(f"cannot be written ({e.strerror})", where=str(out)) from e
    typer.echo(f"{out}: {len(result['variants']):,} variants")


def _print_leaderboard(result: dict[str, Any]) -> None:
    from goldsets.evaluation.words import headline, interval, mended, mixture, ranked, verdict
    from goldsets.outside.words import placed

    measures = result["measures"]
    first = measures[0]
    for row in ranked(result["variants"], first):
        numbers = "  ".join(f"{m} {interval(row['measures'][m])}" for m in measures)
        difference = row["differences"].get(first)
        against = verdict(difference) if difference else "not compared: the baseline failed"
        if row["name"] == result["baseline"]:
            against = "baseline"
        typer.echo(f"{row['name']}\n    {numbers}\n    {first}: {against}")
        for fact in placed(row["placed"]) if row["placed"] else ():
            typer.echo(f"    {fact}")
    for name, error in result["errors"].items():
        typer.echo(f"{name}\n    failed: {error}", err=True)
    tell(mended(result["variants"]))
    stages = result["stages"]
    typer.echo(headline(result, first))
    tell(filter(None, [mixture(result["goldset"]["origins"])]))
    typer.echo(
        f"{stages['computed']} stages computed, {stages['reused']} reused,"
        f" {result['texts_embedded']:,} texts embedded, {result['seconds']} s"
    )
    tell([f"evidence not found in the corpus: {g}" for g in result["goldset"]["gone"]])
    tell([f"evidence edited, counted once confirmed: {e}" for e in result["goldset"]["edited"]])


def main() -> None:
    """Run the command line."""
    app()
