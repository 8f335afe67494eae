"""The commands `pizza import-run`, `pizza export run` and `pizza probe`."""

from pathlib import Path
from typing import Annotated

import typer

from goldsets.terminal import WorkspaceOption, options_of, tell


def import_run(
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="trec, jsonl or parquet.")],
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The run.")],
    goldset: Annotated[str, typer.Option(help="The gold set whose queries it answers.")],
    name: Annotated[str, typer.Option(help="What it is called among the variants.")],
    workspace: WorkspaceOption = None,
    version: Annotated[
        int | None, typer.Option(help="Of the corpus; the newest if left out.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE for the format, e.g. chunks=chunks.jsonl.")
    ] = None,
    strict: Annotated[
        bool, typer.Option(help="Stop at the first line that cannot be used.")
    ] = False,
) -> None:
    """Bring in a run that was made elsewhere, to be compared with pipelines."""
    from goldsets.outside.bring import bring_run, scores
    from goldsets.store import open_workspace

    ws = open_workspace(workspace)
    run, told = bring_run(
        ws,
        format_,
        path,
        goldset,
        name,
        version=version,
        strict=strict,
        options=options_of(option),
    )
    tell(told[1:])
    typer.echo(told[0])
    for line in scores(ws, run):
        typer.echo(f"    {line}")


def export_run(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id, or the name of a variant of a sweep.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    format_: Annotated[str, typer.Option("--format", help="trec, jsonl or parquet.")] = "jsonl",
    workspace: WorkspaceOption = None,
) -> None:
    """Write a run in one of the formats, and count what was written."""
    from goldsets.outside.bring import send_run
    from goldsets.store import open_workspace

    counts = send_run(open_workspace(workspace), format_, run, out)
    typer.echo(f"{out}: " + ", ".join(f"{n:,} {what}" for what, n in counts.items()))


def probe(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the retriever listens.")],
    workspace: WorkspaceOption = None,
    corpus: Annotated[str, typer.Option(help="Look for what it returns in this corpus.")] = "",
    goldset: Annotated[str, typer.Option(help="Ask this gold set's queries.")] = "",
    k: Annotated[int, typer.Option(help="Hits to ask for.")] = 10,
    queries: Annotated[int, typer.Option(help="The most queries to ask.")] = 20,
    token_env: Annotated[
        str, typer.Option(help="The variable of the environment that holds its bearer token.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Test whether a retriever keeps the contract of docs/own-retriever.md.

    Exit codes: 0 it does, 1 it breaks some of it, 2 it could not be asked.
    """
    from goldsets.outside import probe as probing
    from goldsets.store import gold, open_workspace
    from retrieval.errors import InputError
    from retrieval.providers.own import MOST_HITS, Server
    from retrieval.store import corpora

    if not 1 <= k <= MOST_HITS or queries < 1:
        raise InputError(f"--k takes 1 to {MOST_HITS:,}, --queries 1 or more")
    ws = open_workspace(workspace) if corpus or goldset else None
    held = gold.read(ws, goldset) if ws and goldset else None
    name = corpus or (held.corpus if held else "")
    documents = corpora.read(ws, name) if ws and name else None
    server = Server(url, token_env)
    found = probing.probe(server, probing.queries_of(held, documents, queries), k, documents)
    for line in [probing.as_json(found)] if as_json else probing.lines(found):
        typer.echo(line)
    if not found.ok:
        raise typer.Exit(1)
